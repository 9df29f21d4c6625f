/** What a join forgets: rows that are taken back, that are too old, or whose window is over. */
import type { Records } from './records.ts';
import type { Table } from './table.ts';

export interface JoinSide {
  readonly records: Records;
  /** Cells of the table: the first and the last row of the side. */
  readonly first: number;
  readonly last: number;
}

const NEXT = 0;
const TIME = 1;
/** A look over all rows for old ones comes after this part of their time to live. */
const SWEEPS = 8;

/** Rows and the keys they belong to, first in, first out: a ring of two numbers each. */
class HeldRows {
  #ring = new Float64Array(2 * 1024);
  #from = 0;
  size = 0;

  get row(): number {
    return this.#ring[this.#from] as number;
  }

  get at(): number {
    return this.#ring[this.#from + 1] as number;
  }

  add(row: number, at: number): void {
    if (2 * this.size === this.#ring.length) this.#grow();
    const to = (this.#from + 2 * this.size++) % this.#ring.length;
    this.#ring[to] = row;
    this.#ring[to + 1] = at;
  }

  drop(): void {
    this.#from = (this.#from + 2) % this.#ring.length;
    this.size--;
  }

  #grow(): void {
    const ring = new Float64Array(2 * this.#ring.length);
    ring.set(this.#ring.subarray(this.#from));
    ring.set(this.#ring.subarray(0, this.#from), this.#ring.length - this.#from);
    this.#ring = ring;
    this.#from = 0;
  }

  get sizeBytes(): number {
    return this.#ring.byteLength;
  }
}

export class JoinMemory {
  readonly #table: Table;
  readonly #sides: readonly JoinSide[];
  /** The cell of a key that is the end of a window, or -1. */
  readonly #endCell: number;
  readonly #held = [new HeldRows(), new HeldRows()] as const;
  #firstEndMs = Infinity;
  #sweptMs = -Infinity;

  constructor(table: Table, sides: readonly JoinSide[], endCell: number) {
    this.#table = table;
    this.#sides = sides;
    this.#endCell = endCell;
  }

  /** A row of a window that ends then. */
  sees(endMs: number): void {
    if (endMs < this.#firstEndMs) this.#firstEndMs = endMs;
  }

  /** Forgets windows that end then or earlier. */
  closeWindows(untilMs: number): void {
    if (this.#firstEndMs > untilMs) return;
    this.#firstEndMs = Infinity;
    const { cells, stride } = this.#table;
    for (let at = stride; at < this.#table.top; at += stride) {
      if (!this.#table.isLive(at)) continue;
      const endMs = cells[at + this.#endCell] as number;
      if (endMs > untilMs) {
        this.sees(endMs);
        continue;
      }
      for (const { records, first } of this.#sides) {
        for (let row = cells[at + first] as number; row !== 0;) {
          const next = records.cells[row + NEXT] as number;
          records.release(row);
          row = next;
        }
      }
      this.#table.remove(at);
    }
  }

  /** Forgets rows that are expired for all rows to come. */
  expire(watermarkMs: number, ttlMs: number): void {
    if (watermarkMs === Infinity || !(watermarkMs >= this.#sweptMs + ttlMs / SWEEPS)) return;
    this.#sweptMs = watermarkMs;
    const untilMs = watermarkMs - ttlMs - 1;
    const { stride } = this.#table;
    for (let at = stride; at < this.#table.top; at += stride) {
      if (!this.#table.isLive(at)) continue;
      for (const [side, { records, first }] of this.#sides.entries()) {
        let before = 0;
        for (let row = this.#table.cells[at + first] as number; row !== 0;) {
          const next = records.cells[row + NEXT] as number;
          if ((records.cells[row + TIME] as number) <= untilMs) this.unlink(at, side, before, row);
          else before = row;
          row = next;
        }
      }
      this.forgetEmpty(at);
    }
  }

  /** Remembers when to forget a row of a side: its TIME says until when it is held. */
  hold(place: number, row: number, at: number): void {
    (this.#held[place] as HeldRows).add(row, at);
  }

  /** Forgets rows of a side that are held until then or earlier, in the order in which they came. */
  forgetHeld(place: number, untilMs: number): void {
    const { records, first } = this.#sides[place] as JoinSide;
    const held = this.#held[place] as HeldRows;
    while (held.size > 0 && (records.cells[held.row + TIME] as number) <= untilMs) {
      const { row, at } = held;
      let before = 0;
      for (let each = this.#table.cells[at + first] as number; each !== row;) {
        before = each;
        each = records.cells[each + NEXT] as number;
      }
      this.unlink(at, place, before, row);
      this.forgetEmpty(at);
      held.drop();
    }
  }

  /** Takes a row out of its chain. */
  unlink(at: number, side: number, before: number, row: number): void {
    const { records, first, last } = this.#sides[side] as JoinSide;
    const { cells } = this.#table;
    const next = records.cells[row + NEXT] as number;
    if (before === 0) cells[at + first] = next;
    else records.cells[before + NEXT] = next;
    if (next === 0) cells[at + last] = before;
    records.release(row);
  }

  forgetEmpty(at: number): void {
    const { cells } = this.#table;
    if (this.#sides.every(({ first }) => cells[at + first] === 0)) this.#table.remove(at);
  }

  maintain(): void {
    for (const { records } of this.#sides) records.maintain();
  }

  get sizeBytes(): number {
    const held = this.#held.reduce((sum, rows) => sum + rows.sizeBytes, 0);
    return this.#sides.reduce((sum, { records }) => sum + records.sizeBytes, this.#table.sizeBytes + held);
  }
}

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

export class JoinMemory {
  readonly #table: Table;
  readonly #sides: readonly JoinSide[];
  /** The cell of a key that is the end of a window, or -1. */
  readonly #endCell: number;
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
    return this.#sides.reduce((sum, { records }) => sum + records.sizeBytes, this.#table.sizeBytes);
  }
}

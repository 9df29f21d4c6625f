/** Saves the rows of a generated top as the entries that `operators/top.ts` keeps, and makes the partitions again from these. */
import { encodeKey } from '../../data/key.ts';
import type { Row } from '../../data/value.ts';
import type { Evaluate } from '../../expr/evaluate.ts';
import { itemKey, serialOf } from '../../operators/saved-items.ts';
import { SpilledKeys } from '../../operators/spilled-keys.ts';
import type { Batch, Entry } from '../../state/store.ts';
import { LISTED, SAVED } from './saved-bits.ts';
import { SavedRows, type SavedRowsSpec } from './saved-rows.ts';
import { Touched } from './touched.ts';

export interface TopMemorySpec extends SavedRowsSpec {
  readonly prefix: Buffer;
  readonly order: readonly { readonly by: Evaluate; readonly descending: boolean }[];
  /** Cells of a partition: how many rows, the first of them, the first that was shown; its bits, see saved-bits.ts. */
  readonly countCell: number;
  readonly placeCell: number;
  readonly shownCell: number;
  readonly savedCell: number;
  /** Cells of a row: whether it was shown, its order, its number among all, whether the store has it. */
  readonly isShownCell: number;
  readonly orderCell: number;
  readonly serialCell: number;
  readonly isSavedCell: number;
}

/** All rows are ordered by arrival: generated code refuses the others. */
const BY_ARRIVAL = 0;

export class TopMemory {
  /** Partitions that have to be saved. */
  readonly unsaved = new Touched();
  /** The number of the last row. */
  serial = 0;
  readonly #spec: TopMemorySpec;
  readonly #rows: SavedRows;
  readonly #index: SpilledKeys;
  readonly #gone: Buffer[] = [];

  constructor(spec: TopMemorySpec) {
    this.#spec = spec;
    this.#rows = new SavedRows(spec);
    this.#index = new SpilledKeys(spec.prefix, -1);
  }

  /** A row of a partition is not among the first any more. */
  fell(at: number, record: number): void {
    const { prefix, rows, isSavedCell, serialCell } = this.#spec;
    if (rows.cells[record + isSavedCell] !== 1) return;
    const id = encodeKey(this.#rows.keyAt(at), prefix);
    this.#gone.push(itemKey(id, BY_ARRIVAL, rows.cells[record + serialCell] as number));
  }

  persist(batch: Batch): void {
    const { prefix, table, savedCell } = this.#spec;
    for (const key of this.#gone) batch.delete(key);
    this.#gone.length = 0;
    for (let j = 0; j < this.unsaved.n; j++) {
      const at = this.unsaved.list[j] as number;
      const key = this.#rows.keyAt(at);
      if (((table.cells[at + savedCell] as number) & SAVED) === 0) this.#index.stored(key, 1);
      table.cells[at + savedCell] = SAVED;
      this.#persistRows(batch, at, encodeKey(key, prefix));
    }
    this.unsaved.n = 0;
    this.#index.persist(batch, this.serial);
  }

  #persistRows(batch: Batch, at: number, id: Buffer): void {
    const { table, rows, countCell, placeCell, serialCell, isSavedCell } = this.#spec;
    const count = table.cells[at + countCell] as number;
    for (let place = 0; place < count; place++) {
      const record = table.cells[at + placeCell + place] as number;
      if (rows.cells[record + isSavedCell] === 1) continue;
      rows.cells[record + isSavedCell] = 1;
      const serial = rows.cells[record + serialCell] as number;
      batch.put(itemKey(id, BY_ARRIVAL, serial), JSON.stringify(this.#rows.rowAt(at, record)));
    }
  }

  /** REQUIRES the rows of a partition in the order in which they came. */
  restore(entries: Iterable<Entry>): void {
    const { table, rows, order, isShownCell, orderCell, serialCell, isSavedCell, savedCell } = this.#spec;
    for (const { key: entryKey, value } of entries) {
      const row = JSON.parse(value.toString()) as Row;
      const key = this.#rows.keyOf(row);
      const at = this.#rows.upsert(key);
      if (((table.cells[at + savedCell] as number) & (LISTED | SAVED)) === 0) this.#index.stored(key, 1);
      table.cells[at + savedCell] = SAVED;
      const record = this.#rows.put(row);
      const { cells } = rows;
      const serial = serialOf(entryKey);
      this.serial = Math.max(this.serial, serial);
      cells[record + isShownCell] = 1;
      cells[record + serialCell] = serial;
      cells[record + isSavedCell] = 1;
      for (const [index, { by }] of order.entries())
        cells[record + orderCell + index] = (by(row) ?? -Infinity) as number;
      this.#place(at, record);
    }
  }

  /** Puts a row in its place, behind those that are equal; all of them were shown. */
  #place(at: number, record: number): void {
    const { table, countCell, placeCell, shownCell } = this.#spec;
    const { cells } = table;
    let place = cells[at + countCell] as number;
    cells[at + countCell] = place + 1;
    for (; place > 0 && this.#isBefore(record, cells[at + placeCell + place - 1] as number); place--) {
      const moved = cells[at + placeCell + place - 1] as number;
      cells[at + placeCell + place] = moved;
      cells[at + shownCell + place] = moved;
    }
    cells[at + placeCell + place] = record;
    cells[at + shownCell + place] = record;
  }

  #isBefore(record: number, other: number): boolean {
    const { rows, order, orderCell } = this.#spec;
    for (const [index, { descending }] of order.entries()) {
      const own = rows.cells[record + orderCell + index] as number;
      const its = rows.cells[other + orderCell + index] as number;
      if (own !== its) return descending ? own > its : own < its;
    }
    return false;
  }
}

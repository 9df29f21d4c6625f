/** Saves the keys of a generated dedupe as the entries that `operators/dedupe.ts` keeps, and makes them again from these. */
import { encodeKey } from '../../data/key.ts';
import type { Row } from '../../data/value.ts';
import type { Evaluate } from '../../expr/evaluate.ts';
import { itemKey } from '../../operators/saved-items.ts';
import { SpilledKeys } from '../../operators/spilled-keys.ts';
import type { Batch, Entry } from '../../state/store.ts';
import { SAVED } from './saved-bits.ts';
import { SavedRows, type SavedRowsSpec } from './saved-rows.ts';
import { Touched } from './touched.ts';

export interface DedupeMemorySpec extends SavedRowsSpec {
  readonly prefix: Buffer;
  /** Cells of a key: its time, or -1; the record of its row; the one that was shown, or -1; its bits, see saved-bits.ts. */
  readonly timeCell: number;
  readonly currentCell: number;
  readonly shownCell: number;
  readonly savedCell: number;
  /** By time: the time of a row. */
  readonly timeOf: Evaluate | null;
}

/** A key has one entry: kind and serial are of no use. */
const ONLY = [0, 0] as const;

export class DedupeMemory {
  /** Keys that have to be saved. */
  readonly unsaved = new Touched();
  readonly #spec: DedupeMemorySpec;
  readonly #rows: SavedRows;
  readonly #index: SpilledKeys;

  constructor(spec: DedupeMemorySpec) {
    this.#spec = spec;
    this.#rows = new SavedRows(spec);
    this.#index = new SpilledKeys(spec.prefix, -1);
  }

  persist(batch: Batch): void {
    const { prefix, table, rows, currentCell, shownCell, savedCell } = this.#spec;
    const { cells } = table;
    for (let j = 0; j < this.unsaved.n; j++) {
      const at = this.unsaved.list[j] as number;
      const key = this.#rows.keyAt(at);
      if (((cells[at + savedCell] as number) & SAVED) === 0) this.#index.stored(key, 1);
      cells[at + savedCell] = SAVED;
      const record = cells[at + currentCell] as number;
      const saved = [this.#rows.rowAt(at, record), true, 0];
      batch.put(itemKey(encodeKey(key, prefix), ...ONLY), JSON.stringify(saved));
      if (shownCell >= 0) continue;
      // The first to arrive stays for ever, so nobody asks for its row again.
      rows.release(record);
      cells[at + currentCell] = 0;
    }
    this.unsaved.n = 0;
    this.#index.persist(batch, {});
  }

  restore(entries: Iterable<Entry>): void {
    const { table, timeCell, currentCell, shownCell, savedCell, timeOf } = this.#spec;
    for (const { value } of entries) {
      const [row] = JSON.parse(value.toString()) as [Row];
      const key = this.#rows.keyOf(row);
      const at = this.#rows.upsert(key);
      this.#index.stored(key, 1);
      const record = shownCell < 0 ? 0 : this.#rows.put(row);
      const { cells } = table;
      cells[at + savedCell] = SAVED;
      if (timeCell >= 0) cells[at + timeCell] = (timeOf?.(row) ?? -Infinity) as number;
      if (shownCell < 0) continue;
      cells[at + currentCell] = record;
      cells[at + shownCell] = record;
    }
  }
}

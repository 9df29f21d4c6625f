/** Saves the sessions of generated code as the entries that `operators/session.ts` keeps, and makes them again from these. */
import { encodeKey } from '../../data/key.ts';
import type { Row, Value, WindowValue } from '../../data/value.ts';
import { recordKeyOf } from '../../operators/group-state.ts';
import { SpilledKeys } from '../../operators/spilled-keys.ts';
import { TimeIndex } from '../../operators/time-index.ts';
import type { Batch, Entry } from '../../state/store.ts';
import { type Layout, valueIn, writeValue } from './cells.ts';
import type { Records } from './records.ts';
import { LISTED, SAVED } from './saved-bits.ts';
import { restorePart, savedPart } from './saved-parts.ts';
import type { SessionQueue } from './session-queue.ts';
import type { AggregatePart } from './stages/accumulators.ts';
import type { Table } from './table.ts';
import type { Texts } from './texts.ts';
import { Touched } from './touched.ts';

export interface SessionMemorySpec {
  readonly prefix: Buffer;
  readonly texts: Texts;
  readonly table: Table;
  readonly sessions: Records;
  readonly queue: SessionQueue;
  /** The keys but for the window, in order, and where that stands among them. */
  readonly keys: Layout;
  readonly windowIndex: number;
  readonly parts: readonly AggregatePart[];
  /** Of a key: its first session. Of a session: the next, its window, its key, its rows, its number, its bits, its end as saved. */
  readonly headCell: number;
  readonly cells: {
    readonly next: number;
    readonly start: number;
    readonly end: number;
    readonly key: number;
    readonly rows: number;
    readonly serial: number;
    readonly saved: number;
    readonly savedEnd: number;
  };
  /** What a new session holds from the first cell of its aggregates on. */
  readonly first: number;
  readonly template: readonly number[];
}

export class SessionMemory {
  /** Sessions that have to be saved. */
  readonly unsaved = new Touched();
  readonly #spec: SessionMemorySpec;
  readonly #gone: Buffer[] = [];
  readonly #index: SpilledKeys;
  readonly #times: TimeIndex;

  constructor(spec: SessionMemorySpec) {
    this.#spec = spec;
    this.#index = new SpilledKeys(spec.prefix, -1);
    this.#times = new TimeIndex(spec.prefix);
  }

  /** A number that no other session of the key has. */
  serialOf(key: number): number {
    const { table, sessions, headCell, cells } = this.#spec;
    let largest = 0;
    for (let s = table.cells[key + headCell] as number; s !== 0; s = sessions.cells[s + cells.next] as number)
      largest = Math.max(largest, sessions.cells[s + cells.serial] as number);
    return largest + 1;
  }

  /** A session goes. REQUIRES that its key is there. */
  forget(at: number): void {
    const { sessions, cells } = this.#spec;
    if (((sessions.cells[at + cells.saved] as number) & SAVED) === 0) return;
    const id = this.#idOf(at);
    this.#gone.push(recordKeyOf(this.#spec.prefix, id));
    this.#times.remove(sessions.cells[at + cells.savedEnd] as number, id);
    this.#index.stored([], -1);
  }

  #valuesOf(at: number, window: WindowValue | null): Value[] {
    const { keys, table, sessions, cells, texts, windowIndex } = this.#spec;
    const key = sessions.cells[at + cells.key] as number;
    const values: Value[] = keys.columns.map((column) => valueIn(column, table.cells, key, texts));
    values.splice(windowIndex, 0, window);
    return values;
  }

  #idOf(at: number): Buffer {
    const { sessions, cells } = this.#spec;
    return encodeKey([...this.#valuesOf(at, null), sessions.cells[at + cells.serial] as number]);
  }

  persist(batch: Batch): void {
    const { prefix, sessions, cells, parts, texts } = this.#spec;
    // First, since a session that begins may have the number of one that went.
    for (const key of this.#gone) batch.delete(key);
    this.#gone.length = 0;
    const own = sessions.cells;
    for (let j = 0; j < this.unsaved.n; j++) {
      const at = this.unsaved.list[j] as number;
      // A session that went may be another by now, and be listed twice.
      if (!sessions.isLive(at) || ((own[at + cells.saved] as number) & LISTED) === 0) continue;
      const isNew = ((own[at + cells.saved] as number) & SAVED) === 0;
      own[at + cells.saved] = SAVED;
      const window = [own[at + cells.start] as number, own[at + cells.end] as number] as const;
      const id = this.#idOf(at);
      this.#indexAt(at, id, isNew);
      const record = [this.#valuesOf(at, window), own[at + cells.rows], own[at + cells.serial]];
      const saved = parts.map((part) => savedPart(part, own, at, texts));
      batch.put(recordKeyOf(prefix, id), JSON.stringify([record, saved]));
    }
    this.unsaved.n = 0;
    this.#times.persist(batch);
    this.#index.persist(batch, {});
  }

  /** The index has a session at its end. */
  #indexAt(at: number, id: Buffer, isNew: boolean): void {
    const { sessions, cells } = this.#spec;
    const own = sessions.cells;
    const endMs = own[at + cells.end] as number;
    const savedMs = own[at + cells.savedEnd] as number;
    if (!isNew && savedMs === endMs) return;
    if (isNew) this.#index.stored([], 1);
    else this.#times.remove(savedMs, id);
    this.#times.add(endMs, id, this.#valuesOf(at, null));
    own[at + cells.savedEnd] = endMs;
  }

  /** `isIndexed`: false for entries of an earlier version, which kept no index. */
  restore(entries: Iterable<Entry>, isIndexed: boolean): void {
    const { keys, table, sessions, queue, texts, windowIndex, headCell, cells } = this.#spec;
    const { first, template, parts } = this.#spec;
    for (const { value } of entries) {
      const [[key, rows, serial], saved] = JSON.parse(value.toString()) as [[Row, number, number], unknown[]];
      const words: number[] = [];
      const values = key.toSpliced(windowIndex, 1);
      for (const [index, column] of keys.columns.entries())
        writeValue(column, values[index] ?? null, words, column.cell, texts);
      const of = table.upsert(...(words.length === 0 ? [0] : words));
      const at = sessions.alloc();
      const own = sessions.cells;
      for (const [cell, initial] of template.entries()) own[at + first + cell] = initial;
      const [startMs, endMs] = key[windowIndex] as WindowValue;
      own[at + cells.next] = table.cells[of + headCell] as number;
      own[at + cells.start] = startMs;
      own[at + cells.end] = endMs;
      own[at + cells.key] = of;
      own[at + cells.rows] = rows;
      own[at + cells.serial] = serial;
      own[at + cells.saved] = SAVED;
      own[at + cells.savedEnd] = endMs;
      this.#index.stored([], 1);
      if (!isIndexed) this.#times.add(endMs, this.#idOf(at), this.#valuesOf(at, null));
      for (const [index, part] of parts.entries()) restorePart(part, saved[index], own, at, texts);
      table.cells[of + headCell] = at;
      queue.add(endMs, at);
    }
  }
}

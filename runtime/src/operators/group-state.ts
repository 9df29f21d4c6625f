/**
 * What groups and sessions have in common: a key, accumulators, the row that was handed on for them, and how they are
 * stored.
 *
 *   <prefix> <id> 0x00                        →  the record: key, facts about the group, saved accumulators
 *   <prefix> <id> 0x01 <aggregate> <member>   →  one member of an accumulator, such as a different value
 */
import { nameOfKey } from '../data/key.ts';
import type { Row } from '../data/value.ts';
import { RowError } from '../expr/functions.ts';
import type { Batch, Entry } from '../state/store.ts';
import { type Accumulator, resultsOf } from './accumulators.ts';
import type { Members } from './multiset.ts';
import type { Collector, OnRowError } from './operator.ts';

const RECORD = 0;
const MEMBER = 1;
const BEYOND = 2;

export interface Group {
  /** The key columns of its row. */
  readonly key: Row;
  readonly accumulators: readonly Accumulator[];
  /** How many rows it has. It is there while it has any. */
  rows: number;
  /** The row that was handed on last; null when there is none. */
  shown: Row | null;
  /** Whether its row could not be computed when it was shown last. */
  isFailing: boolean;
  /** The key of its record in the store; null while the store does not have it. */
  recordKey: Buffer | null;
  /** Whether it was forgotten; queues may still hold it. */
  isGone: boolean;
}

/** Hands on the rows of groups. A row that cannot be computed is reported once, and nothing stands in its place. */
export class GroupRows {
  readonly #next: Collector;
  readonly #onError: OnRowError;

  constructor(next: Collector, onError: OnRowError) {
    this.#next = next;
    this.#onError = onError;
  }

  /** Replaces the row that was handed on by the one of now, unless they are equal. */
  show(group: Group): void {
    const row = this.#rowOf(group);
    const { shown } = group;
    if (shown !== null && row !== null && isSame(shown, row)) return;
    if (shown !== null) this.#next.push(shown, -1, null);
    if (row !== null) this.#next.push(row, 1, null);
    group.shown = row;
  }

  takeBack(row: Row): void {
    this.#next.push(row, -1, null);
  }

  #rowOf(group: Group): Row | null {
    if (group.rows <= 0) return null;
    try {
      const row = [...group.key, ...resultsOf(group.accumulators)];
      group.isFailing = false;
      return row;
    } catch (error) {
      if (!(error instanceof RowError)) throw error;
      if (!group.isFailing) this.#onError(error, null, group.key);
      group.isFailing = true;
      return null;
    }
  }

  /** What `show` had handed on for a group that was restored. */
  recall(group: Group): void {
    try {
      group.shown = [...group.key, ...resultsOf(group.accumulators)];
    } catch (error) {
      if (!(error instanceof RowError)) throw error;
      group.isFailing = true;
    }
  }
}

function isSame(a: Row, b: Row): boolean {
  return a.every((value, index) => {
    const other = b[index] ?? null;
    return value === other || (typeof value === 'object' && nameOfKey([value]) === nameOfKey([other]));
  });
}

/** Writes and reads groups. `record` is JSON; `idOf` never changes for a group and is no prefix of another's. */
export class GroupStore<G extends Group> {
  readonly #prefix: Buffer;
  readonly #idOf: (group: G) => Buffer;
  readonly #recordOf: (group: G) => readonly unknown[];
  readonly #changed = new Set<G>();
  readonly #forgotten: Buffer[] = [];

  constructor(prefix: Buffer, idOf: (group: G) => Buffer, recordOf: (group: G) => readonly unknown[]) {
    this.#prefix = prefix;
    this.#idOf = idOf;
    this.#recordOf = recordOf;
  }

  change(group: G): void {
    this.#changed.add(group);
  }

  forget(group: G): void {
    group.isGone = true;
    this.#changed.delete(group);
    if (group.recordKey !== null) this.#forgotten.push(group.recordKey);
  }

  persist(batch: Batch): void {
    // First, since a group that begins anew has the id of the one before it.
    for (const key of this.#forgotten) batch.deleteRange({ gte: key, lt: tagged(key, BEYOND) });
    this.#forgotten.length = 0;
    for (const group of this.#changed) {
      const { accumulators } = group;
      const key = (group.recordKey ??= Buffer.concat([this.#prefix, this.#idOf(group), Buffer.of(RECORD)]));
      const saved = accumulators.map((accumulator) => accumulator.save());
      batch.put(key, JSON.stringify([this.#recordOf(group), saved]));
      for (let index = 0; index < accumulators.length; index++) {
        const members = accumulators[index]?.members ?? null;
        if (members !== null) persistMembers(members, tagged(key, MEMBER, index), batch);
      }
    }
    this.#changed.clear();
  }

  /** Makes every group again. REQUIRES entries in the order of their keys. */
  restore(
    entries: Iterable<Entry>,
    make: (record: readonly unknown[], saved: readonly unknown[]) => G,
  ): readonly G[] {
    const groups: G[] = [];
    let group: G | undefined;
    let id: Buffer = Buffer.alloc(0);
    for (const { key, value } of entries) {
      const rest = key.subarray(this.#prefix.length);
      if (group !== undefined && rest[id.length] === MEMBER && rest.subarray(0, id.length).equals(id)) {
        const index = rest.readUInt16BE(id.length + 1);
        group.accumulators[index]?.members?.restore(rest.subarray(id.length + 3), value);
        continue;
      }
      const [record, saved] = JSON.parse(value.toString()) as [unknown[], unknown[]];
      group = make(record, saved);
      group.recordKey = Buffer.from(key);
      id = group.recordKey.subarray(this.#prefix.length, -1);
      groups.push(group);
    }
    return groups;
  }
}

/** The key of a record with another tag, and perhaps the number of an aggregate behind it. */
function tagged(recordKey: Buffer, tag: number, index?: number): Buffer {
  const key = Buffer.alloc(recordKey.length + (index === undefined ? 0 : 2));
  recordKey.copy(key);
  key[recordKey.length - 1] = tag;
  if (index !== undefined) key.writeUInt16BE(index, recordKey.length);
  return key;
}

function persistMembers(members: Members, prefix: Buffer, batch: Batch): void {
  for (const [name, value] of members.takeChanges()) {
    const key = Buffer.concat([prefix, name]);
    if (value === null) batch.delete(key);
    else batch.put(key, value);
  }
}

/** The fields of a group without rows. */
export function emptyGroup(key: Row, accumulators: readonly Accumulator[]): Group {
  return { key, accumulators, rows: 0, shown: null, isFailing: false, recordKey: null, isGone: false };
}

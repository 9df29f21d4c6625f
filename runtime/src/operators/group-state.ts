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
import type { Batch, Entry, Range } from '../state/store.ts';
import { type Accumulator, resultsOf } from './accumulators.ts';
import type { Members } from './multiset.ts';
import type { Collector, OnRowError } from './operator.ts';

const RECORD = 0;
const MEMBER = 1;
const BEYOND = 2;

/** What stands behind the id of a group: its record, or its members. */
export const RECORD_TAGS = { record: RECORD, member: MEMBER } as const;

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
  /** The key of its record in the store, as Latin-1, which takes the least memory; null while the store does not have it. */
  recordKey: string | null;
  /** Whether it was forgotten; queues may still hold it. */
  isGone: boolean;
  /** In which a row touched it last. */
  epoch: number;
  /** An estimate of what it takes in memory. */
  bytes: number;
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
  /** Told when the store will have a group that it had not, or the other way round. */
  readonly #onStored: (group: G, change: 1 | -1) => void;
  readonly #changed = new Set<G>();
  readonly #forgotten: Range[] = [];
  readonly #memory = new GroupMemory();

  constructor(
    prefix: Buffer,
    {
      idOf,
      recordOf,
      onStored = () => {},
    }: {
      readonly idOf: (group: G) => Buffer;
      readonly recordOf: (group: G) => readonly unknown[];
      readonly onStored?: (group: G, change: 1 | -1) => void;
    },
  ) {
    this.#prefix = prefix;
    this.#idOf = idOf;
    this.#recordOf = recordOf;
    this.#onStored = onStored;
  }

  /** An estimate of what the saved groups take in memory. */
  get memoryBytes(): number {
    return this.#memory.bytes;
  }

  change(group: G): void {
    this.#changed.add(group);
  }

  forget(group: G): void {
    this.drop(group);
    this.#changed.delete(group);
    if (group.recordKey === null) return;
    this.forgetRange(rangeOf(bytesOf(group.recordKey)));
    this.#onStored(group, -1);
  }

  /** Forgets what the store has there. REQUIRES that no group of the range is left in memory. */
  forgetRange(range: Range): void {
    this.#forgotten.push(range);
  }

  /** A group leaves memory; the store keeps it. */
  drop(group: G): void {
    group.isGone = true;
    this.#memory.remove(group);
  }

  persist(batch: Batch): void {
    // First, since a group that begins anew has the id of the one before it.
    for (const range of this.#forgotten) batch.deleteRange(range);
    this.#forgotten.length = 0;
    for (const group of this.#changed) {
      const { accumulators } = group;
      const key = this.#keyOf(group);
      const saved = accumulators.map((accumulator) => accumulator.save());
      const record = JSON.stringify([this.#recordOf(group), saved]);
      batch.put(key, record);
      for (let index = 0; index < accumulators.length; index++) {
        const members = accumulators[index]?.members ?? null;
        if (members !== null) persistMembers(members, tagged(key, MEMBER, index), batch);
      }
      this.#memory.measure(group, key.length + record.length);
    }
    this.#changed.clear();
  }

  #keyOf(group: G): Buffer {
    if (group.recordKey !== null) return bytesOf(group.recordKey);
    const key = recordKeyOf(this.#prefix, this.#idOf(group));
    group.recordKey = key.toString('latin1');
    this.#onStored(group, 1);
    return key;
  }

  /**
   * Makes the groups of these entries again and returns them; `make` refuses one by null. REQUIRES entries in the order of
   * their keys.
   */
  restore(
    entries: Iterable<Entry>,
    make: (record: readonly unknown[], saved: readonly unknown[]) => G | null,
  ): readonly G[] {
    const sizes = new Map<G, number>();
    const gone = new Set(this.#forgotten.map(({ gte }) => gte.toString('latin1')));
    let id: Buffer | null = null;
    let group: G | null = null;
    for (const { key, value } of entries) {
      const rest = key.subarray(this.#prefix.length);
      if (id !== null && rest[id.length] === MEMBER && rest.subarray(0, id.length).equals(id)) {
        if (group === null) continue;
        const index = rest.readUInt16BE(id.length + 1);
        group.accumulators[index]?.members?.restore(rest.subarray(id.length + 3), value);
        continue;
      }
      id = this.#idIn(key);
      const recordKey = key.toString('latin1');
      // What was forgotten since the last commit is not there any more.
      if (gone.size > 0 && gone.has(recordKey)) group = null;
      else group = make(...(JSON.parse(value.toString()) as [unknown[], unknown[]]));
      if (group === null) continue;
      group.recordKey = recordKey;
      sizes.set(group, key.length + value.length);
    }
    for (const [each, recordBytes] of sizes) this.#memory.measure(each, recordBytes);
    return [...sizes.keys()];
  }

  #idIn(recordKey: Buffer): Buffer {
    return recordKey.subarray(this.#prefix.length, -1);
  }
}

const bytesOf = (recordKey: string): Buffer => Buffer.from(recordKey, 'latin1');

export function recordKeyOf(prefix: Buffer, id: Buffer): Buffer {
  return Buffer.concat([prefix, id, Buffer.of(RECORD)]);
}

/** The record of a group and its members. */
export function rangeOf(recordKey: Buffer): Range {
  return { gte: recordKey, lt: tagged(recordKey, BEYOND) };
}

/** What a group takes in memory beside its texts and numbers, and each of its aggregates: measured. */
const GROUP_BYTES = 420;
const AGGREGATE_BYTES = 200;
/** How much more a value takes in memory than in its encoding. */
const VALUE_FACTOR = 2;

/** Estimates what groups take in memory, from what they take in the store. */
class GroupMemory {
  bytes = 0;

  measure(group: Group, recordBytes: number): void {
    const { accumulators } = group;
    let bytes = GROUP_BYTES + AGGREGATE_BYTES * accumulators.length + VALUE_FACTOR * recordBytes;
    for (const { members } of accumulators) bytes += members?.memoryBytes ?? 0;
    this.bytes += bytes - group.bytes;
    group.bytes = bytes;
  }

  remove(group: Group): void {
    this.bytes -= group.bytes;
    group.bytes = 0;
  }
}

/** The key of a record with another tag, and perhaps the number of an aggregate behind it. */
export function tagged(recordKey: Buffer, tag: number, index?: number): Buffer {
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
  return {
    key,
    accumulators,
    rows: 0,
    shown: null,
    isFailing: false,
    recordKey: null,
    isGone: false,
    epoch: 0,
    bytes: 0,
  };
}

/**
 * Groups rows by key and keeps the aggregates of each group.
 *
 *   row ──► key ──► window over? ── yes ─► late rule        no ─► add to the group ──► at flush: old row -1, new row +1
 *                                                                  watermark passes ─► (final: row +1) and forget
 *
 * State       group key → [key values, one saved accumulator for each aggregate], and below it one entry for each member
 *             of a distinct count:   <prefix><group key> 0x00   and   <prefix><group key> 0x01 <aggregate> <member>
 * Invariants  G1  A row is late by the watermark of its own partition at its own offset, so it is late in every cut.
 *             G2  A window's state is forgotten exactly when no row that is not late can belong to it any more.
 *             G3  In `final` mode a group's row is handed on once, when its window is over.
 */
import { invariant } from '../base/invariant.ts';
import { encodeKey, nameOfKey } from '../data/key.ts';
import type { Row, Value, WindowValue } from '../data/value.ts';
import type { Evaluate } from '../expr/evaluate.ts';
import type { AggregateName, ViewMode } from '../plan/node.ts';
import type { Batch, Entry } from '../state/store.ts';
import { type Accumulator, ACCUMULATORS, DistinctCount } from './accumulators.ts';
import {
  type Collector,
  isOver,
  type LateRule,
  type Position,
  type StatefulOperator,
  type Weight,
} from './operator.ts';

const RECORD = 0;
const MEMBER = 1;
const BEYOND = 2;

export interface GroupSpec {
  /** One for each group key, in order; the window key assigns a row to its window. */
  readonly keys: readonly Evaluate[];
  /** Which of the keys is the window, -1 for none. */
  readonly windowIndex: number;
  readonly aggregates: readonly { readonly fn: AggregateName; readonly arg: Evaluate | null }[];
  readonly mode: ViewMode;
  readonly late: LateRule;
  /** The keys of the state start with this. */
  readonly prefix: Buffer;
}

interface Group {
  readonly id: Buffer;
  readonly key: Row;
  readonly accumulators: readonly Accumulator[];
  /** The row that was handed on last; null when there is none. */
  shown: Row | null;
}

export class GroupOperator implements StatefulOperator {
  readonly #spec: GroupSpec;
  readonly #next: Collector;
  readonly #groups = new Map<string, Group>();
  /** Window end → ids of its groups: what `advance` may close. */
  readonly #byEnd = new Map<number, Set<string>>();
  readonly #unflushed = new Set<string>();
  readonly #unsaved = new Set<string>();
  readonly #forgotten: Group[] = [];

  constructor(spec: GroupSpec, next: Collector) {
    this.#spec = spec;
    this.#next = next;
  }

  get size(): number {
    return this.#groups.size;
  }

  push(row: Row, weight: Weight, at: Position | null): void {
    invariant(weight === 1 && at !== null, 'the input of a group is a stream of events');
    const { keys, aggregates, late, windowIndex } = this.#spec;
    const key = keys.map((evaluate) => evaluate(row));
    // Every argument first: a row whose third argument fails must be neither in the first two aggregates nor late.
    const values = aggregates.map(({ arg }) => (arg === null ? true : arg(row)));
    const window = windowIndex < 0 ? null : (key[windowIndex] as WindowValue);
    if (
      window !== null &&
      isOver(window[1], late.allowedMs, at.watermarkMs) &&
      !late.takes(at, window[0], window[1])
    ) {
      return;
    }
    const group = this.#groupOf(key, window);
    for (const [index, value] of values.entries()) if (value !== null) group.accumulators[index]?.add(value);
  }

  #groupOf(key: Row, window: WindowValue | null): Group {
    const name = nameOfKey(key);
    const group = this.#groups.get(name) ?? this.#create(name, key, window);
    this.#unflushed.add(name);
    this.#unsaved.add(name);
    return group;
  }

  #create(name: string, key: Row, window: WindowValue | null, saved: readonly unknown[] = []): Group {
    const accumulators = this.#spec.aggregates.map(({ fn }, index) => ACCUMULATORS[fn](saved[index]));
    const group: Group = { id: encodeKey(key), key, accumulators, shown: null };
    this.#groups.set(name, group);
    if (window !== null) {
      const names = this.#byEnd.get(window[1]) ?? new Set<string>();
      this.#byEnd.set(window[1], names.add(name));
    }
    return group;
  }

  advance(watermarkMs: number): void {
    const { late, mode } = this.#spec;
    const over = [...this.#byEnd.keys()]
      .filter((end) => isOver(end, late.allowedMs, watermarkMs))
      .sort((a, b) => a - b);
    for (const end of over) {
      for (const name of this.#byEnd.get(end) ?? []) {
        const group = this.#groups.get(name);
        invariant(group !== undefined, 'a window lists only groups that exist');
        if (mode === 'final') this.#next.push(rowOf(group), 1, null);
        else if (this.#unflushed.has(name)) this.#show(group);
        this.#forget(name, group);
      }
      this.#byEnd.delete(end);
    }
  }

  #forget(name: string, group: Group): void {
    this.#groups.delete(name);
    this.#unflushed.delete(name);
    this.#unsaved.delete(name);
    this.#forgotten.push(group);
  }

  flush(): void {
    if (this.#spec.mode === 'updates') {
      for (const name of this.#unflushed) this.#show(this.#groups.get(name) as Group);
    }
    this.#unflushed.clear();
  }

  #show(group: Group): void {
    const row = rowOf(group);
    if (group.shown !== null) this.#next.push(group.shown, -1, null);
    this.#next.push(row, 1, null);
    group.shown = row;
  }

  persist(batch: Batch): void {
    const { prefix } = this.#spec;
    const stateKey = (group: Group, tag: number): Buffer => Buffer.concat([prefix, group.id, Buffer.of(tag)]);
    for (const group of this.#forgotten) {
      batch.deleteRange({ gte: stateKey(group, RECORD), lt: stateKey(group, BEYOND) });
    }
    this.#forgotten.length = 0;
    for (const name of this.#unsaved) {
      const group = this.#groups.get(name) as Group;
      const saved = group.accumulators.map((accumulator) => accumulator.save());
      batch.put(stateKey(group, RECORD), JSON.stringify([group.key, saved]));
      for (const [index, accumulator] of group.accumulators.entries()) {
        if (!(accumulator instanceof DistinctCount)) continue;
        const memberPrefix = Buffer.concat([stateKey(group, MEMBER), Buffer.of(index >> 8, index & 0xff)]);
        for (const member of accumulator.takeAdded()) {
          batch.put(Buffer.concat([memberPrefix, Buffer.from(member)]), '');
        }
      }
    }
    this.#unsaved.clear();
  }

  restore(entries: Iterable<Entry>): void {
    const { prefix, windowIndex, mode } = this.#spec;
    let group: Group | undefined;
    for (const { key, value } of entries) {
      const rest = key.subarray(prefix.length);
      const idLength = group?.id.length ?? 0;
      if (group !== undefined && rest[idLength] === MEMBER && rest.subarray(0, idLength).equals(group.id)) {
        const index = rest.readUInt16BE(idLength + 1);
        (group.accumulators[index] as DistinctCount).restoreMember(rest.toString('utf8', idLength + 3));
        continue;
      }
      const [values, saved] = JSON.parse(value.toString()) as [Value[], unknown[]];
      const window = windowIndex < 0 ? null : (values[windowIndex] as WindowValue);
      group = this.#create(nameOfKey(values), values, window, saved);
    }
    if (mode === 'updates') for (const each of this.#groups.values()) each.shown = rowOf(each);
  }
}

function rowOf(group: Group): Row {
  return [...group.key, ...group.accumulators.map((accumulator) => accumulator.result())];
}

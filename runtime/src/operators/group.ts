/**
 * Groups rows by key and keeps the aggregates of each group.
 *
 *   row ──► key ──► each of its windows: over? ─ yes ─► late rule
 *                                              ─ no ──► add to the group ──► at flush: old row -1, new row +1
 *                                                       watermark passes ──► (final: row +1) and forget
 *
 * A row is in as many groups as its time has windows, and each window judges it alone: late for one, it still counts in
 * those that end later. A window may also be a column of the input. A group is there while it has rows: when the last is
 * taken back, its row goes. One whose row cannot be computed (a sum that overflows) is reported and not shown until it can.
 *
 * State       see `group-state.ts`; the id is the encoded key, its window first. Groups that were not touched for long may be in
 *             the store alone: see `spilling.ts`. With a time to live, an index by time says which expire: see `time-index.ts`
 * Invariants  G1  A row is late by the watermark of its own partition at its own offset, so it is late in every cut.
 *             G2  A window's state is forgotten exactly when no row that is not late can belong to it any more.
 *             G3  In `final` mode a group's row is handed on once, when its window is over.
 *             G4  Whether a group has expired when a row comes depends on that row and those before it, not on the cut.
 */
import { nameOfKey } from '../data/key.ts';
import type { Row, Value, WindowValue } from '../data/value.ts';
import type { Evaluate } from '../expr/evaluate.ts';
import { RowError } from '../expr/functions.ts';
import type { ViewMode } from '../plan/node.ts';
import type { Batch, Entry, Range, Wanted } from '../state/store.ts';
import { Aggregates, type AggregateSpec } from './accumulators.ts';
import { emptyGroup, type Group, GroupRows, GroupStore, rangeOf, recordKeyOf } from './group-state.ts';
import {
  type Collector,
  type LateRule,
  type OnRowError,
  type Position,
  type StatefulOperator,
  type Weight,
} from './operator.ts';
import { type Aside, keyId, SpilledKeys } from './spilled-keys.ts';
import { coldest, rangeBelow, type Spilling } from './spilling.ts';
import { indexedKey, TimeIndex } from './time-index.ts';
import { TimeQueue } from './time-queue.ts';
import { Ttl } from './ttl.ts';
import type { WindowAssigner } from './window.ts';

export interface GroupSpec {
  /** One for each group key, in order. In the place of a window that `window` assigns: the time of the row. */
  readonly keys: readonly Evaluate[];
  /** Which of the keys is the window; -1 when rows of a group may come for ever. */
  readonly windowIndex: number;
  /** Assigns the windows; null when the key holds them already. A row whose window is null belongs to none that ends. */
  readonly window: Pick<WindowAssigner, 'assign'> | null;
  readonly aggregates: readonly AggregateSpec[];
  /** REQUIRES a window for `final`. */
  readonly mode: ViewMode;
  /** Whether the input may take rows back. */
  readonly retracts: boolean;
  /** Only without a window: a group without rows for so long is forgotten and begins anew; null: never. */
  readonly ttlMs: number | null;
  /** For time to live: the event time of rows that time caused; null when they have none, and then they age nothing. */
  readonly time: Evaluate | null;
  readonly late: LateRule;
  readonly onError: OnRowError;
  /** The keys of the state start with this. */
  readonly prefix: Buffer;
}

interface KeyedGroup extends Group {
  readonly name: string;
  /** The latest event time of its rows; null before the first with a time. */
  touchedMs: number | null;
  /** Where the index has it; null when it has not. */
  indexedMs: number | null;
}

export class GroupOperator implements StatefulOperator, Spilling {
  readonly #spec: GroupSpec;
  readonly #rows: GroupRows;
  readonly #store: GroupStore<KeyedGroup>;
  readonly #aggregates: Aggregates;
  readonly #ttl: Ttl | null;
  readonly #groups = new Map<string, KeyedGroup>();
  /** Groups by the end of their window, or by when they were touched: what `advance` may forget. */
  #queue = new TimeQueue<KeyedGroup>();
  readonly #spilled: SpilledKeys;
  readonly #times: TimeIndex;
  /** Groups that were touched at another time than the index says. */
  readonly #unindexed = new Set<KeyedGroup>();
  #epoch = 0;
  readonly #unflushed = new Set<KeyedGroup>();
  #watermarkMs = -Infinity;

  constructor(spec: GroupSpec, next: Collector) {
    this.#spec = spec;
    this.#rows = new GroupRows(next, spec.onError);
    this.#aggregates = new Aggregates(spec.aggregates, spec.retracts);
    this.#spilled = new SpilledKeys(spec.prefix, spec.windowIndex);
    this.#times = new TimeIndex(spec.prefix);
    const isKept = spec.windowIndex < 0 && spec.ttlMs !== null;
    this.#ttl = isKept ? new Ttl(spec.ttlMs, spec.late.allowedMs) : null;
    this.#store = new GroupStore(spec.prefix, {
      idOf: (group) => this.#idOf(group),
      recordOf: ({ key, rows, touchedMs }) => [key, rows, touchedMs],
      onStored: ({ key }, change) => this.#spilled.stored(key, change),
    });
  }

  get size(): number {
    return this.#groups.size + this.#spilled.size;
  }

  get memoryBytes(): number {
    return this.#store.memoryBytes + this.#spilled.memoryBytes;
  }

  get spilling(): Spilling {
    return this;
  }

  push(row: Row, weight: Weight, at: Position | null): void {
    const key = this.#keyOf(row, weight, at);
    if (key === null) return;
    const { window, windowIndex } = this.#spec;
    if (window === null) {
      this.#take(key, row, weight, at);
      return;
    }
    for (const each of window.assign(key[windowIndex] as number))
      this.#take(key.with(windowIndex, each), row, weight, at);
  }

  /** Everything that can fail comes first: a row that cannot be computed is in no aggregate of no group, and never late. */
  #keyOf(row: Row, weight: Weight, at: Position | null): Value[] | null {
    const { keys, window, windowIndex, onError } = this.#spec;
    try {
      const key = keys.map((evaluate) => evaluate(row));
      if (window !== null && key[windowIndex] === null) throw new RowError('the time of the window is null');
      this.#aggregates.evaluate(row);
      return key;
    } catch (error) {
      if (!(error instanceof RowError)) throw error;
      if (weight === 1) onError(error, at, row);
      return null;
    }
  }

  #take(key: Row, row: Row, weight: Weight, at: Position | null): void {
    const { late, windowIndex } = this.#spec;
    const window = windowIndex < 0 ? null : (key[windowIndex] as WindowValue | null);
    if (window !== null && at !== null) {
      // An event that takes a row back puts another in its place: that one is judged, and counted when it is late.
      if (weight === -1 ? late.isClosedFor(at, window[1]) : late.isOverFor(at, window[1])) {
        if (weight === 1) late.late(at, window[0], window[1]);
        return;
      }
    }
    const name = nameOfKey(key);
    const known = this.#groups.get(name);
    const taken: Aside = { key, name, row, weight, at };
    if (known === undefined && this.#spilled.mayHave(key, name)) this.#spilled.putAside(taken);
    else this.#count(known, taken);
  }

  /** REQUIRES that the aggregates evaluated this row last. */
  #count(known: KeyedGroup | undefined, taken: Aside): void {
    const { key, name, weight, at } = taken;
    const group =
      this.#ttl === null
        ? (known ?? this.#create(name, emptyGroup(key, this.#aggregates.create())))
        : this.#livingGroup(this.#ttl, known, taken);
    if (group === null) return;
    group.rows += weight;
    group.epoch = this.#epoch;
    this.#aggregates.add(group.accumulators, weight, at);
    this.#unflushed.add(group);
    this.#store.change(group);
  }

  #create(name: string, empty: Group, touchedMs: number | null = null): KeyedGroup {
    const group = Object.assign(empty, { name, touchedMs, indexedMs: this.#ttl === null ? null : touchedMs });
    this.#groups.set(name, group);
    this.#enqueue(group);
    return group;
  }

  #enqueue(group: KeyedGroup): void {
    const { key, touchedMs } = group;
    const { windowIndex } = this.#spec;
    if (windowIndex >= 0) this.#queue.add((key[windowIndex] as WindowValue | null)?.[1] ?? Infinity, group);
    else if (touchedMs !== null) this.#queue.add(touchedMs, group);
  }

  /** The group as this row finds it: one that has expired begins anew. Null when the row takes back what is forgotten. */
  #livingGroup(
    ttl: Ttl,
    known: KeyedGroup | undefined,
    { key, name, row, weight, at }: Aside,
  ): KeyedGroup | null {
    const rowMs = at?.eventTimeMs ?? ((this.#spec.time?.(row) ?? null) as number | null);
    let group = known;
    if (
      group !== undefined &&
      group.touchedMs !== null &&
      rowMs !== null &&
      ttl.isExpired(group.touchedMs, ttl.nowMs(at, rowMs))
    ) {
      this.#expire(group);
      group = undefined;
    }
    if (weight === -1 && (group?.rows ?? 0) <= 0) return null;
    group ??= this.#create(name, emptyGroup(key, this.#aggregates.create()));
    if (rowMs !== null) {
      if (group.touchedMs === null) this.#queue.add(rowMs, group);
      group.touchedMs = Math.max(group.touchedMs ?? -Infinity, rowMs);
      if (group.touchedMs !== group.indexedMs) this.#unindexed.add(group);
    }
    return group;
  }

  /** What was handed on stays; what was not yet is handed on first, as an epoch before would have. */
  #expire(group: KeyedGroup): void {
    if (this.#unflushed.has(group)) this.#rows.show(group);
    this.#forget(group);
  }

  #forget(group: KeyedGroup): void {
    this.#groups.delete(group.name);
    this.#unflushed.delete(group);
    this.#unindexed.delete(group);
    if (group.indexedMs !== null) this.#times.remove(group.indexedMs, this.#idOf(group));
    this.#store.forget(group);
  }

  #idOf({ key }: Group): Buffer {
    return keyId(key, this.#spec.windowIndex);
  }

  advance(watermarkMs: number): void {
    this.#watermarkMs = watermarkMs;
    if (this.#ttl !== null) this.#expireAll(this.#ttl.expiredUntilMs(watermarkMs));
    // What an input that takes rows back still changes of these windows, it hands on at its flush.
    else if (!this.#spec.retracts) this.#closeWindows();
  }

  #expireAll(untilMs: number): void {
    for (const group of this.#queue.take(untilMs)) {
      if (group.isGone || group.touchedMs === null) continue;
      if (group.touchedMs > untilMs) this.#queue.add(group.touchedMs, group);
      else this.#expire(group);
    }
  }

  #closeWindows(): void {
    const { late, mode, windowIndex } = this.#spec;
    if (windowIndex < 0) return;
    // The ends for which `isOver` holds.
    const over = this.#watermarkMs + 1 - late.allowedMs;
    for (const group of this.#queue.take(over)) {
      if (group.isGone) continue;
      if (mode === 'final' || this.#unflushed.has(group)) this.#rows.show(group);
      this.#forget(group);
    }
    this.#forgetSpilled(over);
  }

  /** In `final` mode those that were due came back and are forgotten; of the others nothing is left to hand on. */
  #forgetSpilled(untilMs: number): void {
    for (const id of this.#spilled.due(untilMs)) this.#store.forgetRange(rangeBelow(this.#spec.prefix, id));
    this.#spilled.drop(untilMs);
  }

  flush(): void {
    const { mode, retracts } = this.#spec;
    if (retracts) this.#closeWindows();
    for (const group of this.#unflushed) {
      if (mode === 'updates') this.#rows.show(group);
      if (group.rows === 0) this.#forget(group);
    }
    this.#unflushed.clear();
  }

  persist(batch: Batch): void {
    for (const group of this.#unindexed) {
      const id = this.#idOf(group);
      if (group.indexedMs !== null) this.#times.remove(group.indexedMs, id);
      if (group.touchedMs !== null) this.#times.add(group.touchedMs, id, group.key);
      group.indexedMs = group.touchedMs;
    }
    this.#unindexed.clear();
    this.#store.persist(batch);
    this.#times.persist(batch);
    this.#spilled.persist(batch, {});
    this.#epoch++;
  }

  restore(entries: Iterable<Entry>): void {
    for (const group of this.#restore(entries, (key) => this.#spilled.stored(key, 1))) {
      // An earlier version kept no index.
      if (group.indexedMs !== null) this.#times.add(group.indexedMs, this.#idOf(group), group.key);
    }
  }

  recall(index: readonly Entry[]): boolean {
    return this.#spilled.recall(index) !== null;
  }

  /** Makes the groups again that are not there; each is told to `restored`. */
  #restore(entries: Iterable<Entry>, restored: (key: Row, name: string) => void): readonly KeyedGroup[] {
    const groups = this.#store.restore(entries, ([saved, rows, touchedMs], accumulators) => {
      const key = saved as Row;
      const name = nameOfKey(key);
      if (this.#groups.has(name)) return null;
      restored(key, name);
      const group = emptyGroup(key, this.#aggregates.create(accumulators));
      group.rows = rows as number;
      group.epoch = this.#epoch;
      return this.#create(name, group, touchedMs as number | null);
    });
    if (this.#spec.mode === 'updates') for (const group of groups) this.#rows.recall(group);
    return groups;
  }

  get isSpilled(): boolean {
    return this.#spilled.size > 0;
  }

  spill(bytes: number): void {
    for (const group of coldest([...this.#groups.values()], bytes, (each) => each.bytes)) {
      this.#groups.delete(group.name);
      this.#store.drop(group);
      this.#spilled.add(group.key, group.name);
    }
    // It would hold what is forgotten until its window ends.
    this.#queue = new TimeQueue();
    for (const group of this.#groups.values()) this.#enqueue(group);
  }

  missing(): readonly Wanted[] {
    const { prefix, windowIndex } = this.#spec;
    const records = [...this.#spilled.missing()].map((key) => recordKeyOf(prefix, keyId(key, windowIndex)));
    const hasMembers = this.#aggregates.create().some(({ members }) => members !== null);
    return hasMembers ? records.map(rangeOf) : records;
  }

  dueIndex(watermarkMs: number): readonly Range[] {
    return this.#ttl === null ? [] : this.#times.ranges(this.#ttl.expiredUntilMs(watermarkMs));
  }

  /** What the store alone has was handed on: it expires unseen. */
  takeDue(index: Iterable<Entry>): void {
    const { prefix, windowIndex } = this.#spec;
    for (const entry of index) {
      const key = indexedKey(entry);
      const name = nameOfKey(key);
      if (this.#groups.has(name)) continue;
      this.#times.removeEntry(entry);
      this.#store.forgetRange(rangeOf(recordKeyOf(prefix, keyId(key, windowIndex))));
      this.#spilled.remove(key, name);
      this.#spilled.stored(key, -1);
    }
  }

  due(watermarkMs: number): readonly Wanted[] {
    const { mode, prefix, late } = this.#spec;
    if (mode === 'updates') return [];
    const ids = this.#spilled.due(watermarkMs + 1 - late.allowedMs);
    return ids.map((id) => rangeBelow(prefix, id));
  }

  resume(entries: Iterable<Entry>): void {
    this.#restore(entries, (key, name) => this.#spilled.remove(key, name));
    for (const aside of this.#spilled.takeAside()) {
      this.#aggregates.evaluate(aside.row);
      this.#count(this.#groups.get(aside.name), aside);
    }
  }
}

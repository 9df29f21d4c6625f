/**
 * Keeps the first `limit` rows of each partition in an order.
 *
 *   row ──► partition ──► its place in the order ──► at flush: rows that fell out -1, rows that came in +1
 *
 * An input that takes rows back needs all rows of a partition, since the next best moves up; one that does not needs the
 * best alone. Of rows that are equal in the order the earlier arrival comes first, so an equal row displaces none; where
 * arrival depends on the cut (rows that time caused, inputs that take rows back) their content decides instead.
 *
 * State       one entry for each row that is kept, under its partition (see saved-items.ts)
 * Invariants  X1  An append-only input leaves at most `limit` rows of a partition behind.
 *             X2  A row whose place did not change is not handed on again.
 */
import { invariant } from '../base/invariant.ts';
import { nameOfKey } from '../data/key.ts';
import type { Row, Value, WindowValue } from '../data/value.ts';
import type { Evaluate } from '../expr/evaluate.ts';
import type { ViewMode } from '../plan/node.ts';
import type { Batch, Entry, Wanted } from '../state/store.ts';
import { evaluated } from './evaluated.ts';
import type { Collector, LateRule, OnRowError, Position, StatefulOperator, Weight } from './operator.ts';
import { compareNullable, compareRows } from './row-order.ts';
import { type SavedItem, SavedItems } from './saved-items.ts';
import { SortedList } from './sorted-list.ts';
import { type Aside, keyId, SpilledKeys } from './spilled-keys.ts';
import { coldest, rangeBelow, type Spilling } from './spilling.ts';
import { TimeQueue } from './time-queue.ts';

export interface TopSpec {
  /** Columns; null is a value like others. */
  readonly partition: readonly number[];
  /** Null is the smallest value. */
  readonly order: readonly { readonly by: Evaluate; readonly descending: boolean }[];
  /** Which of equal rows comes first: the one that arrived earlier or later. */
  readonly ties: 'earlier' | 'later';
  readonly limit: number;
  /** Whether the place of a row, from 1, leaves as a column behind the others. */
  readonly rank: boolean;
  /** Whether the input takes rows back. */
  readonly retracts: boolean;
  /** The column of the partition that is a window, or null. With one, state is forgotten when it is over. */
  readonly window: number | null;
  /** `final`, which needs a window: rows are handed on once, when it is over. */
  readonly mode: ViewMode;
  readonly late: LateRule;
  readonly onError: OnRowError;
  /** The keys of the state start with this. */
  readonly prefix: Buffer;
}

/** Two kinds in the state: rows that are ordered by arrival, and the others. */
const BY_ARRIVAL = 0;
const BY_CONTENT = 1;

interface TopItem extends SavedItem {
  readonly row: Row;
  /** The values that order it. */
  readonly order: readonly Value[];
}

interface Partition {
  readonly name: string;
  readonly key: Row;
  /** In which a row touched it last. */
  epoch: number;
  /** Whether the store has rows of it. */
  isStored: boolean;
  readonly items: SortedList<TopItem>;
  /** What was handed on, in order. */
  shown: readonly TopItem[];
}

export class TopOperator implements StatefulOperator, Spilling {
  readonly #spec: TopSpec;
  readonly #next: Collector;
  readonly #compare: (a: TopItem, b: TopItem) => number;
  readonly #saved: SavedItems<TopItem>;
  readonly #partitions = new Map<string, Partition>();
  /** Window end → its partitions. */
  #open = new TimeQueue<Partition>();
  readonly #windowIndex: number;
  readonly #spilled: SpilledKeys;
  #epoch = 0;
  readonly #touched = new Set<Partition>();
  readonly #unsaved = new Set<Partition>();

  constructor(spec: TopSpec, next: Collector) {
    invariant(spec.mode === 'updates' || spec.window !== null, 'rows that are final belong to a window');
    this.#spec = spec;
    this.#next = next;
    this.#compare = comparison(spec);
    this.#windowIndex = spec.window === null ? -1 : spec.partition.indexOf(spec.window);
    this.#spilled = new SpilledKeys(spec.prefix, this.#windowIndex);
    this.#saved = new SavedItems(
      spec.prefix,
      ({ row }) => row,
      ({ row }) => keyId(this.#keyOf(row), this.#windowIndex),
    );
  }

  get size(): number {
    return this.#partitions.size + this.#spilled.size;
  }

  get memoryBytes(): number {
    return this.#saved.memoryBytes + this.#spilled.memoryBytes;
  }

  push(row: Row, weight: Weight, at: Position | null): void {
    invariant(this.#spec.retracts || weight === 1, 'an append-only input takes nothing back');
    if (this.#isLate(row, weight, at)) return;
    const order = this.#orderOf(row, weight, at);
    if (order === null) return;
    const key = this.#keyOf(row);
    const aside = { key, name: nameOfKey(key), row, weight, at };
    const known = this.#partitions.get(aside.name);
    if (known === undefined && this.#spilled.mayHave(key, aside.name)) this.#spilled.putAside(aside);
    else this.#take(known ?? this.#begin(aside), aside, order);
  }

  #keyOf(row: Row): Row {
    return this.#spec.partition.map((column) => row[column] ?? null);
  }

  #take(partition: Partition, { row, weight, at }: Aside, order: readonly Value[]): void {
    const { retracts, limit } = this.#spec;
    partition.epoch = this.#epoch;
    const kind = at !== null && !retracts ? BY_ARRIVAL : BY_CONTENT;
    const item: TopItem = { kind, serial: this.#saved.nextSerial(), isSaved: false, row, order };
    if (weight === 1) this.#add(partition, item, retracts ? Infinity : limit);
    else this.#remove(partition, item);
  }

  #isLate(row: Row, weight: Weight, at: Position | null): boolean {
    const { window, late } = this.#spec;
    if (window === null || at === null) return false;
    const [startMs, endMs] = row[window] as WindowValue;
    if (!late.isOverFor(at, endMs)) return false;
    if (weight === 1) late.late(at, startMs, endMs);
    return true;
  }

  #orderOf(row: Row, weight: Weight, at: Position | null): readonly Value[] | null {
    const values: Value[] = [];
    for (const { by } of this.#spec.order) {
      const value = evaluated(by, row, weight, at, this.#spec.onError);
      if (value === undefined) return null;
      values.push(value);
    }
    return values;
  }

  #begin({ key, name }: Pick<Aside, 'key' | 'name'>): Partition {
    const items = new SortedList(this.#compare);
    const partition: Partition = { name, key, epoch: this.#epoch, isStored: false, items, shown: [] };
    this.#partitions.set(name, partition);
    this.#enqueue(partition);
    return partition;
  }

  #enqueue(partition: Partition): void {
    if (this.#windowIndex < 0) return;
    this.#open.add((partition.key[this.#windowIndex] as WindowValue)[1], partition);
  }

  #add(partition: Partition, item: TopItem, itemsMax: number): void {
    const { items } = partition;
    if (items.size >= itemsMax) {
      const last = items.last as TopItem;
      if (this.#compare(item, last) >= 0) return;
      this.#saved.remove(items.remove(last) as TopItem);
    }
    items.add(item);
    this.#saved.add(item);
    this.#touched.add(partition);
  }

  #remove(partition: Partition, item: TopItem): void {
    const removed = partition.items.remove(item);
    invariant(removed !== undefined, 'a row that is taken back was handed on before');
    this.#saved.remove(removed);
    this.#touched.add(partition);
  }

  advance(watermarkMs: number): void {
    if (this.#spec.window === null) return;
    const over = this.#overMs(watermarkMs);
    for (const partition of this.#open.take(over)) {
      if (this.#partitions.get(partition.name) !== partition) continue;
      this.#show(partition);
      this.#forget(partition);
      this.#touched.delete(partition);
      for (const item of partition.items) this.#saved.remove(item);
    }
    for (const id of this.#spilled.due(over)) this.#saved.removeRange(rangeBelow(this.#spec.prefix, id));
    this.#spilled.drop(over);
  }

  /** A window is over when the watermark has reached its last millisecond and the allowed lateness. */
  #overMs(watermarkMs: number): number {
    return watermarkMs - this.#spec.late.allowedMs + 1;
  }

  flush(): void {
    if (this.#spec.mode === 'updates') for (const partition of this.#touched) this.#show(partition);
    for (const partition of this.#touched) {
      if (partition.items.size === 0) this.#forget(partition);
      else if (!partition.isStored) this.#unsaved.add(partition);
    }
    this.#touched.clear();
  }

  #forget(partition: Partition): void {
    this.#partitions.delete(partition.name);
    this.#unsaved.delete(partition);
    if (partition.isStored) this.#spilled.stored(partition.key, -1);
  }

  #show(partition: Partition): void {
    const { limit, rank } = this.#spec;
    const before = partition.shown;
    const now = partition.items.first(limit);
    partition.shown = now;
    const [gone, come] = rank ? ranked(before, now) : changed(before, now);
    for (const row of gone) this.#next.push(row, -1, null);
    for (const row of come) this.#next.push(row, 1, null);
  }

  persist(batch: Batch): void {
    this.#saved.persist(batch);
    for (const partition of this.#unsaved) this.#noteStored(partition);
    this.#unsaved.clear();
    this.#spilled.persist(batch, this.#saved.facts.serial);
    this.#epoch++;
  }

  #noteStored(partition: Partition): void {
    if (!partition.isStored) this.#spilled.stored(partition.key, 1);
    partition.isStored = true;
  }

  recall(index: readonly Entry[]): boolean {
    const serial = this.#spilled.recall(index) as number | null;
    if (serial !== null) this.#saved.recall({ serial, size: 0 });
    return serial !== null;
  }

  restore(entries: Iterable<Entry>): void {
    const restored = new Set<Partition>();
    this.#saved.restore(entries, (saved, place) => {
      const row = saved as Row;
      const partition = this.#ofRow(row);
      restored.add(partition);
      this.#noteStored(partition);
      return this.#comeBack(partition, row, place);
    });
    this.#recallShown(restored);
  }

  #ofRow(row: Row): Partition {
    const key = this.#keyOf(row);
    const name = nameOfKey(key);
    return this.#partitions.get(name) ?? this.#begin({ key, name });
  }

  #comeBack(partition: Partition, row: Row, place: SavedItem): TopItem {
    const item = { ...place, row, order: this.#spec.order.map(({ by }) => by(row)) };
    partition.items.add(item);
    return item;
  }

  #recallShown(partitions: Iterable<Partition>): void {
    if (this.#spec.mode === 'final') return;
    for (const partition of partitions) partition.shown = partition.items.first(this.#spec.limit);
  }

  get spilling(): Spilling {
    return this;
  }

  get isSpilled(): boolean {
    return this.#spilled.size > 0;
  }

  spill(bytes: number): void {
    const { itemBytes } = this.#saved;
    const all = [...this.#partitions.values()];
    for (const partition of coldest(all, bytes, ({ items }) => items.size * itemBytes)) {
      this.#partitions.delete(partition.name);
      for (const item of partition.items) this.#saved.drop(item);
      this.#spilled.add(partition.key, partition.name);
    }
    // It would hold what is forgotten until its window ends.
    this.#open = new TimeQueue();
    for (const partition of this.#partitions.values()) this.#enqueue(partition);
  }

  missing(): readonly Wanted[] {
    return this.#ranges([...this.#spilled.missing()].map((key) => keyId(key, this.#windowIndex)));
  }

  due(watermarkMs: number): readonly Wanted[] {
    return this.#spec.mode === 'updates' ? [] : this.#ranges(this.#spilled.due(this.#overMs(watermarkMs)));
  }

  #ranges(ids: readonly Buffer[]): readonly Wanted[] {
    return ids.map((id) => rangeBelow(this.#spec.prefix, id));
  }

  resume(entries: Iterable<Entry>): void {
    const returned = new Set<Partition>();
    this.#saved.resume(entries, (saved, place) => {
      const row = saved as Row;
      const known = this.#partitions.get(nameOfKey(this.#keyOf(row)));
      if (known !== undefined && !returned.has(known)) return null;
      const partition = known ?? this.#ofRow(row);
      if (known === undefined) this.#spilled.remove(partition.key, partition.name);
      partition.isStored = true;
      returned.add(partition);
      return this.#comeBack(partition, row, place);
    });
    this.#recallShown(returned);
    for (const aside of this.#spilled.takeAside()) {
      const order = this.#spec.order.map(({ by }) => by(aside.row));
      this.#take(this.#partitions.get(aside.name) ?? this.#begin(aside), aside, order);
    }
  }
}

/** The order of a partition, complete: rows that compare equal cannot be told apart. */
function comparison({ order, ties }: TopSpec): (a: TopItem, b: TopItem) => number {
  const signs = order.map(({ descending }) => (descending ? -1 : 1));
  const sign = ties === 'earlier' ? 1 : -1;
  return (a, b) => {
    for (const [index, direction] of signs.entries()) {
      const compared = compareNullable(a.order[index] ?? null, b.order[index] ?? null);
      if (compared !== 0) return compared * direction;
    }
    if (a.kind !== b.kind) return (a.kind - b.kind) * sign;
    return (a.kind === BY_ARRIVAL ? a.serial - b.serial : compareRows(a.row, b.row)) * sign;
  };
}

type Change = readonly [gone: Iterable<Row>, come: Iterable<Row>];

/** X2, when the place is a column: each place whose row is another now. */
function ranked(before: readonly TopItem[], now: readonly TopItem[]): Change {
  const gone: Row[] = [];
  const come: Row[] = [];
  for (let place = 0; place < Math.max(before.length, now.length); place++) {
    const [old, row] = [before[place]?.row, now[place]?.row];
    if (old !== undefined && row !== undefined && compareRows(old, row) === 0) continue;
    if (old !== undefined) gone.push([...old, place + 1]);
    if (row !== undefined) come.push([...row, place + 1]);
  }
  return [gone, come];
}

/** X2, when it is not: rows that are in one list and not in the other, equal rows as often as there are more of them. */
function changed(before: readonly TopItem[], now: readonly TopItem[]): Change {
  const still = new Set(now);
  const gone = new Map<string, Row[]>();
  for (const item of before) {
    if (still.delete(item)) continue;
    const name = nameOfKey(item.row);
    const same = gone.get(name);
    if (same === undefined) gone.set(name, [item.row]);
    else same.push(item.row);
  }
  const come = [...still].filter(
    ({ row }) => gone.size === 0 || gone.get(nameOfKey(row))?.pop() === undefined,
  );
  return [[...gone.values()].flat(), come.map(({ row }) => row)];
}

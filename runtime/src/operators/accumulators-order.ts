/** Aggregates that go by an order: min and max, first and last, argMin and argMax, percentile, collect. */
import { compareValues } from '../data/key.ts';
import type { ListValue, Row, Value } from '../data/value.ts';
import type { Accumulator } from './accumulators.ts';
import { type Members, SortedMultiset } from './multiset.ts';
import type { Weight } from './operator.ts';

/** min and max of rows that only come. The value with the smaller place in the order is shown. */
export class Extreme implements Accumulator {
  readonly members = null;
  readonly #compare: (a: Value, b: Value) => number;
  #value: Value;

  constructor(compare: (a: Value, b: Value) => number, saved: Value = null) {
    this.#compare = compare;
    this.#value = saved;
  }
  add(value: Value): void {
    if (value !== null && (this.#value === null || this.#compare(value, this.#value) < 0))
      this.#value = value;
  }
  result(): Value {
    return this.#value;
  }
  merge(other: Extreme): void {
    this.add(other.#value);
  }
  save(): unknown {
    return this.#value;
  }
}

/** A value, what it goes by, and where it stands in the log. */
export type Kept = readonly [by: Value, position: number | null, value: Value];

/** first, last, argMin and argMax of rows that only come: the row with the smallest place in the order. */
export class Keeper implements Accumulator {
  readonly members = null;
  readonly #compare: (a: Kept, b: Kept) => number;
  readonly #prefersLater: boolean;
  #kept: Kept | null;

  /** `prefersLater`: of rows of one event with one place, the one pushed later. */
  constructor(compare: (a: Kept, b: Kept) => number, prefersLater: boolean, saved: Kept | null = null) {
    this.#compare = compare;
    this.#prefersLater = prefersLater;
    this.#kept = saved;
  }
  add(value: Value, _weight: Weight, by: Value, position: number | null): void {
    this.#offer([by, position, value]);
  }
  #offer(candidate: Kept): void {
    const order = this.#kept === null ? -1 : this.#compare(candidate, this.#kept);
    if (order < 0 || (order === 0 && this.#prefersLater)) this.#kept = candidate;
  }
  result(): Value {
    return this.#kept?.[2] ?? null;
  }
  merge(other: Keeper): void {
    if (other.#kept !== null) this.#offer(other.#kept);
  }
  save(): unknown {
    return this.#kept;
  }
}

/** The order of equals: by their position; those without one behind, by their value. */
export function comparePlaces(a: Kept, b: Kept): number {
  if (a[1] !== null && b[1] !== null) return a[1] - b[1];
  if (a[1] === null && b[1] === null) return compareValues(a[2], b[2]);
  return a[1] === null ? 1 : -1;
}

/** The same six of rows that may be taken back: everything is kept, and the last in the order is shown. */
export class Ordered implements Accumulator {
  readonly members: SortedMultiset;
  readonly #hasBy: boolean;

  /** Rows are `[by, value]`, or `[value]` when there is nothing to go by. */
  constructor(compare: (a: Row, b: Row) => number, hasBy: boolean) {
    this.members = new SortedMultiset(compare);
    this.#hasBy = hasBy;
  }
  add(value: Value, weight: Weight, by: Value): void {
    this.members.add(this.#hasBy ? [by, value] : [value], weight);
  }
  result(): Value {
    return this.members.last?.values.at(-1) ?? null;
  }
  merge(other: Ordered): void {
    this.members.addAll(other.members);
  }
  save(): unknown {
    return null;
  }
}

const ascending = (a: Row, b: Row): number => compareValues(a[0] ?? null, b[0] ?? null);

/** Exact; between two values it is interpolated linearly, as DuckDB's quantile_cont does for doubles. */
export class Percentile implements Accumulator {
  readonly members = new SortedMultiset(ascending);
  readonly #fraction: number;
  readonly #unit: number;

  constructor(fraction: number, scale: number) {
    this.#fraction = fraction;
    this.#unit = 10 ** scale;
  }
  add(value: Value, weight: Weight): void {
    this.members.add([value], weight);
  }
  result(): Value {
    let size = 0;
    for (const { count } of this.members.members()) size += count;
    if (size === 0) return null;
    const place = (size - 1) * this.#fraction;
    const low = Math.floor(place);
    const part = place - low;
    return this.#at(low) * (1 - part) + this.#at(Math.ceil(place)) * part;
  }
  #at(index: number): number {
    let before = 0;
    for (const { values, count } of this.members.members()) {
      before += count;
      if (before > index) return (values[0] as number) / this.#unit;
    }
    return NaN;
  }
  merge(other: Percentile): void {
    this.members.addAll(other.members);
  }
  save(): unknown {
    return null;
  }
}

/** collect of rows that may be taken back: the values in their own order. */
export class CollectByValue implements Accumulator {
  readonly members = new SortedMultiset(ascending);

  add(value: Value, weight: Weight): void {
    this.members.add([value], weight);
  }
  result(): Value {
    const items: Value[] = [];
    for (const { values, count } of this.members.members())
      for (let i = 0; i < count; i++) items.push(values[0] ?? null);
    return { items } as ListValue;
  }
  merge(other: CollectByValue): void {
    this.members.addAll(other.members);
  }
  save(): unknown {
    return null;
  }
}

/** collect of rows that only come: the values in the order of the log. */
export class CollectByPosition implements Accumulator {
  readonly members = new Items();

  add(value: Value, _weight: Weight, _by: Value, position: number | null): void {
    this.members.add([null, position, value]);
  }
  result(): Value {
    return { items: this.members.sorted().map(([, , value]) => value) } as ListValue;
  }
  merge(other: CollectByPosition): void {
    for (const item of other.members.sorted()) this.members.add(item);
  }
  save(): unknown {
    return null;
  }
}

/** What a value and its place take in memory: measured. */
const ITEM_BYTES = 160;

/** Values as they came, each an entry under its number. */
class Items implements Members {
  readonly #items: Kept[] = [];
  #isSorted = true;
  #savedItems = 0;

  get memoryBytes(): number {
    return this.#items.length * ITEM_BYTES;
  }

  add(item: Kept): void {
    const last = this.#items.at(-1);
    if (last !== undefined && comparePlaces(item, last) < 0) this.#isSorted = false;
    this.#items.push(item);
  }

  sorted(): readonly Kept[] {
    return this.#isSorted ? this.#items : this.#items.toSorted(comparePlaces);
  }

  *takeChanges(): Iterable<readonly [Buffer, string]> {
    for (; this.#savedItems < this.#items.length; this.#savedItems++) {
      const name = Buffer.alloc(4);
      name.writeUInt32BE(this.#savedItems);
      yield [name, JSON.stringify(this.#items[this.#savedItems])];
    }
  }

  restore(_name: Buffer, value: Buffer): void {
    this.add(JSON.parse(value.toString()) as Kept);
    this.#savedItems = this.#items.length;
  }
}

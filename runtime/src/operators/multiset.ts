/**
 * What an accumulator keeps entry by entry, so that a change costs one small write however much there is: a set of
 * values, and multisets that rows can be taken back from.
 */
import { nameOfKey } from '../data/key.ts';
import type { Row, Value } from '../data/value.ts';
import { SortedList } from './sorted-list.ts';

/** Entries of an accumulator that are stored beside its record. */
export interface Members {
  /** An estimate of what they take in memory. */
  readonly memoryBytes: number;
  /** Entries that changed since the last call, null for one that is gone. */
  takeChanges(): Iterable<readonly [name: Buffer, value: string | null]>;
  /** REQUIRES what `takeChanges` gave, in the order of the names. */
  restore(name: Buffer, value: Buffer): void;
}

/** What a name in a set takes beside its text, and a member of a multiset beside its values: measured. */
const NAME_BYTES = 90;
const MEMBER_BYTES = 220;

export class ValueSet implements Members {
  readonly #names = new Set<string>();
  #added: string[] = [];
  #nameChars = 0;

  get size(): number {
    return this.#names.size;
  }

  get memoryBytes(): number {
    return this.#names.size * NAME_BYTES + this.#nameChars;
  }

  add(value: Value): void {
    this.#addName(nameOfKey([value]));
  }

  addAll(other: ValueSet): void {
    for (const name of other.#names) this.#addName(name);
  }

  #addName(name: string): void {
    if (this.#names.has(name)) return;
    this.#names.add(name);
    this.#nameChars += name.length;
    this.#added.push(name);
  }

  *takeChanges(): Iterable<readonly [Buffer, string]> {
    const added = this.#added;
    this.#added = [];
    for (const name of added) yield [Buffer.from(name), ''];
  }

  restore(name: Buffer): void {
    this.#names.add(name.toString());
    this.#nameChars += name.length;
  }
}

/** A member and how often it is there. While rows of one epoch come and go, the count may be negative. */
export interface Counted {
  readonly values: Row;
  count: number;
}

export class Multiset implements Members {
  readonly #members = new Map<string, Counted>();
  readonly #changed = new Set<string>();
  #nameChars = 0;

  /** How many different members there are. */
  get size(): number {
    return this.#members.size;
  }

  get memoryBytes(): number {
    return this.#members.size * MEMBER_BYTES + 2 * this.#nameChars;
  }

  add(values: Row, count: number): void {
    const name = nameOfKey(values);
    const member = this.#members.get(name);
    if (member === undefined) this.put(name, { values, count });
    else if ((member.count += count) === 0) this.drop(name, member);
    this.#changed.add(name);
  }

  addAll(other: Multiset): void {
    for (const { values, count } of other.members()) this.add(values, count);
  }

  members(): Iterable<Counted> {
    return this.#members.values();
  }

  protected put(name: string, member: Counted): void {
    this.#members.set(name, member);
    this.#nameChars += name.length;
  }

  protected drop(name: string, _member: Counted): void {
    this.#members.delete(name);
    this.#nameChars -= name.length;
  }

  *takeChanges(): Iterable<readonly [Buffer, string | null]> {
    for (const name of this.#changed) {
      const member = this.#members.get(name);
      const value = member === undefined ? null : JSON.stringify([member.count, ...member.values]);
      yield [Buffer.from(name), value];
    }
    this.#changed.clear();
  }

  restore(name: Buffer, value: Buffer): void {
    const [count, ...values] = JSON.parse(value.toString()) as [number, ...Value[]];
    this.put(name.toString(), { values, count });
  }
}

/** A multiset in an order. REQUIRES an order in which only equal members are equal. */
export class SortedMultiset extends Multiset {
  readonly #sorted: SortedList<Counted>;

  constructor(compare: (a: Row, b: Row) => number) {
    super();
    this.#sorted = new SortedList((a, b) => compare(a.values, b.values));
  }

  get last(): Counted | undefined {
    return this.#sorted.last;
  }

  override members(): Iterable<Counted> {
    return this.#sorted;
  }

  protected override put(name: string, member: Counted): void {
    super.put(name, member);
    this.#sorted.add(member);
  }

  protected override drop(name: string, member: Counted): void {
    super.drop(name, member);
    this.#sorted.remove(member);
  }
}

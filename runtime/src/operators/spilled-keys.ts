/**
 * The keys of an operator that the store holds and memory does not: which there may be, window by window, the rows that
 * wait for them, and an index of all this in the store, from which an operator goes on after a restart without its keys.
 *
 *   window (or none) → its names as hashes; its end and where it stands in the store come from the window
 *
 *   <prefix> 0xFF <window>   →  the window and how many keys of it the store has, as JSON
 *   <prefix> 0xFF 0xFF       →  facts of the operator, as JSON: there when the index is whole
 *
 * Behind a restart only the store knows the names of the windows of before: each that is asked for may be there.
 */
import { encodeKey, nameOfKey } from '../data/key.ts';
import type { Row, WindowValue } from '../data/value.ts';
import type { Batch, Entry, Range } from '../state/store.ts';
import { HashBag } from './hash-bag.ts';
import type { Position, Weight } from './operator.ts';

/** A row whose key is not in memory. */
export interface Aside {
  readonly key: Row;
  readonly name: string;
  readonly row: Row;
  readonly weight: Weight;
  readonly at: Position | null;
}

interface Part {
  readonly window: WindowValue | null;
  /** Null: any name may be there. */
  names: HashBag | null;
  /** Any name may be there besides those. */
  isAny: boolean;
  /** How many keys the store alone has, and how many it has. */
  spilled: number;
  stored: number;
}

/** For each part: its entries in two maps, the object, the smallest table. */
const PART_BYTES = 400;

const INDEX = 0xff;
const FACTS = Buffer.of(INDEX, INDEX);

export class SpilledKeys<A extends Aside = Aside> {
  readonly #prefix: Buffer;
  readonly #windowIndex: number;
  readonly #parts = new Map<string, Part>();
  /** Of these the index is to be written, and of those it is to be deleted. */
  readonly #changed = new Set<Part>();
  readonly #gone: Part[] = [];
  /** As the store has them. */
  #facts = '';
  #aside: A[] = [];
  #size = 0;
  #anyUntilMs: number | null = null;

  /** `windowIndex`: which value of a key is its window; -1 for none. The keys of the state start with `prefix`. */
  constructor(prefix: Buffer, windowIndex: number) {
    this.#prefix = prefix;
    this.#windowIndex = windowIndex;
  }

  get size(): number {
    return this.#size;
  }

  get memoryBytes(): number {
    let bytes = 0;
    for (const { names } of this.#parts.values()) bytes += PART_BYTES + (names?.memoryBytes ?? 0);
    return bytes;
  }

  /** A key leaves memory; the store has it. */
  add(key: Row, name: string): void {
    const part = this.#partOf(key);
    part.names?.add(name);
    part.spilled++;
    this.#size++;
  }

  /** The store may have any key that has no window, and nobody knows how many, until time has passed that; null: for ever. */
  addAny(untilMs: number | null): void {
    this.#anyUntilMs = untilMs;
    this.#parts.set('', { window: null, names: new HashBag(), isAny: true, spilled: Infinity, stored: 0 });
    this.#size = Infinity;
  }

  /** Everything that was due by then is gone: of any key perhaps what was added since is left. */
  passed(timeMs: number): void {
    const part = this.#parts.get('');
    if (part?.isAny !== true || this.#anyUntilMs === null || timeMs < this.#anyUntilMs) return;
    part.isAny = false;
    this.#size = part.spilled = part.names?.size ?? 0;
  }

  /** Whether the store has this key: no for certain, or yes but for a chance. */
  mayHave(key: Row, name: string): boolean {
    if (this.#size === 0) return false;
    const part = this.#parts.get(this.#nameOf(key));
    return part !== undefined && part.spilled > 0 && (part.isAny || part.names?.has(name) !== false);
  }

  /** A key is back in memory. */
  remove(key: Row, name: string): void {
    const part = this.#partOf(key);
    // It may never have been added: by its hash another could go. It stays, and costs a look at the store.
    if (part.isAny) return;
    part.names?.remove(name);
    part.spilled--;
    this.#size--;
    if (part.spilled === 0) part.names ??= new HashBag();
  }

  /** The store will have a key that it had not, or not have one any more that is in memory. */
  stored(key: Row, change: 1 | -1): void {
    const part = this.#partOf(key);
    part.stored += change;
    this.#changed.add(part);
  }

  #partOf(key: Row): Part {
    const name = this.#nameOf(key);
    let part = this.#parts.get(name);
    if (part === undefined)
      this.#parts.set(
        name,
        (part = {
          window: this.#windowOf(key),
          names: new HashBag(),
          isAny: false,
          spilled: 0,
          stored: 0,
        }),
      );
    return part;
  }

  #nameOf(key: Row): string {
    return this.#windowIndex < 0 ? '' : nameOfKey([this.#windowOf(key)]);
  }

  #windowOf(key: Row): WindowValue | null {
    return this.#windowIndex < 0 ? null : (key[this.#windowIndex] as WindowValue | null);
  }

  putAside(aside: A): void {
    this.#aside.push(aside);
  }

  get hasAside(): boolean {
    return this.#aside.length > 0;
  }

  /** The keys that rows wait for, each once. */
  missing(): Iterable<Row> {
    const keys = new Map<string, Row>();
    for (const { key, name } of this.#aside) if (this.mayHave(key, name)) keys.set(name, key);
    return keys.values();
  }

  /** The rows that were put aside, in their order. */
  takeAside(): readonly A[] {
    const aside = this.#aside;
    this.#aside = [];
    return aside;
  }

  /** The windows with keys here that end by then, as the start of their ids. */
  due(untilMs: number): readonly Buffer[] {
    return [...this.#dueParts(untilMs)]
      .filter(([, { spilled }]) => spilled > 0)
      .map(([, { window }]) => encodeKey([window]));
  }

  /** Forgets those windows; returns how many of their keys the store alone had. */
  drop(untilMs: number): number {
    const before = this.#size;
    for (const [name, part] of Array.from(this.#dueParts(untilMs))) {
      this.#size -= part.spilled;
      this.#parts.delete(name);
      this.#changed.delete(part);
      this.#gone.push(part);
    }
    return before - this.#size;
  }

  *#dueParts(untilMs: number): Iterable<readonly [string, Part]> {
    if (this.#windowIndex < 0) return;
    for (const entry of this.#parts) if ((entry[1].window?.[1] ?? Infinity) <= untilMs) yield entry;
  }

  /** Writes the index. `facts`: what else the operator wants to know at once after a restart. */
  persist(batch: Batch, facts: unknown): void {
    for (const part of this.#gone) batch.delete(this.#indexKeyOf(part));
    this.#gone.length = 0;
    for (const part of this.#changed) {
      if (part.stored > 0) batch.put(this.#indexKeyOf(part), JSON.stringify([part.window, part.stored]));
      else batch.delete(this.#indexKeyOf(part));
    }
    this.#changed.clear();
    const saved = JSON.stringify(facts);
    if (saved !== this.#facts) batch.put(Buffer.concat([this.#prefix, FACTS]), saved);
    this.#facts = saved;
  }

  #indexKeyOf({ window }: Part): Buffer {
    return Buffer.concat([this.#prefix, Buffer.of(INDEX), encodeKey([window])]);
  }

  /** Takes the index: the store has all these keys, and memory none of them. Returns the facts; null: it is not whole. */
  recall(index: readonly Entry[]): unknown {
    const facts = index.find(isFacts(this.#prefix));
    if (facts === undefined) return null;
    this.#facts = facts.value.toString();
    for (const { key, value } of index) {
      if (key[this.#prefix.length + 1] === INDEX) continue;
      const [window, stored] = JSON.parse(value.toString()) as [WindowValue | null, number];
      const part = { window, names: null, isAny: false, spilled: stored, stored };
      this.#parts.set(this.#windowIndex < 0 ? '' : nameOfKey([window]), part);
      this.#size += stored;
    }
    return JSON.parse(this.#facts);
  }
}

const isFacts =
  (prefix: Buffer) =>
  ({ key }: Entry): boolean =>
    key.subarray(prefix.length).equals(FACTS);

/** Whether this is the end of an index that is whole. */
export function hasFacts(index: readonly Entry[], prefix: Buffer): boolean {
  return index.some(isFacts(prefix));
}

/** Where the index of an operator stands. */
export function indexRange(prefix: Buffer): Range {
  return {
    gte: Buffer.concat([prefix, Buffer.of(INDEX)]),
    lt: Buffer.concat([prefix, FACTS, Buffer.of(0)]),
  };
}

/** The id of a key in the store: its window first, so that those of a window stand together. */
export function keyId(key: Row, windowIndex: number): Buffer {
  if (windowIndex <= 0) return encodeKey(key);
  return encodeKey([key[windowIndex] ?? null, ...key.slice(0, windowIndex), ...key.slice(windowIndex + 1)]);
}

/** How many keys the entries of an index say that the store has. */
export function keysIn(index: readonly Entry[]): number {
  let keys = 0;
  for (const { value } of index) {
    const saved: unknown = JSON.parse(value.toString());
    if (Array.isArray(saved)) keys += saved[1] as number;
  }
  return keys;
}

/**
 * The keys of an operator that the store holds and memory does not: which there may be, window by window, and the rows
 * that wait for them.
 *
 *   window (or none) → its names as hashes; its end and where it stands in the store come from the window
 */
import { encodeKey, nameOfKey } from '../data/key.ts';
import type { Row, WindowValue } from '../data/value.ts';
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
  readonly names: HashBag;
}

/** For each part: its entries in two maps, the object, the smallest table. */
const PART_BYTES = 400;

export class SpilledKeys<A extends Aside = Aside> {
  readonly #windowIndex: number;
  readonly #parts = new Map<string, Part>();
  #aside: A[] = [];
  #size = 0;

  /** `windowIndex`: which value of a key is its window; -1 for none. */
  constructor(windowIndex: number) {
    this.#windowIndex = windowIndex;
  }

  get size(): number {
    return this.#size;
  }

  get memoryBytes(): number {
    let bytes = this.#parts.size * PART_BYTES;
    for (const { names } of this.#parts.values()) bytes += names.memoryBytes;
    return bytes;
  }

  add(key: Row, name: string): void {
    const window = this.#windowOf(key);
    const partName = nameOfKey([window]);
    let part = this.#parts.get(partName);
    if (part === undefined) this.#parts.set(partName, (part = { window, names: new HashBag() }));
    part.names.add(name);
    this.#size++;
  }

  /** Whether the store has this key: no for certain, or yes but for a chance. */
  mayHave(key: Row, name: string): boolean {
    return this.#size > 0 && this.#parts.get(nameOfKey([this.#windowOf(key)]))?.names.has(name) === true;
  }

  /** A key is back in memory. */
  remove(key: Row, name: string): void {
    this.#parts.get(nameOfKey([this.#windowOf(key)]))?.names.remove(name);
    this.#size--;
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
    return [...this.#dueParts(untilMs)].map(([, { window }]) => encodeKey([window]));
  }

  /** Forgets those windows. */
  drop(untilMs: number): void {
    for (const [name, { names }] of Array.from(this.#dueParts(untilMs))) {
      this.#size -= names.size;
      this.#parts.delete(name);
    }
  }

  *#dueParts(untilMs: number): Iterable<readonly [string, Part]> {
    if (this.#windowIndex < 0) return;
    for (const entry of this.#parts) if ((entry[1].window?.[1] ?? Infinity) <= untilMs) yield entry;
  }
}

/** The id of a key in the store: its window first, so that those of a window stand together. */
export function keyId(key: Row, windowIndex: number): Buffer {
  if (windowIndex <= 0) return encodeKey(key);
  return encodeKey([key[windowIndex] ?? null, ...key.slice(0, windowIndex), ...key.slice(windowIndex + 1)]);
}

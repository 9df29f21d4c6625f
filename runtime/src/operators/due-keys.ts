/** Keys that time needs and memory does not have, until what they have in the store is asked for. */
import { nameOfKey } from '../data/key.ts';
import type { Row } from '../data/value.ts';
import type { Wanted } from '../state/store.ts';
import { rangeBelow } from './spilling.ts';

export class DueKeys {
  readonly #prefix: Buffer;
  readonly #idOf: (key: Row) => Buffer;
  readonly #keys = new Map<string, Row>();

  /** The entries of a key begin with `prefix` and what `idOf` says. */
  constructor(prefix: Buffer, idOf: (key: Row) => Buffer) {
    this.#prefix = prefix;
    this.#idOf = idOf;
  }

  has(name: string): boolean {
    return this.#keys.has(name);
  }

  want(key: Row, name = nameOfKey(key)): void {
    this.#keys.set(name, key);
  }

  /** Where all that the keys have stands; then nothing is due any more. */
  take(): readonly Wanted[] {
    const wanted = [...this.#keys.values()].map((key) => rangeBelow(this.#prefix, this.#idOf(key)));
    this.#keys.clear();
    return wanted;
  }
}

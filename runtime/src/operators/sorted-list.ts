/**
 * A list that is always in order, for thousands of items or millions: two levels, so that an insertion moves at most a
 * chunk of items and the list of chunks.
 *
 *   [ 1 2 3 ] [ 4 7 9 ] [ 10 12 ]        every chunk holds something; all of one come before all of the next
 */
const CHUNK_ITEMS_MAX = 256;

export class SortedList<T> {
  readonly #compare: (a: T, b: T) => number;
  readonly #chunks: T[][] = [];
  #size = 0;

  constructor(compare: (a: T, b: T) => number) {
    this.#compare = compare;
  }

  get size(): number {
    return this.#size;
  }

  get last(): T | undefined {
    return this.#chunks.at(-1)?.at(-1);
  }

  /** Behind those that compare equal. */
  add(item: T): void {
    this.#size++;
    // The first chunk that ends behind the item; the last chunk takes what is behind everything.
    const place = Math.min(
      this.#firstChunk((last) => this.#compare(last, item) > 0),
      this.#chunks.length - 1,
    );
    const chunk = this.#chunks[place];
    if (chunk === undefined) {
      this.#chunks.push([item]);
      return;
    }
    chunk.splice(
      firstIndex(chunk, (other) => this.#compare(other, item) > 0),
      0,
      item,
    );
    if (chunk.length > CHUNK_ITEMS_MAX) this.#chunks.splice(place + 1, 0, chunk.splice(CHUNK_ITEMS_MAX / 2));
  }

  /** Removes and returns the first item that compares equal, if there is one. */
  remove(item: T): T | undefined {
    const place = this.#firstChunk((last) => this.#compare(last, item) >= 0);
    const chunk = this.#chunks[place];
    if (chunk === undefined) return undefined;
    const index = firstIndex(chunk, (other) => this.#compare(other, item) >= 0);
    const found = chunk[index] as T;
    if (this.#compare(found, item) !== 0) return undefined;
    this.#size--;
    chunk.splice(index, 1);
    if (chunk.length === 0) this.#chunks.splice(place, 1);
    return found;
  }

  /** The first so many items, or all if there are fewer. */
  first(count: number): T[] {
    const items: T[] = [];
    for (const chunk of this.#chunks) {
      for (const item of chunk) {
        if (items.length === count) return items;
        items.push(item);
      }
    }
    return items;
  }

  /** All items in order. */
  *[Symbol.iterator](): Iterator<T> {
    for (const chunk of this.#chunks) yield* chunk;
  }

  #firstChunk(holdsForLast: (last: T) => boolean): number {
    return firstIndex(this.#chunks, (chunk) => holdsForLast(chunk.at(-1) as T));
  }
}

/** The first index from which on the predicate holds; the length when it never does. REQUIRES that it holds from there on. */
export function firstIndex<T>(items: readonly T[], holds: (item: T) => boolean): number {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(items[middle] as T)) high = middle;
    else low = middle + 1;
  }
  return low;
}

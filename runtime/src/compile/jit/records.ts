/**
 * Records of numbers: rows of `stride` cells in one Float64Array, reused through a free list. A record is known by the
 * index of its first cell, which never changes while it lives. NaN is null; a cell of a string is a reference into the arena.
 *
 *   cells   (unused) | key … payload … | key … payload … | FREE next … |        offset 0 is no record
 */
import { Arena } from './arena.ts';

/** First cell of a record that is free: outside of what a value may be. */
export const FREE = -1.6e308;
/** Stands for null where cells are compared. */
export const NULL_KEY = -1.7e308;

const GROWS_FASTER_BELOW = 1 << 23;

export class Records {
  readonly stride: number;
  /** Which cells hold references into the arena. */
  readonly texts: readonly number[];
  cells: Float64Array;
  arena = new Arena();
  /** Behind the last record. */
  top: number;
  count = 0;
  #free = 0;

  constructor(stride: number, texts: readonly number[] = []) {
    this.stride = Math.max(2, stride);
    this.texts = texts;
    this.cells = new Float64Array(16 * this.stride);
    this.top = this.stride;
  }

  /** A record with cells of any content. `cells` may be another array afterwards. */
  alloc(): number {
    this.count++;
    const reused = this.#free;
    if (reused !== 0) {
      this.#free = this.cells[reused + 1] as number;
      return reused;
    }
    const at = this.top;
    if (at + this.stride > this.cells.length) this.#grow();
    this.top = at + this.stride;
    return at;
  }

  release(at: number): void {
    const { cells, texts, arena } = this;
    for (const cell of texts) {
      const reference = cells[at + cell] as number;
      if (reference === reference) arena.drop();
    }
    cells[at] = FREE;
    cells[at + 1] = this.#free;
    this.#free = at;
    this.count--;
  }

  /** Gives dropped strings back. References read before are not valid any more. */
  maintain(): void {
    if (this.arena.isWasteful) this.#compact();
  }

  isLive(at: number): boolean {
    return this.cells[at] !== FREE;
  }

  clear(): void {
    this.top = this.stride;
    this.count = 0;
    this.#free = 0;
    this.arena.clear();
  }

  get sizeBytes(): number {
    return this.top * this.cells.BYTES_PER_ELEMENT + this.arena.sizeBytes;
  }

  #grow(): void {
    // Room that is not written to yet takes no memory.
    const { length } = this.cells;
    const grown = new Float64Array(length * (length < GROWS_FASTER_BELOW ? 4 : 2));
    grown.set(this.cells);
    this.cells = grown;
  }

  #compact(): void {
    const { cells, stride, texts } = this;
    const fresh = new Arena();
    for (let at = stride; at < this.top; at += stride) {
      if (cells[at] === FREE) continue;
      for (const cell of texts) {
        const reference = cells[at + cell] as number;
        if (reference === reference) cells[at + cell] = fresh.copy(this.arena, reference);
      }
    }
    this.arena = fresh;
  }
}

/**
 * Rows that only come, in pages: growing copies nothing. The rows are read in the order in which they came, and all of them
 * are cleared at once.
 */
import { Arena } from './arena.ts';

const PAGE_ROWS = 4096;

export class Pages {
  readonly stride: number;
  readonly arena = new Arena();
  readonly pages: Float64Array[] = [];
  /** The page that is being filled. */
  cells: Float64Array = new Float64Array(0);
  count = 0;
  #at = 0;
  #used = 0;

  constructor(stride: number) {
    this.stride = stride;
  }

  /** Where the next row begins in `cells`. */
  alloc(): number {
    if (this.#at + this.stride > this.cells.length) this.#next();
    const at = this.#at;
    this.#at = at + this.stride;
    this.count++;
    return at;
  }

  #next(): void {
    const page = this.pages[this.#used] ?? new Float64Array(PAGE_ROWS * this.stride);
    this.pages[this.#used++] = page;
    this.cells = page;
    this.#at = 0;
  }

  /** How many cells of a page are filled. */
  filled(page: number): number {
    if (page >= this.#used) return 0;
    return page === this.#used - 1 ? this.#at : PAGE_ROWS * this.stride;
  }

  /** Keeps the rows that are wanted, told by their place from 0; the others' strings stay in the arena. */
  retain(isKept: (row: number) => boolean): void {
    const { stride } = this;
    const rows = this.count;
    const from = this.pages.slice(0, this.#used);
    this.cells = new Float64Array(0);
    this.count = 0;
    this.#at = 0;
    this.#used = 0;
    for (let row = 0; row < rows; row++) {
      if (!isKept(row)) continue;
      const page = from[Math.floor(row / PAGE_ROWS)] as Float64Array;
      const start = (row % PAGE_ROWS) * stride;
      const at = this.alloc();
      // Never before what is read: rows only move towards the beginning.
      for (let cell = 0; cell < stride; cell++) this.cells[at + cell] = page[start + cell] as number;
    }
    this.pages.length = Math.max(1, this.#used);
  }

  /** Keeps one page to be filled again. */
  clear(): void {
    this.pages.length = Math.min(1, this.pages.length);
    this.cells = new Float64Array(0);
    this.count = 0;
    this.#at = 0;
    this.#used = 0;
    this.arena.clear();
  }

  get sizeBytes(): number {
    return this.pages.length * PAGE_ROWS * this.stride * 8 + this.arena.sizeBytes;
  }
}

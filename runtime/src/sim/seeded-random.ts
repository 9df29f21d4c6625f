import type { Random } from '../ports/random.ts';

/** Chance that a seed decides: sfc32, a small generator of good quality. The same seed draws the same numbers. */
export class SeededRandom implements Random {
  #a: number;
  #b = 0x9e3779b9;
  #c = 0x243f6a88;
  #counter = 1;

  constructor(seed: number) {
    this.#a = seed | 0;
    for (let warming = 0; warming < 12; warming++) this.#word();
  }

  #word(): number {
    const word = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + word) | 0;
    return word >>> 0;
  }

  next(): number {
    return this.#word() / 2 ** 32;
  }

  uuid(): string {
    const digits = Array.from({ length: 4 }, () => this.#word().toString(16).padStart(8, '0')).join('');
    return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  }

  /** A whole number in [0, end). */
  below(end: number): number {
    return Math.floor(this.next() * end);
  }

  /** A whole number in [from, to]. */
  between(from: number, to: number): number {
    return from + this.below(to - from + 1);
  }

  /** True so often of 1. */
  chance(share: number): boolean {
    return this.next() < share;
  }

  /** REQUIRES at least one. */
  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T;
  }

  /** Chance of its own, so that drawing more here does not change what is drawn there. */
  fork(): SeededRandom {
    return new SeededRandom(this.#word());
  }
}

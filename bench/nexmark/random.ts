/** Numbers that look random and are the same for one seed on every machine: xorshift128+ over two 32-bit halves is not
 *  needed for a benchmark, so this is mulberry32. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 32 random bits as a signed number. */
  bits(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return t ^ (t >>> 14);
  }

  /** A number of [0, 1). */
  fraction(): number {
    return (this.bits() >>> 0) / 4294967296;
  }

  /** A whole number of [0, below). */
  below(below: number): number {
    return Math.floor(this.fraction() * below);
  }

  pick(values: readonly string[]): string {
    return values[this.below(values.length)] ?? '';
  }
}

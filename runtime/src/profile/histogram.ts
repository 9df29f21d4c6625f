/**
 * Counts of durations in bins whose bounds are one per cent apart: quantiles of any number of values in little memory, at
 * most one per cent too high. Values below a millisecond are zero.
 */
const GROWTH = 1.01;
const LOG_GROWTH = Math.log(GROWTH);

export class Histogram {
  #counts = new Float64Array(256);
  #zeros = 0;
  count = 0;
  max = 0;

  add(ms: number): void {
    this.count++;
    if (ms > this.max) this.max = ms;
    if (ms < 1) {
      this.#zeros++;
      return;
    }
    const bin = Math.floor(Math.log(ms) / LOG_GROWTH);
    if (bin >= this.#counts.length) {
      const counts = new Float64Array(2 * bin);
      counts.set(this.#counts);
      this.#counts = counts;
    }
    this.#counts[bin] = (this.#counts[bin] as number) + 1;
  }

  /** The share of the values that are below a millisecond. */
  get zeros(): number {
    return this.count === 0 ? 0 : this.#zeros / this.count;
  }

  /** The smallest bound that at least this share of the values is at or below; 0 without values. */
  quantile(share: number): number {
    const wanted = Math.ceil(share * this.count - 1e-9);
    let seen = this.#zeros;
    if (seen >= wanted) return 0;
    for (const [bin, count] of this.#counts.entries()) {
      seen += count;
      if (seen >= wanted) return Math.min(this.max, GROWTH ** (bin + 1));
    }
    return this.max;
  }
}

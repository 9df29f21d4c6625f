/**
 * Counts of durations by bins whose bounds are two per cent apart, only those that hold something: a day of measurements in
 * a few kilobytes of JSON. Below a millisecond is bin 0.
 */
const GROWTH = 1.02;
const LOG_GROWTH = Math.log(GROWTH);

/** `[bin, count]`, bins ascending. */
export type Bins = readonly (readonly [bin: number, count: number])[];

export class BinCounter {
  readonly #counts: Map<number, number>;

  constructor(bins: Bins = []) {
    this.#counts = new Map(bins);
  }

  add(ms: number, weight: number): void {
    const bin = ms < 1 ? 0 : 1 + Math.floor(Math.log(ms) / LOG_GROWTH);
    this.#counts.set(bin, (this.#counts.get(bin) ?? 0) + weight);
  }

  merge(bins: Bins): void {
    for (const [bin, count] of bins) this.#counts.set(bin, (this.#counts.get(bin) ?? 0) + count);
  }

  get bins(): Bins {
    return [...this.#counts].sort(([a], [b]) => a - b);
  }
}

/** The bound that at least this share of what was counted is at or below, in ms, up to two per cent too high; null for nothing. */
export function quantileOf(bins: Bins, share: number): number | null {
  const total = totalOf(bins);
  if (total === 0) return null;
  let seen = 0;
  for (const [bin, count] of bins) {
    seen += count;
    if (seen >= share * total - 1e-9) return bin === 0 ? 0 : GROWTH ** bin;
  }
  return GROWTH ** (bins.at(-1)?.[0] ?? 0);
}

/** The share of what was counted that is at most so long, in ms; null for nothing. */
export function shareWithin(bins: Bins, ms: number): number | null {
  const total = totalOf(bins);
  if (total === 0) return null;
  const within = bins.filter(([bin]) => bin === 0 || GROWTH ** (bin - 1) <= ms);
  return totalOf(within) / total;
}

export function totalOf(bins: Bins): number {
  return bins.reduce((sum, [, count]) => sum + count, 0);
}

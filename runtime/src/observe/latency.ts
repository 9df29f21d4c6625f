const SAMPLES_MAX = 2_048;

/** Quantiles of the last few thousand measurements, each weighted by how many events it stands for. */
export class Latency {
  readonly #samples: { readonly ms: number; readonly weight: number }[] = [];
  #next = 0;

  add(ms: number, weight: number): void {
    this.#samples[this.#next] = { ms, weight };
    this.#next = (this.#next + 1) % SAMPLES_MAX;
  }

  /** Null before the first measurement. */
  quantile(q: number): number | null {
    const sorted = [...this.#samples].sort((a, b) => a.ms - b.ms);
    const total = sorted.reduce((sum, { weight }) => sum + weight, 0);
    let seen = 0;
    for (const { ms, weight } of sorted) {
      seen += weight;
      if (seen >= q * total) return ms;
    }
    return null;
  }
}

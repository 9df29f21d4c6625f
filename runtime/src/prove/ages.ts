/**
 * How old the newest result is that a reader sees, over time: how long ago the oldest event arrived that is not in it yet;
 * zero when nothing is missing.
 *
 *   age │    ╱│    ╱│        between two commits it grows as time does, from when the first event
 *       │  ╱  │  ╱  │        arrived that the last commit did not show
 *       └─────┴─────┴──►     so a quantile over time is exact: every stretch spreads its time evenly over its ages
 */
export interface CurvePoint {
  /** The end of the stretch, from the first arrival on. */
  readonly atSeconds: number;
  readonly meanSeconds: number;
  readonly maxSeconds: number;
}

/** Of time, in milliseconds: [from, to). */
export type Stretch = readonly [fromMs: number, toMs: number];

const CURVE_POINTS = 240;

export class Ages {
  readonly #stretches: readonly Stretch[];
  readonly #fromMs: number;
  readonly #toMs: number;
  /** The first stretch that is not over. */
  #stretch = 0;
  /** When each event was sent, in the order of the log. */
  readonly #sentAtMs: Float64Array;
  #seen = 0;
  #sinceMs: number;
  #zeroMs = 0;
  readonly #from: number[] = [];
  readonly #to: number[] = [];
  readonly #points = Array.from({ length: CURVE_POINTS }, () => ({ area: 0, maxMs: 0 }));

  /** When readers come: in these stretches, in their order. REQUIRES one at least. */
  constructor(sentAtMs: Float64Array, stretches: readonly Stretch[]) {
    this.#sentAtMs = sentAtMs;
    this.#stretches = stretches;
    this.#fromMs = stretches[0]?.[0] ?? 0;
    this.#toMs = stretches.at(-1)?.[1] ?? 0;
    this.#sinceMs = this.#fromMs;
  }

  /** From now on readers see the first `seen` events. */
  commit(nowMs: number, seen: number): void {
    const oldestMs = this.#sentAtMs[this.#seen] ?? Infinity;
    for (
      let next = this.#stretches[this.#stretch];
      next !== undefined;
      next = this.#stretches[this.#stretch]
    ) {
      const [fromMs, toMs] = next;
      this.#pass(Math.max(fromMs, this.#sinceMs), Math.min(nowMs, toMs), oldestMs);
      if (nowMs < toMs) break;
      this.#stretch++;
    }
    this.#sinceMs = Math.max(this.#sinceMs, nowMs);
    this.#seen = Math.max(this.#seen, seen);
  }

  #pass(sinceMs: number, untilMs: number, oldestMs: number): void {
    if (untilMs <= sinceMs) return;
    const growsFromMs = Math.min(untilMs, Math.max(sinceMs, oldestMs));
    this.#zeroMs += growsFromMs - sinceMs;
    if (untilMs > growsFromMs) this.#grow(growsFromMs, untilMs, oldestMs);
  }

  #grow(fromMs: number, toMs: number, oldestMs: number): void {
    this.#from.push(fromMs - oldestMs);
    this.#to.push(toMs - oldestMs);
    const stretchMs = (this.#toMs - this.#fromMs) / CURVE_POINTS;
    for (let atMs = fromMs; atMs < toMs;) {
      const index = Math.min(CURVE_POINTS - 1, Math.floor((atMs - this.#fromMs) / stretchMs));
      const point = this.#points[index] as { area: number; maxMs: number };
      const endMs =
        index === CURVE_POINTS - 1 ? toMs : Math.min(toMs, this.#fromMs + (index + 1) * stretchMs);
      // A stretch that is too short for a number to grow by it ends all the same.
      const nextMs = endMs > atMs ? endMs : toMs;
      point.area += (nextMs - atMs) * ((atMs + nextMs) / 2 - oldestMs);
      point.maxMs = Math.max(point.maxMs, nextMs - oldestMs);
      atMs = nextMs;
    }
  }

  /** The age that is not exceeded for these shares of the time, in milliseconds. */
  quantiles(shares: readonly number[]): number[] {
    const ends = [
      ...this.#from.map((ageMs) => [ageMs, 1] as const),
      ...this.#to.map((ageMs) => [ageMs, -1] as const),
    ].sort((a, b) => a[0] - b[0]);
    const total = this.#zeroMs + this.#to.reduce((sum, to, at) => sum + to - (this.#from[at] as number), 0);
    return shares.map((share) => {
      let left = share * total - this.#zeroMs;
      let [open, ageMs] = [0, 0];
      for (const [endMs, step] of ends) {
        const area = open * (endMs - ageMs);
        if (left <= area) return left <= 0 ? ageMs : ageMs + left / open;
        left -= area;
        ageMs = endMs;
        open += step;
      }
      return ageMs;
    });
  }

  curve(): CurvePoint[] {
    const stretchMs = (this.#toMs - this.#fromMs) / CURVE_POINTS;
    return this.#points.map(({ area, maxMs }, index) => ({
      atSeconds: ((index + 1) * stretchMs) / 1000,
      meanSeconds: area / stretchMs / 1000,
      maxSeconds: maxMs / 1000,
    }));
  }
}

/**
 * How arrivals follow each other, in two curves over a few lengths of time; what ages of results hang on.
 *
 *   quiet   share of the stretches of that length, wherever they begin, in which nothing arrives: a gap of g holds the
 *           beginnings of g − length seconds of them
 *   busy    share of the time that is no longer than that after an arrival, of arrivals that are each the first after the
 *           stretch of the one before: what a stream that gathers for that long is at work
 */
export const LENGTHS_SECONDS = [
  0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 60, 180, 600, 1200, 3600, 10_800, 21_600, 86_400,
] as const;

const LENGTHS_MS = Float64Array.from(LENGTHS_SECONDS, (seconds) => seconds * 1000);

export type Rhythm = readonly (readonly [seconds: number, quiet: number, busy: number])[];

export class RhythmMeter {
  readonly #quietMs = new Float64Array(LENGTHS_MS.length);
  readonly #begins = new Float64Array(LENGTHS_MS.length);
  readonly #untilMs = new Float64Array(LENGTHS_MS.length).fill(-Infinity);
  #firstMs = NaN;
  #lastMs = NaN;

  /** An arrival before one that was noted counts as having come with it. */
  add(atMs: number): void {
    if (Number.isNaN(this.#firstMs)) this.#firstMs = this.#lastMs = atMs;
    else if (atMs <= this.#lastMs) return;
    const gapMs = atMs - this.#lastMs;
    for (let at = 0; at < LENGTHS_MS.length; at++) {
      const lengthMs = LENGTHS_MS[at] as number;
      if (gapMs > lengthMs) this.#quietMs[at] = (this.#quietMs[at] as number) + gapMs - lengthMs;
      if (atMs < (this.#untilMs[at] as number)) continue;
      this.#begins[at] = (this.#begins[at] as number) + 1;
      this.#untilMs[at] = atMs + lengthMs;
    }
    this.#lastMs = atMs;
  }

  /** Of the lengths that fit into the time often enough to say something. */
  rhythm(): Rhythm {
    const totalMs = this.#lastMs - this.#firstMs;
    const rungs: [number, number, number][] = [];
    for (const [at, seconds] of LENGTHS_SECONDS.entries()) {
      const lengthMs = LENGTHS_MS[at] as number;
      if (lengthMs * 4 > totalMs) break;
      const quiet = (this.#quietMs[at] as number) / (totalMs - lengthMs);
      const busy = Math.min(1, ((this.#begins[at] as number) * lengthMs) / totalMs);
      rungs.push([seconds, Number(quiet.toPrecision(4)), Number(busy.toPrecision(4))]);
    }
    return rungs;
  }
}

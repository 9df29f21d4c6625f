/** How many events fall into each stretch of time; the stretches get longer when there are too many of them. */
const BUCKETS_MAX = 200_000;
/** So many events a stretch has on average, where there are enough stretches left. */
const EVENTS_MIN = 10;
const STRETCHES_MIN = 20;

export interface Rates {
  readonly bucketSeconds: number;
  readonly mean: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** Share of the stretches without an event. */
  readonly empty: number;
}

export class RateMeter {
  #bucketMs = 1000;
  #counts = new Map<number, number>();
  #last = NaN;
  #lastCount = 0;

  add(timeMs: number): void {
    const bucket = Math.floor(timeMs / this.#bucketMs);
    if (bucket === this.#last) {
      this.#lastCount++;
      return;
    }
    this.#settle();
    this.#last = bucket;
    this.#lastCount = 1;
  }

  #settle(): void {
    if (this.#lastCount === 0) return;
    this.#counts.set(this.#last, (this.#counts.get(this.#last) ?? 0) + this.#lastCount);
    this.#lastCount = 0;
    if (this.#counts.size > BUCKETS_MAX) this.#widen();
  }

  /** Ten times as long: from seconds to what a file that is sparse needs. */
  #widen(): void {
    const wider = new Map<number, number>();
    for (const [bucket, count] of this.#counts) {
      const at = Math.floor(bucket / 10);
      wider.set(at, (wider.get(at) ?? 0) + count);
    }
    this.#counts = wider;
    this.#bucketMs *= 10;
    this.#last = NaN;
  }

  /** Events a second, in stretches that hold some events as a rule. */
  rates(): Rates {
    this.#settle();
    this.#last = NaN;
    let all = this.#stretches();
    const events = [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
    while (events / all < EVENTS_MIN && all >= 10 * STRETCHES_MIN) {
      this.#widen();
      all = this.#stretches();
    }
    const counts = [...this.#counts.values()].sort((a, b) => a - b);
    const seconds = this.#bucketMs / 1000;
    const empty = all - counts.length;
    // The stretches without events come first in the order of counts.
    const at = (share: number): number => counts[Math.ceil(share * all) - 1 - empty] ?? 0;
    return {
      bucketSeconds: seconds,
      mean: events / all / seconds,
      p50: at(0.5) / seconds,
      p99: at(0.99) / seconds,
      max: (counts.at(-1) ?? 0) / seconds,
      empty: empty / all,
    };
  }

  /** From the first stretch with an event to the last. */
  #stretches(): number {
    const buckets = [...this.#counts.keys()];
    const first = buckets.reduce((least, each) => Math.min(least, each), Infinity);
    const last = buckets.reduce((most, each) => Math.max(most, each), -Infinity);
    return Math.max(1, last - first + 1);
  }
}

/**
 * How far event time has come, as the log tells it: a pure function of the records before an offset, so that every run,
 * however cut, and every replay judges an event alike.
 *
 *   partition   max(largest event time seen - delay, how far time had come when the partition began or woke up)
 *   source      the smallest over its partitions that are awake; never falls
 *   sources     that meet in a view: the smallest over those that are awake; never falls (see times.ts)
 *
 * Every partition holds time back until it has spoken or an `idle` record says that nobody waits for it any more; how many
 * there are stands in each block. While all are asleep time stands still. An `end` record says that no event will follow:
 * time is over.
 */
export interface SavedSourceTime {
  readonly watermarkMs: number | null;
  readonly ended: boolean;
  readonly partitions: readonly SavedPartition[];
}

interface SavedPartition {
  readonly partition: number;
  readonly maxMs: number | null;
  readonly floorMs: number | null;
  readonly idle: boolean;
}

interface PartitionTime {
  maxMs: number;
  floorMs: number;
  idle: boolean;
}

export class SourceTime {
  readonly #delayMs: number;
  readonly #floorMs: () => number;
  readonly #partitions = new Map<number, PartitionTime>();
  #watermarkMs = -Infinity;
  #ended = false;

  /** `floor`: how far time has come for those who wait for this source; a partition that speaks again starts there. */
  constructor(delayMs: number, saved?: SavedSourceTime, floor?: () => number) {
    this.#delayMs = delayMs;
    this.#floorMs = floor ?? (() => this.watermarkMs);
    if (saved === undefined) return;
    this.#watermarkMs = saved.watermarkMs ?? -Infinity;
    this.#ended = saved.ended;
    for (const { partition, maxMs, floorMs, idle } of saved.partitions) {
      this.#partitions.set(partition, { maxMs: maxMs ?? -Infinity, floorMs: floorMs ?? -Infinity, idle });
    }
  }

  /** The source has this many partitions. Those that are new to us hold time back from now on. */
  expect(partitions: number): void {
    if (this.#partitions.size >= partitions) return;
    const floorMs = this.#floorMs();
    for (let partition = 0; partition < partitions; partition++) {
      if (this.#partitions.has(partition)) continue;
      this.#partitions.set(partition, { maxMs: -Infinity, floorMs, idle: false });
    }
  }

  /** Takes an event's time; returns the watermark of its partition before it. */
  observe(partition: number, eventTimeMs: number): number {
    const time = this.#awake(partition);
    const before = this.#ended ? Infinity : Math.max(time.maxMs - this.#delayMs, time.floorMs);
    if (eventTimeMs > time.maxMs) time.maxMs = eventTimeMs;
    return before;
  }

  /** As `observe` for the first `n` of these times, one after the other; `before` takes what it would return. */
  observeAll(partition: number, times: Float64Array, n: number, before: Float64Array): void {
    if (n === 0) return;
    const time = this.#awake(partition);
    let { maxMs } = time;
    for (let i = 0; i < n; i++) {
      before[i] = Math.max(maxMs - this.#delayMs, time.floorMs);
      const timeMs = times[i] as number;
      if (timeMs > maxMs) maxMs = timeMs;
    }
    time.maxMs = maxMs;
    if (this.#ended) before.fill(Infinity, 0, n);
  }

  #awake(partition: number): PartitionTime {
    const known = this.#partitions.get(partition);
    if (known !== undefined && !known.idle) return known;
    const floorMs = this.#floorMs();
    const time = { maxMs: known?.maxMs ?? -Infinity, floorMs, idle: false };
    this.#partitions.set(partition, time);
    return time;
  }

  /** Nobody waits for the partition until its next event. */
  sleep(partition: number): void {
    // What the source has reached is remembered before the last one that speaks for it falls silent. Otherwise it would
    // depend on who asked for the watermark in between, and so on the epochs.
    void this.#floorMs();
    const time = this.#partitions.get(partition) ?? { maxMs: -Infinity, floorMs: -Infinity, idle: true };
    time.idle = true;
    this.#partitions.set(partition, time);
  }

  end(): void {
    void this.#floorMs();
    this.#ended = true;
  }

  /** Nobody waits for it: it has spoken, and all its partitions are asleep. */
  get isAsleep(): boolean {
    if (this.#ended || this.#partitions.size === 0) return false;
    for (const { idle } of this.#partitions.values()) if (!idle) return false;
    return true;
  }

  /** The watermark of the source: what closes windows. */
  get watermarkMs(): number {
    if (this.#ended) return Infinity;
    let smallest = Infinity;
    for (const time of this.#partitions.values()) {
      if (!time.idle) smallest = Math.min(smallest, Math.max(time.maxMs - this.#delayMs, time.floorMs));
    }
    if (smallest !== Infinity) this.#watermarkMs = Math.max(this.#watermarkMs, smallest);
    return this.#watermarkMs;
  }

  partitionWatermarkMs(partition: number): number | null {
    const time = this.#partitions.get(partition);
    if (time === undefined) return null;
    return this.#ended ? Infinity : Math.max(time.maxMs - this.#delayMs, time.floorMs);
  }

  isIdle(partition: number): boolean {
    return this.#partitions.get(partition)?.idle ?? true;
  }

  save(): SavedSourceTime {
    const watermarkMs = this.#ended ? this.#watermarkMs : this.watermarkMs;
    return {
      watermarkMs: finite(watermarkMs),
      ended: this.#ended,
      partitions: [...this.#partitions].map(([partition, { maxMs, floorMs, idle }]) => ({
        partition,
        maxMs: finite(maxMs),
        floorMs: finite(floorMs),
        idle,
      })),
    };
  }
}

function finite(ms: number): number | null {
  return Number.isFinite(ms) ? ms : null;
}

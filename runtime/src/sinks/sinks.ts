/** All sinks of a pipeline: one courier each, and what the engine asks of them together. */
import type { SinkConfig } from '../config/sinks.ts';
import type { SinkStatus } from '../host/host.ts';
import type { Clock } from '../ports/clock.ts';
import type { Disk } from '../ports/disk.ts';
import { type Random, systemRandom } from '../ports/random.ts';
import type { Reads, Store } from '../state/store.ts';
import { Bell } from './bell.ts';
import type { Located } from './content.ts';
import { Courier } from './courier.ts';
import { Journal } from './journal.ts';
import { openSink } from './open.ts';
import { Outbox } from './outbox.ts';
import type { Claim, Sink } from './sink.ts';

export interface SinksOptions {
  readonly store: Store;
  readonly configs: readonly SinkConfig[];
  readonly clock: Clock;
  readonly disk: Disk;
  readonly random?: Random;
  readonly claim: Claim;
  /** Of the definition: its name, for people to tell folders and tables apart. */
  readonly pipeline: string;
  readonly locate: (reads: Reads, view: string) => Promise<Located | null>;
  readonly checkOwner: () => Promise<void>;
  /** Another way to make a sink; for tests. */
  readonly makeSink?: (config: SinkConfig, journal: Journal) => Sink;
}

const KEEP_UP_MS = 2 ** 31 - 1;

export class Sinks {
  readonly #couriers: readonly Courier[];
  readonly #clock: Clock;
  readonly #taken: Bell;
  /** What everything that computes writes through. */
  readonly store: Outbox;
  #running = 0;

  private constructor(store: Outbox, couriers: readonly Courier[], clock: Clock, taken: Bell) {
    this.store = store;
    this.#couriers = couriers;
    this.#clock = clock;
    this.#taken = taken;
    store.onCommit = (name, added) => couriers.find((each) => each.name === name)?.note(added);
  }

  /** Reads what waits; reaches for no sink yet. Throws SINK_INVALID. */
  static async open(options: SinksOptions): Promise<Sinks> {
    const { configs, clock, random = systemRandom, claim, locate, checkOwner } = options;
    const outbox = await Outbox.open(options.store, configs);
    const taken = new Bell();
    const ports = { outbox, clock, random, claim, locate, checkOwner };
    const { disk, pipeline } = options;
    const make =
      options.makeSink ??
      ((config: SinkConfig, journal: Journal) => openSink(config, { disk, pipeline, journal }));
    const couriers = configs.map((config) => {
      const sink = make(config, new Journal(outbox, config.name));
      return new Courier(sink, config, ports, () => taken.ring());
    });
    return new Sinks(outbox, couriers, clock, taken);
  }

  /** Delivers until the signal aborts. Throws what a sink cannot recover from. */
  async run(signal: AbortSignal): Promise<void> {
    const stop = new AbortController();
    const forward = (): void => stop.abort();
    signal.addEventListener('abort', forward, { once: true });
    if (signal.aborted) forward();
    this.#running++;
    const ending = (error: unknown): never => {
      forward();
      throw error;
    };
    const runs = this.#couriers.map((courier) => courier.run(stop.signal).catch(ending));
    try {
      await Promise.all(runs);
    } finally {
      await Promise.allSettled(runs);
      signal.removeEventListener('abort', forward);
      this.#running--;
      this.#taken.ring();
    }
  }

  /** Does some work while everything is delivered, and resolves when all that it committed is. */
  async during(work: (signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void> {
    const stop = new AbortController();
    const failed = new AbortController();
    const both = AbortSignal.any([signal, failed.signal]);
    const running = this.#running > 0 ? Promise.resolve() : this.run(stop.signal);
    running.catch(() => failed.abort());
    try {
      await work(both);
      await this.flush(both);
    } finally {
      stop.abort();
      await running;
    }
  }

  /** Delivers what was committed before. */
  async flush(signal: AbortSignal): Promise<void> {
    for (const courier of this.#couriers) await courier.flush(signal);
  }

  /** Waits until every sink that is being served can take more. */
  async keepUp(signal: AbortSignal): Promise<void> {
    while (this.#running > 0 && !signal.aborted && this.#couriers.some((courier) => courier.isFull))
      await this.#taken.wait(this.#clock, KEEP_UP_MS, signal);
  }

  status(position: number): readonly SinkStatus[] {
    return this.#couriers.map((courier) => courier.status(position));
  }

  async close(): Promise<void> {
    for (const courier of this.#couriers) await courier.close();
  }
}

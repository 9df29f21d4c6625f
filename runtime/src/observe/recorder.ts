/**
 * Notes what a running pipeline measures, for `advisor review`: counts of everything, histograms of freshness, and of a
 * sample of blocks how far their events are behind the newest.
 *
 *   commit ─► counts of the day, every k-th block remembered ─► once a minute, and at the end ─► data/observed/<day>.json
 *
 * Never in the way: a commit costs a few additions for each block, the files are written beside it, and what cannot be
 * written or read is left out.
 */
import { decodeEvent } from '../data/decode.ts';
import type { Block, Log } from '../log/log.ts';
import type { Clock } from '../ports/clock.ts';
import { eventTimeReader, isTable } from '../plan/event-time.ts';
import type { Plan, SourcePlan } from '../plan/node.ts';
import { BinCounter } from './bins.ts';
import { addToDay, type Day, dayOf, type NotesPlace } from './days.ts';

const FLUSH_EVERY_MS = 60_000;
/** Blocks that are read again between two flushes. */
const SAMPLES_MAX = 32;
/** Events of each of them that are looked at. */
const EVENTS_MAX = 500;

/** A block whose events became visible. */
export type Seen = Pick<Block, 'kind' | 'source' | 'partition' | 'appendedAtMs' | 'times'> & {
  /** Of the first of its events that became visible, and how many did. */
  readonly position: number;
  readonly records: number;
};

/** What only grows while a process runs. */
export interface Totals {
  readonly late: number;
  readonly rejected: number;
  readonly corrections: number;
}

export interface RecorderOptions {
  readonly place: NotesPlace;
  readonly log: Pick<Log, 'read'>;
  /** The first so many records of a block. */
  readonly firstRecords: (block: Block, count: number) => readonly string[];
  readonly plan: Pick<Plan, 'sources'>;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly architecture: string;
  readonly slaSeconds: number;
  readonly totals: () => Totals;
  /** Events before this position are computed again, and were noted when they came. */
  readonly from: number;
}

interface Counts {
  firstMs: number;
  lastMs: number;
  events: number;
  readonly visible: BinCounter;
}

interface Sample {
  readonly position: number;
  readonly appendedAtMs: number;
  /** The newest event before the block; -Infinity when none is known. */
  readonly newestMs: number;
}

export class Recorder {
  readonly #options: RecorderOptions;
  #days = new Map<string, Counts>();
  #samples: Sample[] = [];
  #blocks = 0;
  #stride = 1;
  readonly #newest = new Map<string, number>();
  #totals: Totals;
  #flushedAtMs: number;
  #flushing: Promise<void> | null = null;

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#totals = options.totals();
    this.#flushedAtMs = options.clock.nowMs();
  }

  /** Takes in what a commit made visible. Never throws. */
  committed(seen: readonly Seen[]): void {
    const nowMs = this.#options.clock.nowMs();
    for (const block of seen)
      if (block.kind === 'events' && block.position >= this.#options.from) this.#note(block, nowMs);
    if (nowMs - this.#flushedAtMs >= FLUSH_EVERY_MS) void this.flush();
  }

  #note(block: Seen, nowMs: number): void {
    const { source, partition, appendedAtMs, records, times, position } = block;
    const day = this.#countsOf(appendedAtMs);
    day.firstMs = Math.min(day.firstMs, appendedAtMs);
    day.lastMs = Math.max(day.lastMs, appendedAtMs);
    day.events += records;
    day.visible.add(Math.max(0, nowMs - appendedAtMs), records);
    const name = `${source}/${partition}`;
    const newestMs = this.#newest.get(name) ?? -Infinity;
    if (this.#blocks++ % this.#stride === 0) this.#remember({ position, appendedAtMs, newestMs });
    if (times !== undefined) this.#newest.set(name, Math.max(newestMs, times.maxMs));
  }

  #countsOf(ms: number): Counts {
    const day = dayOf(ms);
    const known = this.#days.get(day);
    if (known !== undefined) return known;
    const made: Counts = { firstMs: Infinity, lastMs: -Infinity, events: 0, visible: new BinCounter() };
    this.#days.set(day, made);
    return made;
  }

  /** Every second one is dropped when there are too many, and half as many are taken from then on. */
  #remember(sample: Sample): void {
    this.#samples.push(sample);
    if (this.#samples.length <= SAMPLES_MAX) return;
    this.#samples = this.#samples.filter((_, index) => index % 2 === 0);
    this.#stride *= 2;
  }

  /** Writes what was noted since the last time; what fails is left out. */
  flush(): Promise<void> {
    this.#flushing ??= this.#flush()
      .catch(() => {})
      .finally(() => {
        this.#flushing = null;
      });
    return this.#flushing;
  }

  async close(): Promise<void> {
    await this.#flushing;
    await this.flush();
  }

  async #flush(): Promise<void> {
    this.#flushedAtMs = this.#options.clock.nowMs();
    const days = this.#take();
    for (const day of days) await addToDay(this.#options.place, await day());
  }

  /** What is to be written: complete but for the samples, which are read when it is their day's turn. */
  #take(): (() => Promise<Day>)[] {
    const { architecture, slaSeconds } = this.#options;
    const totals = this.#options.totals();
    const more = (name: keyof Totals): number => Math.max(0, totals[name] - this.#totals[name]);
    const grown = { late: more('late'), rejected: more('rejected'), corrections: more('corrections') };
    this.#totals = totals;
    const [counts, samples] = [this.#days, this.#samples];
    this.#days = new Map();
    this.#samples = [];
    this.#blocks = 0;
    this.#stride = 1;
    const names = [...counts.keys()].sort();
    return names.map((day, index) => async () => {
      const { firstMs, lastMs, events, visible } = counts.get(day) as Counts;
      const ofDay = samples.filter(({ appendedAtMs }) => dayOf(appendedAtMs) === day);
      const { behind, sampled } = await this.#measure(ofDay);
      // What has no day of its own belongs to the newest.
      const isLast = index === names.length - 1;
      return {
        version: 1,
        day,
        firstMs,
        lastMs,
        events,
        ...(isLast ? grown : { late: 0, rejected: 0, corrections: 0 }),
        visibleMs: visible.bins,
        behindMs: behind.bins,
        sampled,
        architecture,
        slaSeconds,
      };
    });
  }

  async #measure(samples: readonly Sample[]) {
    const behind = new BinCounter();
    const sampled = { events: 0, bytes: 0 };
    for (const sample of samples) {
      const block = await this.#blockAt(sample.position);
      const source = this.#options.plan.sources.find(({ name }) => name === block?.source);
      if (block === null || source === undefined || isTable(source)) continue;
      let { newestMs } = sample;
      for (const [text, timeMs] of eventsOf(this.#options.firstRecords(block, EVENTS_MAX), source)) {
        sampled.events++;
        sampled.bytes += Buffer.byteLength(text);
        behind.add(Math.max(0, newestMs - timeMs), 1);
        newestMs = Math.max(newestMs, timeMs);
      }
    }
    return { behind, sampled };
  }

  /** The block that holds a position; null when it is not there any more. */
  async #blockAt(position: number): Promise<Block | null> {
    try {
      for await (const block of this.#options.log.read(position)) return block;
    } catch {
      // It was removed meanwhile, or is damaged; who needs it says so.
    }
    return null;
  }
}

/** Of these records those that the source accepts, each with its time. */
function* eventsOf(records: readonly string[], source: SourcePlan): Iterable<[text: string, timeMs: number]> {
  const timeOf = eventTimeReader(source);
  for (const text of records) {
    const decoded = decodeEvent(source.fields, JSON.parse(text));
    const timeMs = 'row' in decoded ? timeOf(decoded.row) : undefined;
    if (timeMs !== undefined) yield [text, timeMs];
  }
}

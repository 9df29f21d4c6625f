/**
 * Measures a file of events, read once from its beginning to its end, whose order is taken for the order of arrival.
 *
 *   delay     arrival time − event time, where events say when they arrived
 *   disorder  the largest event time so far − event time: what a watermark has to wait for
 */
import { crc32 } from 'node:zlib';
import { failure } from '../base/errors.ts';
import type { ColumnBatch } from '../data/columns.ts';
import type { Field } from '../data/decode.ts';
import { Dictionary } from '../data/dictionary.ts';
import { Histogram } from './histogram.ts';
import { Once } from './once.ts';
import { RateMeter, type Rates } from './rate.ts';
import { type Rhythm, RhythmMeter } from './rhythm.ts';
import type { SampledField } from './sample.ts';
import { codesOf, numbersOf, type ScannedFields, type ScanOptions, scanEvents } from './scan-events.ts';

export interface Quantiles {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly p9999: number;
  readonly max: number;
}

export interface EventMeasures {
  readonly events: number;
  /** Lines that are no event with these fields, and why the first of them are not. */
  readonly rejected: number;
  readonly problems: readonly { readonly line: number; readonly problem: string }[];
  /** First and last event time; first and last arrival. */
  readonly eventTimeMs: readonly [number, number];
  readonly arrivalMs: readonly [number, number] | null;
  readonly bytesPerEvent: number;
  /** By arrival, or by event time where events do not say when they arrived. */
  readonly rates: Rates;
  /** The longest time without an arrival. */
  readonly longestGapMs: number;
  readonly rhythm: Rhythm;
  readonly delayMs: Quantiles | null;
  /** Which share of the delays is no longer than how many milliseconds; of disorder, where events do not say when they arrived. */
  readonly delayShares: readonly (readonly [share: number, ms: number])[];
  /** Events that say that they happened after they arrived. */
  readonly early: number;
  readonly disorderMs: Quantiles;
  readonly outOfOrder: number;
  /** Events whose line had come before, byte for byte. */
  readonly duplicates: number;
  readonly keys: { readonly distinct: number; readonly largestShare: number } | null;
}

const PROBLEMS_MAX = 5;

/**
 * Measures the events of a file: JSON lines, CSV or Parquet, by its ending.
 * @throws FILE_UNREADABLE, FILE_INVALID, USAGE
 */
export async function measureEvents(file: string, options: ScanOptions): Promise<EventMeasures> {
  const meter = await scanEvents(file, options, (fields) => new Meter(fields));
  return meter.measures(file, options);
}

class Meter {
  readonly #event: SampledField;
  readonly #arrival: SampledField | null;
  readonly #key: Field | null;
  readonly #delays = new Histogram();
  readonly #disorders = new Histogram();
  readonly #rate = new RateMeter();
  readonly #rhythm = new RhythmMeter();
  readonly #lines = new Once();
  readonly #names = new Dictionary();
  #keyCounts = new Float64Array(1024);
  #events = 0;
  #rejected = 0;
  readonly #problems: { line: number; problem: string }[] = [];
  #bytes = 0;
  #early = 0;
  #outOfOrder = 0;
  #duplicates = 0;
  #firstMs = Infinity;
  #lastMs = -Infinity;
  #firstArrivalMs = Infinity;
  #lastArrivalMs = -Infinity;
  #gapMs = 0;

  constructor({ event, arrival, key }: ScannedFields) {
    this.#event = event;
    this.#arrival = arrival;
    this.#key = key;
  }

  reject(line: number, problem: string): void {
    this.#rejected++;
    if (this.#problems.length < PROBLEMS_MAX) this.#problems.push({ line, problem });
  }

  take(batch: ColumnBatch): void {
    const times = numbersOf(batch, this.#event);
    const arrivals = this.#arrival === null ? null : numbersOf(batch, this.#arrival);
    for (let row = 0; row < batch.n; row++) {
      const timeMs = times(row);
      const arrivalMs = arrivals === null ? NaN : arrivals(row);
      const isKnown = !Number.isNaN(timeMs) && (arrivals === null || !Number.isNaN(arrivalMs));
      if (!isKnown) {
        const name = Number.isNaN(timeMs) ? this.#event.field.name : this.#arrival?.field.name;
        this.reject((batch.ordinals[row] ?? 0) + 1, `"${name}" is missing`);
        continue;
      }
      this.#note(timeMs, arrivals === null ? timeMs : arrivalMs, arrivals !== null);
      const start = batch.lineStarts[row] as number;
      const end = batch.lineEnds[row] as number;
      this.#bytes += end - start;
      // Two lines are one when checksum, length and time agree: 2^53 values for at most some 2^24 lines.
      const name =
        crc32(batch.bytes.subarray(start, end)) * 2_097_152 + ((timeMs + 31 * (end - start)) % 2_097_152);
      if (!this.#lines.add(name)) this.#duplicates++;
    }
    if (this.#key !== null) this.#countKeys(batch, this.#key);
  }

  #note(timeMs: number, arrivalMs: number, arrives: boolean): void {
    this.#events++;
    if (this.#lastMs > timeMs) this.#outOfOrder++;
    this.#disorders.add(Math.max(0, this.#lastMs - timeMs));
    this.#firstMs = Math.min(this.#firstMs, timeMs);
    this.#lastMs = Math.max(this.#lastMs, timeMs);
    if (arrives) {
      if (arrivalMs < timeMs) this.#early++;
      this.#delays.add(Math.max(0, arrivalMs - timeMs));
    }
    this.#rate.add(arrivalMs);
    // Without times of arrival an event arrives when the newest has.
    this.#rhythm.add(arrives ? arrivalMs : this.#lastMs);
    if (this.#lastArrivalMs !== -Infinity)
      this.#gapMs = Math.max(this.#gapMs, arrivalMs - this.#lastArrivalMs);
    this.#firstArrivalMs = Math.min(this.#firstArrivalMs, arrivalMs);
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, arrivalMs);
  }

  #countKeys(batch: ColumnBatch, key: Field): void {
    const codes = codesOf(batch, key, this.#names);
    for (let row = 0; row < batch.n; row++) {
      const code = codes(row);
      if (code >= this.#keyCounts.length) {
        const counts = new Float64Array(2 * code);
        counts.set(this.#keyCounts);
        this.#keyCounts = counts;
      }
      this.#keyCounts[code] = (this.#keyCounts[code] as number) + 1;
    }
  }

  measures(file: string, options: ScanOptions): EventMeasures {
    if (this.#events === 0) {
      const why = this.#problems.map(({ line, problem }) => `${file}:${line}: ${problem}`);
      throw failure('FILE_INVALID', { problems: [`${file}: no event with "${options.eventTime}"`, ...why] });
    }
    return {
      events: this.#events,
      rejected: this.#rejected,
      problems: this.#problems,
      eventTimeMs: [this.#firstMs, this.#lastMs],
      arrivalMs: this.#arrival === null ? null : [this.#firstArrivalMs, this.#lastArrivalMs],
      bytesPerEvent: this.#bytes / this.#events,
      rates: this.#rate.rates(),
      longestGapMs: this.#gapMs,
      rhythm: this.#rhythm.rhythm(),
      delayMs: this.#arrival === null ? null : quantilesOf(this.#delays),
      delayShares: sharesOf(this.#arrival === null ? this.#disorders : this.#delays),
      early: this.#early,
      disorderMs: quantilesOf(this.#disorders),
      outOfOrder: this.#outOfOrder,
      duplicates: this.#duplicates,
      keys: this.#key === null ? null : this.#keys(),
    };
  }

  #keys(): EventMeasures['keys'] {
    const most = this.#keyCounts.reduce((largest, count) => Math.max(largest, count), 0);
    return { distinct: this.#names.size, largestShare: most / this.#events };
  }
}

const SHARES = [0.1, 0.25, 0.5, 0.65, 0.75, 0.85, 0.9, 0.95, 0.975, 0.99, 0.995, 0.999, 0.9999, 1];

function sharesOf(histogram: Histogram): [number, number][] {
  const { zeros } = histogram;
  const beyond = SHARES.filter((share) => share > zeros);
  return [[zeros, 0], ...beyond.map((share): [number, number] => [share, histogram.quantile(share)])];
}

function quantilesOf(histogram: Histogram): Quantiles {
  return {
    p50: histogram.quantile(0.5),
    p90: histogram.quantile(0.9),
    p99: histogram.quantile(0.99),
    p999: histogram.quantile(0.999),
    p9999: histogram.quantile(0.9999),
    max: histogram.max,
  };
}

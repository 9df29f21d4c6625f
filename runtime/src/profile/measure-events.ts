/**
 * Measures a file of events, read once from its beginning to its end, whose order is taken for the order of arrival.
 *
 *   delay     arrival time − event time, where events say when they arrived
 *   disorder  the largest event time so far − event time: what a watermark has to wait for
 */
import { crc32 } from 'node:zlib';
import { failure } from '../base/errors.ts';
import { rowAt, type BatchColumn, type ColumnBatch } from '../data/columns.ts';
import type { Field } from '../data/decode.ts';
import { Dictionary } from '../data/dictionary.ts';
import { scannerFor } from '../compile/jit/scanner.ts';
import { CHUNK_BYTES, FileLines } from '../engine/file-lines.ts';
import { isJsonLines, openEvents, piecesOf } from '../engine/file-run.ts';
import { fileLines } from '../ingest/files.ts';
import type { SourcePlan } from '../plan/node.ts';
import { Histogram } from './histogram.ts';
import { Once } from './once.ts';
import { RateMeter, type Rates } from './rate.ts';
import { keyField, sampleOf, type SampledField, timeField } from './sample.ts';

export interface MeasureOptions {
  readonly eventTime: string;
  readonly arrivalTime?: string;
  readonly key?: string;
  readonly signal?: AbortSignal;
  /** Called now and then with how many events were read. */
  readonly onProgress?: (events: number) => void;
}

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
  readonly delayMs: Quantiles | null;
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
export async function measureEvents(file: string, options: MeasureOptions): Promise<EventMeasures> {
  const sample = await sampleOf(file);
  const event = timeField(file, sample, options.eventTime);
  const arrival = options.arrivalTime === undefined ? null : timeField(file, sample, options.arrivalTime);
  const key = options.key === undefined ? null : keyField(file, sample, options.key);
  const fields = [event.field, arrival?.field, key].filter((field) => field !== undefined && field !== null);
  const unique = [...new Map(fields.map((field) => [field.name, field])).values()];
  const meter = new Meter(event, arrival, key);
  const scanner = scannerFor(
    tableOf(unique),
    unique.map(({ name }) => name),
    { jit: 'on' },
  );
  let nextProgress = PROGRESS_EVENTS;
  const lines = new FileLines((chunk, to) => {
    for (let at = 0; at < to;) {
      at = scanner.scan(chunk, at, to);
      meter.take(scanner.batch);
      for (const { ordinal, problem } of scanner.problems) meter.reject(ordinal + 1, problem);
    }
    if (scanner.events < nextProgress) return;
    nextProgress += PROGRESS_EVENTS;
    options.onProgress?.(scanner.events);
  });
  await feed(file, unique, lines, options.signal);
  return meter.measures(file, options);
}

const PROGRESS_EVENTS = 250_000;

async function feed(
  file: string,
  fields: readonly Field[],
  lines: FileLines,
  signal: AbortSignal | undefined,
): Promise<void> {
  const goOn = (): boolean => {
    signal?.throwIfAborted();
    return true;
  };
  if (isJsonLines(file)) {
    const handle = await openEvents(file);
    try {
      const read = async (into: Buffer, at: number): Promise<number> =>
        (await handle.read(into, at, CHUNK_BYTES)).bytesRead;
      while (goOn() && (await lines.read(read)) > 0);
    } finally {
      await handle.close();
    }
  } else {
    for await (const piece of piecesOf(fileLines(file, fields))) {
      goOn();
      for (let at = 0; at < piece.length; at += CHUNK_BYTES) lines.take(piece.subarray(at, at + CHUNK_BYTES));
    }
  }
  lines.end();
}

function tableOf(fields: readonly Field[]): SourcePlan {
  return {
    name: 'events',
    fields,
    eventTime: [],
    watermark: { delayMs: 0, idleAfterMs: null, futureMs: 0 },
    lateness: { allowedMs: 0, then: 'drop' },
  };
}

class Meter {
  readonly #event: SampledField;
  readonly #arrival: SampledField | null;
  readonly #key: Field | null;
  readonly #delays = new Histogram();
  readonly #disorders = new Histogram();
  readonly #rate = new RateMeter();
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

  constructor(event: SampledField, arrival: SampledField | null, key: Field | null) {
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
    if (this.#lastArrivalMs !== -Infinity)
      this.#gapMs = Math.max(this.#gapMs, arrivalMs - this.#lastArrivalMs);
    this.#firstArrivalMs = Math.min(this.#firstArrivalMs, arrivalMs);
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, arrivalMs);
  }

  #countKeys(batch: ColumnBatch, key: Field): void {
    const column = columnOf(batch, key.name);
    for (let row = 0; row < batch.n; row++) {
      let code: number;
      if (column.kind === 'text' && column.nulls?.[row] !== 1)
        code = this.#names.code(batch.bytes, column.starts[row] as number, column.ends[row] as number);
      else
        code = this.#names.codeOf(JSON.stringify(rowAt(batch, row)[batch.columns.indexOf(column)] ?? null));
      if (code >= this.#keyCounts.length) {
        const counts = new Float64Array(2 * code);
        counts.set(this.#keyCounts);
        this.#keyCounts = counts;
      }
      this.#keyCounts[code] = (this.#keyCounts[code] as number) + 1;
    }
  }

  measures(file: string, options: MeasureOptions): EventMeasures {
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
      delayMs: this.#arrival === null ? null : quantilesOf(this.#delays),
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

function columnOf(batch: ColumnBatch, name: string): BatchColumn {
  const found = batch.columns.find(({ column }) => column.name === name);
  if (found === undefined) throw new Error(`the scanner reads ${name}`);
  return found;
}

/** The milliseconds of a row; NaN where there are none. */
function numbersOf(batch: ColumnBatch, { field, msPerUnit }: SampledField): (row: number) => number {
  const column = columnOf(batch, field.name);
  if (column.kind !== 'number') throw new Error(`${field.name} is a number`);
  const { values, nulls } = column;
  return (row) => (nulls?.[row] === 1 ? NaN : (values[row] as number) * msPerUnit);
}

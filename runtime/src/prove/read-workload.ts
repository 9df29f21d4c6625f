/** The events of a file as a workload: when each happened, when it arrived, whose it is. */
import { failure } from '../base/errors.ts';
import type { ColumnBatch } from '../data/columns.ts';
import { Dictionary } from '../data/dictionary.ts';
import {
  codesOf,
  numbersOf,
  type ScannedFields,
  type ScanOptions,
  scanEvents,
} from '../profile/scan-events.ts';
import { columnsFor, type Workload } from './workload.ts';

/** More do not fit into memory beside what runs over them. */
const EVENTS_MAX = 50_000_000;

/**
 * Reads a file of events. Without times of arrival an event arrives when the largest time so far has come: a file says no
 * more than its order. Without a key all events have one.
 * @throws FILE_UNREADABLE, FILE_INVALID, USAGE
 */
export async function readWorkload(file: string, options: ScanOptions): Promise<Workload> {
  const events = await scanEvents(file, options, (fields) => new Collected(fields));
  if (events.count === 0)
    throw failure('FILE_INVALID', { problems: [`${file}: no event with "${options.eventTime}"`] });
  if (events.count > EVENTS_MAX)
    throw failure('FILE_INVALID', {
      problems: [`${file}: more than ${EVENTS_MAX.toLocaleString('en-US')} events. Give a part of them.`],
    });
  return events.workload();
}

class Collected {
  readonly #fields: ScannedFields;
  readonly #names = new Dictionary();
  #eventMs = new Float64Array(4096);
  #arrivalMs = new Float64Array(4096);
  #keys = new Uint32Array(4096);
  #bytes = 0;
  #latestMs = -Infinity;
  count = 0;

  constructor(fields: ScannedFields) {
    this.#fields = fields;
  }

  take(batch: ColumnBatch): void {
    if (this.count > EVENTS_MAX) return;
    const { event, arrival, key } = this.#fields;
    const times = numbersOf(batch, event);
    const arrivals = arrival === null ? null : numbersOf(batch, arrival);
    const codes = key === null ? () => 0 : codesOf(batch, key, this.#names);
    this.#reserve(this.count + batch.n);
    for (let row = 0; row < batch.n; row++) {
      const timeMs = Math.round(times(row));
      this.#latestMs = Math.max(this.#latestMs, Number.isNaN(timeMs) ? -Infinity : timeMs);
      const arrivalMs = arrivals === null ? this.#latestMs : Math.round(arrivals(row));
      // What the door of a pipeline would not take.
      if (!(timeMs >= 0) || !Number.isFinite(arrivalMs)) continue;
      this.#eventMs[this.count] = timeMs;
      this.#arrivalMs[this.count] = arrivalMs;
      this.#keys[this.count] = codes(row);
      this.#bytes += (batch.lineEnds[row] as number) - (batch.lineStarts[row] as number);
      this.count++;
    }
  }

  reject(): void {}

  #reserve(count: number): void {
    if (count <= this.#keys.length) return;
    const size = Math.max(count, 2 * this.#keys.length);
    this.#eventMs = grown(this.#eventMs, new Float64Array(size));
    this.#arrivalMs = grown(this.#arrivalMs, new Float64Array(size));
    this.#keys = grown(this.#keys, new Uint32Array(size));
  }

  /** In the order of arrival; events that arrived at once in that of the file. */
  workload(): Workload {
    const order = Uint32Array.from({ length: this.count }, (_, index) => index);
    const arrivals = this.#arrivalMs;
    const isSorted = order.every(
      (index) => index === 0 || (arrivals[index - 1] as number) <= (arrivals[index] as number),
    );
    if (!isSorted) order.sort((a, b) => (arrivals[a] as number) - (arrivals[b] as number) || a - b);
    const columns = columnsFor(this.count);
    for (const [at, index] of order.entries()) {
      columns.eventMs[at] = this.#eventMs[index] as number;
      columns.arrivalMs[at] = arrivals[index] as number;
      columns.keys[at] = this.#keys[index] as number;
    }
    return { ...columns, bytesPerEvent: this.#bytes / this.count };
  }
}

function grown<T extends Float64Array | Uint32Array>(from: T, into: T): T {
  into.set(from);
  return into;
}

/** Reads the times and the key of each event of a file, once from its beginning to its end: JSON lines, CSV or Parquet. */
import { type BatchColumn, type ColumnBatch, rowAt } from '../data/columns.ts';
import type { Field } from '../data/decode.ts';
import type { Dictionary } from '../data/dictionary.ts';
import { scannerFor } from '../compile/jit/scanner.ts';
import { CHUNK_BYTES, FileLines } from '../engine/file-lines.ts';
import { isJsonLines, openEvents, piecesOf } from '../engine/file-run.ts';
import { fileLines } from '../ingest/files.ts';
import type { SourcePlan } from '../plan/node.ts';
import { keyField, sampleOf, type SampledField, timeField } from './sample.ts';

export interface ScanOptions {
  readonly eventTime: string;
  readonly arrivalTime?: string;
  readonly key?: string;
  readonly signal?: AbortSignal;
  /** Called now and then with how many events were read. */
  readonly onProgress?: (events: number) => void;
}

export interface ScannedFields {
  readonly event: SampledField;
  readonly arrival: SampledField | null;
  readonly key: Field | null;
}

export interface Taker {
  /** Valid until the next batch. */
  take(batch: ColumnBatch): void;
  /** A line that is no event with these fields. */
  reject(line: number, problem: string): void;
}

const PROGRESS_EVENTS = 250_000;

/**
 * Reads the events of a file, whose ending says what it is, and hands them to a taker that is made for its fields.
 * @throws FILE_UNREADABLE, FILE_INVALID, USAGE
 */
export async function scanEvents<T extends Taker>(
  file: string,
  options: ScanOptions,
  takerOf: (fields: ScannedFields) => T,
): Promise<T> {
  const sample = await sampleOf(file);
  const event = timeField(file, sample, options.eventTime);
  const arrival = options.arrivalTime === undefined ? null : timeField(file, sample, options.arrivalTime);
  const key = options.key === undefined ? null : keyField(file, sample, options.key);
  const fields = [event.field, arrival?.field, key].filter((field) => field !== undefined && field !== null);
  const unique = [...new Map(fields.map((field) => [field.name, field])).values()];
  const taker = takerOf({ event, arrival, key });
  const scanner = scannerFor(
    tableOf(unique),
    unique.map(({ name }) => name),
    { jit: 'on' },
  );
  let nextProgress = PROGRESS_EVENTS;
  const lines = new FileLines((chunk, to) => {
    for (let at = 0; at < to;) {
      at = scanner.scan(chunk, at, to);
      taker.take(scanner.batch);
      for (const { ordinal, problem } of scanner.problems) taker.reject(ordinal + 1, problem);
    }
    if (scanner.events < nextProgress) return;
    nextProgress += PROGRESS_EVENTS;
    options.onProgress?.(scanner.events);
  });
  await feed(file, unique, lines, options.signal);
  return taker;
}

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

function columnOf(batch: ColumnBatch, name: string): BatchColumn {
  const found = batch.columns.find(({ column }) => column.name === name);
  if (found === undefined) throw new Error(`the scanner reads ${name}`);
  return found;
}

/** The milliseconds of a row; NaN where there are none. */
export function numbersOf(batch: ColumnBatch, { field, msPerUnit }: SampledField): (row: number) => number {
  const column = columnOf(batch, field.name);
  if (column.kind !== 'number') throw new Error(`${field.name} is a number`);
  const { values, nulls } = column;
  return (row) => (nulls?.[row] === 1 ? NaN : (values[row] as number) * msPerUnit);
}

/** The number that a dictionary gives the key of a row. */
export function codesOf(batch: ColumnBatch, key: Field, names: Dictionary): (row: number) => number {
  const column = columnOf(batch, key.name);
  const index = batch.columns.indexOf(column);
  return (row) =>
    column.kind === 'text' && column.nulls?.[row] !== 1
      ? names.code(batch.bytes, column.starts[row] as number, column.ends[row] as number)
      : names.codeOf(JSON.stringify(rowAt(batch, row)[index] ?? null));
}

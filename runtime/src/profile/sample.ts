/** How the fields of a file are written, from its first events. */
import { failure } from '../base/errors.ts';
import { nearest } from '../base/nearest.ts';
import type { Field } from '../data/decode.ts';
import { parseSqlTimestamp, parseTimestamp } from '../data/timestamp.ts';
import { fileLines } from '../ingest/files.ts';

/** A field to read, and how a number of it becomes milliseconds. */
export interface SampledField {
  readonly field: Field;
  readonly msPerUnit: number;
}

const EVENTS = 200;

type Json = Readonly<Record<string, unknown>>;

/** The first events that are JSON objects. Throws FILE_UNREADABLE, FILE_INVALID, USAGE. */
export async function sampleOf(file: string): Promise<readonly Json[]> {
  const events: Json[] = [];
  for await (const { text } of fileLines(file, [])) {
    const event = parsed(text);
    if (event !== undefined) events.push(event);
    if (events.length === EVENTS) break;
  }
  if (events.length === 0) throw failure('FILE_INVALID', { problems: [`${file}: holds no event`] });
  return events;
}

function parsed(text: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
  } catch {
    return undefined;
  }
}

/** The field of a time, nested as `bid.dateTime`. Throws FILE_INVALID when no event has it or it is not a time. */
export function timeField(file: string, events: readonly Json[], path: string): SampledField {
  const value = firstOf(file, events, path);
  const base = { name: path, path: path.split('.'), nullable: true } as const;
  const text = String(value);
  const isNumber = typeof value === 'number' || /^\d{9,19}$/.test(text);
  if (typeof value === 'number') return { field: { ...base, type: 'double' }, msPerUnit: msPerUnitOf(value) };
  if (!isNumber && parseTimestamp(text) !== undefined)
    return { field: { ...base, type: 'timestamp', format: 'iso' }, msPerUnit: 1 };
  if (!isNumber && parseSqlTimestamp(text) !== undefined)
    return { field: { ...base, type: 'timestamp', format: 'sql' }, msPerUnit: 1 };
  // The numbers of a CSV file are texts until a field says that they are numbers.
  if (isNumber) return { field: { ...base, type: 'double' }, msPerUnit: msPerUnitOf(Number(text)) };
  throw failure('FILE_INVALID', {
    problems: [
      `${file}: "${path}" is ${JSON.stringify(value).slice(0, 60)}, which is no time. Times are ISO 8601 with a zone, yyyy-MM-dd HH:mm:ss in UTC, or seconds, milli-, micro- or nanoseconds since 1970.`,
    ],
  });
}

export function keyField(file: string, events: readonly Json[], path: string): Field {
  const value = firstOf(file, events, path);
  const type = typeof value === 'number' ? 'double' : typeof value === 'boolean' ? 'boolean' : 'string';
  return { name: path, path: path.split('.'), nullable: true, type };
}

function firstOf(file: string, events: readonly Json[], path: string): unknown {
  for (const event of events) {
    const value = path
      .split('.')
      .reduce<unknown>((inner, name) => (inner as Json | null | undefined)?.[name], event);
    if (value !== undefined && value !== null) return value;
  }
  const names = [...new Set(events.flatMap((event) => Object.keys(event)))];
  const near = nearest(path, names);
  throw failure('FILE_INVALID', {
    problems: [
      `${file}: its first ${events.length} events have no "${path}". ${near === undefined ? `They have ${names.slice(0, 20).join(', ')}.` : `Did you mean "${near}"?`}`,
    ],
  });
}

/** Seconds, milliseconds, microseconds or nanoseconds: today is 1.8e9 s. */
function msPerUnitOf(value: number): number {
  if (value < 1e11) return 1000;
  if (value < 1e14) return 1;
  return value < 1e17 ? 1e-3 : 1e-6;
}

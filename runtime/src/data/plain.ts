/**
 * Values as the functions of a definition see them, and back:
 *   string, boolean, integer, double   as they are      timestamp   epoch milliseconds      null   null
 *   decimal   its text, '12.345'      list   an array      window   { startMs, endMs }
 */
import { formatDecimal, parseDecimal } from './decimal.ts';
import {
  type Column,
  DOUBLE_MAX,
  type ItemType,
  type ListValue,
  TIMESTAMP_MS_MAX,
  type Value,
  type WindowValue,
} from './value.ts';

export type PlainValue =
  | string
  | number
  | boolean
  | null
  | readonly (string | number | boolean | null)[]
  | { readonly startMs: number; readonly endMs: number };

export type PlainType = Pick<Column, 'type' | 'scale' | 'item'>;

/** Makes a new value each time, so that what a function does to it stays its own. */
export function plainWriter({ type, scale = 0 }: PlainType): (value: NonNullable<Value>) => PlainValue {
  switch (type) {
    case 'decimal':
      return (value) => formatDecimal(value as number, scale);
    case 'list':
      return (value) => [...(value as ListValue).items];
    case 'window':
      return (value) => ({ startMs: (value as WindowValue)[0], endMs: (value as WindowValue)[1] });
    case 'string':
    case 'integer':
    case 'double':
    case 'boolean':
    case 'timestamp':
      return (value) => value as string | number | boolean;
  }
}

/** Reads what a function gave as a value of this type; undefined when it is none. Null is for the caller to judge. */
export function plainReader({
  type,
  scale = 0,
  item = 'string',
}: PlainType): (given: unknown) => Value | undefined {
  switch (type) {
    case 'decimal':
      return (given) => (typeof given === 'string' ? parseDecimal(given, scale) : undefined);
    case 'list':
      return (given) => listOf(given, item);
    case 'window':
      return windowOf;
    case 'string':
    case 'integer':
    case 'double':
    case 'boolean':
    case 'timestamp':
      return (given) => (isItem(type, given) ? positiveZero(given as string | number | boolean) : undefined);
  }
}

function listOf(given: unknown, item: ItemType): ListValue | undefined {
  // Array.from sees holes, too.
  if (!Array.isArray(given) || !Array.from(given, (each) => isItem(item, each)).every(Boolean))
    return undefined;
  return { items: (given as (string | number | boolean)[]).map(positiveZero) };
}

function windowOf(given: unknown): WindowValue | undefined {
  const { startMs, endMs } = Object(given) as { startMs?: unknown; endMs?: unknown };
  if (!isItem('timestamp', startMs) || !isItem('timestamp', endMs)) return undefined;
  const [start, end] = [(startMs as number) + 0, (endMs as number) + 0];
  return start < end ? [start, end] : undefined;
}

function isItem(type: ItemType, given: unknown): boolean {
  switch (type) {
    case 'string':
      return typeof given === 'string' && given.isWellFormed();
    case 'integer':
      return Number.isSafeInteger(given);
    case 'double':
      return typeof given === 'number' && Math.abs(given) <= DOUBLE_MAX;
    case 'boolean':
      return typeof given === 'boolean';
    case 'timestamp':
      return Number.isInteger(given) && Math.abs(given as number) <= TIMESTAMP_MS_MAX;
  }
}

/** -0 is no value of ours. */
function positiveZero<T extends string | number | boolean>(value: T): T | number {
  return typeof value === 'number' ? value + 0 : value;
}

/** What a function should have given. */
export function plainWanted({ type, scale = 0, item = 'string' }: PlainType): string {
  const words = {
    string: 'a well-formed string',
    integer: 'a whole number up to 2^53 - 1',
    double: 'a number up to 2^970',
    boolean: 'true or false',
    timestamp: 'whole epoch milliseconds',
    window: '{ startMs, endMs }',
    decimal: `the text of a decimal with at most ${scale} digits behind the point`,
    list: `an array of values of type ${item}`,
  } as const;
  return words[type];
}

/** A short description of a value that somebody's code made. */
export function describePlain(value: unknown): string {
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object' && value !== null) return 'an object';
  if (typeof value === 'string')
    return JSON.stringify(value.length > 40 ? `${value.slice(0, 37)}...` : value);
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return value === null ? 'null' : `a value of type ${typeof value}`;
}

const MESSAGE_UNITS_MAX = 200;

/** The message of anything that somebody's code may throw, even of what throws again when it is asked. */
export function describeThrown(error: unknown): string {
  try {
    const message = error instanceof Error ? error.message : String(error);
    return message.slice(0, MESSAGE_UNITS_MAX);
  } catch {
    return 'something that cannot be shown';
  }
}

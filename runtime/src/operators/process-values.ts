/** Rows as the plain objects that a process function sees, and back; see process-function.ts for what is what. */
import {
  type Column,
  DOUBLE_MAX,
  type ItemType,
  type ListValue,
  type Row,
  type Value,
  type WindowValue,
} from '../data/value.ts';
import { RowError } from '../expr/functions.ts';
import type { PlainRow, PlainValue } from './process-function.ts';

type Mutable = Record<string, PlainValue>;

/** Makes a new object of each row. REQUIRES names without meaning in JavaScript, which `nameProblem` sees to. */
export function plainRows(columns: readonly Column[]): (row: Row) => PlainRow {
  const converters = columns.map((column) => [column.name, plainValues(column)] as const);
  return (row) => {
    const plain: Mutable = {};
    for (const [index, [name, convert]] of converters.entries()) {
      const value = row[index] ?? null;
      plain[name] = value === null ? null : convert(value);
    }
    return plain;
  };
}

function plainValues({ type, scale = 0 }: Column): (value: NonNullable<Value>) => PlainValue {
  switch (type) {
    case 'decimal':
      return (value) => decimalText(value as number, scale);
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

/** Checks what a function emitted. The result throws RowError, which says what is wrong with which column. */
export function emittedRows(columns: readonly Column[]): (emitted: unknown) => Row {
  const readers = columns.map((column) => [column, valueReader(column)] as const);
  const names = new Set(columns.map(({ name }) => name));
  return (emitted) => {
    if (typeof emitted !== 'object' || emitted === null || Array.isArray(emitted))
      throw new RowError(`emitted ${describe(emitted)}, not an object`);
    for (const name of Object.keys(emitted)) {
      if (!names.has(name)) throw new RowError(`emitted "${name}"; its columns are ${[...names].join(', ')}`);
    }
    return readers.map(([column, read]) => {
      const given = Object.hasOwn(emitted, column.name)
        ? (emitted as Record<string, unknown>)[column.name]
        : null;
      if (given === null || given === undefined) {
        if (column.nullable) return null;
        throw new RowError(`emitted no "${column.name}", which is never null`);
      }
      const value = read(given);
      if (value !== undefined) return value;
      throw new RowError(`emitted ${describe(given)} as "${column.name}", not ${wanted(column)}`);
    });
  };
}

/** The value of a column, or undefined when the given one is of another type. */
function valueReader({ type, scale = 0, item = 'string' }: Column): (given: unknown) => Value | undefined {
  switch (type) {
    case 'decimal':
      return (given) => (typeof given === 'string' ? parseDecimalText(given, scale) : undefined);
    case 'list':
      return (given) => {
        // Array.from sees holes, too.
        if (!Array.isArray(given) || !Array.from(given, (each) => isItem(item, each)).every(Boolean))
          return undefined;
        return {
          items: given.map((each: unknown) =>
            typeof each === 'number' ? each + 0 : each,
          ) as ListValue['items'],
        };
      };
    case 'window':
      return (given) => {
        const { startMs, endMs } = given as { startMs?: unknown; endMs?: unknown };
        if (!isItem('timestamp', startMs) || !isItem('timestamp', endMs)) return undefined;
        return (startMs as number) < (endMs as number)
          ? [(startMs as number) + 0, (endMs as number) + 0]
          : undefined;
      };
    case 'string':
    case 'integer':
    case 'double':
    case 'boolean':
    case 'timestamp':
      return (given) => {
        if (!isItem(type, given)) return undefined;
        // Adding 0 leaves no -0, which is no value of ours.
        return typeof given === 'number' ? given + 0 : (given as string | boolean);
      };
  }
}

const TIMESTAMP_MS_MAX = 8.64e15;

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

function decimalText(unscaled: number, scale: number): string {
  const digits = String(Math.abs(unscaled)).padStart(scale + 1, '0');
  const sign = unscaled < 0 ? '-' : '';
  const whole = digits.slice(0, digits.length - scale);
  return scale === 0 ? `${sign}${digits}` : `${sign}${whole}.${digits.slice(-scale)}`;
}

function parseDecimalText(text: string, scale: number): number | undefined {
  const [, sign = '', whole = '', fraction = ''] = /^(-?)(\d{1,16})(?:\.(\d{1,16}))?$/.exec(text) ?? [];
  if (whole === '' || fraction.length > scale) return undefined;
  const unscaled = Number(whole + fraction.padEnd(scale, '0'));
  if (!Number.isSafeInteger(unscaled)) return undefined;
  return sign === '-' ? 0 - unscaled : unscaled;
}

function wanted({ type, scale = 0, item = 'string' }: Column): string {
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
function describe(value: unknown): string {
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object' && value !== null) return 'an object';
  if (typeof value === 'string')
    return JSON.stringify(value.length > 40 ? `${value.slice(0, 37)}...` : value);
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return value === null ? 'null' : `a value of type ${typeof value}`;
}

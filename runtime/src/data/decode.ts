import { parseDecimal } from './decimal.ts';
import { parseSqlTimestamp, parseTimestamp } from './timestamp.ts';
import { type Column, DOUBLE_MAX, type ItemType, type Row, type Value } from './value.ts';

/** A field of an event: a column, for strings optionally with the only values that are allowed. */
export interface Field extends Column {
  readonly oneOf?: readonly string[];
  /** Where the value lies in a nested event; the name of the field when it is not said. */
  readonly path?: readonly string[];
  /** How a time is written: ISO 8601 with a zone, or `yyyy-MM-dd HH:mm:ss[.SSS]` in UTC. */
  readonly format?: 'iso' | 'sql';
}

/** A row, or the first reason why the event is not one. */
export type Decoded = { readonly row: Row } | { readonly problem: string };

/**
 * Checks a parsed JSON value against the fields of a source. Fields that the source does not name are ignored, so that
 * producers may add some; a missing field is null where null is allowed and a problem where not. A field lies below the
 * objects of its path; where one of these is missing or null, so is the field.
 */
export function decodeEvent(fields: readonly Field[], event: unknown): Decoded {
  if (!isObject(event)) return { problem: `the event is ${describe(event)}, not a JSON object` };
  const row: Value[] = [];
  for (const field of fields) {
    let value: unknown = event;
    const path = field.path ?? [field.name];
    for (const [depth, name] of path.entries()) {
      if (!isObject(value)) {
        const parent = path.slice(0, depth).join('.');
        return { problem: `field "${parent}" is ${describe(value)}, not an object` };
      }
      value = Object.hasOwn(value, name) ? value[name] : undefined;
      if (value === undefined || value === null) break;
    }
    if (value === undefined || value === null) {
      if (!field.nullable)
        return { problem: `field "${path.join('.')}" is ${value === null ? 'null' : 'missing'}` };
      row.push(null);
      continue;
    }
    const decoded = decodeField(field, value);
    if (decoded === undefined)
      return { problem: `field "${path.join('.')}" is ${describe(value)}, not ${wanted(field)}` };
    row.push(decoded);
  }
  return { row };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function decodeField(field: Field, value: unknown): Value | undefined {
  switch (field.type) {
    case 'string': {
      if (typeof value !== 'string' || !value.isWellFormed()) return undefined;
      return field.oneOf === undefined || field.oneOf.includes(value) ? value : undefined;
    }
    case 'decimal':
      return typeof value === 'string' ? parseDecimal(value, field.scale ?? 0) : undefined;
    case 'list':
      return Array.isArray(value) ? decodeList(field.item ?? 'string', value) : undefined;
    case 'window':
      return undefined;
    case 'timestamp':
      if (typeof value !== 'string') return undefined;
      return field.format === 'sql' ? parseSqlTimestamp(value) : parseTimestamp(value);
    case 'integer':
    case 'double':
    case 'boolean':
      return decodeItem(field.type, value);
  }
}

/** No item is missing: the zod schemas of sources have no other lists. */
function decodeList(type: ItemType, values: readonly unknown[]): Value | undefined {
  const items: (string | number | boolean)[] = [];
  for (const value of values) {
    const item = decodeItem(type, value);
    if (item === undefined) return undefined;
    items.push(item);
  }
  return { items };
}

function decodeItem(type: ItemType, value: unknown): string | number | boolean | undefined {
  switch (type) {
    case 'string':
      return typeof value === 'string' && value.isWellFormed() ? value : undefined;
    case 'integer':
      return Number.isSafeInteger(value) ? (value as number) + 0 : undefined;
    case 'double':
      return typeof value === 'number' && Math.abs(value) <= DOUBLE_MAX ? value + 0 : undefined;
    case 'boolean':
      return typeof value === 'boolean' ? value : undefined;
    case 'timestamp':
      return typeof value === 'string' ? parseTimestamp(value) : undefined;
  }
}

const WORDS = {
  string: 'a string',
  integer: 'a whole number up to 2^53 - 1',
  double: 'a number up to 2^970',
  boolean: 'true or false',
  timestamp: 'an ISO 8601 time with Z or an offset',
  window: 'a window',
} as const;

function wanted({ type, oneOf, format, scale, item }: Field): string {
  if (oneOf !== undefined) return `one of ${oneOf.slice(0, 8).join(', ')}`;
  if (type === 'timestamp' && format === 'sql') return 'a time such as 2001-01-31 06:00:00.000';
  if (type === 'decimal') return `a string with a decimal of at most ${scale ?? 0} digits behind the point`;
  if (type === 'list') return `an array in which everything is ${WORDS[item ?? 'string']}`;
  return WORDS[type];
}

/** A short, printable description of a value from outside. */
function describe(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object') return 'an object';
  const shown = JSON.stringify(value) ?? 'undefined';
  return shown.length > 60 ? `${shown.slice(0, 57)}...` : shown;
}

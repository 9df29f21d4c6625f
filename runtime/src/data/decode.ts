import { parseTimestamp } from './timestamp.ts';
import { type Column, DOUBLE_MAX, type Row, type Value } from './value.ts';

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
 * producers may add some; a missing field is null where null is allowed and a problem where not.
 */
export function decodeEvent(fields: readonly Field[], event: unknown): Decoded {
  if (typeof event !== 'object' || event === null || Array.isArray(event)) {
    return { problem: `the event is ${describe(event)}, not a JSON object` };
  }
  const row: Value[] = [];
  for (const field of fields) {
    const value = Object.hasOwn(event, field.name)
      ? (event as Record<string, unknown>)[field.name]
      : undefined;
    if (value === undefined || value === null) {
      if (!field.nullable)
        return { problem: `field "${field.name}" is ${value === null ? 'null' : 'missing'}` };
      row.push(null);
      continue;
    }
    const decoded = decodeField(field, value);
    if (decoded === undefined)
      return { problem: `field "${field.name}" is ${describe(value)}, not ${wanted(field)}` };
    row.push(decoded);
  }
  return { row };
}

function decodeField(field: Field, value: unknown): Value | undefined {
  switch (field.type) {
    case 'string': {
      if (typeof value !== 'string' || !value.isWellFormed()) return undefined;
      return field.oneOf === undefined || field.oneOf.includes(value) ? value : undefined;
    }
    case 'integer':
      return Number.isSafeInteger(value) ? (value as number) + 0 : undefined;
    case 'double':
      return typeof value === 'number' && Math.abs(value) <= DOUBLE_MAX ? value + 0 : undefined;
    case 'boolean':
      return typeof value === 'boolean' ? value : undefined;
    case 'timestamp':
      return typeof value === 'string' ? parseTimestamp(value) : undefined;
    case 'window':
      return undefined;
  }
}

function wanted(field: Field): string {
  if (field.oneOf !== undefined) return `one of ${field.oneOf.slice(0, 8).join(', ')}`;
  const words = {
    string: 'a string',
    integer: 'a whole number up to 2^53 - 1',
    double: 'a number up to 2^970',
    boolean: 'true or false',
    timestamp: 'an ISO 8601 time with Z or an offset',
    window: 'a window',
  } as const;
  return words[field.type];
}

/** A short, printable description of a value from outside. */
function describe(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object') return 'an object';
  const shown = JSON.stringify(value) ?? 'undefined';
  return shown.length > 60 ? `${shown.slice(0, 57)}...` : shown;
}

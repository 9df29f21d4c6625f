import { formatTimestamp } from './timestamp.ts';
import type { Column, Row, Value } from './value.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

/** A row as a JSON object with its columns in order; times and windows as ISO 8601 strings in UTC. */
export function rowToJson(columns: readonly Column[], row: Row): JsonObject {
  const object: Record<string, unknown> = {};
  for (const [index, column] of columns.entries()) {
    object[column.name] = valueToJson(column, row[index] ?? null);
  }
  return object;
}

export function valueToJson(column: Column, value: Value): unknown {
  if (value === null) return null;
  if (column.type === 'timestamp') return formatTimestamp(value as number);
  if (Array.isArray(value)) return { start: formatTimestamp(value[0]), end: formatTimestamp(value[1]) };
  return value;
}

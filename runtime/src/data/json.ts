import { formatDecimal } from './decimal.ts';
import { formatTimestamp } from './timestamp.ts';
import { type Column, isList, isWindow, type Row, type Value } from './value.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

/**
 * A row as a JSON object with its columns in order; times and windows as ISO 8601 strings in UTC, decimals as strings
 * with all digits of their scale, lists as arrays.
 */
export function rowToJson(columns: readonly Column[], row: Row): JsonObject {
  const object: Record<string, unknown> = {};
  for (const [index, column] of columns.entries()) {
    object[column.name] = valueToJson(column, row[index] ?? null);
  }
  return object;
}

export function valueToJson(column: Pick<Column, 'type' | 'scale' | 'item'>, value: Value): unknown {
  if (value === null) return null;
  if (column.type === 'timestamp') return formatTimestamp(value as number);
  if (column.type === 'decimal') return formatDecimal(value as number, column.scale ?? 0);
  if (isWindow(value)) return { start: formatTimestamp(value[0]), end: formatTimestamp(value[1]) };
  if (!isList(value)) return value;
  const item = { type: column.item ?? 'string' };
  return value.items.map((each) => valueToJson(item, each));
}

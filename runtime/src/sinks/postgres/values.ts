/**
 * How values become columns of PostgreSQL, exactly:
 *
 *   string text · integer bigint · double double precision · boolean boolean · timestamp, window timestamptz (a window two)
 *   decimal(s) numeric(16, s) · list jsonb
 *
 * Everything is sent as text and cast there. PostgreSQL's text has no zero byte: U+FFFD stands for it. Its times begin in
 * 4713 BC: what was before is -infinity.
 */
import { formatDecimal } from '../../data/decimal.ts';
import { valueToJson } from '../../data/json.ts';
import { formatTimestamp } from '../../data/timestamp.ts';
import { type Column, isList, type Row, type Type, type Value } from '../../data/value.ts';
import { type FlatColumn, flatColumns } from '../columns.ts';

export interface PostgresColumn {
  readonly name: string;
  /** As PostgreSQL itself names it. */
  readonly type: string;
  readonly nullable: boolean;
  readonly textOf: (row: Row) => string | null;
}

/** The digits of 2^53. */
const PRECISION = 16;

const TYPES: { readonly [T in Exclude<Type, 'window'>]: (column: Column) => string } = {
  string: () => 'text',
  integer: () => 'bigint',
  double: () => 'double precision',
  boolean: () => 'boolean',
  timestamp: () => 'timestamp with time zone',
  decimal: ({ scale }) => `numeric(${PRECISION},${scale ?? 0})`,
  list: () => 'jsonb',
};

export function postgresColumns(columns: readonly Column[]): readonly PostgresColumn[] {
  return flatColumns(columns).map(({ name, column, valueOf }: FlatColumn) => ({
    name,
    // A flat column is never a window.
    type: TYPES[column.type as Exclude<Type, 'window'>](column),
    nullable: column.nullable,
    textOf: (row) => textOf(column, valueOf(row)),
  }));
}

function textOf(column: Column, value: Value): string | null {
  if (value === null) return null;
  if (isList(value)) {
    const items = value.items.map((item) => (typeof item === 'string' ? withoutZero(item) : item));
    return JSON.stringify(valueToJson(column, { items }));
  }
  if (typeof value === 'string') return withoutZero(value);
  if (column.type === 'timestamp') return timeText(value as number);
  if (column.type === 'decimal') return formatDecimal(value as number, column.scale ?? 0);
  return String(value);
}

function withoutZero(text: string): string {
  return text.includes('\0') ? text.replaceAll('\0', '\uFFFD') : text;
}

const TIME_MS_MIN = Date.UTC(-4711, 0, 1);

/** ISO 8601 has signs before years that PostgreSQL does not read. */
export function timeText(ms: number): string {
  if (ms < TIME_MS_MIN) return '-infinity';
  const [, sign = '', year = '', rest = ''] = /^([+-]?)(\d+)(-.*)$/.exec(formatTimestamp(ms)) ?? [];
  const number = Number(`${sign}${year}`);
  if (number <= 0) return `${String(1 - number).padStart(4, '0')}${rest} BC`;
  return `${String(number).padStart(4, '0')}${rest}`;
}

/**
 * The smallest pieces of DuckDB's SQL. Names and values of plans reach a query through these functions only, so that no
 * text of a plan is ever read as SQL.
 */
import { invariant } from '../../base/invariant.ts';
import type { Type, Value } from '../../data/value.ts';
import type { ExprType } from '../../expr/node.ts';

/** A name in quotes. REQUIRES one without control characters: queries are indented by lines. */
export function identifier(name: string): string {
  invariant(!hasControls(name), 'a name in a query is one line');
  return `"${name.replaceAll('"', '""')}"`;
}

// oxlint-disable-next-line no-control-regex -- the range is what is meant
const CONTROLS = /[\0-\x1f\x7f]/;

export function hasControls(text: string): boolean {
  return CONTROLS.test(text);
}

/** A string. DuckDB's literals know no escapes but the doubled quote; what is no text of one line is spelt out. */
export function textLiteral(value: string): string {
  if (!hasControls(value)) return `'${value.replaceAll("'", "''")}'`;
  // oxlint-disable-next-line no-control-regex -- the range is what is meant
  const parts = value.split(/([\0-\x1f\x7f])/).filter((part) => part !== '');
  return `(${parts.map((part) => (hasControls(part) ? `chr(${part.charCodeAt(0)})` : textLiteral(part))).join(' || ')})`;
}

/** A whole number. REQUIRES one up to 2^53 - 1. */
export function integerLiteral(value: number): string {
  invariant(Number.isSafeInteger(value), 'an integer is whole');
  return value < 0 ? `(${value})` : String(value + 0);
}

/** With an exponent, because DuckDB reads `0.1` as a decimal. */
export function doubleLiteral(value: number): string {
  invariant(Number.isFinite(value), 'a double is finite');
  const text = value.toExponential();
  return value < 0 ? `(${text})` : text;
}

/** The decimal with these digits: 12345 of scale 3 is 12.345. */
export function decimalLiteral(unscaled: number, scale: number): string {
  invariant(Number.isSafeInteger(unscaled), 'a decimal has whole digits');
  const digits = String(Math.abs(unscaled)).padStart(scale + 1, '0');
  const point = digits.length - scale;
  const text = scale === 0 ? digits : `${digits.slice(0, point)}.${digits.slice(point)}`;
  return `${textLiteral(unscaled < 0 ? `-${text}` : text)}::${decimalType(scale)}`;
}

/** Years that DuckDB reads in the common form. */
const YEAR_1_MS = -62_135_596_800_000;
const YEAR_10000_MS = 253_402_300_800_000;

export function timestampLiteral(ms: number): string {
  invariant(Number.isInteger(ms), 'a time is a whole number of milliseconds');
  if (ms < YEAR_1_MS || ms >= YEAR_10000_MS) return `make_timestamp_ms(${ms})`;
  return `TIMESTAMP '${new Date(ms).toISOString().replace('T', ' ').replace('Z', '')}'`;
}

export function intervalLiteral(ms: number): string {
  invariant(Number.isSafeInteger(ms), 'a duration is a whole number of milliseconds');
  return `INTERVAL '${ms} milliseconds'`;
}

/** 18 digits are one machine word of DuckDB and hold every decimal of ours. */
function decimalType(scale: number): string {
  return `DECIMAL(18, ${scale})`;
}

export const WINDOW_TYPE = 'STRUCT("start" TIMESTAMP, "end" TIMESTAMP)';

const TYPES: { readonly [T in Type]: (type: Omit<ExprType, 'nullable'>) => string } = {
  string: () => 'VARCHAR',
  integer: () => 'BIGINT',
  double: () => 'DOUBLE',
  boolean: () => 'BOOLEAN',
  timestamp: () => 'TIMESTAMP',
  window: () => WINDOW_TYPE,
  decimal: ({ scale = 0 }) => decimalType(scale),
  list: ({ item = 'string' }) => `${TYPES[item]({ type: item })}[]`,
};

/** The type that a column of ours has in DuckDB. */
export function typeText(type: Omit<ExprType, 'nullable'>): string {
  return TYPES[type.type](type);
}

/** A value of a literal, with its type. */
export function literalText(type: Omit<ExprType, 'nullable'>, value: Value): string {
  if (value === null) return `NULL::${typeText(type)}`;
  switch (type.type) {
    case 'string':
      return textLiteral(value as string);
    case 'integer':
      return `${integerLiteral(value as number)}::BIGINT`;
    case 'double':
      return doubleLiteral(value as number);
    case 'boolean':
      return value === true ? 'TRUE' : 'FALSE';
    case 'timestamp':
      return timestampLiteral(value as number);
    case 'decimal':
      return decimalLiteral(value as number, type.scale ?? 0);
    case 'window':
    case 'list':
      invariant(false, `a literal is no ${type.type}`);
  }
}

/**
 * Values and rows. A row is an array of values in the order of its columns; names live in the schema, so a hostile field
 * name never becomes a property of an object of ours.
 *
 *   string     a well-formed string          integer    |n| <= 2^53 - 1
 *   double     |x| <= 2^970, never NaN       boolean
 *   timestamp  epoch milliseconds, UTC       window     [start, end) in epoch milliseconds
 *   decimal    a whole number of 10^-scale, |n| <= 2^53 - 1: 12.345 of scale 3 is 12345
 *   list       values of one type, as `{ items }`
 */
export type Type = 'string' | 'integer' | 'double' | 'boolean' | 'timestamp' | 'window' | 'decimal' | 'list';

export type WindowValue = readonly [startMs: number, endMs: number];
/** What a list may hold. */
export type ItemType = 'string' | 'integer' | 'double' | 'boolean' | 'timestamp';
export interface ListValue {
  readonly items: readonly (string | number | boolean | null)[];
}
export type Value = string | number | boolean | WindowValue | ListValue | null;
export type Row = readonly Value[];

export function isWindow(value: Value): value is WindowValue {
  return Array.isArray(value);
}

export function isList(value: Value): value is ListValue {
  return typeof value === 'object' && value !== null && 'items' in value;
}

/** One column of a row. `eventTime` marks the column that carries the event time of its source. */
export interface Column {
  readonly name: string;
  readonly type: Type;
  readonly nullable: boolean;
  /** Digits behind the point of a decimal. */
  readonly scale?: number;
  /** Of a list. */
  readonly item?: ItemType;
  readonly eventTime?: boolean;
}

/**
 * The largest magnitude of a double. 2^53 additions of such numbers cannot overflow, so a sum is exact in any order.
 */
export const DOUBLE_MAX = 2 ** 970;

/** Digits behind the point that a decimal may have: the largest power of ten below 2^53. */
export const SCALE_MAX = 15;

/** Times that a Date can hold. */
export const TIMESTAMP_MS_MAX = 8.64e15;

/** A type as messages name it: `decimal(3)`, `list of string`. */
export function typeName({ type, scale, item }: Pick<Column, 'type' | 'scale' | 'item'>): string {
  if (type === 'decimal') return `decimal(${scale ?? 0})`;
  return type === 'list' ? `list of ${item ?? 'nothing'}` : type;
}

/** Names that a column, a view, a source or a version may have: safe in SQL, in URLs, in paths and in code. */
export const NAME_SHAPE = /^[A-Za-z][A-Za-z0-9_]{0,62}$/;

/** What is wrong with a name, or undefined. */
export function nameProblem(name: string): string | undefined {
  if (!NAME_SHAPE.test(name)) return 'a name starts with a letter, then letters, digits and _, at most 63';
  if (name === 'constructor' || name === 'prototype') return 'this name has a meaning in JavaScript';
  return undefined;
}

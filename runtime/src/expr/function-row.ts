/**
 * What each function of the language says about itself, and what several tables of functions share: how numbers of
 * different types meet, how values are compared, how nulls spread.
 */
import { compareDecimals, formatDecimal, powerOfTen } from '../data/decimal.ts';
import { compareValues } from '../data/key.ts';
import { typeName, type Value } from '../data/value.ts';
import type { ExprType } from './node.ts';
import { RowError } from './row-error.ts';

/** An argument: its type, and its value when it is a literal. */
export interface Arg extends ExprType {
  readonly literal?: Value;
}

/** Takes as many values as the call has arguments. May throw RowError. */
export type Apply = (...values: Value[]) => Value;
export type Evaluated<R> = (row: R) => Value;

export interface FunctionCall {
  readonly args: readonly Arg[];
  readonly result: ExprType;
  /** The first argument as a person writes it. */
  readonly explain: () => string;
}

export interface FunctionRow {
  readonly sign: string;
  readonly arity: number | { readonly min: number; readonly max: number };
  /** The result for arguments of these types, or what is wrong with them. */
  readonly infer: (args: readonly Arg[]) => ExprType | string;
  /** The function for arguments of these types. REQUIRES arguments that `infer` accepts. */
  readonly make: (call: FunctionCall) => Apply;
  /** Of a function that does not compute all its arguments for every row. */
  readonly makeLazy?: <R>(call: FunctionCall, args: readonly Evaluated<R>[]) => Evaluated<R>;
}

export const ARGS_MAX = 99;

export const isNumber = ({ type }: ExprType): boolean =>
  type === 'integer' || type === 'double' || type === 'decimal';

export const scaleOf = ({ scale }: ExprType): number => scale ?? 0;

export const anyNull = (args: readonly ExprType[]): boolean => args.some(({ nullable }) => nullable);

/** The types of arguments for a message: `string and decimal(2)`. */
export function namesOf(args: readonly ExprType[]): string {
  return args.map(typeName).join(' and ');
}

/** The number type that holds all of these: a double if one is, else a decimal if one is, with the largest scale. */
export function numberType(args: readonly ExprType[]): ExprType | undefined {
  if (args.length === 0 || !args.every(isNumber)) return undefined;
  const nullable = anyNull(args);
  if (args.some(({ type }) => type === 'double')) return { type: 'double', nullable };
  if (args.every(({ type }) => type === 'integer')) return { type: 'integer', nullable };
  return { type: 'decimal', nullable, scale: Math.max(...args.map(scaleOf)) };
}

/** The type that values of all these types can be brought to. */
export function commonType(args: readonly ExprType[]): ExprType | undefined {
  const [first] = args;
  if (first === undefined) return undefined;
  if (isNumber(first)) return numberType(args);
  if (args.some(({ type, item }) => type !== first.type || item !== first.item)) return undefined;
  const { type, item } = first;
  return { type, nullable: anyNull(args), ...(item !== undefined && { item }) };
}

/** Brings values of one type to another; null stays null. Undefined when they are the same. REQUIRES number types or equal ones. */
export function conversion(from: ExprType, to: ExprType): ((value: Value) => Value) | undefined {
  if (from.type === 'decimal' && to.type === 'double') {
    const divisor = powerOfTen(scaleOf(from));
    return (value) => (value === null ? null : (value as number) / divisor);
  }
  if (to.type !== 'decimal' || scaleOf(from) === scaleOf(to)) return undefined;
  const factor = powerOfTen(scaleOf(to) - scaleOf(from));
  return (value) => {
    if (value === null) return null;
    const scaled = (value as number) * factor;
    if (Number.isSafeInteger(scaled)) return scaled;
    throw new RowError(`${textOf(value, from)} overflows ${typeName(to)}`);
  };
}

/** A number as messages show it. */
export function textOf(value: Value, type: ExprType): string {
  if (type.type === 'decimal') return formatDecimal(value as number, scaleOf(type));
  return typeof value === 'object' ? 'null' : String(value);
}

/** Whether values of two types have an order: numbers all together, and every simple type by itself. */
export function isComparable(a: ExprType, b: ExprType): boolean {
  if (a.type === 'window' || a.type === 'list') return false;
  return a.type === b.type || (isNumber(a) && isNumber(b));
}

export type Order = (a: Value, b: Value) => number;

/**
 * Numbers by value, exactly but where a double meets a decimal; strings by their UTF-8 bytes (as DuckDB and Flink order
 * them), false before true. REQUIRES comparable types and no nulls.
 */
export function orderOf(a: ExprType, b: ExprType): Order {
  if (a.type !== 'decimal' && b.type !== 'decimal') return compareValues;
  if (a.type === 'double' || b.type === 'double') {
    const [divisorA, divisorB] = [powerOfTen(scaleOf(a)), powerOfTen(scaleOf(b))];
    return (left, right) => (left as number) / divisorA - (right as number) / divisorB;
  }
  const [scaleA, scaleB] = [scaleOf(a), scaleOf(b)];
  return (left, right) => compareDecimals(left as number, scaleA, right as number, scaleB);
}

/** A function of values that are there; null in, null out. */
export function strict1(compute: (a: never) => Value): Apply {
  const apply = compute as (a: Value) => Value;
  return (a) => (a === null ? null : apply(a));
}

export function strict2(compute: (a: never, b: never) => Value): Apply {
  const apply = compute as (a: Value, b: Value) => Value;
  return (a, b) => (a === null || b === null ? null : apply(a, b));
}

export function strict3(compute: (a: never, b: never, c: never) => Value): Apply {
  const apply = compute as (a: Value, b: Value, c: Value) => Value;
  return (a, b, c) => (a === null || b === null || c === null ? null : apply(a, b, c));
}

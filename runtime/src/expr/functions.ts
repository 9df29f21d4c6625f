/**
 * Every function of the definition language: its types, its meaning and its sign in `explain`. Semantics are SQL's: null
 * in, null out, but for and/or (three-valued), isNull and coalesce. Integer arithmetic that leaves 2^53 - 1, a double
 * beyond 2^970 and a division by zero are errors of the row, which is then rejected and counted.
 */
import { DOUBLE_MAX, type Value } from '../data/value.ts';
import { compareValues } from '../data/key.ts';
import type { ExprType, FunctionName } from './node.ts';

/** Thrown by an expression for one row; the executor turns it into a rejected event. */
export class RowError extends Error {
  override readonly name = 'RowError';
}

export interface FunctionRow {
  readonly sign: string;
  readonly arity: 1 | 2;
  /** The result for so many arguments, or what is wrong with their types. */
  readonly infer: (args: readonly ExprType[]) => ExprType | string;
  /** REQUIRES arguments of the inferred types. */
  readonly apply: (args: readonly Value[], result: ExprType) => Value;
}

const NUMERIC = new Set(['integer', 'double']);

export const FUNCTIONS: { readonly [F in FunctionName]: FunctionRow } = {
  eq: comparison('=', (order) => order === 0),
  ne: comparison('<>', (order) => order !== 0),
  gt: comparison('>', (order) => order > 0),
  gte: comparison('>=', (order) => order >= 0),
  lt: comparison('<', (order) => order < 0),
  lte: comparison('<=', (order) => order <= 0),
  and: logical('and', false),
  or: logical('or', true),
  not: {
    sign: 'not',
    arity: 1,
    infer: ([a]) => (a?.type === 'boolean' ? a : 'needs a boolean'),
    apply: ([a]) => (a === null ? null : a !== true),
  },
  isNull: {
    sign: 'is null',
    arity: 1,
    infer: () => ({ type: 'boolean', nullable: false }),
    apply: ([a]) => a === null,
  },
  coalesce: {
    sign: 'coalesce',
    arity: 2,
    infer: ([a, b]) => {
      if (a === undefined || b === undefined || !comparable(a, b)) return 'needs two values of one type';
      const type = a.type === b.type ? a.type : 'double';
      return { type, nullable: a.nullable && b.nullable };
    },
    apply: ([a, b]) => a ?? b ?? null,
  },
  plus: arithmetic('+', (a, b) => a + b),
  minus: arithmetic('-', (a, b) => a - b),
  times: arithmetic('*', (a, b) => a * b),
  dividedBy: {
    ...arithmetic('/', (a, b) => {
      if (b === 0) throw new RowError(`division of ${a} by zero`);
      return a / b;
    }),
    infer: (args) => {
      const result = numeric(args);
      return typeof result === 'string' ? result : { ...result, type: 'double' };
    },
  },
  lower: text('lower', (a) => a.toLowerCase()),
  upper: text('upper', (a) => a.toUpperCase()),
};

function comparison(sign: string, holds: (order: number) => boolean): FunctionRow {
  return {
    sign,
    arity: 2,
    infer: ([a, b]) => {
      if (a === undefined || b === undefined || !comparable(a, b)) {
        return `cannot compare ${a?.type ?? 'nothing'} with ${b?.type ?? 'nothing'}`;
      }
      return { type: 'boolean', nullable: a.nullable || b.nullable };
    },
    apply: ([a = null, b = null]) => (a === null || b === null ? null : holds(orderOf(a, b))),
  };
}

function comparable(a: ExprType, b: ExprType): boolean {
  return a.type !== 'window' && (a.type === b.type || (NUMERIC.has(a.type) && NUMERIC.has(b.type)));
}

/** Numbers by value, strings by their UTF-8 bytes (as DuckDB and Flink order them), false before true. */
function orderOf(a: Value, b: Value): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (a === b) return 0;
  return compareValues(a, b);
}

/** Kleene's `and` (dominant false) and `or` (dominant true). */
function logical(sign: string, dominant: boolean): FunctionRow {
  return {
    sign,
    arity: 2,
    infer: (args) => {
      if (args.some((arg) => arg.type !== 'boolean')) return 'needs two booleans';
      return { type: 'boolean', nullable: args.some((arg) => arg.nullable) };
    },
    apply: ([a = null, b = null]) => {
      if (a === dominant || b === dominant) return dominant;
      return a === null || b === null ? null : !dominant;
    },
  };
}

function numeric(args: readonly ExprType[]): ExprType | string {
  if (args.some((arg) => !NUMERIC.has(arg.type))) return 'needs two numbers';
  const type = args.every((arg) => arg.type === 'integer') ? 'integer' : 'double';
  return { type, nullable: args.some((arg) => arg.nullable) };
}

function arithmetic(sign: string, compute: (a: number, b: number) => number): FunctionRow {
  return {
    sign,
    arity: 2,
    infer: numeric,
    apply: ([a = null, b = null], result) => {
      if (a === null || b === null) return null;
      const value = compute(a as number, b as number);
      const fits = result.type === 'integer' ? Number.isSafeInteger(value) : Math.abs(value) <= DOUBLE_MAX;
      if (!fits) throw new RowError(`${String(a)} ${sign} ${String(b)} overflows ${result.type}`);
      return value + 0;
    },
  };
}

function text(sign: string, compute: (a: string) => string): FunctionRow {
  return {
    sign,
    arity: 1,
    infer: ([a]) => (a?.type === 'string' ? a : 'needs a string'),
    apply: ([a = null]) => (a === null ? null : compute(a as string)),
  };
}

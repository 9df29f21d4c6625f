/** What the tables of functions share: how a function says what it is in SQL, and how numbers are kept in their range. */
import { DOUBLE_MAX } from '../../data/value.ts';
import type { ExprType } from '../../expr/node.ts';
import type { Sql } from './duckdb-expression.ts';
import { doubleLiteral, typeText } from './duckdb-text.ts';

export interface FunctionText {
  /** One operand: a name, a call, or in brackets. Never raises an error. */
  readonly text: string;
  /**
   * When it is NULL. `strict`: where an argument is; `never`; `maybe`: also otherwise. A NULL that this does not allow is
   * an error of the row, if the function `fails`.
   */
  readonly nulls: 'strict' | 'never' | 'maybe';
  readonly fails?: boolean;
  /** What else holds unless the row is an error; the conditions of all arguments when it is not said. */
  readonly conditions?: readonly string[];
}

export type FunctionSql = (
  args: readonly Sql[],
  result: ExprType,
  refuse: (reason: string) => void,
) => FunctionText;

export function strict(text: string, fails = false): FunctionText {
  return { text, nulls: 'strict', fails };
}

/** An argument as it stands beside another: a literal needs no type there, unless both are literals. */
export function beside(args: readonly Sql[]): readonly string[] {
  const isPlain = args.some(({ literal }) => !literal);
  return args.map(({ text, literal, type }) =>
    isPlain && literal && type.type === 'integer' ? text.replace('::BIGINT', '') : text,
  );
}

export function infix(sign: string): (args: readonly Sql[]) => string {
  return (args) => `(${beside(args).join(` ${sign} `)})`;
}

/**
 * A sum or product of integers, NULL beyond 2^53 - 1: it is moved up and down by as much as makes a BIGINT overflow there.
 * Written so, and not with CASE, it needs its operand once; a nested expression would double with each level.
 */
export function checkedInteger(text: string): string {
  const up = 2n ** 63n - 2n ** 53n;
  return `TRY(${text} + ${up} - ${up} - ${up + 1n} + ${up + 1n})`;
}

/** The same for a decimal of any width: one of ours has 18 digits, of which the largest magnitude needs 16. */
export function checkedDecimal(text: string, scale: number): string {
  const up = 10n ** 18n - 2n ** 53n;
  const digits = String(up).padStart(scale + 1, '0');
  // With a point even before no digits: without one it would be an integer, and the sum wider.
  const by = `${digits.slice(0, digits.length - scale)}.${digits.slice(digits.length - scale)}`;
  return `TRY(CAST(${text} + ${by} AS ${typeText({ type: 'decimal', scale })}) - ${by} - ${by} + ${by})`;
}

/** A double, NULL beyond 2^970 and for what a division by zero gives. A long operand is not written twice. */
export function checkedDouble(text: string): string {
  const max = doubleLiteral(DOUBLE_MAX);
  if (text.length <= 60) return `CASE WHEN abs(${text}) <= ${max} THEN ${text} END`;
  return `list_transform([${text}], lambda _v: CASE WHEN abs(_v) <= ${max} THEN _v END)[1]`;
}

/** An argument as a value of a number type. `fails` says that it may be NULL because it does not fit. */
export function converted(arg: Sql, to: ExprType): { readonly text: string; readonly fails: boolean } {
  const { text, type } = arg;
  if (type.type === to.type && (type.scale ?? 0) === (to.scale ?? 0)) return { text, fails: false };
  if (to.type === 'double') return { text: `CAST(${text} AS DOUBLE)`, fails: false };
  if (to.type !== 'decimal') return { text, fails: false };
  return { text: checkedDecimal(wide(arg, to.scale ?? 0), to.scale ?? 0), fails: true };
}

/** A whole number or decimal with room for any sum. */
export function wide({ text }: Sql, scale: number): string {
  return `CAST(${text} AS DECIMAL(38, ${scale}))`;
}

export function isLiteralNumber({ literal, text }: Sql, holds: (value: number) => boolean): boolean {
  return literal && holds(Number(text.replace(/::BIGINT$/, '').replaceAll(/[()]/g, '')));
}

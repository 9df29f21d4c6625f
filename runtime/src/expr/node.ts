/**
 * Typed, symbolic expressions over the columns of one row: plain frozen data that can be evaluated, compiled, explained
 * and exported. The set of functions is closed; see `functions.ts`.
 */
import type { ItemType, Type } from '../data/value.ts';

export type FunctionName =
  // Conditions and nulls.
  | 'eq'
  | 'ne'
  | 'gt'
  | 'gte'
  | 'lt'
  | 'lte'
  | 'and'
  | 'or'
  | 'not'
  | 'isNull'
  | 'coalesce'
  | 'nullIf'
  | 'least'
  | 'greatest'
  /** caseWhen(condition, value, …, otherwise): only the value that is chosen is computed. */
  | 'caseWhen'
  /** required(value): an error of the row where it is null. */
  | 'required'
  // Numbers.
  | 'plus'
  | 'minus'
  | 'times'
  | 'dividedBy'
  | 'integerDividedBy'
  | 'mod'
  | 'abs'
  /** round(value), round(value, digits): digits is a literal. */
  | 'round'
  | 'floor'
  | 'ceil'
  | 'toInteger'
  | 'toDouble'
  /** toDecimal(value, scale): scale is a literal. */
  | 'toDecimal'
  | 'toText'
  // Strings. Positions and lengths count code points, positions from 1.
  | 'lower'
  | 'upper'
  | 'length'
  | 'concat'
  /** substring(text, from), substring(text, from, length). */
  | 'substring'
  | 'contains'
  | 'startsWith'
  | 'endsWith'
  | 'trim'
  /** replace(text, what, by). */
  | 'replace'
  /** like(text, pattern): the pattern is a literal. */
  | 'like'
  /** matches(text, regex): the regex is a literal. */
  | 'matches'
  /** regexpExtract(text, regex), regexpExtract(text, regex, group): regex and group are literals. */
  | 'regexpExtract'
  /** splitPart(text, separator, n). */
  | 'splitPart'
  // Times. The zone, a literal, may be left out: UTC.
  | 'year'
  | 'month'
  | 'day'
  | 'hour'
  | 'minute'
  | 'second'
  | 'dayOfWeek'
  /** formatTime(time, pattern), formatTime(time, pattern, zone): pattern and zone are literals. */
  | 'formatTime'
  | 'plusMs'
  | 'minusMs'
  /** timestampDiffMs(a, b): a - b. */
  | 'timestampDiffMs'
  | 'toMillis'
  | 'fromMillis'
  | 'windowStart'
  | 'windowEnd'
  // Lists.
  | 'listLength'
  | 'listContains';

export interface FieldExpr {
  readonly kind: 'field';
  readonly name: string;
}

export interface LiteralExpr {
  readonly kind: 'literal';
  readonly type: Type;
  readonly value: string | number | boolean | null;
  /** Of a decimal, whose value is a whole number of 10^-scale. */
  readonly scale?: number;
}

export interface CallExpr {
  readonly kind: 'call';
  readonly fn: FunctionName;
  readonly args: readonly Expr[];
}

/** A call of a function of the definition; opaque to exporters. */
export interface UdfExpr {
  readonly kind: 'udf';
  readonly name: string;
  readonly args: readonly Expr[];
  readonly result: ExprType;
}

export type Expr = FieldExpr | LiteralExpr | CallExpr | UdfExpr;

/** The type of an expression and whether it can be null. */
export interface ExprType {
  readonly type: Type;
  readonly nullable: boolean;
  readonly scale?: number;
  readonly item?: ItemType;
}

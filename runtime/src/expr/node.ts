/**
 * Typed, symbolic expressions over the columns of one row: plain frozen data that can be evaluated, compiled, explained
 * and exported. The set of functions is closed; see `functions.ts`.
 */
import type { Type, Value } from '../data/value.ts';

export type FunctionName =
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
  | 'plus'
  | 'minus'
  | 'times'
  | 'dividedBy'
  | 'lower'
  | 'upper';

export interface FieldExpr {
  readonly kind: 'field';
  readonly name: string;
}

export interface LiteralExpr {
  readonly kind: 'literal';
  readonly type: Type;
  readonly value: Exclude<Value, readonly unknown[]>;
}

export interface CallExpr {
  readonly kind: 'call';
  readonly fn: FunctionName;
  readonly args: readonly Expr[];
}

export type Expr = FieldExpr | LiteralExpr | CallExpr;

/** The type of an expression and whether it can be null. */
export interface ExprType {
  readonly type: Type;
  readonly nullable: boolean;
}

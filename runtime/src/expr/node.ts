/**
 * Typed, symbolic expressions over the columns of one row: plain frozen data that can be evaluated, compiled, explained
 * and exported. The set of functions is closed; see `functions.ts`.
 */
import type { ItemType, Type } from '../data/value.ts';

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

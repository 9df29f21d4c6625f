import type { Expr } from '../expr/node.ts';
import type { AggregateName } from '../plan/node.ts';
import { type Expression, nodeOf, type Timestamp } from './expression.ts';

/** What to compute of each group; nulls are left out, as in SQL. */
export class Aggregate<T> {
  declare readonly of?: T;
  readonly fn: AggregateName;
  readonly arg: Expr | null;

  constructor(fn: AggregateName, arg: unknown) {
    this.fn = fn;
    this.arg = arg === undefined ? null : nodeOf(arg, `the argument of ${fn}`);
  }
}

type AnyValue = string | number | boolean | Timestamp | null;
type Numbers = Expression<number> | Expression<number | null>;
type NullOf<E, T> = E extends Expression<number> ? T : T | null;

/** How many rows there are, or how many of these values are not null. */
export function count(value?: { readonly node: Expr }): Aggregate<number> {
  return new Aggregate('count', value);
}

/** The exact sum, rounded once: the order of the events does not change it. Null when there is no value. */
export function sum<E extends Numbers>(value: E): Aggregate<NullOf<E, number>> {
  return new Aggregate('sum', value);
}

/** The exact sum divided by the number of values; a double. Null when there is no value. */
export function avg<E extends Numbers>(value: E): Aggregate<NullOf<E, number>> {
  return new Aggregate('avg', value);
}

/** The smallest value; strings by their UTF-8 bytes. */
export function min<T extends AnyValue>(value: { readonly of?: T; readonly node: Expr }): Aggregate<T> {
  return new Aggregate('min', value);
}

/** The largest value; strings by their UTF-8 bytes. */
export function max<T extends AnyValue>(value: { readonly of?: T; readonly node: Expr }): Aggregate<T> {
  return new Aggregate('max', value);
}

/** How many different values there are, exactly. State grows with the number of different values. */
export function countDistinct(value: { readonly node: Expr }): Aggregate<number> {
  return new Aggregate('countDistinct', value);
}

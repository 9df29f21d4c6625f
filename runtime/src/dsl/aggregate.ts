import { failure } from '../base/errors.ts';
import type { Column } from '../data/value.ts';
import type { Expr } from '../expr/node.ts';
import { eventTimeOf } from '../plan/infer.ts';
import type { AggregateCall, AggregateName } from '../plan/node.ts';
import { type Decimal, type Expression, nodeOf, type Timestamp } from './expression.ts';

type Condition = Expression<boolean> | Expression<boolean | null>;

/** An expression whose values are T; `of` is never set. */
interface Typed<T = unknown> {
  readonly node: Expr;
  readonly of?: T;
}
type Item = string | number | boolean | Timestamp | null;
type AnyValue = Item | Decimal;
type Numeric = number | Decimal | null;
type NullIf<T, R> = null extends T ? R | null : R;

/** What to compute of each group; nulls are left out, as in SQL. `Filtered` is what it is over some of the rows. */
export class Aggregate<T, Filtered = T | null> {
  declare readonly of?: T;
  /** @internal */
  readonly call: Omit<AggregateCall, 'name'>;

  /** @internal */
  constructor(fn: AggregateName, arg: unknown, options: Partial<AggregateCall> = {}) {
    this.call = { ...options, fn, arg: arg === undefined ? null : nodeOf(arg, `the argument of ${fn}`) };
  }

  /** Only over the rows for which the condition is true: SQL's FILTER. */
  where(condition: Condition): Aggregate<Filtered, Filtered> {
    const filtered = new Aggregate<Filtered, Filtered>(this.call.fn, undefined);
    const where = nodeOf(condition, `the condition of ${this.call.fn}`);
    return Object.assign(filtered, { call: { ...this.call, where } });
  }
}

/** How many rows there are, or how many of these values are not null. */
export function count(value?: Typed): Aggregate<number, number> {
  return new Aggregate('count', value);
}

/** The exact sum, rounded once: the order of the events does not change it. Null when there is no value. */
export function sum<T extends Numeric>(value: Typed<T>): Aggregate<T> {
  return new Aggregate('sum', value);
}

/** The exact sum divided by the number of values; a double. Null when there is no value. */
export function avg<T extends Numeric>(value: Typed<T>): Aggregate<NullIf<T, number>> {
  return new Aggregate('avg', value);
}

/** The smallest value; strings by their UTF-8 bytes. */
export function min<T extends AnyValue>(value: Typed<T>): Aggregate<T> {
  return new Aggregate('min', value);
}

/** The largest value; strings by their UTF-8 bytes. */
export function max<T extends AnyValue>(value: Typed<T>): Aggregate<T> {
  return new Aggregate('max', value);
}

/** The value of the row that happened first, by the event time or by another time; of equal times the earlier arrival. */
export function first<T>(value: Typed<T>, by?: Typed<Timestamp>): Aggregate<T> {
  return new Aggregate('first', value, byOf('first', by));
}

/** The value of the row that happened last, by the event time or by another time; of equal times the later arrival. */
export function last<T>(value: Typed<T>, by?: Typed<Timestamp>): Aggregate<T> {
  return new Aggregate('last', value, byOf('last', by));
}

/** The value of the row that has the smallest `by`: `argMin(f.carrier, f.delay)` is who was most punctual. */
export function argMin<T, B extends AnyValue>(
  value: Typed<T>,
  by: Typed<B>,
): Aggregate<null extends B ? T | null : T> {
  return new Aggregate('argMin', value, byOf('argMin', by));
}

/** The value of the row that has the largest `by`. */
export function argMax<T, B extends AnyValue>(
  value: Typed<T>,
  by: Typed<B>,
): Aggregate<null extends B ? T | null : T> {
  return new Aggregate('argMax', value, byOf('argMax', by));
}

/** How many different values there are, exactly. State grows with the number of different values. */
export function countDistinct(value: Typed): Aggregate<number, number> {
  return new Aggregate('countDistinct', value);
}

/** About how many different values there are, in a few kilobytes of state for each group. */
export function approxCountDistinct(value: Typed): Aggregate<number, number> {
  return new Aggregate('approxCountDistinct', value);
}

/** The value below which a fraction of the values lies, between two values interpolated: 0.5 is the median. */
export function percentile<T extends Numeric>(
  value: Typed<T>,
  fraction: number,
): Aggregate<NullIf<T, number>> {
  return new Aggregate('percentile', value, { fraction });
}

/** All values as a list. State grows with the number of values. */
export function collect<T extends Item>(
  value: Typed<T>,
): Aggregate<readonly NonNullable<T>[], readonly NonNullable<T>[]> {
  return new Aggregate('collect', value);
}

function byOf(fn: AggregateName, by: unknown): Partial<AggregateCall> {
  return by === undefined ? {} : { by: nodeOf(by, `what ${fn} goes by`) };
}

/** The calls of a plan. `first` and `last` go by the event time of the rows unless told. */
export function aggregatesOf(
  aggregates: Readonly<Record<string, unknown>>,
  columns: readonly Column[],
): AggregateCall[] {
  return Object.entries(aggregates).map(([name, aggregate]) => {
    if (!(aggregate instanceof Aggregate)) {
      throw failure('DEFINITION_INVALID', {
        problem: `aggregate "${name}" is not count(), sum(…), avg(…), min(…), max(…) or another aggregate`,
      });
    }
    const call: AggregateCall = { name, ...aggregate.call };
    const time = call.fn === 'first' || call.fn === 'last' ? eventTimeOf(columns) : null;
    return call.by === undefined && time !== null ? { ...call, by: time } : call;
  });
}

/**
 * What a group remembers for each aggregate. Values that are null are left out before `add`; results over no value are
 * null, but for counts (0) and collect (the empty list). Nothing depends on the order in which rows were added.
 *
 *   aggregate              of rows that only come         of rows that may be taken back
 *   count, sum, avg        a count, an exact sum          the same
 *   min, max               one value                      every value, counted, in order
 *   first, last            one value                      every value, counted, in order
 *   argMin, argMax         one value                      every value, counted, in order
 *   countDistinct          a set                          every value, counted
 *   percentile             every value, counted, in order (both)
 *   collect                every value by log position    every value, counted, in order
 *   approxCountDistinct    HyperLogLog                    (refused by the plan)
 *
 * Ties. Of rows that only come, first, argMin and argMax keep the earlier position in the log and last the later one; rows
 * without a position (time caused them) count as later than all with one, and among them the smaller value is the
 * earlier. Rows that may be taken back have no order of arrival: there, the smaller value is always the earlier.
 */
import { compareValues } from '../data/key.ts';
import type { Row, Type, Value } from '../data/value.ts';
import type { Evaluate } from '../expr/evaluate.ts';
import type { AggregateName } from '../plan/node.ts';
import {
  CollectByPosition,
  CollectByValue,
  comparePlaces,
  Extreme,
  type Kept,
  Keeper,
  Ordered,
  Percentile,
} from './accumulators-order.ts';
import { ApproximateCount, DistinctCount, DistinctMembers } from './accumulators-distinct.ts';
import { avgOf, Count, type SavedSum, Sum, sumOf } from './accumulators-sum.ts';
import type { Members } from './multiset.ts';
import type { Position, Weight } from './operator.ts';

export interface Accumulator {
  /**
   * Takes a row in (+1) or back (-1). `by` is what first, last, argMin and argMax go by; `position` that of the row in the
   * log, null for a row that time caused.
   */
  add(value: Value, weight: Weight, by: Value, position: number | null): void;
  /** @throws RowError when the result has no value of its type */
  result(): Value;
  /** Takes over all that another holds. REQUIRES one of the same aggregate. */
  merge(other: Accumulator): void;
  /** JSON from which `accumulatorOf` makes it again, but for its members. */
  save(): unknown;
  readonly members: Members | null;
}

/** An aggregate of an operator, with its expressions ready to evaluate. */
export interface AggregateSpec {
  readonly fn: AggregateName;
  /** Null for `count()`. */
  readonly arg: Evaluate | null;
  /** Of the argument: sums of doubles and of whole numbers overflow at other bounds. Null for `count()`. */
  readonly type: Type | null;
  /** Digits behind the point of a decimal argument; 0 unless told. */
  readonly scale?: number | undefined;
  /** first, last, argMin, argMax: what they go by. */
  readonly by?: Evaluate | undefined;
  /** Of percentile. */
  readonly fraction?: number | undefined;
  /** Only rows for which this is true. */
  readonly where?: Evaluate | undefined;
}

/** The aggregates of an operator. A row is evaluated as a whole before any accumulator takes it. */
export class Aggregates {
  readonly #specs: readonly AggregateSpec[];
  readonly #retracts: boolean;
  readonly #values: Value[] = [];
  readonly #bys: Value[] = [];

  /** `retracts`: rows may be taken back. */
  constructor(specs: readonly AggregateSpec[], retracts: boolean) {
    this.#specs = specs;
    this.#retracts = retracts;
  }

  /** New accumulators, or those that were saved, but for their members. */
  create(saved: readonly unknown[] = []): Accumulator[] {
    return this.#specs.map((spec, index) => MAKE[spec.fn](spec, this.#retracts, saved[index]));
  }

  /** @throws RowError: the row is then nowhere added */
  evaluate(row: Row): void {
    for (let i = 0; i < this.#specs.length; i++) {
      const { where, arg, by } = this.#specs[i] as AggregateSpec;
      const counts = where === undefined || where(row) === true;
      this.#values[i] = !counts ? null : arg === null ? true : arg(row);
      this.#bys[i] = !counts || by === undefined ? null : by(row);
    }
  }

  /** Adds the row that was evaluated last, or takes it back. */
  add(accumulators: readonly Accumulator[], weight: Weight, at: Position | null): void {
    const position = at?.position ?? null;
    for (let i = 0; i < accumulators.length; i++) {
      const value = this.#values[i] as Value;
      const by = this.#bys[i] as Value;
      if (value === null || (by === null && this.#specs[i]?.by !== undefined)) continue;
      accumulators[i]?.add(value, weight, by, position);
    }
  }

  /**
   * Evaluates a row that is added later, or taken back later: value and `by` of each aggregate, one after the other.
   * @throws RowError
   */
  evaluated(row: Row): Row {
    this.evaluate(row);
    return this.#values.flatMap((value, index) => [value, this.#bys[index] ?? null]);
  }

  /** Adds what `evaluated` gave, or takes it back. Its place in the log does not count. */
  addEvaluated(accumulators: readonly Accumulator[], evaluated: Row, weight: Weight): void {
    for (let i = 0; i < accumulators.length; i++) {
      this.#values[i] = evaluated[2 * i] ?? null;
      this.#bys[i] = evaluated[2 * i + 1] ?? null;
    }
    this.add(accumulators, weight, null);
  }
}

/** @throws RowError when a result has no value of its type */
export function resultsOf(accumulators: readonly Accumulator[]): Value[] {
  return accumulators.map((accumulator) => accumulator.result());
}

type Make = (spec: AggregateSpec, retracts: boolean, saved: unknown) => Accumulator;

const MAKE: { readonly [A in AggregateName]: Make } = {
  count: (_, __, saved) => new Count(saved as number | undefined),
  sum: ({ type }, _, saved) => new Sum(sumOf(type), saved as SavedSum | undefined),
  avg: ({ scale = 0 }, _, saved) => new Sum(avgOf(scale), saved as SavedSum | undefined),
  min: extreme(compareValues),
  max: extreme((a, b) => compareValues(b, a)),
  first: keeper((a, b) => byOrder(a, b) || comparePlaces(a, b)),
  last: keeper((a, b) => byOrder(b, a) || comparePlaces(b, a), true),
  argMin: keeper((a, b) => byOrder(a, b) || comparePlaces(a, b)),
  argMax: keeper((a, b) => byOrder(b, a) || comparePlaces(a, b)),
  countDistinct: (_, retracts) => (retracts ? new DistinctMembers() : new DistinctCount()),
  approxCountDistinct: () => new ApproximateCount(),
  percentile: ({ fraction = 0.5, scale = 0 }) => new Percentile(fraction, scale),
  collect: (_, retracts) => (retracts ? new CollectByValue() : new CollectByPosition()),
};

/** Shows the smallest in an order. */
function extreme(compare: (a: Value, b: Value) => number): Make {
  return (_, retracts, saved) => {
    if (!retracts) return new Extreme(compare, saved as Value | undefined);
    return new Ordered(([a = null], [b = null]) => compare(b, a), false);
  };
}

/** Shows the smallest in an order. Rows that may be taken back have no position. */
function keeper(compare: (a: Kept, b: Kept) => number, prefersLater = false): Make {
  return (_, retracts, saved) => {
    if (!retracts) return new Keeper(compare, prefersLater, saved as Kept | null | undefined);
    return new Ordered((a, b) => compare(unplaced(b), unplaced(a)), true);
  };
}

function unplaced([by = null, value = null]: Row): Kept {
  return [by, null, value];
}

function byOrder([a]: Kept, [b]: Kept): number {
  return compareValues(a, b);
}

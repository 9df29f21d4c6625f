/** count, sum and avg. Sums are exact however many rows come and go, and rounded once, when they are shown. */
import { DOUBLE_MAX, type Type, type Value } from '../data/value.ts';
import { RowError } from '../expr/functions.ts';
import type { Accumulator } from './accumulators.ts';
import { ExactSum } from './exact-sum.ts';
import type { Weight } from './operator.ts';

export class Count implements Accumulator {
  readonly members = null;
  #count: number;

  constructor(saved = 0) {
    this.#count = saved;
  }
  add(_value: Value, weight: Weight): void {
    this.#count += weight;
  }
  result(): Value {
    return this.#count;
  }
  merge(other: Count): void {
    this.#count += other.#count;
  }
  save(): unknown {
    return this.#count;
  }
}

export type SavedSum = readonly [count: number, partials: readonly number[]];
/** The result, from the sum rounded to the nearest double and the number of values. */
type Finish = (total: number, count: number) => number;

export class Sum implements Accumulator {
  readonly members = null;
  readonly #finish: Finish;
  readonly #sum: ExactSum;
  #count: number;

  constructor(finish: Finish, [count, partials]: SavedSum = [0, []]) {
    this.#finish = finish;
    this.#sum = new ExactSum(partials);
    this.#count = count;
  }
  add(value: Value, weight: Weight): void {
    this.#count += weight;
    this.#sum.add(weight * (value as number));
  }
  result(): Value {
    return this.#count === 0 ? null : this.#finish(this.#sum.value(), this.#count);
  }
  merge(other: Sum): void {
    this.#count += other.#count;
    for (const partial of other.#sum.partials) this.#sum.add(partial);
  }
  save(): unknown {
    return [this.#count, this.#sum.partials];
  }
}

/** A sum that its type cannot hold is an error of the row that shows it, never another number. */
export function sumOf(type: Type | null): Finish {
  const fits = type === 'double' ? (total: number) => Math.abs(total) <= DOUBLE_MAX : Number.isSafeInteger;
  return (total) => {
    if (!fits(total)) throw new RowError(overflowProblem(type, total));
    return total;
  };
}

export function overflowProblem(type: Type | null, total: number): string {
  return `a sum of about ${total} overflows ${type ?? 'integer'}`;
}

/** A double; of decimals too, whose unit is 10^-scale. */
export function avgOf(scale: number): Finish {
  const unit = 10 ** scale;
  return (total, count) => total / (count * unit);
}

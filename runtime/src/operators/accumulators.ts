/**
 * What a group remembers for each aggregate. Values that are null are left out before `add`; results over no value are
 * null, but for counts. `save` and the constructor's argument are JSON.
 */
import type { Value } from '../data/value.ts';
import { compareValues, nameOfKey } from '../data/key.ts';
import type { AggregateName } from '../plan/node.ts';
import { ExactSum } from './exact-sum.ts';

export interface Accumulator {
  add(value: Value): void;
  result(): Value;
  save(): unknown;
}

type Saved = unknown;

export const ACCUMULATORS: { readonly [A in AggregateName]: (saved?: Saved) => Accumulator } = {
  count: (saved) => new Count(saved as number | undefined),
  sum: (saved) => new Sum(saved as SavedSum | undefined, (total) => total),
  avg: (saved) => new Sum(saved as SavedSum | undefined, (total, count) => total / count),
  min: (saved) => new Extreme(saved as Value | undefined, (order) => order < 0),
  max: (saved) => new Extreme(saved as Value | undefined, (order) => order > 0),
  countDistinct: () => new DistinctCount(),
};

class Count implements Accumulator {
  #count: number;

  constructor(saved = 0) {
    this.#count = saved;
  }
  add(): void {
    this.#count++;
  }
  result(): Value {
    return this.#count;
  }
  save(): unknown {
    return this.#count;
  }
}

type SavedSum = readonly [count: number, partials: readonly number[]];

class Sum implements Accumulator {
  #count: number;
  readonly #sum: ExactSum;
  readonly #finish: (total: number, count: number) => number;

  constructor(saved: SavedSum = [0, []], finish: (total: number, count: number) => number) {
    this.#count = saved[0];
    this.#sum = new ExactSum(saved[1]);
    this.#finish = finish;
  }
  add(value: Value): void {
    this.#count++;
    this.#sum.add(value as number);
  }
  result(): Value {
    return this.#count === 0 ? null : this.#finish(this.#sum.value(), this.#count);
  }
  save(): unknown {
    return [this.#count, this.#sum.partials];
  }
}

class Extreme implements Accumulator {
  #value: Value;
  readonly #better: (order: number) => boolean;

  constructor(saved: Value = null, better: (order: number) => boolean) {
    this.#value = saved;
    this.#better = better;
  }
  add(value: Value): void {
    if (this.#value === null || this.#better(compareValues(value, this.#value))) this.#value = value;
  }
  result(): Value {
    return this.#value;
  }
  save(): unknown {
    return this.#value;
  }
}

/**
 * Counts different values exactly. Its members are saved one by one (`takeAdded`, `restoreMember`), so that a new value
 * costs one small write however many there are.
 */
export class DistinctCount implements Accumulator {
  readonly #members = new Set<string>();
  #added: string[] = [];

  add(value: Value): void {
    const member = nameOfKey([value]);
    if (this.#members.has(member)) return;
    this.#members.add(member);
    this.#added.push(member);
  }
  result(): Value {
    return this.#members.size;
  }
  save(): unknown {
    return null;
  }
  takeAdded(): readonly string[] {
    const added = this.#added;
    this.#added = [];
    return added;
  }
  restoreMember(member: string): void {
    this.#members.add(member);
  }
}

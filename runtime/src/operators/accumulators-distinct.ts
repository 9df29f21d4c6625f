/** How many different values there are: exactly, or estimated. */
import type { Value } from '../data/value.ts';
import type { Accumulator } from './accumulators.ts';
import { HyperLogLog } from './hyperloglog.ts';
import { Multiset, ValueSet } from './multiset.ts';
import type { Weight } from './operator.ts';

/** Of rows that only come. */
export class DistinctCount implements Accumulator {
  readonly members = new ValueSet();

  add(value: Value): void {
    this.members.add(value);
  }
  result(): Value {
    return this.members.size;
  }
  merge(other: DistinctCount): void {
    this.members.addAll(other.members);
  }
  save(): unknown {
    return null;
  }
}

/** Of rows that may be taken back. */
export class DistinctMembers implements Accumulator {
  readonly members = new Multiset();

  add(value: Value, weight: Weight): void {
    this.members.add([value], weight);
  }
  result(): Value {
    return this.members.size;
  }
  merge(other: DistinctMembers): void {
    this.members.addAll(other.members);
  }
  save(): unknown {
    return null;
  }
}

/** Estimated, of rows that only come. */
export class ApproximateCount implements Accumulator {
  readonly members = new HyperLogLog();

  add(value: Value): void {
    this.members.add(value);
  }
  result(): Value {
    return this.members.estimate();
  }
  merge(other: ApproximateCount): void {
    this.members.addAll(other.members);
  }
  save(): unknown {
    return null;
  }
}

import type { Evaluate } from '../expr/evaluate.ts';
import { evaluated } from './evaluated.ts';
import type { Collector, OnRowError } from './operator.ts';

export interface FilterSpec {
  readonly predicate: Evaluate;
  readonly onError: OnRowError;
}

/** Lets rows through for which the predicate is true; neither false nor null. Stateless. */
export function filter({ predicate, onError }: FilterSpec, next: Collector): Collector {
  return {
    push(row, weight, at) {
      if (evaluated(predicate, row, weight, at, onError) === true) next.push(row, weight, at);
    },
  };
}

import type { Evaluate } from '../expr/evaluate.ts';
import type { Collector } from './operator.ts';

/** Lets rows through for which the predicate is true; neither false nor null. Stateless. */
export function filter(predicate: Evaluate, next: Collector): Collector {
  return {
    push(row, weight, at) {
      if (predicate(row) === true) next.push(row, weight, at);
    },
  };
}

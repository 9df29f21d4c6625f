import type { Collector } from './operator.ts';

/** The rows of all inputs: each of them pushes into the same collector. Stateless. */
export function union(next: Collector): Collector {
  return next;
}

import type { Value } from '../data/value.ts';
import type { Evaluate } from '../expr/evaluate.ts';
import { evaluated } from './evaluated.ts';
import { type Collector, type OnRowError } from './operator.ts';

export interface UnnestSpec {
  /** A list, or null: a row without one leaves nothing. */
  readonly list: Evaluate;
  readonly onError: OnRowError;
}

/**
 * A row for each item of its list, in order, with the item as a column behind the others. Stateless.
 *   (a, [x, y]) ──► (a, [x, y], x), (a, [x, y], y)
 */
export function unnest({ list, onError }: UnnestSpec, next: Collector): Collector {
  return {
    push(row, weight, at) {
      const value = evaluated(list, row, weight, at, onError) ?? null;
      for (const item of itemsOf(value)) next.push([...row, item], weight, at);
    },
  };
}

function itemsOf(value: Value): readonly Value[] {
  return value !== null && typeof value === 'object' && 'items' in value ? value.items : [];
}

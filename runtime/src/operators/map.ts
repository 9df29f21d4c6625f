import type { Evaluate } from '../expr/evaluate.ts';
import type { Collector } from './operator.ts';

/** Rows with other columns, one for each row. Stateless. */
export function map(columns: readonly Evaluate[], next: Collector): Collector {
  return {
    push(row, weight, at) {
      next.push(
        columns.map((column) => column(row)),
        weight,
        at,
      );
    },
  };
}

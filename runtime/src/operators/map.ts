import type { Value } from '../data/value.ts';
import type { Evaluate } from '../expr/evaluate.ts';
import { evaluated } from './evaluated.ts';
import type { Collector, OnRowError } from './operator.ts';

export interface MapSpec {
  readonly columns: readonly Evaluate[];
  readonly onError: OnRowError;
}

/** Rows with other columns, one for each row. Stateless. */
export function map({ columns, onError }: MapSpec, next: Collector): Collector {
  return {
    push(row, weight, at) {
      const mapped: Value[] = [];
      for (const column of columns) {
        const value = evaluated(column, row, weight, at, onError);
        if (value === undefined) return;
        mapped.push(value);
      }
      next.push(mapped, weight, at);
    },
  };
}

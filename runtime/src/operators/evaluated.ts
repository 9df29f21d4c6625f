import type { Row, Value } from '../data/value.ts';
import type { Evaluate } from '../expr/evaluate.ts';
import { RowError } from '../expr/functions.ts';
import type { OnRowError, Position, Weight } from './operator.ts';

/**
 * The value of an expression for a row, or undefined when it cannot be computed: the row is then left out. That is
 * reported once, when the row comes; when it is taken back there is nothing to take back.
 */
export function evaluated(
  evaluate: Evaluate,
  row: Row,
  weight: Weight,
  at: Position | null,
  onError: OnRowError,
): Value | undefined {
  try {
    return evaluate(row);
  } catch (error) {
    if (!(error instanceof RowError)) throw error;
    if (weight === 1) onError(error, at, row);
    return undefined;
  }
}

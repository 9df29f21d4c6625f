/**
 * The order of rows by content: the only order that rows of a changing input have, since the order of their arrival
 * depends on the cut into epochs. Null comes before every value.
 */
import { compareValues } from '../data/key.ts';
import type { Row, Value } from '../data/value.ts';

export function compareNullable(a: Value, b: Value): number {
  if (a === b) return 0;
  if (a === null) return -1;
  return b === null ? 1 : compareValues(a, b);
}

/** Column by column. REQUIRES rows of the same columns. */
export function compareRows(a: Row, b: Row): number {
  if (a === b) return 0;
  for (let i = 0; i < a.length; i++) {
    const order = compareNullable(a[i] ?? null, b[i] ?? null);
    if (order !== 0) return order;
  }
  return 0;
}

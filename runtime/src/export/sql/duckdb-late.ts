import { OVER } from './duckdb-query.ts';
import { identifier, intervalLiteral } from './duckdb-text.ts';

export const LATE_REASON =
  'late rows are left out, and the relation does not tell the watermark that was before each row ("_watermark")';

/** That a window which ends there is not over for a row. `heldBackMs`: how much later its rows may come. */
export function notOver(end: string, heldBackMs: number): string {
  const last = heldBackMs === 0 ? end : `${end} + ${intervalLiteral(heldBackMs)}`;
  return `(${identifier(OVER)} IS NULL OR ${last} > ${identifier(OVER)})`;
}

/** Thrown by an expression for one row; the executor turns it into a rejected event. */
export class RowError extends Error {
  override readonly name = 'RowError';
}

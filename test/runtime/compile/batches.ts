/** Batches for tests: what the scanner would have made of these rows. */
import { type BatchColumn, type ColumnBatch, columnBatch } from '../../../runtime/src/data/columns.ts';
import type { Column, Row, Value } from '../../../runtime/src/data/value.ts';

/** The rows as one batch; every text lies in its bytes. */
export function batchOf(columns: readonly Column[], rows: readonly Row[]): ColumnBatch {
  const batch = columnBatch(columns, Math.max(1, rows.length));
  const pieces: Buffer[] = [Buffer.from('#')];
  let at = 1;
  for (const [index, row] of rows.entries()) {
    for (const [place, column] of batch.columns.entries()) {
      const text = put(column, index, row[place] ?? null, at);
      if (text === null) continue;
      pieces.push(text);
      at += text.length;
    }
  }
  batch.bytes = Buffer.concat(pieces);
  batch.n = rows.length;
  return batch;
}

function put(column: BatchColumn, row: number, value: Value, at: number): Buffer | null {
  if (column.nulls !== null) column.nulls[row] = value === null ? 1 : 0;
  if (value === null) return null;
  switch (column.kind) {
    case 'number':
      column.values[row] = value as number;
      return null;
    case 'boolean':
      column.values[row] = value === true ? 1 : 0;
      return null;
    case 'list':
      column.values[row] = value as never;
      return null;
    case 'text': {
      const text = Buffer.from(value as string);
      column.starts[row] = at;
      column.ends[row] = at + text.length;
      return text;
    }
  }
}

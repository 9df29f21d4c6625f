/** Rows as a batch of columns. */
import { type ColumnBatch, columnBatch } from '../../../../runtime/src/data/columns.ts';
import type { Field } from '../../../../runtime/src/data/decode.ts';
import type { ListValue, Row } from '../../../../runtime/src/data/value.ts';

export function fillBatch(fields: readonly Field[], rows: readonly Row[]): ColumnBatch {
  const batch = columnBatch(fields, rows.length);
  const texts: Buffer[] = [];
  let at = 0;
  for (const [index, column] of batch.columns.entries()) {
    for (const [row, values] of rows.entries()) {
      const value = values[index] ?? null;
      if (column.nulls !== null) column.nulls[row] = value === null ? 1 : 0;
      if (value === null) continue;
      if (column.kind === 'text') {
        const text = Buffer.from(value as string);
        texts.push(text);
        column.starts[row] = at;
        column.ends[row] = at += text.length;
      } else if (column.kind === 'list') column.values[row] = value as ListValue;
      else column.values[row] = Number(value);
    }
  }
  batch.n = rows.length;
  batch.bytes = Buffer.concat(texts);
  return batch;
}

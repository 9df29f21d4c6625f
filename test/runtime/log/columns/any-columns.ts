/** Appends of columns for tests. */
import type { Field } from '../../../../runtime/src/data/decode.ts';
import { encodeColumns } from '../../../../runtime/src/log/columns/encode.ts';
import { schemaOf } from '../../../../runtime/src/log/columns/schema.ts';
import type { ColumnAppend } from '../../../../runtime/src/log/log.ts';
import type { Row } from '../../../../runtime/src/data/value.ts';
import { fillBatch } from './batches.ts';

export function columnAppend(source: string, fields: readonly Field[], rows: readonly Row[]): ColumnAppend {
  const batch = fillBatch(fields, rows);
  const bytes = encodeColumns(
    batch,
    Int32Array.from({ length: rows.length }, (_, row) => row),
    rows.length,
  );
  const schema: unknown = JSON.parse(JSON.stringify(schemaOf(fields)));
  return { kind: 'events', source, partition: 0, columns: { count: rows.length, schema, bytes } };
}

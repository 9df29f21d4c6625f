/**
 * How rows become bytes:
 *
 *   jsonl     a row a line, as the API answers it                 csv   a header, RFC 4180; null is nothing, a text without
 *   parquet   row groups of at most 20,000 rows, Snappy                 letters is ""
 *
 * Windows are two columns in CSV and Parquet, decimals exact in all three (texts in JSON, DECIMAL in Parquet).
 */
import type { SchemaElement } from 'hyparquet';
import type { FileFormat } from '../../config/sinks.ts';
import { valueToJson } from '../../data/json.ts';
import { type Column, isList, type Row, type Type, type Value } from '../../data/value.ts';
import type { ViewLayout } from '../../views/layout.ts';
import { type FlatColumn, flatColumns } from '../columns.ts';
import type { Output } from './output.ts';

interface RowWriter {
  write(rows: readonly Row[]): Promise<void>;
  finish(): Promise<void>;
}

type Make = (layout: ViewLayout, output: Output) => Promise<RowWriter>;

const WRITERS: { readonly [F in FileFormat]: Make } = { jsonl, csv, parquet };

export function writerOf(format: FileFormat, layout: ViewLayout, output: Output): Promise<RowWriter> {
  return WRITERS[format](layout, output);
}

function jsonl(layout: ViewLayout, output: Output): Promise<RowWriter> {
  return Promise.resolve({
    write: (rows) =>
      output.append(Buffer.from(rows.map((row) => `${JSON.stringify(layout.toJson(row))}\n`).join(''))),
    finish: () => Promise.resolve(),
  });
}

async function csv({ columns }: ViewLayout, output: Output): Promise<RowWriter> {
  const flat = flatColumns(columns);
  const line = (cells: readonly string[]): string => `${cells.join(',')}\n`;
  await output.append(Buffer.from(line(flat.map(({ name }) => name))));
  return {
    write: (rows) =>
      output.append(Buffer.from(rows.map((row) => line(flat.map((each) => csvCell(each, row)))).join(''))),
    finish: () => Promise.resolve(),
  };
}

function csvCell({ column, valueOf }: FlatColumn, row: Row): string {
  const value = valueToJson(column, valueOf(row));
  if (value === null) return '';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const ROW_GROUP_ROWS = 20_000;
const ROW_GROUP_CELLS = 400_000;

async function parquet({ columns }: ViewLayout, output: Output): Promise<RowWriter> {
  const { ByteWriter, ParquetWriter } = await import('hyparquet-writer');
  const flat = flatColumns(columns);
  const schema = [
    { name: 'root', num_children: flat.length },
    ...flat.flatMap(({ column }) => elementsOf(column)),
  ];
  const bytes = new ByteWriter();
  const writer = new ParquetWriter({ writer: bytes, schema, createdBy: 'pipeline-runtime' });
  const handOver = async (): Promise<void> => {
    // Its buffer is used again.
    const piece = Uint8Array.from(bytes.getBytes());
    bytes.index = 0;
    await output.append(piece);
  };
  const groupRows = Math.max(1, Math.min(ROW_GROUP_ROWS, Math.floor(ROW_GROUP_CELLS / flat.length)));
  let group: Row[] = [];
  const writeGroup = async (): Promise<void> => {
    const columnData = flat.map(({ name, column, valueOf }) => ({
      name,
      data: group.map((row) => parquetValue(column, valueOf(row))),
    }));
    group = [];
    await writer.write({ columnData, rowGroupSize: groupRows });
    await handOver();
  };
  return {
    async write(rows) {
      for (const row of rows) {
        group.push(row);
        if (group.length === groupRows) await writeGroup();
      }
    },
    async finish() {
      if (group.length > 0) await writeGroup();
      await writer.finish();
      await handOver();
    },
  };
}

const MILLIS = {
  converted_type: 'TIMESTAMP_MILLIS',
  logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' },
} as const;
const LEAVES: { readonly [T in Exclude<Type, 'window' | 'list'>]: Partial<SchemaElement> } = {
  string: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  integer: { type: 'INT64' },
  double: { type: 'DOUBLE' },
  boolean: { type: 'BOOLEAN' },
  timestamp: { type: 'INT64', ...MILLIS },
  // The digits of 2^53.
  decimal: { type: 'INT64', converted_type: 'DECIMAL', precision: 16 },
};

function elementsOf({ name, type, nullable, scale, item }: Column): SchemaElement[] {
  const repetition_type = nullable ? 'OPTIONAL' : 'REQUIRED';
  if (type === 'list') {
    return [
      { name, repetition_type, converted_type: 'LIST', num_children: 1 },
      { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
      { name: 'element', repetition_type: 'OPTIONAL', ...LEAVES[item ?? 'string'] },
    ];
  }
  // A flat column is never a window.
  const leaf = LEAVES[type as keyof typeof LEAVES];
  return [{ name, repetition_type, ...leaf, ...(type === 'decimal' && { scale: scale ?? 0 }) }];
}

function parquetValue(column: Pick<Column, 'type' | 'item'>, value: Value): unknown {
  if (value === null) return null;
  if (isList(value)) return value.items.map((each) => parquetValue({ type: column.item ?? 'string' }, each));
  const isWhole = column.type === 'integer' || column.type === 'timestamp' || column.type === 'decimal';
  return isWhole ? BigInt(value as number) : value;
}

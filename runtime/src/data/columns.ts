/**
 * A batch of rows as columns: what the scanner writes and the compiled operators read. A batch is filled, read and filled
 * again; whoever wants to keep something of it copies it.
 *
 *   bytes      [ lines, as they were read | strings that had escapes, decoded | room ]
 *   texts      row → [starts, ends) of UTF-8 in `bytes`; a string without escapes lies where it was read
 *   numbers    row → value: integer, double, timestamp (epoch ms), decimal (unscaled)
 *   booleans   row → 0 or 1                  lists   row → the list
 *   nulls      row → 1 where the value is null (its cell then holds anything); absent when the column has none
 */
import type { Column, ListValue, Row, Value } from './value.ts';

/** The most rows of a batch. */
export const BATCH_ROWS_MAX = 4096;

export interface NumberColumn {
  readonly kind: 'number';
  readonly column: Column;
  readonly values: Float64Array;
  readonly nulls: Uint8Array | null;
}

export interface BooleanColumn {
  readonly kind: 'boolean';
  readonly column: Column;
  readonly values: Uint8Array;
  readonly nulls: Uint8Array | null;
}

export interface TextColumn {
  readonly kind: 'text';
  readonly column: Column;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  readonly nulls: Uint8Array | null;
}

export interface ListColumn {
  readonly kind: 'list';
  readonly column: Column;
  readonly values: (ListValue | null)[];
  readonly nulls: Uint8Array | null;
}

export type BatchColumn = NumberColumn | BooleanColumn | TextColumn | ListColumn;

export interface ColumnBatch {
  /** Rows [0, n) are filled. */
  n: number;
  /** What all texts of this batch point into. Another buffer after each filling. */
  bytes: Buffer;
  readonly columns: readonly BatchColumn[];
  /** The line that the row was read from: [lineStarts, lineEnds) of `bytes`. */
  readonly lineStarts: Int32Array;
  readonly lineEnds: Int32Array;
  /** How many events (lines that are not blank) the scanner had met before this one, rejected and skipped ones included. */
  readonly ordinals: Float64Array;
  /** When the event happened; 0 for rows of a table. */
  readonly times: Float64Array;
  /** The largest time of an event before this one, skipped ones included; -Infinity before the first. */
  readonly maxTimesBefore: Float64Array;
}

/** Where the arrays of a batch lie: each call gives so many bytes, aligned for eight. */
export type Room = (bytes: number) => { readonly buffer: ArrayBuffer; readonly byteOffset: number };

const ownRoom: Room = (bytes) => ({ buffer: new ArrayBuffer(bytes), byteOffset: 0 });

export function columnBatch(
  columns: readonly Column[],
  rowsMax = BATCH_ROWS_MAX,
  room: Room = ownRoom,
): ColumnBatch {
  const arrays: Arrays = {
    doubles: () => {
      const { buffer, byteOffset } = room(8 * rowsMax);
      return new Float64Array(buffer, byteOffset, rowsMax);
    },
    words: () => {
      const { buffer, byteOffset } = room(4 * rowsMax);
      return new Int32Array(buffer, byteOffset, rowsMax);
    },
    bytes: () => {
      const { buffer, byteOffset } = room(rowsMax);
      return new Uint8Array(buffer, byteOffset, rowsMax);
    },
  };
  return {
    n: 0,
    bytes: Buffer.alloc(0),
    columns: columns.map((column) => batchColumn(column, arrays)),
    lineStarts: arrays.words(),
    lineEnds: arrays.words(),
    ordinals: arrays.doubles(),
    times: arrays.doubles(),
    maxTimesBefore: arrays.doubles(),
  };
}

interface Arrays {
  doubles(): Float64Array;
  words(): Int32Array;
  bytes(): Uint8Array;
}

function batchColumn(column: Column, arrays: Arrays): BatchColumn {
  const nulls = column.nullable ? arrays.bytes() : null;
  switch (column.type) {
    case 'string':
      return { kind: 'text', column, starts: arrays.words(), ends: arrays.words(), nulls };
    case 'boolean':
      return { kind: 'boolean', column, values: arrays.bytes(), nulls };
    case 'list':
      return { kind: 'list', column, values: [], nulls };
    case 'window':
      throw new Error(`column ${column.name}: no event carries a window`);
    case 'integer':
    case 'double':
    case 'timestamp':
    case 'decimal':
      return { kind: 'number', column, values: arrays.doubles(), nulls };
  }
}

/** The value of one cell, as the interpreter knows it. */
export function valueAt(batch: ColumnBatch, column: BatchColumn, row: number): Value {
  if (column.nulls?.[row] === 1) return null;
  switch (column.kind) {
    case 'number':
      return column.values[row] ?? 0;
    case 'boolean':
      return column.values[row] === 1;
    case 'text':
      return batch.bytes.toString('utf8', column.starts[row], column.ends[row]);
    case 'list':
      return column.values[row] ?? null;
  }
}

export function rowAt(batch: ColumnBatch, row: number): Row {
  return batch.columns.map((column) => valueAt(batch, column, row));
}

/** The text of the line that a row was read from. */
export function lineAt(batch: ColumnBatch, row: number): string {
  return batch.bytes.toString('utf8', batch.lineStarts[row], batch.lineEnds[row]);
}

/** The first `count` of these rows of a batch, with the watermarks before them; without where their lines lie. */
export function selectRows(
  batch: ColumnBatch,
  watermarks: Float64Array,
  rows: Int32Array,
  count: number,
): { readonly batch: ColumnBatch; readonly watermarks: Float64Array } {
  if (count === batch.n) return { batch, watermarks };
  const chosen = rows.subarray(0, count);
  const doubles = (values: Float64Array): Float64Array =>
    Float64Array.from(chosen, (row) => values[row] as number);
  return {
    batch: {
      ...batch,
      n: count,
      columns: batch.columns.map((column) => selectOf(column, chosen)),
      ordinals: doubles(batch.ordinals),
      times: doubles(batch.times),
    },
    watermarks: doubles(watermarks),
  };
}

function selectOf(column: BatchColumn, rows: Int32Array): BatchColumn {
  const from = column.nulls;
  const nulls = from === null ? null : Uint8Array.from(rows, (row) => from[row] as number);
  switch (column.kind) {
    case 'number':
      return { ...column, nulls, values: Float64Array.from(rows, (row) => column.values[row] as number) };
    case 'boolean':
      return { ...column, nulls, values: Uint8Array.from(rows, (row) => column.values[row] as number) };
    case 'text':
      return {
        ...column,
        nulls,
        starts: Int32Array.from(rows, (row) => column.starts[row] as number),
        ends: Int32Array.from(rows, (row) => column.ends[row] as number),
      };
    case 'list':
      return { ...column, nulls, values: Array.from(rows, (row) => column.values[row] ?? null) };
  }
}

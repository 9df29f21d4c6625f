/**
 * A batch on its way between workers: the columns of its rows in shared memory, those of each worker side by side.
 *
 *   [ columns, row by row: worker 0 | worker 1 | … ] [ the bytes that texts point into ]
 *
 * Texts are copied with all that lies between them where that is most of it: one copy of many bytes costs less than many.
 */
import {
  type BatchColumn,
  type ColumnBatch,
  columnBatch,
  type Room,
  type TextColumn,
} from '../data/columns.ts';
import type { Column, ListValue } from '../data/value.ts';

export interface Page {
  readonly buffer: SharedArrayBuffer;
  readonly rows: number;
  /** Worker w has the rows [offsets[w], offsets[w + 1]); null: every worker has them all. */
  readonly offsets: readonly number[] | null;
  /** Lists are no typed arrays; they are copied with the message. */
  readonly lists: readonly (readonly (ListValue | null)[])[];
}

/** Rows in the order of their workers. */
export interface Split {
  readonly order: Int32Array;
  readonly offsets: readonly number[] | null;
}

/** Readers of texts may look at a few bytes behind them. */
const SLACK_BYTES = 64;
const ALIGNED_BYTES = 8;

/**
 * Writes pages of some columns, `withPlaces` if somebody asks for the ordinals of the rows. `memory` gives so many bytes, which
 * nobody reads any more.
 */
export class PageWriter {
  readonly #columns: readonly Column[];
  readonly #withPlaces: boolean;
  readonly #memory: (bytes: number) => SharedArrayBuffer;

  constructor(columns: readonly Column[], withPlaces: boolean, memory: (bytes: number) => SharedArrayBuffer) {
    this.#columns = columns;
    this.#withPlaces = withPlaces;
    this.#memory = memory;
  }

  /** REQUIRES a batch that has the columns, in any order. */
  write(batch: ColumnBatch, { order, offsets }: Split): Page {
    const rows = batch.n;
    const columns = inOrder(batch, this.#columns);
    const texts = new Texts(batch, columns);
    const buffer = this.#memory(columnBytes(this.#columns, rows) + texts.bytes + SLACK_BYTES);
    const { page, used } = laidOut(this.#columns, rows, buffer);
    if (this.#withPlaces) gatherDoubles(batch.ordinals, page.ordinals, order, rows);
    gatherDoubles(batch.times, page.times, order, rows);
    gatherDoubles(batch.maxTimesBefore, page.maxTimesBefore, order, rows);
    const place = texts.into(Buffer.from(buffer), used);
    const lists: (ListValue | null)[][] = [];
    for (const [index, from] of columns.entries()) {
      const to = page.columns[index] as BatchColumn;
      if (from.nulls !== null && to.nulls !== null) gatherBytes(from.nulls, to.nulls, order, rows);
      if (from.kind === 'number' && to.kind === 'number') gatherDoubles(from.values, to.values, order, rows);
      else if (from.kind === 'boolean' && to.kind === 'boolean')
        gatherBytes(from.values, to.values, order, rows);
      else if (from.kind === 'text' && to.kind === 'text') gatherTexts(from, to, order, rows, place);
      else if (from.kind === 'list')
        lists.push(Array.from(order.subarray(0, rows), (row) => from.values[row] ?? null));
    }
    return { buffer, rows, offsets, lists };
  }
}

/** The rows of one worker as a batch. `columns` are those of the writer. */
export function readPage(page: Page, columns: readonly Column[], worker: number): ColumnBatch {
  const { page: batch } = laidOut(columns, page.rows, page.buffer);
  const from = page.offsets === null ? 0 : (page.offsets[worker] as number);
  const to = page.offsets === null ? page.rows : (page.offsets[worker + 1] as number);
  let list = 0;
  return {
    n: to - from,
    bytes: Buffer.from(page.buffer),
    columns: batch.columns.map((column): BatchColumn => {
      const nulls = column.nulls?.subarray(from, to) ?? null;
      switch (column.kind) {
        case 'text':
          return {
            ...column,
            nulls,
            starts: column.starts.subarray(from, to),
            ends: column.ends.subarray(from, to),
          };
        case 'list':
          return { ...column, nulls, values: (page.lists[list++] ?? []).slice(from, to) };
        case 'boolean':
          return { ...column, nulls, values: column.values.subarray(from, to) };
        case 'number':
          return { ...column, nulls, values: column.values.subarray(from, to) };
      }
    }),
    lineStarts: batch.lineStarts.subarray(from, to),
    lineEnds: batch.lineEnds.subarray(from, to),
    ordinals: batch.ordinals.subarray(from, to),
    times: batch.times.subarray(from, to),
    maxTimesBefore: batch.maxTimesBefore.subarray(from, to),
  };
}

/** The columns of a batch by their names, in this order. */
export function inOrder(
  batch: ColumnBatch,
  columns: readonly { readonly name: string }[],
): readonly BatchColumn[] {
  return columns.map(({ name }) => batch.columns.find(({ column }) => column.name === name) as BatchColumn);
}

function laidOut(
  columns: readonly Column[],
  rows: number,
  buffer: SharedArrayBuffer,
): { readonly page: ColumnBatch; readonly used: number } {
  let used = 0;
  const room: Room = (bytes) => {
    const byteOffset = used;
    used += aligned(bytes);
    // A typed array lies in shared memory as in any other.
    return { buffer: buffer as unknown as ArrayBuffer, byteOffset };
  };
  return { page: columnBatch(columns, rows, room), used };
}

/** As many bytes as `laidOut` uses. */
function columnBytes(columns: readonly Column[], rows: number): number {
  const bytes = columns.reduce((sum, { type, nullable }) => {
    const nulls = nullable ? aligned(rows) : 0;
    if (type === 'list') return sum + nulls;
    if (type === 'boolean') return sum + nulls + aligned(rows);
    return sum + nulls + (type === 'string' ? 2 * aligned(4 * rows) : 8 * rows);
  }, 0);
  return bytes + 2 * aligned(4 * rows) + 3 * 8 * rows;
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGNED_BYTES) * ALIGNED_BYTES;
}

// Two functions that do the same: each then knows the type of its arrays.

function gatherDoubles(from: Float64Array, to: Float64Array, order: Int32Array, rows: number): void {
  for (let row = 0; row < rows; row++) to[row] = from[order[row] as number] as number;
}

function gatherBytes(from: Uint8Array, to: Uint8Array, order: Int32Array, rows: number): void {
  for (let row = 0; row < rows; row++) to[row] = from[order[row] as number] as number;
}

function gatherTexts(
  from: TextColumn,
  to: TextColumn,
  order: Int32Array,
  rows: number,
  place: (start: number, end: number) => number,
): void {
  for (let row = 0; row < rows; row++) {
    const source = order[row] as number;
    if (from.nulls?.[source] === 1) continue;
    const start = from.starts[source] as number;
    const end = from.ends[source] as number;
    const at = place(start, end);
    to.starts[row] = at;
    to.ends[row] = at + end - start;
  }
}

/** The texts of a batch, and how they are copied. */
class Texts {
  readonly bytes: number;
  readonly #from: Buffer;
  /** What is copied as a whole; texts outside of it were decoded, and are copied one by one. */
  readonly #blockStart: number;
  readonly #blockEnd: number;

  constructor(batch: ColumnBatch, columns: readonly BatchColumn[]) {
    const linesStart = batch.lineStarts[0] ?? 0;
    const linesEnd = batch.lineEnds[batch.n - 1] ?? 0;
    let inside = 0;
    let outside = 0;
    for (const column of columns) {
      if (column.kind !== 'text') continue;
      for (let row = 0; row < batch.n; row++) {
        if (column.nulls?.[row] === 1) continue;
        const start = column.starts[row] as number;
        const length = (column.ends[row] as number) - start;
        if (start >= linesStart && start < linesEnd) inside += length;
        else outside += length;
      }
    }
    const isBlock = 3 * inside > linesEnd - linesStart;
    this.#from = batch.bytes;
    this.#blockStart = isBlock ? linesStart : 0;
    this.#blockEnd = isBlock ? linesEnd : 0;
    this.bytes = ALIGNED_BYTES + outside + (isBlock ? linesEnd - linesStart : inside);
  }

  /** Copies the block; returns what says where a text lies, and copies it when it is not in the block. */
  into(to: Buffer, used: number): (start: number, end: number) => number {
    const from = this.#from;
    const blockStart = this.#blockStart;
    // Where both sides are aligned alike, shared memory is written word by word, else byte by byte: 25 or 190 ms for 300 MB.
    const at = used + (blockStart % ALIGNED_BYTES);
    const blockEnd = this.#blockEnd;
    from.copy(to, at, blockStart, blockEnd);
    let next = at + blockEnd - blockStart;
    return (start, end) => {
      if (start >= blockStart && start < blockEnd) return start - blockStart + at;
      const place = next;
      next += end - start;
      if (end - start > COPIED_BYTES) from.copy(to, place, start, end);
      else for (let byte = 0; byte < end - start; byte++) to[place + byte] = from[start + byte] as number;
      return place;
    };
  }
}

/** A call costs as much as so many bytes one by one. */
const COPIED_BYTES = 48;

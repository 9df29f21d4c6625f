/**
 * Reads columns of a block (format.ts draws them): only those that are asked for, and where their width is right already
 * without copying them. Texts stay where they are; a column says where.
 */
import { type BatchColumn, BATCH_ROWS_MAX } from '../../data/columns.ts';
import type { Field } from '../../data/decode.ts';
import type { Column, ListValue } from '../../data/value.ts';
import type { ColumnBody } from '../log.ts';
import {
  BOOLEANS,
  CODES,
  type ColumnEntry,
  type ColumnPlace,
  ColumnsInvalid,
  ENTRY_BYTES,
  entryAt,
  HEAD_BYTES,
  NUMBERS,
  placesOf,
  ROWS_MAX,
  SUM_AT,
  TAIL_BYTES,
  TEXTS,
  VERSION,
} from './format.ts';
import { fieldsOfSchema } from './schema.ts';

const IS_LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
/** The nulls of rows of which none is null. */
const NO_NULLS = new Uint8Array(BATCH_ROWS_MAX);

type Cells = Uint8Array | Uint16Array | Uint32Array;
/** Where cells go that do not lie where they may be looked at. */
const CELLS = new Uint8Array(4 * BATCH_ROWS_MAX);

/** The texts of a dictionary: text `code` is [starts[code], ends[code]) of the body. */
interface Entries {
  readonly starts: Int32Array;
  readonly ends: Int32Array;
}

export class EventColumns {
  /** What texts point into. */
  readonly bytes: Buffer;
  readonly rows: number;
  /** Of each column, named for its path. */
  readonly fields: readonly Field[];
  readonly #entries: readonly ColumnEntry[];
  readonly #places: readonly ColumnPlace[];
  readonly #dictionaries = new Map<number, Entries>();
  /** Where the text of a row begins: of each column of texts, as far as it was read. */
  readonly #textAt = new Map<number, { row: number; at: number }>();
  readonly #need: (index: number) => void;

  /** Checks all lengths. Throws ColumnsInvalid. Copies nothing: where the body begins is the reader's. */
  constructor({ schema, bytes: body, count, need = () => {} }: ColumnBody) {
    check(IS_LITTLE_ENDIAN, 'this machine writes numbers the other way round');
    check(body.length >= HEAD_BYTES + TAIL_BYTES, 'it ends within its head');
    const bytes = Buffer.from(body.buffer as ArrayBuffer, body.byteOffset, body.length);
    const columns = bytes.readUInt16LE(2);
    const version = bytes.readUInt16LE(0);
    check(version === VERSION || version === 1, `it has version ${version}`);
    check(bytes.readUInt32LE(4) === body.length, 'it has another length than it says');
    this.bytes = bytes;
    this.#need = need;
    this.rows = bytes.readUInt32LE(8);
    this.fields = fieldsOfSchema(schema);
    check(this.rows === count && count > 0 && count <= ROWS_MAX, `it says to have ${this.rows} rows`);
    check(this.fields.length === columns, 'its schema has another number of columns');
    const first = HEAD_BYTES + ENTRY_BYTES * columns;
    check(first <= body.length - TAIL_BYTES, 'its columns do not fit into it');
    this.#entries = this.fields.map((field, index) =>
      checkedEntry(bytes, HEAD_BYTES + ENTRY_BYTES * index, field),
    );
    const sums = this.fields.map((_, index) => bytes.readUInt32LE(HEAD_BYTES + ENTRY_BYTES * index + SUM_AT));
    check(version !== 1 || sums.every((sum) => sum === 0), 'its directory has what version 1 does not know');
    const { places, end } = placesOf(this.#entries, { rows: this.rows, at: first, version });
    this.#places = places;
    check(end + TAIL_BYTES === body.length, 'its columns do not fill it');
  }

  hasNulls(index: number): boolean {
    return this.#entries[index]?.hasNulls === true;
  }

  /**
   * Rows [from, to) of a column, under the name and the type that the reader knows it by. What has to be widened is written
   * into `scratch`, of the kind that `columnBatch` makes for this column.
   * REQUIRES at most as many rows as `scratch` holds, and a type that is read from the same cells.
   */
  column(index: number, from: number, to: number, scratch: BatchColumn): BatchColumn {
    const { column } = scratch;
    this.#need(index);
    const nulls = this.#nulls(index, from, to, scratch);
    switch (scratch.kind) {
      case 'number':
        return { kind: 'number', column, values: this.#numbers(index, from, to, scratch.values), nulls };
      case 'boolean':
        this.#bits((this.#places[index] as ColumnPlace).values, from, to, scratch.values);
        return { ...scratch, nulls };
      case 'text':
        this.#texts(index, from, to, scratch.starts, scratch.ends);
        return { ...scratch, nulls };
      case 'list':
        return { ...scratch, values: this.#lists(index, from, to, nulls), nulls };
    }
  }

  /** Null only where the reader's column cannot be. */
  #nulls(index: number, from: number, to: number, { column, nulls }: BatchColumn): Uint8Array | null {
    if (!column.nullable && !this.hasNulls(index)) return null;
    if (!this.hasNulls(index)) return to - from <= BATCH_ROWS_MAX ? NO_NULLS : new Uint8Array(to - from);
    const into = nulls ?? new Uint8Array(to - from);
    this.#bits((this.#places[index] as ColumnPlace).nulls, from, to, into);
    return into;
  }

  #bits(at: number, from: number, to: number, into: Uint8Array): void {
    const { bytes } = this;
    let row = from;
    for (; row < to && (row & 7) !== 0; row++)
      into[row - from] = ((bytes[at + (row >>> 3)] as number) >>> (row & 7)) & 1;
    for (; row + 8 <= to; row += 8) {
      const bits = bytes[at + (row >>> 3)] as number;
      const first = row - from;
      for (let bit = 0; bit < 8; bit++) into[first + bit] = (bits >>> bit) & 1;
    }
    for (; row < to; row++) into[row - from] = ((bytes[at + (row >>> 3)] as number) >>> (row & 7)) & 1;
  }

  #numbers(index: number, from: number, to: number, into: Float64Array): Float64Array {
    const { width, base } = this.#entries[index] as ColumnEntry;
    const { values } = this.#places[index] as ColumnPlace;
    if (width === 8) {
      const at = this.#at(values) + 8 * from;
      if (at % 8 === 0) return new Float64Array(this.#buffer, at, to - from);
      this.#copy(at, new Uint8Array(into.buffer, into.byteOffset, 8 * (to - from)));
      return into;
    }
    if (width === 0) return into.fill(base, 0, to - from);
    widen(this.#cells(values + width * from, to - from, width), base, into);
    return into;
  }

  get #buffer(): ArrayBuffer {
    return this.bytes.buffer as ArrayBuffer;
  }

  #at(at: number): number {
    return this.bytes.byteOffset + at;
  }

  /** Valid until the next call. */
  #cells(at: number, count: number, width: number): Cells {
    let from = this.#at(at);
    let buffer = this.#buffer;
    if (from % width !== 0) {
      const copy = CELLS.length < count * width ? new Uint8Array(count * width) : CELLS;
      this.#copy(from, copy.subarray(0, count * width));
      [buffer, from] = [copy.buffer, 0];
    }
    if (width === 1) return new Uint8Array(buffer, from, count);
    return width === 2 ? new Uint16Array(buffer, from, count) : new Uint32Array(buffer, from, count);
  }

  /** Numbers may be looked at only where their width allows it, and a body begins wherever its block does. */
  #copy(from: number, into: Uint8Array): void {
    into.set(new Uint8Array(this.#buffer, from, into.length));
  }

  /** Where the texts of rows begin and end; those of nulls are empty. */
  #texts(index: number, from: number, to: number, starts: Int32Array, ends: Int32Array): void {
    const { encoding, width } = this.#entries[index] as ColumnEntry;
    const { values } = this.#places[index] as ColumnPlace;
    if (encoding === TEXTS) return this.#plainTexts(index, from, to, starts, ends);
    const entries = this.#dictionary(index);
    if (width === 0) {
      starts.fill(entries.starts[0] ?? 0, 0, to - from);
      ends.fill(entries.ends[0] ?? 0, 0, to - from);
      return;
    }
    gather(this.#cells(values + width * from, to - from, width), entries, starts, ends);
  }

  #plainTexts(index: number, from: number, to: number, starts: Int32Array, ends: Int32Array): void {
    const { width } = this.#entries[index] as ColumnEntry;
    const { values, texts } = this.#places[index] as ColumnPlace;
    if (width === 0) {
      starts.fill(texts, 0, to - from);
      ends.fill(texts, 0, to - from);
      return;
    }
    const known = this.#textAt.get(index);
    const at = known?.row === from ? known.at : this.#textsBefore(index, from);
    const end = follow(this.#cells(values + width * from, to - from, width), at, starts, ends);
    this.#checkEnd(index, to, end);
    this.#textAt.set(index, { row: to, at: end });
  }

  #textsBefore(index: number, row: number): number {
    const { width } = this.#entries[index] as ColumnEntry;
    const { values, texts } = this.#places[index] as ColumnPlace;
    let at = texts;
    for (const length of this.#cells(values, row, width)) at += length;
    return at;
  }

  /** Lengths that were read must stay within the texts, and fill them at the end. */
  #checkEnd(index: number, row: number, end: number): void {
    const { texts } = this.#places[index] as ColumnPlace;
    const { textBytes } = this.#entries[index] as ColumnEntry;
    check(
      row === this.rows ? end === texts + textBytes : end <= texts + textBytes,
      'its texts have other lengths',
    );
  }

  #dictionary(index: number): Entries {
    const known = this.#dictionaries.get(index);
    if (known !== undefined) return known;
    const { entries, lengthWidth, textBytes } = this.#entries[index] as ColumnEntry;
    const { lengths, texts } = this.#places[index] as ColumnPlace;
    const made = { starts: new Int32Array(entries).fill(texts), ends: new Int32Array(entries).fill(texts) };
    const end =
      lengthWidth === 0
        ? texts
        : follow(this.#cells(lengths, entries, lengthWidth), texts, made.starts, made.ends);
    check(end === texts + textBytes, 'the texts of its dictionary have other lengths');
    this.#dictionaries.set(index, made);
    return made;
  }

  /** The texts that a column of codes can have; null for any other column. */
  textsAmong(index: number): readonly string[] | null {
    if (this.#entries[index]?.encoding !== CODES) return null;
    this.#need(index);
    const { starts, ends } = this.#dictionary(index);
    return Array.from(starts, (start, code) => this.bytes.toString('utf8', start, ends[code]));
  }

  #lists(index: number, from: number, to: number, nulls: Uint8Array | null): (ListValue | null)[] {
    const starts = new Int32Array(to - from);
    const ends = new Int32Array(to - from);
    this.#texts(index, from, to, starts, ends);
    return Array.from(starts, (start, row) =>
      nulls?.[row] === 1 ? null : listOf(this.bytes.toString('utf8', start, ends[row])),
    );
  }
}

function check(isRight: boolean, problem: string): void {
  if (!isRight) throw new ColumnsInvalid(problem);
}

/** The entry of a column of this type. */
function checkedEntry(body: Buffer, at: number, { type }: Column): ColumnEntry {
  const entry = entryAt(body, at);
  const isText = type === 'string' || type === 'list';
  const { encoding, width, lengthWidth, entries, textBytes } = entry;
  const isSmall = [0, 1, 2, 4].includes(width);
  const isRight =
    body.readUInt8(at + 3) <= 1 &&
    (encoding === CODES || (entries === 0 && lengthWidth === 0)) &&
    (isText || textBytes === 0) &&
    ((encoding === NUMBERS && !isText && type !== 'boolean' && (isSmall || width === 8)) ||
      (encoding === BOOLEANS && type === 'boolean' && width === 0) ||
      (encoding === TEXTS && isText && isSmall) ||
      (encoding === CODES && isText && isSmall && entries > 0 && isLength(lengthWidth, entries)));
  check(isRight, 'its directory has a column that this version does not know');
  return entry;
}

/** Without lengths there is one text, and it is empty: so no more texts are stated than there are bytes. */
function isLength(width: number, entries: number): boolean {
  return width === 0 ? entries === 1 : width === 1 || width === 2 || width === 4;
}

function widen(cells: Cells, base: number, into: Float64Array): void {
  for (let row = 0; row < cells.length; row++) into[row] = (cells[row] as number) + base;
}

/** Texts that lie one behind the other from `at`; returns where the last ends. */
function follow(lengths: Cells, from: number, starts: Int32Array, ends: Int32Array): number {
  let at = from;
  for (let row = 0; row < lengths.length; row++) {
    starts[row] = at;
    at += lengths[row] as number;
    ends[row] = at;
  }
  return at;
}

function gather(
  codes: Cells,
  { starts: from, ends: to }: Entries,
  starts: Int32Array,
  ends: Int32Array,
): void {
  let largest = 0;
  for (let row = 0; row < codes.length; row++) {
    const code = codes[row] as number;
    if (code > largest) largest = code;
    starts[row] = from[code] as number;
    ends[row] = to[code] as number;
  }
  check(largest < from.length, 'it has a code that its dictionary has not');
}

function listOf(text: string): ListValue {
  try {
    const items: unknown = JSON.parse(text);
    if (Array.isArray(items)) return { items };
  } catch {
    // Said below.
  }
  throw new ColumnsInvalid('a list of it is not JSON');
}

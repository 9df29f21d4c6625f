/** Writes rows of a batch as the columns of a block (format.ts draws them), each as narrow as its values are. */
import type { BatchColumn, ColumnBatch, NumberColumn, TextColumn } from '../../data/columns.ts';
import { Dictionary } from '../../data/dictionary.ts';
import {
  BOOLEANS,
  CODES,
  type ColumnEntry,
  type ColumnPlace,
  ENTRY_BYTES,
  HEAD_BYTES,
  NUMBERS,
  placeOf,
  placesOf,
  TAIL_BYTES,
  TEXTS,
  VERSION,
} from './format.ts';

/** A column that was looked at: what it will be, and how it is written then. */
interface Planned {
  readonly entry: ColumnEntry;
  readonly write: (target: Buffer, place: ColumnPlace) => void;
}

interface Rows {
  readonly batch: ColumnBatch;
  /** Which rows of the batch, in order: the first `count`. */
  readonly rows: Int32Array;
  readonly count: number;
}

const NOTHING = { width: 0, lengthWidth: 0, hasNulls: false, entries: 0, textBytes: 0, base: 0 } as const;

/** The body of these rows. REQUIRES at least one row, and values as `decodeEvent` gives them. */
export function encodeColumns(batch: ColumnBatch, rows: Int32Array, count: number): Buffer {
  const chosen = { batch, rows, count };
  const planned = batch.columns.map((column) => planColumn(chosen, column));
  const { places, end } = placesOf(
    planned.map(({ entry }) => entry),
    { rows: count, at: HEAD_BYTES + ENTRY_BYTES * planned.length, version: VERSION },
  );
  const body = Buffer.alloc(end + TAIL_BYTES);
  body.writeUInt16LE(VERSION, 0);
  body.writeUInt16LE(planned.length, 2);
  body.writeUInt32LE(body.length, 4);
  body.writeUInt32LE(count, 8);
  for (const [index, { entry, write }] of planned.entries()) {
    writeEntry(body, HEAD_BYTES + ENTRY_BYTES * index, entry);
    const place = places[index] as ColumnPlace;
    if (entry.hasNulls) writeNulls(body, place.nulls, chosen, batch.columns[index] as BatchColumn);
    write(body, place);
  }
  return body;
}

function writeEntry(body: Buffer, at: number, entry: ColumnEntry): void {
  body[at] = entry.encoding;
  body[at + 1] = entry.width;
  body[at + 2] = entry.lengthWidth;
  body[at + 3] = entry.hasNulls ? 1 : 0;
  body.writeUInt32LE(entry.entries, at + 4);
  body.writeUInt32LE(entry.textBytes, at + 8);
  body.writeDoubleLE(entry.base, at + 16);
}

function writeNulls(body: Buffer, at: number, { rows, count }: Rows, { nulls }: BatchColumn): void {
  const isNull = nulls as Uint8Array;
  for (let index = 0; index < count; index++) {
    if (isNull[rows[index] as number] !== 1) continue;
    const byte = at + (index >>> 3);
    body[byte] = (body[byte] as number) | (1 << (index & 7));
  }
}

/** The nulls of a column, when one of the rows has one. */
function nullsAmong({ rows, count }: Rows, { nulls }: BatchColumn): Uint8Array | null {
  if (nulls === null) return null;
  for (let index = 0; index < count; index++) if (nulls[rows[index] as number] === 1) return nulls;
  return null;
}

function planColumn(chosen: Rows, column: BatchColumn): Planned {
  const nulls = nullsAmong(chosen, column);
  switch (column.kind) {
    case 'number':
      return planNumbers(chosen, column, nulls);
    case 'boolean': {
      const { rows, count } = chosen;
      const { values } = column;
      return {
        entry: { ...NOTHING, encoding: BOOLEANS, hasNulls: nulls !== null },
        write: (body, { values: at }) => {
          for (let index = 0; index < count; index++) {
            const row = rows[index] as number;
            if (values[row] !== 1 || nulls?.[row] === 1) continue;
            const byte = at + (index >>> 3);
            body[byte] = (body[byte] as number) | (1 << (index & 7));
          }
        },
      };
    }
    case 'text':
      return planTexts(chosen, column, chosen.batch.bytes, nulls);
    case 'list':
      return planLists(chosen, column, nulls);
  }
}

function planNumbers({ rows, count }: Rows, { values }: NumberColumn, nulls: Uint8Array | null): Planned {
  let [smallest, largest] = [Infinity, -Infinity];
  let isWhole = true;
  for (let index = 0; index < count; index++) {
    const row = rows[index] as number;
    if (nulls !== null && nulls[row] === 1) continue;
    const value = values[row] as number;
    if (value < smallest) smallest = value;
    if (value > largest) largest = value;
    if (value !== Math.trunc(value) || (value === 0 && 1 / value < 0)) {
      isWhole = false;
      break;
    }
  }
  const hasNulls = nulls !== null;
  const isExact = isWhole && smallest >= -Number.MAX_SAFE_INTEGER && largest <= Number.MAX_SAFE_INTEGER;
  // What is null throughout has no width either.
  const width = isExact ? widthOf(largest - smallest) : 8;
  const base = width === 8 || smallest > largest ? 0 : smallest;
  return {
    entry: { ...NOTHING, encoding: NUMBERS, width, hasNulls, base },
    write: (body, { values: at }) => {
      if (width === 0) return;
      const cells = cellsOf(body, at, count, width);
      for (let index = 0; index < count; index++) {
        const row = rows[index] as number;
        if (nulls === null || nulls[row] !== 1)
          cells[index] = width === 8 ? (values[row] as number) : (values[row] as number) - base;
      }
    },
  };
}

/** Bytes that hold every whole number from 0 to `largest`; 8 when four do not. */
function widthOf(largest: number): 0 | 1 | 2 | 4 | 8 {
  if (largest <= 0) return 0;
  if (largest <= 0xff) return 1;
  if (largest <= 0xffff) return 2;
  return largest <= 0xffffffff ? 4 : 8;
}

type Cells = Uint8Array | Uint16Array | Uint32Array | Float64Array;

/** REQUIRES `at` to be a multiple of eight, in a buffer that begins at one. */
function cellsOf(body: Buffer, at: number, count: number, width: number): Cells {
  const { buffer } = body;
  const from = body.byteOffset + at;
  if (width === 1) return new Uint8Array(buffer, from, count);
  if (width === 2) return new Uint16Array(buffer, from, count);
  return width === 4 ? new Uint32Array(buffer, from, count) : new Float64Array(buffer, from, count);
}

/** Rows after which it shows whether texts repeat, and how many may be new by then. */
const PROBE_ROWS = 256;
const PROBE_TEXTS_MAX = 160;

/** Texts that repeat become codes; where most are new, their bytes follow each other. */
function planTexts(chosen: Rows, column: TextSpans, bytes: Buffer, nulls: Uint8Array | null): Planned {
  const { rows, count } = chosen;
  const { starts, ends } = column;
  const codes = new Uint32Array(count);
  const dictionary = new Dictionary();
  let [textBytes, longest] = [0, 0];
  let repeats = true;
  for (let index = 0; index < count; index++) {
    const row = rows[index] as number;
    if (nulls !== null && nulls[row] === 1) continue;
    const start = starts[row] as number;
    const end = ends[row] as number;
    textBytes += end - start;
    if (end - start > longest) longest = end - start;
    if (!repeats) continue;
    codes[index] = dictionary.code(bytes, start, end);
    if (index < PROBE_ROWS ? dictionary.size > PROBE_TEXTS_MAX : dictionary.size > index >>> 1)
      repeats = false;
  }
  const plain: ColumnEntry = {
    ...NOTHING,
    encoding: TEXTS,
    width: widthOf(longest),
    hasNulls: nulls !== null,
    textBytes,
  };
  const coded = repeats ? codedEntry(dictionary, plain) : plain;
  if (repeats && sizeOf(coded, count) < sizeOf(plain, count)) return planCodes(coded, codes, dictionary);
  return {
    entry: plain,
    write: (body, place) => writeTexts(body, place, plain.width, { chosen, column, bytes, nulls }),
  };
}

type TextSpans = Pick<TextColumn, 'starts' | 'ends'>;

function codedEntry({ size, starts }: Dictionary, plain: ColumnEntry): ColumnEntry {
  let longest = 0;
  for (let code = 0; code < size; code++) {
    const length = (starts[code + 1] as number) - (starts[code] as number);
    if (length > longest) longest = length;
  }
  return {
    ...plain,
    encoding: CODES,
    width: widthOf(size - 1),
    lengthWidth: widthOf(longest),
    entries: size,
    textBytes: starts[size] as number,
  };
}

function sizeOf(entry: ColumnEntry, rows: number): number {
  return placeOf(entry, rows, 0).end;
}

function planCodes(entry: ColumnEntry, codes: Uint32Array, dictionary: Dictionary): Planned {
  return {
    entry,
    write: (body, place) => {
      if (entry.width > 0) cellsOf(body, place.values, codes.length, entry.width).set(codes);
      const { starts, arena } = dictionary;
      if (entry.lengthWidth > 0) {
        const lengths = cellsOf(body, place.lengths, entry.entries, entry.lengthWidth);
        for (let code = 0; code < entry.entries; code++)
          lengths[code] = (starts[code + 1] as number) - (starts[code] as number);
      }
      arena.copy(body, place.texts, 0, entry.textBytes);
    },
  };
}

/** Longer ones are left to the machine's own copy. */
const SHORT_BYTES = 64;

interface Texts {
  readonly chosen: Rows;
  readonly column: TextSpans;
  readonly bytes: Buffer;
  readonly nulls: Uint8Array | null;
}

function writeTexts(body: Buffer, place: ColumnPlace, width: number, texts: Texts): void {
  const { bytes, nulls } = texts;
  const { rows, count } = texts.chosen;
  const { starts, ends } = texts.column;
  const lengths = width === 0 ? new Uint8Array(count) : cellsOf(body, place.values, count, width);
  const from = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const into = new DataView(body.buffer, body.byteOffset, body.length);
  let at = place.texts;
  for (let index = 0; index < count; index++) {
    const row = rows[index] as number;
    if (nulls !== null && nulls[row] === 1) continue;
    const start = starts[row] as number;
    const end = ends[row] as number;
    lengths[index] = end - start;
    if (end - start > SHORT_BYTES) {
      at += bytes.copy(body, at, start, end);
      continue;
    }
    let next = start;
    for (; next <= end - 4; next += 4, at += 4) into.setUint32(at, from.getUint32(next, true), true);
    for (; next < end; next++, at++) into.setUint8(at, from.getUint8(next));
  }
}

function planLists(chosen: Rows, column: BatchColumn & { kind: 'list' }, nulls: Uint8Array | null): Planned {
  const { rows, count } = chosen;
  const starts = new Int32Array(count);
  const ends = new Int32Array(count);
  const pieces: Buffer[] = [];
  let at = 0;
  for (let index = 0; index < count; index++) {
    const row = rows[index] as number;
    starts[index] = at;
    if (nulls?.[row] !== 1) {
      const piece = Buffer.from(JSON.stringify(column.values[row]?.items ?? []));
      pieces.push(piece);
      at += piece.length;
    }
    ends[index] = at;
  }
  const own = Int32Array.from({ length: count }, (_, index) => index);
  const ownNulls = nulls === null ? null : Uint8Array.from(rows.subarray(0, count), (row) => nulls[row] ?? 0);
  return planTexts({ ...chosen, rows: own }, { starts, ends }, Buffer.concat(pieces), ownNulls);
}

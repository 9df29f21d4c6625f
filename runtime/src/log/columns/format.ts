/**
 * Events of one source as columns: the body of a block of kind `columns`. The frame around it has the checksum, and in its
 * head the schema (schema.ts); here every length is checked all the same, so no bytes whatever are read beyond their end.
 * Numbers are little-endian.
 *
 *    0  u16  version, 2                    8  u32  rows
 *    2  u16  columns                      12  u32  0
 *    4  u32  bytes of the whole body
 *   16  directory, for each column
 *          0  u8   what it is: 1 numbers, 2 booleans, 3 texts, 4 texts by their codes
 *          1  u8   bytes of each number, length or code
 *          2  u8   4: bytes of each length of the dictionary
 *          3  u8   1 when some of its values are null
 *          4  u32  4: texts of the dictionary
 *          8  u32  3, 4: bytes of all texts
 *         12  u32  checksum of its parts, where the block has one for each column (sums.ts), else 0
 *         16  f64  1: what is added to each number of 1, 2 or 4 bytes; the value of all when they have none
 *       parts of each column, one column behind the other: numbers first, then booleans, codes, texts
 *          nulls         a bit for each row, the lowest of the first byte first; only when there are some
 *          1 numbers     unsigned of 1, 2 or 4 bytes, or doubles; none when all are alike
 *          2 booleans    bits
 *          3 texts       lengths, then UTF-8
 *          4 codes       codes, then lengths and UTF-8 of the dictionary
 *       64 zeros: a text may be compared in whole words
 *
 * Everything begins at a multiple of eight, with zeros before it, so that a reader looks at numbers where they lie. Cells
 * that are null hold 0. Integers, times (epoch ms) and decimals (unscaled) are numbers; a list is the text of its JSON.
 *
 * Most readers look at numbers and codes, and most bytes are texts: what is read lies together. Version 1 has the columns in
 * the order of the directory, and no checksums.
 */
export const VERSION = 2;
export const HEAD_BYTES = 16;
export const ENTRY_BYTES = 24;
export const TAIL_BYTES = 64;

export const NUMBERS = 1;
export const BOOLEANS = 2;
export const TEXTS = 3;
export const CODES = 4;

/** The most rows that a body may state; a block is cut far below it. */
export const ROWS_MAX = 1 << 20;

/** These bytes are no columns that this version reads. */
export class ColumnsInvalid extends Error {
  override readonly name = 'ColumnsInvalid';
}

/** Where the checksum of a column stands in its entry. */
export const SUM_AT = 12;

/** What the directory says of one column. */
export interface ColumnEntry {
  readonly encoding: number;
  readonly width: number;
  readonly lengthWidth: number;
  readonly hasNulls: boolean;
  readonly entries: number;
  readonly textBytes: number;
  readonly base: number;
}

/** What stands in the directory. */
export function entryAt(body: Buffer, at: number): ColumnEntry {
  return {
    encoding: body.readUInt8(at),
    width: body.readUInt8(at + 1),
    lengthWidth: body.readUInt8(at + 2),
    hasNulls: body.readUInt8(at + 3) === 1,
    entries: body.readUInt32LE(at + 4),
    textBytes: body.readUInt32LE(at + 8),
    base: body.readDoubleLE(at + 16),
  };
}

/** Where the parts of a column lie, from the beginning of the body. */
export interface ColumnPlace {
  readonly nulls: number;
  /** Numbers, bits, lengths of texts or codes. */
  readonly values: number;
  readonly lengths: number;
  readonly texts: number;
  readonly end: number;
}

export function aligned(bytes: number): number {
  return Math.ceil(bytes / 8) * 8;
}

/** In which order columns lie, by what they are; version 1 has that of the directory. */
const ORDER = [NUMBERS, BOOLEANS, CODES, TEXTS];

/** Where all columns lie, in the order of the directory, the first of them at `at`; and where the last ends. */
export function placesOf(
  entries: readonly ColumnEntry[],
  { rows, at, version }: { readonly rows: number; readonly at: number; readonly version: number },
): { readonly places: readonly ColumnPlace[]; readonly end: number } {
  const places: ColumnPlace[] = [];
  let end = at;
  const place = (isNext: (entry: ColumnEntry) => boolean): void => {
    for (const [index, entry] of entries.entries()) {
      if (!isNext(entry)) continue;
      const found = placeOf(entry, rows, end);
      places[index] = found;
      end = found.end;
    }
  };
  if (version === 1) place(() => true);
  else for (const encoding of ORDER) place((entry) => entry.encoding === encoding);
  return { places, end };
}

/** The parts of a column that begins at `at`. Sums are below 2^53 whatever an entry says. */
export function placeOf(entry: ColumnEntry, rows: number, at: number): ColumnPlace {
  const nulls = at;
  const values = nulls + (entry.hasNulls ? aligned(Math.ceil(rows / 8)) : 0);
  const isBits = entry.encoding === BOOLEANS;
  const lengths = values + aligned(isBits ? Math.ceil(rows / 8) : rows * entry.width);
  const texts = lengths + aligned(entry.entries * entry.lengthWidth);
  return { nulls, values, lengths, texts, end: texts + aligned(entry.textBytes) };
}

/**
 * A checksum for each column of a body, so that who reads some columns neither reads nor sums the others. The checksum of the
 * block covers the directory, in which these stand; a column's own begins with the position of its block and its place, so
 * that no column passes for another, not even one of the same bytes. The zeros at the end belong to the last column.
 */
import { crc32 } from 'node:zlib';
import {
  ColumnsInvalid,
  ENTRY_BYTES,
  entryAt,
  HEAD_BYTES,
  placesOf,
  SUM_AT,
  TAIL_BYTES,
  VERSION,
} from './format.ts';

/** Bytes [from, to) of a body, which are a column. */
export interface ColumnPart {
  readonly from: number;
  readonly to: number;
  readonly sum: number;
}

/** Bytes of the head of a body and its directory. */
export function directoryBytes(body: Buffer): number {
  return HEAD_BYTES + ENTRY_BYTES * body.readUInt16LE(2);
}

/** The columns of a body of so many bytes, of which the directory is here. Throws ColumnsInvalid when they do not fill it. */
export function partsIn(directory: Buffer, bodyBytes: number): readonly ColumnPart[] {
  const at = directory.length < HEAD_BYTES ? Infinity : directoryBytes(directory);
  if (directory.length < at || directory.readUInt16LE(0) !== VERSION)
    throw new ColumnsInvalid('it has no directory with checksums');
  const offsets = Array.from(
    { length: directory.readUInt16LE(2) },
    (_, index) => HEAD_BYTES + ENTRY_BYTES * index,
  );
  const entries = offsets.map((offset) => entryAt(directory, offset));
  const { places, end } = placesOf(entries, { rows: directory.readUInt32LE(8), at, version: VERSION });
  if (end + TAIL_BYTES !== bodyBytes || offsets.some((_, index) => places[index] === undefined))
    throw new ColumnsInvalid('its columns do not fill it');
  return places.map((place, index) => ({
    from: place.nulls,
    to: place.end === end ? bodyBytes : place.end,
    sum: directory.readUInt32LE((offsets[index] as number) + SUM_AT),
  }));
}

/** The checksum of a column: `bytes` are those of its part. */
export function sumOf(bytes: Uint8Array, position: number, index: number): number {
  return crc32(bytes, (position + Math.imul(index + 1, 0x9e3779b1)) >>> 0);
}

/** Writes the checksums into the directory of a whole body. REQUIRES one of `encodeColumns` with at least one column. */
export function writeSums(body: Buffer, position: number): void {
  for (const [index, { from, to }] of partsIn(body, body.length).entries())
    body.writeUInt32LE(
      sumOf(body.subarray(from, to), position, index),
      HEAD_BYTES + ENTRY_BYTES * index + SUM_AT,
    );
}

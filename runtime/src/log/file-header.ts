/**
 * The first bytes of a file of the log. Numbers are little-endian.
 *
 *   format 1, 16 bytes        0  "PIPELOG1"    8  u64  first position
 *   formats 2, 3, 40 bytes    0  "PIPELOG3"    8  u64  first position
 *                            16  u64  when the file was made, epoch milliseconds
 *                            24  u32  checksum of the last block of the file before; 0 for the first file of all
 *                            28  u32  CRC-32 of the log's name
 *                            32  u32  0
 *                            36  u32  CRC-32 of the 36 bytes before
 *
 * The checksum of the block before and the name tell a file of another log, or of another time, that has the right name.
 * Formats 2 and 3 differ in their blocks, see `block.ts`. Files of earlier formats are read for ever and never appended to.
 */
import { crc32 } from 'node:zlib';

const NAME = 'PIPELOG';
const V1_BYTES = 16;
const V2_BYTES = 40;
/** What is written. */
export const FORMAT = 3;

export interface FileHeader {
  readonly format: 1 | 2 | 3;
  readonly bytes: number;
  readonly firstPosition: number;
  /** Checksum of the last block of the file before; unknown to format 1. */
  readonly previous?: number;
  /** CRC-32 of the log's name; unknown to format 1. */
  readonly log?: number;
}

/** What is wrong with a header: nothing that can be read, or made by a later version. */
export type HeaderProblem = 'damaged' | 'newer';

/** The most bytes that a header of any known format takes. */
export const FILE_HEADER_BYTES_MAX = V2_BYTES;

export function encodeFileHeader(header: {
  readonly firstPosition: number;
  readonly madeAtMs: number;
  readonly previous: number;
  readonly logName: string;
}): Buffer {
  const bytes = Buffer.alloc(V2_BYTES);
  bytes.write(`${NAME}${FORMAT}`, 'latin1');
  bytes.writeBigUInt64LE(BigInt(header.firstPosition), 8);
  bytes.writeBigUInt64LE(BigInt(Math.max(0, header.madeAtMs)), 16);
  bytes.writeUInt32LE(header.previous, 24);
  bytes.writeUInt32LE(crc32(header.logName), 28);
  bytes.writeUInt32LE(checksumOf(bytes, FORMAT), 36);
  return bytes;
}

/** As of a file of this format, whatever stands there. */
function checksumOf(header: Buffer, format: number): number {
  return crc32(header.subarray(8, 36), crc32(`${NAME}${format}`));
}

const KNOWN = [2, FORMAT] as const;

/** The header at the beginning of these bytes. */
export function decodeFileHeader(bytes: Buffer): FileHeader | HeaderProblem {
  if (bytes.length < V1_BYTES || bytes.toString('latin1', 0, NAME.length) !== NAME) return 'damaged';
  const format = bytes.toString('latin1', 7, 8);
  const firstPosition = Number(bytes.readBigUInt64LE(8));
  const found = KNOWN.find(
    (known) => bytes.length >= V2_BYTES && bytes.readUInt32LE(36) === checksumOf(bytes, known),
  );
  if (format === '1' && found === undefined) return { format: 1, bytes: V1_BYTES, firstPosition };
  // A damaged digit is not taken for another version.
  if (found === undefined) return format > String(FORMAT) && format <= '9' ? 'newer' : 'damaged';
  if (format !== String(found)) return 'damaged';
  return {
    format: found,
    bytes: V2_BYTES,
    firstPosition,
    previous: bytes.readUInt32LE(24),
    log: bytes.readUInt32LE(28),
  };
}

/** A file that a crash left right after it was made: too short, and nothing in it that is not ours. */
export function isUnfinished(bytes: Buffer): boolean {
  if (bytes.length > V2_BYTES) return false;
  const ours = bytes.subarray(0, NAME.length).equals(Buffer.from(NAME).subarray(0, bytes.length));
  return ours || bytes.every((byte) => byte === 0);
}

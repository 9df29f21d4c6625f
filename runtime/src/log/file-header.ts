/**
 * The first bytes of a file of the log. Numbers are little-endian.
 *
 *   format 1, 16 bytes        0  "PIPELOG1"    8  u64  first position
 *   format 2, 40 bytes        0  "PIPELOG2"    8  u64  first position
 *                            16  u64  when the file was made, epoch milliseconds
 *                            24  u32  checksum of the last block of the file before; 0 for the first file of all
 *                            28  u32  CRC-32 of the log's name
 *                            32  u32  0
 *                            36  u32  CRC-32 of the 36 bytes before
 *
 * The checksum of the block before and the name tell a file of another log, or of another time, that has the right name.
 * Files of format 1 are read for ever and never appended to.
 */
import { crc32 } from 'node:zlib';

const NAME = 'PIPELOG';
const V1_BYTES = 16;
const V2_BYTES = 40;

export interface FileHeader {
  readonly format: 1 | 2;
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
  bytes.write(`${NAME}2`, 'latin1');
  bytes.writeBigUInt64LE(BigInt(header.firstPosition), 8);
  bytes.writeBigUInt64LE(BigInt(Math.max(0, header.madeAtMs)), 16);
  bytes.writeUInt32LE(header.previous, 24);
  bytes.writeUInt32LE(crc32(header.logName), 28);
  bytes.writeUInt32LE(checksumOf(bytes), 36);
  return bytes;
}

/** With the format of this version, whatever stands there: a damaged digit is not taken for a later version. */
function checksumOf(header: Buffer): number {
  return crc32(header.subarray(8, 36), crc32(`${NAME}2`));
}

/** The header at the beginning of these bytes. */
export function decodeFileHeader(bytes: Buffer): FileHeader | HeaderProblem {
  if (bytes.length < V1_BYTES || bytes.toString('latin1', 0, NAME.length) !== NAME) return 'damaged';
  const format = bytes.toString('latin1', 7, 8);
  const firstPosition = Number(bytes.readBigUInt64LE(8));
  if (format === '1') return { format: 1, bytes: V1_BYTES, firstPosition };
  const isWhole = bytes.length >= V2_BYTES && bytes.readUInt32LE(36) === checksumOf(bytes);
  if (format !== '2') return format > '2' && format <= '9' && !isWhole ? 'newer' : 'damaged';
  if (!isWhole) return 'damaged';
  return {
    format: 2,
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

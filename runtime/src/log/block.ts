/**
 * A block on disk. Numbers are little-endian.
 *
 *   0  u32  magic "PBK1"                    8  u64  position of its first record
 *   4  u32  CRC-32 of everything after     16  u32  length of the head
 *                                          20  u32  length of the body
 *   24 head: JSON of kind, source, partition, partitions, offset, count, commit, appendedAtMs, producer, sequence
 *      body: the records, UTF-8, separated by line feeds
 *
 * The checksum covers the position, so a block that was moved or written twice is found out. `commit` is the position of
 * the first record that was written with the same fsync: pages of one commit may reach the disk in any order.
 */
import { crc32 } from 'node:zlib';
import { invariant } from '../base/invariant.ts';
import type { Append, Block } from './log.ts';

export const HEADER_BYTES = 24;
const MAGIC = 0x314b4250;
const HEAD_BYTES_MAX = 64 * 1024;
/** The largest body: appends are cut well below it. */
export const BODY_BYTES_MAX = 64 * 1024 * 1024;

/** A block as it is stored: with the first position of its commit. */
export type StoredBlock = Block & { readonly commit: number };

export interface Lengths {
  readonly position: number;
  readonly headBytes: number;
  readonly bodyBytes: number;
  readonly totalBytes: number;
}

export function encodeBlock(
  append: Append,
  place: { position: number; offset: number; commit: number; appendedAtMs: number },
): Buffer {
  const { kind, source, partition, partitions, producer, sequence, records } = append;
  const head = Buffer.from(
    JSON.stringify({
      kind,
      source,
      partition,
      partitions,
      offset: place.offset,
      count: records.length,
      commit: place.commit,
      appendedAtMs: place.appendedAtMs,
      producer,
      sequence,
    }),
  );
  const body = Buffer.from(records.join('\n'));
  // A longer one would be written, and then not be known as a block any more.
  invariant(head.length <= HEAD_BYTES_MAX && body.length <= BODY_BYTES_MAX, 'a block keeps its limits');
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32LE(MAGIC, 0);
  header.writeBigUInt64LE(BigInt(place.position), 8);
  header.writeUInt32LE(head.length, 16);
  header.writeUInt32LE(body.length, 20);
  const block = Buffer.concat([header, head, body]);
  block.writeUInt32LE(crc32(block.subarray(8)), 4);
  return block;
}

/** The lengths that a header states, or undefined when it cannot be one. */
export function decodeLengths(header: Buffer): Lengths | undefined {
  if (header.length < HEADER_BYTES || header.readUInt32LE(0) !== MAGIC) return undefined;
  const headBytes = header.readUInt32LE(16);
  const bodyBytes = header.readUInt32LE(20);
  const position = header.readBigUInt64LE(8);
  if (headBytes > HEAD_BYTES_MAX || bodyBytes > BODY_BYTES_MAX || position > Number.MAX_SAFE_INTEGER)
    return undefined;
  return {
    position: Number(position),
    headBytes,
    bodyBytes,
    totalBytes: HEADER_BYTES + headBytes + bodyBytes,
  };
}

/** The block in these bytes, or undefined when the checksum or the shape is wrong. REQUIRES exactly one block's bytes. */
export function decodeBlock(bytes: Buffer, lengths: Lengths): StoredBlock | undefined {
  if (bytes.length !== lengths.totalBytes || crc32(bytes.subarray(8)) !== bytes.readUInt32LE(4))
    return undefined;
  const head = JSON.parse(bytes.toString('utf8', HEADER_BYTES, HEADER_BYTES + lengths.headBytes)) as Omit<
    StoredBlock,
    'records' | 'position'
  >;
  const records = bytes.toString('utf8', HEADER_BYTES + lengths.headBytes).split('\n');
  return { ...head, position: lengths.position, records };
}

/** The whole, undamaged blocks somewhere in these bytes: what tells damage in the middle from a torn end. */
export function* blocksIn(bytes: Buffer): Iterable<StoredBlock> {
  const magic = Buffer.alloc(4);
  magic.writeUInt32LE(MAGIC);
  for (let at = bytes.indexOf(magic); at >= 0; at = bytes.indexOf(magic, at + 1)) {
    const lengths = decodeLengths(bytes.subarray(at));
    if (lengths === undefined || at + lengths.totalBytes > bytes.length) continue;
    const block = decodeBlock(bytes.subarray(at, at + lengths.totalBytes), lengths);
    if (block !== undefined) yield block;
  }
}

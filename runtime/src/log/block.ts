/**
 * A block on disk. Numbers are little-endian.
 *
 *   0  u32  magic "PBK1"                    8  u64  position of its first record
 *   4  u32  CRC-32 of everything after     16  u32  length of the head
 *                                          20  u32  length of the body
 *   24 head: JSON of kind, source, partition, partitions, offset, count, commit, appendedAtMs, producer, sequence,
 *            and from format 2 on: times [min, max] of the events; schema, which says that the body is columns
 *      body: text, the records in UTF-8 separated by line feeds, or columns, bytes of the codec in `columns/`
 *
 * The checksum covers the position, so a block that was moved or written twice is found out. `commit` is the position of
 * the first record that was written with the same fsync: pages of one commit may reach the disk in any order. Files of
 * format 1 hold text alone; which format a file has stands in its first bytes, see `file-header.ts`.
 */
import { crc32 } from 'node:zlib';
import { invariant } from '../base/invariant.ts';
import { textsOf } from './columns/texts.ts';
import {
  type Append,
  type Block,
  type BlockHead,
  type BlockKind,
  type ColumnBody,
  countOf,
  type EventTimes,
} from './log.ts';

export const HEADER_BYTES = 24;
const MAGIC = 0x314b4250;
const HEAD_BYTES_MAX = 64 * 1024;
/** The largest body: appends are cut well below it. */
export const BODY_BYTES_MAX = 64 * 1024 * 1024;

/** The head as it is stored. */
interface StoredHead extends BlockHead {
  readonly offset: number;
  readonly count: number;
  readonly commit: number;
  readonly appendedAtMs: number;
  readonly times?: readonly [number, number];
  readonly schema?: unknown;
}

export interface Lengths {
  readonly position: number;
  readonly headBytes: number;
  readonly bodyBytes: number;
  readonly totalBytes: number;
}

/** A block with its first position of its commit; its body is decoded when somebody asks for it. */
export class StoredBlock implements Block {
  readonly position: number;
  readonly kind: BlockKind;
  readonly source: string;
  readonly partition: number;
  declare readonly partitions?: number;
  declare readonly producer?: string;
  declare readonly sequence?: number;
  declare readonly times?: EventTimes;
  declare readonly columns?: ColumnBody;
  readonly offset: number;
  readonly count: number;
  readonly commit: number;
  readonly appendedAtMs: number;
  /** The checksum of the whole block: what the next file of the log begins with. */
  readonly checksum: number;
  /** The whole block as it is stored. */
  readonly bytes: Buffer;
  readonly #body: Buffer;
  #records: readonly string[] | null = null;

  constructor(position: number, head: StoredHead, bytes: Buffer, bodyAt: number) {
    const body = bytes.subarray(bodyAt);
    this.bytes = bytes;
    this.position = position;
    this.kind = head.kind;
    this.source = head.source;
    this.partition = head.partition;
    if (head.partitions !== undefined) this.partitions = head.partitions;
    if (head.producer !== undefined) this.producer = head.producer;
    if (head.sequence !== undefined) this.sequence = head.sequence;
    this.offset = head.offset;
    this.count = head.count;
    this.commit = head.commit;
    this.appendedAtMs = head.appendedAtMs;
    this.checksum = bytes.readUInt32LE(4);
    this.#body = body;
    if (head.times !== undefined) this.times = { minMs: head.times[0], maxMs: head.times[1] };
    if (head.schema !== undefined) this.columns = { count: head.count, schema: head.schema, bytes: body };
  }

  get sizeBytes(): number {
    return this.#body.length;
  }

  get records(): readonly string[] {
    this.#records ??=
      this.columns === undefined ? this.#body.toString('utf8').split('\n') : textsOf(this.columns);
    return this.#records;
  }
}

/**
 * Writes a block into what `reserve` gives, which has the bytes that it is asked for; returns them. In one place from the
 * records on: a copy of each block, and one of all of them, is most of what an append costs.
 */
export function encodeBlock(
  append: Append,
  place: { position: number; offset: number; commit: number; appendedAtMs: number },
  reserve: (bytes: number) => Buffer,
): Buffer {
  const { kind, source, partition, partitions, producer, sequence, times, columns } = append;
  const stored: StoredHead = {
    kind,
    source,
    partition,
    ...(partitions !== undefined && { partitions }),
    offset: place.offset,
    count: countOf(append),
    commit: place.commit,
    appendedAtMs: place.appendedAtMs,
    ...(producer !== undefined && { producer }),
    ...(sequence !== undefined && { sequence }),
    ...(times !== undefined && { times: [times.minMs, times.maxMs] }),
    ...(columns !== undefined && { schema: columns.schema }),
  };
  const head = Buffer.from(JSON.stringify(stored));
  const text = columns === undefined ? append.records.join('\n') : '';
  const bodyBytes = columns === undefined ? Buffer.byteLength(text) : columns.bytes.length;
  // A longer one would be written, and then not be known as a block any more.
  invariant(head.length <= HEAD_BYTES_MAX && bodyBytes <= BODY_BYTES_MAX, 'a block keeps its limits');
  const block = reserve(HEADER_BYTES + head.length + bodyBytes);
  block.writeUInt32LE(MAGIC, 0);
  block.writeBigUInt64LE(BigInt(place.position), 8);
  block.writeUInt32LE(head.length, 16);
  block.writeUInt32LE(bodyBytes, 20);
  block.set(head, HEADER_BYTES);
  if (columns === undefined) block.write(text, HEADER_BYTES + head.length);
  else block.set(columns.bytes, HEADER_BYTES + head.length);
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

/**
 * The block in these bytes, or undefined when the checksum or the shape is wrong. The block refers to the bytes until its
 * body was asked for. REQUIRES exactly one block's bytes.
 */
export function decodeBlock(bytes: Buffer, lengths: Lengths): StoredBlock | undefined {
  if (bytes.length !== lengths.totalBytes) return undefined;
  if (crc32(bytes.subarray(8)) !== bytes.readUInt32LE(4)) return undefined;
  const bodyAt = HEADER_BYTES + lengths.headBytes;
  const head = JSON.parse(bytes.toString('utf8', HEADER_BYTES, bodyAt)) as StoredHead;
  return new StoredBlock(lengths.position, head, bytes, bodyAt);
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

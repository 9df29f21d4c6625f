/**
 * A block on disk. Numbers are little-endian; blocks take a multiple of eight bytes.
 *
 *   0  u32  magic "PBK2"                        8  u64  position of its first record
 *   4  u32  CRC-32 of [8, 8 + n)               16  u32  length of the head
 *                                              20  u32  length of the body
 *                                              24  u32  n: up to the end of the block, or of the directory of its columns
 *                                              28  u32  0
 *   32 head: JSON of kind, source, partition, partitions, offset, count, commit, appendedAtMs, producer, sequence, times
 *            [min, max] of the events; schema, which says that the body is columns. Then spaces up to a multiple of eight.
 *      body: text, the records in UTF-8 separated by line feeds, then zeros; or columns, bytes of the codec in `columns/`
 *
 * A large body of columns has a checksum for each of them in its directory (`columns/sums.ts`), and the one of the block ends
 * with the directory: whoever reads some columns sums those. The checksum covers the position, so a block that was moved or
 * written twice is found out. `commit` is the position of the first record that was written with the same fsync: pages of one
 * commit may reach the disk in any order.
 *
 * Files of the formats 1 and 2 (see `file-header.ts`) have blocks "PBK1", which begin with 24 bytes, without n: one checksum
 * for everything after it, and no spaces or zeros. Those of format 1 hold text alone.
 */
import { crc32 } from 'node:zlib';
import { invariant } from '../base/invariant.ts';
import { BlockParts } from './block-parts.ts';
import { directoryBytes, writeSums } from './columns/sums.ts';
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

/** What says how long a block is; no block of any format is shorter. */
export const HEADER_BYTES = 32;
const MAGIC = 0x324b4250;
const V1 = { magic: 0x314b4250, headerBytes: 24 } as const;
/** Where what the checksum covers begins. */
const SUMMED_AT = 8;
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

/** From which size on a body of columns has a checksum for each. */
export const COLUMN_SUMS_FROM_BYTES = 16 * 1024;

export interface Lengths {
  readonly position: number;
  readonly headAt: number;
  readonly bodyAt: number;
  readonly bodyBytes: number;
  /** What the checksum of the block covers ends here. */
  readonly summedTo: number;
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
  /** Its columns, where they have checksums of their own. */
  readonly parts: BlockParts | null;
  readonly #body: Buffer;
  #records: readonly string[] | null = null;

  constructor(head: StoredHead, bytes: Buffer, { position, bodyAt, bodyBytes, summedTo }: Lengths) {
    const body = bytes.subarray(bodyAt, bodyAt + bodyBytes);
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
    const parts = summedTo < bytes.length ? new BlockParts(body, summedTo - bodyAt, position) : null;
    this.parts = parts;
    if (head.schema === undefined) return;
    const { count, schema } = head;
    this.columns = {
      count,
      schema,
      bytes: body,
      ...(parts !== null && { need: (column) => parts.need(column) }),
    };
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
  sumsFromBytes = COLUMN_SUMS_FROM_BYTES,
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
  const json = Buffer.from(JSON.stringify(stored));
  const text = columns === undefined ? append.records.join('\n') : '';
  const bodyBytes = columns === undefined ? Buffer.byteLength(text) : columns.bytes.length;
  const bodyAt = aligned(HEADER_BYTES + json.length);
  // A longer one would be written, and then not be known as a block any more.
  invariant(bodyAt <= HEAD_BYTES_MAX && bodyBytes <= BODY_BYTES_MAX, 'a block keeps its limits');
  const block = reserve(bodyAt + aligned(bodyBytes));
  block.fill(0, 0, HEADER_BYTES);
  block.writeUInt32LE(MAGIC, 0);
  block.writeBigUInt64LE(BigInt(place.position), 8);
  block.writeUInt32LE(bodyAt - HEADER_BYTES, 16);
  block.writeUInt32LE(bodyBytes, 20);
  block.set(json, HEADER_BYTES);
  block.fill(' ', HEADER_BYTES + json.length, bodyAt);
  if (columns === undefined) block.write(text, bodyAt);
  else block.set(columns.bytes, bodyAt);
  block.fill(0, bodyAt + bodyBytes);
  let summedTo = block.length;
  if (columns !== undefined && bodyBytes >= sumsFromBytes) {
    const body = block.subarray(bodyAt);
    writeSums(body, place.position);
    summedTo = bodyAt + directoryBytes(body);
  }
  block.writeUInt32LE(summedTo - SUMMED_AT, 24);
  block.writeUInt32LE(crc32(block.subarray(SUMMED_AT, summedTo)), 4);
  return block;
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / 8) * 8;
}

/** The lengths that a header states, or undefined when it cannot be one. */
export function decodeLengths(header: Buffer): Lengths | undefined {
  if (header.length < HEADER_BYTES) return undefined;
  const magic = header.readUInt32LE(0);
  if (magic !== MAGIC && magic !== V1.magic) return undefined;
  const headBytes = header.readUInt32LE(16);
  const bodyBytes = header.readUInt32LE(20);
  const position = Number(header.readBigUInt64LE(8));
  if (headBytes > HEAD_BYTES_MAX || bodyBytes > BODY_BYTES_MAX || position > Number.MAX_SAFE_INTEGER)
    return undefined;
  if (magic === V1.magic) {
    const bodyAt = V1.headerBytes + headBytes;
    const totalBytes = bodyAt + bodyBytes;
    return { position, headAt: V1.headerBytes, bodyAt, bodyBytes, summedTo: totalBytes, totalBytes };
  }
  const bodyAt = HEADER_BYTES + headBytes;
  const totalBytes = bodyAt + aligned(bodyBytes);
  const summedTo = SUMMED_AT + header.readUInt32LE(24);
  if (headBytes % 8 !== 0 || summedTo < bodyAt || summedTo > totalBytes) return undefined;
  return { position, headAt: HEADER_BYTES, bodyAt, bodyBytes, summedTo, totalBytes };
}

/**
 * The block in these bytes, or undefined when a checksum or the shape is wrong. The block refers to the bytes until its
 * body was asked for. REQUIRES exactly one block's bytes.
 */
export function decodeBlock(bytes: Buffer, lengths: Lengths): StoredBlock | undefined {
  const block = decodeSummed(bytes, lengths);
  return block?.parts?.firstWrong() === undefined ? block : undefined;
}

/** As `decodeBlock`; of columns with checksums of their own nothing is looked at yet, nor need it be there. */
export function decodeSummed(bytes: Buffer, lengths: Lengths): StoredBlock | undefined {
  const { headAt, bodyAt, summedTo, totalBytes } = lengths;
  if (bytes.length !== totalBytes) return undefined;
  if (crc32(bytes.subarray(SUMMED_AT, summedTo)) !== bytes.readUInt32LE(4)) return undefined;
  const head = JSON.parse(bytes.toString('utf8', headAt, bodyAt)) as StoredHead;
  return new StoredBlock(head, bytes, lengths);
}

/** The whole, undamaged blocks somewhere in these bytes: what tells damage in the middle from a torn end. */
export function* blocksIn(bytes: Buffer): Iterable<StoredBlock> {
  for (const magic of [MAGIC, V1.magic]) {
    const begin = Buffer.alloc(4);
    begin.writeUInt32LE(magic);
    for (let at = bytes.indexOf(begin); at >= 0; at = bytes.indexOf(begin, at + 1)) {
      const lengths = decodeLengths(bytes.subarray(at));
      if (lengths === undefined || at + lengths.totalBytes > bytes.length) continue;
      const block = decodeBlock(bytes.subarray(at, at + lengths.totalBytes), lengths);
      if (block !== undefined) yield block;
    }
  }
}

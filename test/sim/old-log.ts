/**
 * What version 0.1.0 left: a log of format 1, written here byte by byte, since the product does not write it any more.
 *
 *   file    "PIPELOG1"  u64 first position                                       blocks behind it
 *   block   "PBK1"  u32 CRC-32 of what follows  u64 position  u32, u32 lengths   head, JSON   records, a line each
 */
import { crc32 } from 'node:zlib';
import type { SimFileSystem } from '../../runtime/src/sim/disk.ts';
import type { SeededRandom } from '../../runtime/src/sim/seeded-random.ts';

export interface OldBlock {
  readonly kind: string;
  readonly source: string;
  readonly partition: number;
  readonly partitions?: number;
  readonly offset: number;
  readonly commit: number;
  readonly appendedAtMs: number;
  readonly producer?: string;
  readonly sequence?: number;
  readonly position: number;
  readonly records: readonly string[];
}

export function oldHeader(firstPosition: number): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.write('PIPELOG1', 'latin1');
  bytes.writeBigUInt64LE(BigInt(firstPosition), 8);
  return bytes;
}

export function oldBlock({ position, records, ...head }: OldBlock): Buffer {
  const { kind, source, partition, partitions, offset, commit, appendedAtMs, producer, sequence } = head;
  const count = records.length;
  const stored = {
    kind,
    source,
    partition,
    partitions,
    offset,
    count,
    commit,
    appendedAtMs,
    producer,
    sequence,
  };
  const [top, body] = [Buffer.from(JSON.stringify(stored)), Buffer.from(records.join('\n'))];
  const bytes = Buffer.concat([Buffer.alloc(24), top, body]);
  bytes.write('PBK1', 'latin1');
  bytes.writeBigUInt64LE(BigInt(position), 8);
  bytes.writeUInt32LE(top.length, 16);
  bytes.writeUInt32LE(body.length, 20);
  bytes.writeUInt32LE(crc32(bytes.subarray(8)), 4);
  return bytes;
}

/** Puts such a log on a disk, in up to three files, the last of which may end with what a crash left of a block. */
export function writeOldLog(
  files: SimFileSystem,
  folder: string,
  blocks: readonly OldBlock[],
  random: SeededRandom,
): void {
  files.makeFolder(folder);
  const each = Math.ceil(blocks.length / random.between(1, 3));
  for (let from = 0; from < blocks.length; from += each) {
    const some = blocks.slice(from, from + each);
    const first = some[0]?.position ?? 0;
    const isLast = from + each >= blocks.length;
    const torn = isLast && random.chance(0.3) ? tornBlock(blocks, random) : Buffer.alloc(0);
    const file = files.open(`${folder}/${String(first).padStart(20, '0')}.log`, true);
    files.write(file, Buffer.concat([oldHeader(first), ...some.map(oldBlock), torn]), 0);
    files.sync(file);
  }
  files.syncFolder(folder);
}

function tornBlock(blocks: readonly OldBlock[], random: SeededRandom): Buffer {
  const last = blocks.at(-1);
  if (last === undefined) return Buffer.alloc(0);
  const position = last.position + last.records.length;
  const { kind, source, partition, appendedAtMs } = last;
  const offset = last.offset + last.records.length;
  const records = ['{"nobody":"was told of this"}'];
  const whole = oldBlock({
    kind,
    source,
    partition,
    offset,
    commit: position,
    appendedAtMs,
    position,
    records,
  });
  return whole.subarray(0, random.between(1, whole.length - 1));
}

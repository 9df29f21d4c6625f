/**
 * What a sealed file of the log holds, so that opening reads this and not the file: `<first position, 20 digits>.index`.
 *
 *   0  "PIPEIDX1"     8  u32  CRC-32 of everything after     12  u32  length     16  JSON of `SegmentSummary`
 *
 * It can be made again from the file at any time, and it is: when it is missing, damaged, or does not fit the file.
 */
import { crc32 } from 'node:zlib';
import type { Disk } from '../ports/disk.ts';
import type { Block } from './log.ts';

const MAGIC = 'PIPEIDX1';
const HEADER_BYTES = 16;
/** A block is entered when it begins so far behind the one entered before. */
const ENTRY_BYTES = 64 * 1024;

/** A block of the file: where it lies, and when it was appended. */
type Entry = readonly [position: number, at: number, appendedAtMs: number];

export interface SegmentSummary {
  readonly firstPosition: number;
  end: number;
  sizeBytes: number;
  /** Where the last block begins, and its checksum; the checksum of the block before the file while it has none. */
  lastAt: number;
  lastChecksum: number;
  firstAppendedAtMs: number | null;
  lastAppendedAtMs: number | null;
  /** `source/partition` → the offset behind its last event in the file. */
  readonly offsets: Record<string, number>;
  /** Producer → its last sequence in the file. */
  readonly sequences: Record<string, number>;
  /** Source → the smallest and largest event time; null when not every block says. */
  readonly times: Record<string, readonly [number, number] | null>;
  readonly entries: Entry[];
}

export type Indexed = Pick<
  Block,
  'kind' | 'source' | 'partition' | 'position' | 'offset' | 'count' | 'appendedAtMs'
> &
  Partial<Pick<Block, 'producer' | 'sequence' | 'times'>>;

export function emptySummary(firstPosition: number, previous: number): SegmentSummary {
  return {
    firstPosition,
    end: firstPosition,
    sizeBytes: 0,
    lastAt: 0,
    lastChecksum: previous,
    firstAppendedAtMs: null,
    lastAppendedAtMs: null,
    offsets: record(),
    sequences: record(),
    times: record(),
    entries: [],
  };
}

/** Names come from outside, so no object here has a prototype. */
function record<T>(from: Readonly<Record<string, T>> = {}): Record<string, T> {
  return Object.assign(Object.create(null) as Record<string, T>, from);
}

/** Takes in the next block of the file, which lies at `at`. */
export function addBlock(summary: SegmentSummary, block: Indexed, at: number, checksum: number): void {
  const last = summary.entries.at(-1);
  if (last === undefined || at - last[1] >= ENTRY_BYTES)
    summary.entries.push([block.position, at, block.appendedAtMs]);
  summary.end = block.position + block.count;
  summary.lastAt = at;
  summary.lastChecksum = checksum;
  summary.firstAppendedAtMs ??= block.appendedAtMs;
  summary.lastAppendedAtMs = block.appendedAtMs;
  if (block.producer !== undefined && block.sequence !== undefined)
    summary.sequences[block.producer] = block.sequence;
  if (block.kind !== 'events') return;
  summary.offsets[`${block.source}/${block.partition}`] = block.offset + block.count;
  const known = summary.times[block.source];
  const { times } = block;
  if (times === undefined || known === null) summary.times[block.source] = null;
  else
    summary.times[block.source] = [
      Math.min(times.minMs, known?.[0] ?? Infinity),
      Math.max(times.maxMs, known?.[1] ?? -Infinity),
    ];
}

/** Where to begin reading for a position: the last entry that is not behind it. */
export function entryBefore({ entries }: SegmentSummary, position: number): Entry | undefined {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((entries[middle]?.[0] ?? 0) <= position) low = middle + 1;
    else high = middle;
  }
  return entries[Math.max(0, low - 1)];
}

export function encodeIndex(summary: SegmentSummary): Buffer {
  const json = Buffer.from(JSON.stringify(summary));
  const bytes = Buffer.alloc(HEADER_BYTES + json.length);
  bytes.write(MAGIC, 'latin1');
  bytes.writeUInt32LE(json.length, 12);
  bytes.set(json, HEADER_BYTES);
  bytes.writeUInt32LE(crc32(bytes.subarray(12)), 8);
  return bytes;
}

/** The summary in these bytes, or undefined when they are not whole. */
export function decodeIndex(bytes: Buffer): SegmentSummary | undefined {
  if (bytes.length < HEADER_BYTES || bytes.toString('latin1', 0, 8) !== MAGIC) return undefined;
  if (bytes.length !== HEADER_BYTES + bytes.readUInt32LE(12)) return undefined;
  if (bytes.readUInt32LE(8) !== crc32(bytes.subarray(12))) return undefined;
  const summary = JSON.parse(bytes.toString('utf8', HEADER_BYTES)) as SegmentSummary;
  const { offsets, sequences, times } = summary;
  return { ...summary, offsets: record(offsets), sequences: record(sequences), times: record(times) };
}

/** The index of a file as it was written, or undefined. */
export async function readIndex(disk: Disk, file: string): Promise<SegmentSummary | undefined> {
  if ((await disk.kindOf(file)) !== 'file') return undefined;
  const handle = await disk.open(file, { create: false });
  try {
    const bytes = Buffer.alloc(await handle.size());
    for (let read = 0; read < bytes.length;) {
      const count = await handle.read(bytes.subarray(read), read);
      if (count === 0) return undefined;
      read += count;
    }
    return decodeIndex(bytes);
  } finally {
    await handle.close();
  }
}

/** Writes an index; when that fails the next opening makes it again. */
export async function writeIndex(disk: Disk, file: string, summary: SegmentSummary): Promise<void> {
  try {
    if ((await disk.kindOf(file)) !== undefined) await disk.remove(file);
    const handle = await disk.open(file, { create: true });
    try {
      const bytes = encodeIndex(summary);
      for (let written = 0; written < bytes.length;) {
        const count = await handle.write(bytes.subarray(written), written);
        if (count === 0) return;
        written += count;
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch {
    // A file without an index is read whole.
  }
}

/**
 * What a sealed file of the log holds, so that opening reads this and not the file: `<first position, 20 digits>.index`, a
 * `SegmentSummary` in a frame (see `framed.ts`) that begins with "PIPEIDX1".
 *
 * It can be made again from the file at any time, and it is: when it is missing, damaged, or does not fit the file.
 */
import type { Disk } from '../ports/disk.ts';
import { decodeFramed, encodeFramed, readWhole, writeAll } from './framed.ts';
import type { Block } from './log.ts';

const MAGIC = 'PIPEIDX1';
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
  return encodeFramed(MAGIC, summary);
}

/** The summary in these bytes, or undefined when they are not whole. */
export function decodeIndex(bytes: Buffer): SegmentSummary | undefined {
  const summary = decodeFramed(MAGIC, bytes) as SegmentSummary | undefined;
  if (summary === undefined) return undefined;
  const { offsets, sequences, times } = summary;
  return { ...summary, offsets: record(offsets), sequences: record(sequences), times: record(times) };
}

/** The index of a file as it was written, or undefined. */
export async function readIndex(disk: Disk, file: string): Promise<SegmentSummary | undefined> {
  const bytes = await readWhole(disk, file);
  return bytes === undefined ? undefined : decodeIndex(bytes);
}

/** Writes an index; when that fails the next opening makes it again. */
export async function writeIndex(disk: Disk, file: string, summary: SegmentSummary): Promise<void> {
  try {
    if ((await disk.kindOf(file)) !== undefined) await disk.remove(file);
    const handle = await disk.open(file, { create: true });
    try {
      await writeAll(handle, encodeIndex(summary), 0);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch {
    // A file without an index is read whole.
  }
}

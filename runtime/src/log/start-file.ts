/**
 * Where a log begins whose oldest files were removed: `start`, framed as `framed.ts` says. It keeps what only the removed
 * files knew: offsets, the last sequence of each producer (L4), the checksum that the first file left begins with.
 *
 *   start.next ─► fsync ─► renamed to start ─► fsync of the folder ─► the files before it are unlinked
 *
 * A crash in between leaves either the files with the old start, or the new start and files that the next opening removes.
 */
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { failure } from '../base/errors.ts';
import type { Disk } from '../ports/disk.ts';
import type { SegmentSummary } from './segment-index.ts';
import { decodeFramed, encodeFramed, readWhole, replaceFramed } from './framed.ts';

const MAGIC = 'PIPESTA1';
export const START_FILE = 'start';

export interface LogStart {
  /** CRC-32 of the log's name: tells the start of another log. */
  readonly log: number;
  /** The first position that is there. */
  readonly position: number;
  /** Checksum of the last block before it. */
  readonly previous: number;
  /** When the last event before it was appended. */
  readonly removedUntilMs: number | null;
  /** `source/partition` → the offset behind its last event before it. */
  readonly offsets: Readonly<Record<string, number>>;
  /** Producer → its last sequence before it. */
  readonly sequences: Readonly<Record<string, number>>;
}

/** The start of a log from which nothing was removed. */
function firstStart(logName: string): LogStart {
  return {
    log: crc32(logName),
    position: 0,
    previous: 0,
    removedUntilMs: null,
    offsets: {},
    sequences: {},
  };
}

/** The start of a log whose first files are gone. */
export function startBehind(start: LogStart, removed: readonly SegmentSummary[]): LogStart {
  const last = removed.at(-1);
  return {
    log: start.log,
    position: last?.end ?? start.position,
    previous: last?.lastChecksum ?? start.previous,
    removedUntilMs: last?.lastAppendedAtMs ?? start.removedUntilMs,
    offsets: latest([start.offsets, ...removed.map(({ offsets }) => offsets)]),
    sequences: latest([start.sequences, ...removed.map(({ sequences }) => sequences)]),
  };
}

/** Names come from outside, so the object has no prototype. */
function latest(records: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  return Object.assign(Object.create(null) as Record<string, number>, ...records) as Record<string, number>;
}

/** Where the log of a folder begins. Throws LOG_CORRUPT, DATA_NEWER. */
export async function readStart(disk: Disk, folder: string, logName: string): Promise<LogStart> {
  const file = join(folder, START_FILE);
  const bytes = await readWhole(disk, file);
  if (bytes === undefined) return firstStart(logName);
  const start = decodeFramed(MAGIC, bytes) as LogStart | undefined;
  if (start?.log === crc32(logName)) return start;
  if (start === undefined && /^PIPESTA[2-9]$/.test(bytes.toString('latin1', 0, 8)))
    throw failure('DATA_NEWER', { file });
  const reason = start === undefined ? 'its checksum does not match' : 'it belongs to another log';
  throw failure('LOG_CORRUPT', { file, at: 0, reason });
}

/** Bytes of the file. */
export function sizeOf(start: LogStart): number {
  return encodeFramed(MAGIC, start).length;
}

/** Replaces the start of a log, durably. */
export function writeStart(disk: Disk, folder: string, start: LogStart): Promise<void> {
  return replaceFramed(disk, join(folder, START_FILE), MAGIC, start);
}

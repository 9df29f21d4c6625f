/**
 * What the log keeps of a file that went cold: `<first position, 20 digits>.cold`, framed as `framed.ts` says. It is written when
 * the cold files are durable and were read back; from then on they are the log, and the file that they were made of goes.
 */
import { crc32 } from 'node:zlib';
import { CodedError } from '../../base/coded-error.ts';
import { failure } from '../../base/errors.ts';
import { decodeFramed } from '../framed.ts';
import type { SegmentSummary } from '../segment-index.ts';
import type { ColdPlace } from './place.ts';

export const COLD_MAGIC = 'PIPECLD1';
const STRETCH_BYTES = 1024 * 1024;

export interface ColdFile {
  readonly name: string;
  readonly sizeBytes: number;
  /** CRC-32 of each megabyte: how exactly damage is placed. */
  readonly crc32: readonly number[];
}

export interface ColdManifest {
  /** CRC-32 of the log's name. */
  readonly log: number;
  /** Checksum of the last block before the file. */
  readonly previous: number;
  /** Of the file that went cold. */
  readonly summary: SegmentSummary;
  /** The file of the blocks first. */
  readonly files: readonly [ColdFile, ...ColdFile[]];
  /** The position at which each row group of the first begins. */
  readonly groups: readonly number[];
}

/** Throws LOG_CORRUPT, DATA_NEWER. */
export function readManifest(file: string, bytes: Buffer | undefined, logName: string): ColdManifest {
  const manifest =
    bytes === undefined ? undefined : (decodeFramed(COLD_MAGIC, bytes) as ColdManifest | undefined);
  if (manifest?.log === crc32(logName)) return manifest;
  if (manifest === undefined && /^PIPECLD[2-9]$/.test(bytes?.toString('latin1', 0, 8) ?? ''))
    throw failure('DATA_NEWER', { file });
  const reason = manifest === undefined ? 'its checksum does not match' : 'it belongs to another log';
  throw failure('LOG_CORRUPT', { file, at: 0, reason });
}

export function coldFileOf(name: string, bytes: Uint8Array): ColdFile {
  const checksums: number[] = [];
  for (let at = 0; at < bytes.length; at += STRETCH_BYTES)
    checksums.push(crc32(bytes.subarray(at, at + STRETCH_BYTES)));
  return { name, sizeBytes: bytes.length, crc32: checksums };
}

/** Reads and checks a megabyte of a cold file. Throws LOG_CORRUPT, and what the place throws. */
async function readStretch(place: ColdPlace, file: ColdFile, stretch: number): Promise<Buffer> {
  const damaged = (at: number, reason: string): Error =>
    failure('LOG_CORRUPT', { file: `${place.name}/${file.name}`, at, reason });
  const at = stretch * STRETCH_BYTES;
  const length = Math.min(STRETCH_BYTES, file.sizeBytes - at);
  const bytes = await place.read(file.name, at, length).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT' ? damaged(0, 'the file is missing') : error;
  });
  if (bytes.length < length)
    throw damaged(at + bytes.length, `it ends there; it had ${file.sizeBytes} bytes`);
  if (crc32(bytes) !== file.crc32[stretch]) throw damaged(at, 'the checksum of a megabyte does not match');
  return bytes;
}

/** Reads and checks every byte of a cold file; returns where the first damage is, or null. */
export async function damageIn(place: ColdPlace, file: ColdFile): Promise<CodedError | null> {
  try {
    for (const stretch of file.crc32.keys()) await readStretch(place, file, stretch);
    return null;
  } catch (error) {
    if (error instanceof CodedError) return error;
    throw error;
  }
}

/**
 * Hands out bytes of a cold file, of checked megabytes alone: a reader of Parquet that is given damaged ones may never come to
 * an end. The last megabyte is kept for the next piece. Throws LOG_CORRUPT, and what the place throws.
 */
export function checkedReads(
  place: ColdPlace,
  file: ColdFile,
): (start: number, end: number) => Promise<Uint8Array> {
  let last: { readonly stretch: number; readonly bytes: Buffer } | null = null;
  return async (start, end) => {
    const pieces: Buffer[] = [];
    for (let at = start; at < end;) {
      const stretch = Math.floor(at / STRETCH_BYTES);
      if (last?.stretch !== stretch) last = { stretch, bytes: await readStretch(place, file, stretch) };
      const from = stretch * STRETCH_BYTES;
      const piece = last.bytes.subarray(at - from, end - from);
      if (piece.length === 0) break;
      pieces.push(piece);
      at += piece.length;
    }
    return Buffer.concat(pieces);
  };
}

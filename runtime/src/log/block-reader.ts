/**
 * Reads the blocks of a file, one behind the other, each checked.
 *
 *   in runs      2 MB at once, each into memory of its own, to which its blocks refer; into `room` when blocks pass
 *   in part      of a large block of which few columns are wanted: from its beginning up to the last of these, since columns
 *                that many look at lie first; what else is wanted, by itself. The memory has room for all of it.
 *
 * A column that is asked for unexpectedly is read there and then.
 */
import type { CodedError } from '../base/coded-error.ts';
import { failure } from '../base/errors.ts';
import type { DiskFile } from '../ports/disk.ts';
import type { BlockParts } from './block-parts.ts';
import {
  decodeBlock,
  decodeLengths,
  decodeSummed,
  HEADER_BYTES,
  type Lengths,
  type StoredBlock,
} from './block.ts';
import { reasonOf } from './disk-reasons.ts';
import type { LogReading } from './log.ts';

/** A reader holds so much of a file in memory, or one block when that is larger. */
const RUN_BYTES = 2 * 1024 * 1024;
/** Smaller blocks are read in runs, whatever is wanted of them: several come at once. */
const IN_PART_FROM_BYTES = 128 * 1024;
/** What lies between two columns that are wanted is read along with them, up to so much. */
const GAP_BYTES_MAX = 32 * 1024;

/** Memory that a reader fills again and again: pages that are new cost more than what is read into them. */
export interface ReadingRoom {
  bytes: Buffer;
  /** How much is read at first of what comes next: what was of use of the block before. */
  aheadBytes: number;
}

export function newRoom(): ReadingRoom {
  return { bytes: Buffer.alloc(0), aheadBytes: RUN_BYTES };
}

export interface Reading {
  /** The reader is done with a block before it asks for the next. */
  readonly room?: ReadingRoom | null;
  /** See `LogReading`. REQUIRES a room. */
  readonly wants?: LogReading['wants'] | undefined;
}

/** Memory of which the first `filled` bytes are those of the file from `at` on. */
interface Run {
  readonly at: number;
  readonly bytes: Buffer;
  readonly filled: number;
}

export class BlockReader {
  readonly #handle: DiskFile;
  readonly #file: string;
  readonly #sizeBytes: number;
  readonly #room: ReadingRoom | null;
  readonly #wants: NonNullable<LogReading['wants']>;
  readonly #sparing: boolean;
  #run: Run = { at: 0, bytes: Buffer.alloc(0), filled: 0 };

  constructor(
    handle: DiskFile,
    { file, sizeBytes, room = null, wants }: Reading & { readonly file: string; readonly sizeBytes: number },
  ) {
    this.#handle = handle;
    this.#file = file;
    this.#sizeBytes = sizeBytes;
    this.#room = room;
    this.#sparing = room !== null && wants !== undefined;
    this.#wants = wants ?? (() => null);
  }

  /** The block that begins there. Throws LOG_CORRUPT. */
  async blockAt(at: number): Promise<StoredBlock> {
    const lengths = decodeLengths(await this.#bytesAt(at, HEADER_BYTES));
    if (lengths === undefined) throw this.#corrupt(at);
    if (this.#sparing && lengths.summedTo < lengths.totalBytes) return this.#inPart(at, lengths);
    const block = decodeBlock(await this.#bytesAt(at, lengths.totalBytes), lengths);
    if (block === undefined) throw this.#corrupt(at);
    return block;
  }

  async #inPart(at: number, lengths: Lengths): Promise<StoredBlock> {
    const { bodyAt, summedTo, totalBytes } = lengths;
    await this.#bytesAt(at, summedTo, totalBytes);
    const run = this.#run;
    const memory = run.bytes.subarray(at - run.at, at - run.at + totalBytes);
    const block = decodeSummed(memory, lengths);
    if (block === undefined || block.parts === null) throw this.#corrupt(at);
    const { parts } = block;
    parts.areBeyond(run.at + run.filled - at - bodyAt);
    const body = memory.subarray(bodyAt);
    parts.source = {
      load: (from, to) => this.#loadNow(body.subarray(from, to), at + bodyAt + from),
      damaged: (from) => this.#corrupt(at + bodyAt + from),
    };
    const wanted = this.#wants(block, block.columns?.schema) ?? parts.parts.map((_, index) => index);
    for (const { from, to } of missing(parts, wanted)) {
      await this.#fill(body.subarray(from, to), at + bodyAt + from);
      parts.areHere(from, to);
    }
    for (const index of wanted) parts.need(index);
    const usefulBytes =
      bodyAt + Math.max(summedTo - bodyAt, ...wanted.map((index) => parts.parts[index]?.to ?? 0));
    const isWorthIt = totalBytes >= IN_PART_FROM_BYTES && usefulBytes < totalBytes / 2;
    if (this.#room !== null) this.#room.aheadBytes = isWorthIt ? usefulBytes + (usefulBytes >> 3) : RUN_BYTES;
    return block;
  }

  /** REQUIRES no place before one that was asked for. So many bytes from a place of the file, or what is there of them, in memory that has room for `room` bytes. */
  async #bytesAt(at: number, length: number, room = length): Promise<Buffer> {
    const run = this.#run;
    const isHere = at + length <= run.at + run.filled && at + room <= run.at + run.bytes.length;
    if (!isHere) this.#run = await this.#nextRun(at, length, room);
    const { at: begin, bytes, filled } = this.#run;
    return bytes.subarray(at - begin, Math.min(at - begin + length, filled));
  }

  async #nextRun(at: number, length: number, room: number): Promise<Run> {
    const run = this.#run;
    const left = this.#sizeBytes - at;
    const there = run.bytes.subarray(at - run.at, Math.max(at - run.at, run.filled));
    const ahead = Math.max(length, this.#room?.aheadBytes ?? RUN_BYTES);
    const toFill = Math.max(there.length, Math.min(ahead, left));
    const bytes = this.#memoryOf(Math.max(toFill, Math.min(room, left)));
    bytes.set(there);
    const filled = await this.#fill(bytes.subarray(there.length, toFill), at + there.length);
    return { at, bytes, filled: there.length + filled };
  }

  #memoryOf(sizeBytes: number): Buffer {
    const room = this.#room;
    if (room === null) return Buffer.allocUnsafeSlow(sizeBytes);
    if (room.bytes.length < sizeBytes) room.bytes = Buffer.allocUnsafeSlow(sizeBytes);
    return room.bytes;
  }

  async #fill(bytes: Buffer, at: number): Promise<number> {
    return (await readInto(this.#handle, at, bytes)).length;
  }

  #loadNow(bytes: Buffer, at: number): void {
    try {
      for (let read = 0; read < bytes.length;) {
        const count = this.#handle.readNow(bytes.subarray(read), at + read);
        if (count === 0) return;
        read += count;
      }
    } catch (error) {
      throw failure('LOG_UNAVAILABLE', { folder: this.#file, reason: reasonOf(error) }, error);
    }
  }

  #corrupt(at: number): CodedError {
    return failure('LOG_CORRUPT', { file: this.#file, at, reason: 'the checksum does not match' });
  }
}

/** The stretches of a body that are to be read, so that all that is wanted is in memory. */
function missing(parts: BlockParts, wanted: readonly number[]): readonly { from: number; to: number }[] {
  const stretches: { from: number; to: number }[] = [];
  const elsewhere = wanted.filter((index) => parts.isElsewhere(index)).map((index) => parts.parts[index]);
  for (const part of elsewhere.toSorted((a, b) => (a?.from ?? 0) - (b?.from ?? 0))) {
    if (part === undefined) continue;
    const last = stretches.at(-1);
    if (last !== undefined && part.from - last.to <= GAP_BYTES_MAX) last.to = Math.max(last.to, part.to);
    else stretches.push({ from: part.from, to: part.to });
  }
  return stretches;
}

/** Fills a buffer with the bytes of the file from `at` on; what there was of them. */
export async function readInto(handle: DiskFile, at: number, buffer: Buffer): Promise<Buffer> {
  let read = 0;
  while (read < buffer.length) {
    const count = await handle.read(buffer.subarray(read), at + read);
    if (count === 0) return buffer.subarray(0, read);
    read += count;
  }
  return buffer;
}

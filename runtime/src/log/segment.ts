/**
 * One file of the log: `<first position, 20 digits>.log`, a header (see `file-header.ts`) and blocks. The last file is open
 * for writing; every other one is sealed, is known by its index, and is open only while somebody reads it.
 */
import { basename, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { CodedError } from '../base/coded-error.ts';
import { failure } from '../base/errors.ts';
import { invariant } from '../base/invariant.ts';
import type { Disk, DiskFile } from '../ports/disk.ts';
import { BlockReader, type Reading, readInto } from './block-reader.ts';
import { blocksIn, decodeBlock, decodeLengths, HEADER_BYTES, type StoredBlock } from './block.ts';
import {
  decodeFileHeader,
  encodeFileHeader,
  FILE_HEADER_BYTES_MAX,
  type FileHeader,
  FORMAT,
  isUnfinished,
} from './file-header.ts';
import { writeAll } from './framed.ts';
import {
  addBlock,
  emptySummary,
  entryBefore,
  readIndex,
  type SegmentSummary,
  writeIndex,
} from './segment-index.ts';

/** An fsync failed: the kernel may have dropped what it could not write, so nothing may follow in this file. */
export class SyncFailed extends Error {
  override readonly name = 'SyncFailed';
}

export class Segment {
  readonly file: string;
  readonly firstPosition: number;
  summary: SegmentSummary;
  readonly #disk: Disk;
  /** Open for writing; null once it is sealed. */
  #handle: DiskFile | null;
  sizeBytes: number;
  /** Of the file; earlier formats are never appended to. */
  format: FileHeader['format'] = FORMAT;
  /** Where the last commit that was found on opening begins. */
  #lastCommitAt = 0;
  /** Events before this position were durable: they were computed with. What lacks one of them is no torn end. */
  #seenTo = 0;

  private constructor(
    disk: Disk,
    file: string,
    { summary, handle, sizeBytes }: { summary: SegmentSummary; handle: DiskFile | null; sizeBytes: number },
  ) {
    this.file = file;
    this.firstPosition = summary.firstPosition;
    this.summary = summary;
    this.#disk = disk;
    this.#handle = handle;
    this.sizeBytes = sizeBytes;
  }

  get isEmpty(): boolean {
    return this.summary.end === this.firstPosition;
  }

  get #indexFile(): string {
    return this.file.replace(/log$/, 'index');
  }

  static nameOf(firstPosition: number): string {
    return `${String(firstPosition).padStart(20, '0')}.log`;
  }

  /** Creates the file and makes its name durable. A file that an earlier attempt left without a block is taken over. */
  static async create(
    disk: Disk,
    folder: string,
    { firstPosition, previous, madeAtMs }: { firstPosition: number; previous: number; madeAtMs: number },
  ): Promise<Segment> {
    const file = join(folder, Segment.nameOf(firstPosition));
    const handle = await openNew(disk, file);
    const summary = emptySummary(firstPosition, previous);
    const segment = new Segment(disk, file, { summary, handle, sizeBytes: 0 });
    try {
      await segment.write(encodeFileHeader({ firstPosition, previous, madeAtMs, logName: basename(folder) }));
      await syncing(disk.syncFolder(folder));
    } catch (error) {
      await handle.close().catch(() => {});
      throw error;
    }
    return segment;
  }

  /**
   * Opens a file and checks every block. A torn end is cut off in the last file only; damage anywhere else is an error.
   * What is found in the last file is made durable: a process that died may not have done so.
   * @throws LOG_CORRUPT, DATA_NEWER
   */
  static async open(
    disk: Disk,
    folder: string,
    {
      firstPosition,
      previous,
      isLast,
      seenTo,
    }: { firstPosition: number; previous: number; isLast: boolean; seenTo: number },
  ): Promise<Segment> {
    const file = join(folder, Segment.nameOf(firstPosition));
    const handle = await disk.open(file, { create: false });
    const summary = emptySummary(firstPosition, previous);
    const segment = new Segment(disk, file, { summary, handle, sizeBytes: await handle.size() });
    try {
      segment.#seenTo = seenTo;
      const headerBytes = await segment.#checkHeader(isLast, basename(folder));
      await segment.#scan(headerBytes, isLast);
      if (isLast) await segment.#rewriteLastCommit();
      else await segment.seal();
    } catch (error) {
      await handle.close().catch(() => {});
      throw error;
    }
    return segment;
  }

  /**
   * Opens a sealed file by its index, without reading its blocks; undefined when there is no index that fits the file: its
   * size, its first bytes, the checksum of its last block and the position at which the next file begins.
   */
  static async openSealed(
    disk: Disk,
    folder: string,
    {
      firstPosition,
      previous,
      end,
      sizeBytes,
    }: Record<'firstPosition' | 'previous' | 'end' | 'sizeBytes', number>,
  ): Promise<Segment | undefined> {
    const file = join(folder, Segment.nameOf(firstPosition));
    const summary = await readIndex(disk, file.replace(/log$/, 'index'));
    if (summary?.firstPosition !== firstPosition || summary.end !== end || summary.sizeBytes !== sizeBytes)
      return undefined;
    const handle = await disk.open(file, { create: false });
    const segment = new Segment(disk, file, {
      summary: { ...summary, lastChecksum: previous },
      handle,
      sizeBytes,
    });
    try {
      await segment.#checkHeader(false, basename(folder));
      const last = await segment.#readBytes(summary.lastAt, HEADER_BYTES);
      segment.summary = summary;
      if (last.length === HEADER_BYTES && last.readUInt32LE(4) === summary.lastChecksum) return segment;
      return undefined;
    } finally {
      segment.#handle = null;
      await handle.close();
    }
  }

  /** No more is appended: the index is written, and the file is open only while somebody reads it. */
  async seal(): Promise<void> {
    this.summary.sizeBytes = this.sizeBytes;
    await writeIndex(this.#disk, this.#indexFile, this.summary);
    await this.close();
  }

  /** Returns where the first block begins. */
  async #checkHeader(isLast: boolean, logName: string): Promise<number> {
    const bytes = await this.#readBytes(0, FILE_HEADER_BYTES_MAX);
    const header = decodeFileHeader(bytes);
    if (header === 'newer') throw failure('DATA_NEWER', { file: this.file });
    if (header === 'damaged') {
      // A crash right after the file was created leaves it empty or short.
      if (
        !isLast ||
        this.sizeBytes > bytes.length ||
        !isUnfinished(bytes) ||
        this.firstPosition < this.#seenTo
      )
        throw this.#corrupt(0, 'its first bytes are not those of this log');
      const { firstPosition } = this;
      const previous = this.summary.lastChecksum;
      const made = encodeFileHeader({ firstPosition, previous, madeAtMs: 0, logName });
      await this.truncate(0);
      await this.write(made);
      return made.length;
    }
    const isOurs =
      header.firstPosition === this.firstPosition &&
      (header.previous ?? this.summary.lastChecksum) === this.summary.lastChecksum &&
      (header.log ?? crc32(logName)) === crc32(logName);
    if (!isOurs) throw this.#corrupt(0, 'it belongs to another log, or to another time of this one');
    this.format = header.format;
    return header.bytes;
  }

  async #scan(from: number, isLast: boolean): Promise<void> {
    let at = from;
    let position = this.firstPosition;
    // With its header, which nobody has synced when its first commit is not there.
    this.#lastCommitAt = 0;
    while (at < this.sizeBytes) {
      const lengths = decodeLengths(await this.#readBytes(at, HEADER_BYTES));
      const block =
        lengths === undefined
          ? undefined
          : decodeBlock(await this.#readBytes(at, lengths.totalBytes), lengths);
      if (lengths === undefined || block === undefined) {
        await this.#cutTornEnd(at, position, isLast);
        return;
      }
      if (block.position !== position)
        throw this.#corrupt(at, `position ${block.position} where ${position} is due`);
      if (block.commit === block.position) this.#lastCommitAt = at;
      addBlock(this.summary, block, at, block.checksum);
      position += block.count;
      at += lengths.totalBytes;
    }
  }

  /**
   * Cuts off a commit that never became durable as a whole. Its pages may have reached the disk in any order, so whole
   * blocks of the same commit may follow the damage; one of a later commit says that this one had been acknowledged.
   */
  async #cutTornEnd(at: number, position: number, isLast: boolean): Promise<void> {
    if (!isLast) throw this.#corrupt(at, 'the checksum does not match');
    if (position < this.#seenTo)
      throw this.#corrupt(at, `events from position ${position} on are damaged or gone that were durable`);
    const rest = await this.#readBytes(at, this.sizeBytes - at);
    for (const { commit } of blocksIn(rest.subarray(1))) {
      if (commit > position)
        throw this.#corrupt(at, 'the checksum does not match, and later blocks are whole');
    }
    await this.truncate(at);
  }

  /** After a failed fsync pages may look written and not be; writing them again makes the next fsync mean something. */
  async #rewriteLastCommit(): Promise<void> {
    const at = Math.min(this.#lastCommitAt, this.sizeBytes);
    const bytes = await this.#readBytes(at, this.sizeBytes - at);
    await this.#writeAt(bytes, at);
    await syncing(this.#writable.sync());
  }

  /** Appends bytes and makes them durable; after a failure the file is as before, or REQUIRES that the log stops. */
  async write(bytes: Buffer): Promise<void> {
    await this.#writeAt(bytes, this.sizeBytes);
    await syncing(this.#writable.sync());
    this.sizeBytes += bytes.length;
  }

  #writeAt(bytes: Buffer, at: number): Promise<void> {
    return writeAll(this.#writable, bytes, at);
  }

  async truncate(size: number): Promise<void> {
    await this.#writable.truncate(size);
    await syncing(this.#writable.sync());
    this.sizeBytes = size;
  }

  /**
   * The blocks from the one that holds a position up to the end as it is now, each checked again: disks rot between opening
   * and reading.
   * @throws LOG_CORRUPT, ENOENT when the file was removed
   */
  async *read(from: number, how: Reading = {}): AsyncIterable<StoredBlock> {
    const { summary } = this;
    const first = entryBefore(summary, from);
    if (first === undefined) return;
    let [position, at] = first;
    const { end } = summary;
    const handle = await this.#disk.open(this.file, { create: false });
    try {
      const { file, sizeBytes } = this;
      const reader = new BlockReader(handle, { ...how, file, sizeBytes });
      while (position < end) {
        const block = await reader.blockAt(at);
        if (block.position !== position) throw this.#corrupt(at, 'the checksum does not match');
        position += block.count;
        at += block.bytes.length;
        if (position > from) yield block;
      }
    } finally {
      await handle.close();
    }
  }

  #readBytes(at: number, length: number): Promise<Buffer> {
    return readFrom(this.#writable, at, Math.max(0, Math.min(length, this.sizeBytes - at)));
  }

  get #writable(): DiskFile {
    invariant(this.#handle !== null, 'only the last file is written to');
    return this.#handle;
  }

  /** Removes the file and its index. REQUIRES that the log begins behind it, durably. */
  async remove(): Promise<void> {
    await this.close();
    await this.#disk.remove(this.file);
    await this.#disk.remove(this.#indexFile);
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = null;
    await handle?.close();
  }

  /** Reads and checks every byte; returns where the first damage is. */
  async damage(logName: string, previous: number): Promise<CodedError | null> {
    const handle = await this.#disk.open(this.file, { create: false });
    const summary = emptySummary(this.firstPosition, previous);
    const copy = new Segment(this.#disk, this.file, { summary, handle, sizeBytes: this.sizeBytes });
    try {
      await copy.#scan(await copy.#checkHeader(false, logName), false);
      if (copy.summary.end !== this.summary.end || copy.summary.lastChecksum !== this.summary.lastChecksum)
        throw copy.#corrupt(copy.summary.lastAt, 'it is not what its index says');
      for await (const { records, count, position } of copy.read(0))
        if (records.length !== count)
          throw copy.#corrupt(0, `the block of position ${position} has other records`);
      return null;
    } catch (error) {
      if (error instanceof CodedError) return error;
      return failure('LOG_CORRUPT', { file: this.file, at: 0, reason: (error as Error).message }, error);
    } finally {
      await handle.close();
    }
  }

  #corrupt(at: number, reason: string): Error {
    return failure('LOG_CORRUPT', { file: this.file, at, reason });
  }
}

function readFrom(handle: DiskFile, at: number, length: number): Promise<Buffer> {
  return readInto(handle, at, Buffer.allocUnsafeSlow(length));
}

async function openNew(disk: Disk, file: string): Promise<DiskFile> {
  try {
    return await disk.open(file, { create: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const handle = await disk.open(file, { create: false });
  await handle.truncate(0);
  return handle;
}

async function syncing(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    throw new SyncFailed((error as Error).message, { cause: error });
  }
}

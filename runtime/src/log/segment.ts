/** One file of the log: `<first position, 20 digits>.log`, a header (see `file-header.ts`) and blocks. */
import { basename, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { failure } from '../base/errors.ts';
import type { Disk, DiskFile } from '../ports/disk.ts';
import { blocksIn, decodeBlock, decodeLengths, HEADER_BYTES, type StoredBlock } from './block.ts';
import {
  decodeFileHeader,
  encodeFileHeader,
  FILE_HEADER_BYTES_MAX,
  type FileHeader,
  isUnfinished,
} from './file-header.ts';
import type { Block } from './log.ts';

/** Where a block lies. */
export interface BlockPlace {
  readonly position: number;
  readonly count: number;
  readonly at: number;
  readonly bytes: number;
}

/** An fsync failed: the kernel may have dropped what it could not write, so nothing may follow in this file. */
export class SyncFailed extends Error {
  override readonly name = 'SyncFailed';
}

export class Segment {
  readonly file: string;
  readonly firstPosition: number;
  readonly places: BlockPlace[] = [];
  readonly #handle: DiskFile;
  sizeBytes: number;
  /** Of the file; format 1 is never appended to. */
  format: FileHeader['format'] = 2;
  /** The checksum of the last block; of the block before the file while it has none. */
  lastChecksum = 0;
  /** Where the last commit that was found on opening begins. */
  #lastCommitAt = 0;

  private constructor(file: string, firstPosition: number, handle: DiskFile, sizeBytes: number) {
    this.file = file;
    this.firstPosition = firstPosition;
    this.#handle = handle;
    this.sizeBytes = sizeBytes;
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
    const segment = new Segment(file, firstPosition, handle, 0);
    segment.lastChecksum = previous;
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
    { firstPosition, previous, isLast }: { firstPosition: number; previous: number; isLast: boolean },
    visit: (block: Block) => void,
  ): Promise<Segment> {
    const file = join(folder, Segment.nameOf(firstPosition));
    const handle = await disk.open(file, { create: false });
    const segment = new Segment(file, firstPosition, handle, await handle.size());
    segment.lastChecksum = previous;
    try {
      const headerBytes = await segment.#checkHeader(isLast, basename(folder));
      await segment.#scan(headerBytes, isLast, visit);
      if (isLast) await segment.#rewriteLastCommit();
    } catch (error) {
      await handle.close().catch(() => {});
      throw error;
    }
    return segment;
  }

  /** Returns where the first block begins. */
  async #checkHeader(isLast: boolean, logName: string): Promise<number> {
    const bytes = await this.#readBytes(0, FILE_HEADER_BYTES_MAX);
    const header = decodeFileHeader(bytes);
    if (header === 'newer') throw failure('DATA_NEWER', { file: this.file });
    if (header === 'damaged') {
      // A crash right after the file was created leaves it empty or short.
      if (!isLast || this.sizeBytes > bytes.length || !isUnfinished(bytes))
        throw this.#corrupt(0, 'its first bytes are not those of this log');
      const { firstPosition, lastChecksum: previous } = this;
      const made = encodeFileHeader({ firstPosition, previous, madeAtMs: 0, logName });
      await this.truncate(0);
      await this.write(made);
      return made.length;
    }
    const isOurs =
      header.firstPosition === this.firstPosition &&
      (header.previous ?? this.lastChecksum) === this.lastChecksum &&
      (header.log ?? crc32(logName)) === crc32(logName);
    if (!isOurs) throw this.#corrupt(0, 'it belongs to another log, or to another time of this one');
    this.format = header.format;
    return header.bytes;
  }

  async #scan(from: number, isLast: boolean, visit: (block: Block) => void): Promise<void> {
    let at = from;
    let position = this.firstPosition;
    this.#lastCommitAt = from;
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
      visit(block);
      if (block.commit === block.position) this.#lastCommitAt = at;
      this.lastChecksum = block.checksum;
      this.place(block.position, block.count, at, lengths.totalBytes);
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
    await syncing(this.#handle.sync());
  }

  /** Appends bytes and makes them durable; after a failure the file is as before, or REQUIRES that the log stops. */
  async write(bytes: Buffer): Promise<void> {
    await this.#writeAt(bytes, this.sizeBytes);
    await syncing(this.#handle.sync());
    this.sizeBytes += bytes.length;
  }

  async #writeAt(bytes: Buffer, at: number): Promise<void> {
    let written = 0;
    while (written < bytes.length) {
      const count = await this.#handle.write(bytes.subarray(written), at + written);
      if (count === 0) throw Object.assign(new Error('the disk took no bytes'), { code: 'ENOSPC' });
      written += count;
    }
  }

  place(position: number, count: number, at: number, bytes: number): void {
    this.places.push({ position, count, at, bytes });
  }

  async truncate(size: number): Promise<void> {
    await this.#handle.truncate(size);
    await syncing(this.#handle.sync());
    this.sizeBytes = size;
  }

  /** Reads one block and checks it again: disks rot between opening and reading. Throws LOG_CORRUPT. */
  async readBlock(place: BlockPlace): Promise<StoredBlock> {
    const bytes = await this.#readBytes(place.at, place.bytes);
    const lengths = decodeLengths(bytes);
    const block = lengths === undefined ? undefined : decodeBlock(bytes, lengths);
    if (block === undefined || block.position !== place.position)
      throw this.#corrupt(place.at, 'the checksum does not match');
    return block;
  }

  async #readBytes(at: number, length: number): Promise<Buffer> {
    const buffer = Buffer.alloc(Math.max(0, Math.min(length, this.sizeBytes - at)));
    let read = 0;
    while (read < buffer.length) {
      const count = await this.#handle.read(buffer.subarray(read), at + read);
      if (count === 0) return buffer.subarray(0, read);
      read += count;
    }
    return buffer;
  }

  close(): Promise<void> {
    return this.#handle.close();
  }

  #corrupt(at: number, reason: string): Error {
    return failure('LOG_CORRUPT', { file: this.file, at, reason });
  }
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

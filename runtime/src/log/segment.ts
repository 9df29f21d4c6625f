/**
 * One file of the log: `<first position, 20 digits>.log`, a 16-byte header and blocks.
 *
 *   0  "PIPELOG1"     8  u64  first position
 */
import { join } from 'node:path';
import { failure } from '../base/errors.ts';
import type { Disk, DiskFile } from '../ports/disk.ts';
import { blocksIn, decodeBlock, decodeLengths, HEADER_BYTES } from './block.ts';
import type { Block } from './log.ts';

const MAGIC = Buffer.from('PIPELOG1');
const FILE_HEADER_BYTES = 16;

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
  /** Where the last commit that was found on opening begins. */
  #lastCommitAt = FILE_HEADER_BYTES;

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
  static async create(disk: Disk, folder: string, firstPosition: number): Promise<Segment> {
    const file = join(folder, Segment.nameOf(firstPosition));
    const handle = await openNew(disk, file);
    const segment = new Segment(file, firstPosition, handle, 0);
    try {
      await segment.write(headerOf(firstPosition));
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
   * @throws LOG_CORRUPT
   */
  static async open(
    disk: Disk,
    folder: string,
    firstPosition: number,
    isLast: boolean,
    visit: (block: Block) => void,
  ): Promise<Segment> {
    const file = join(folder, Segment.nameOf(firstPosition));
    const handle = await disk.open(file, { create: false });
    const segment = new Segment(file, firstPosition, handle, await handle.size());
    try {
      await segment.#checkHeader(isLast);
      await segment.#scan(isLast, visit);
      if (isLast) await segment.#rewriteLastCommit();
    } catch (error) {
      await handle.close().catch(() => {});
      throw error;
    }
    return segment;
  }

  async #checkHeader(isLast: boolean): Promise<void> {
    const header = await this.#readBytes(0, FILE_HEADER_BYTES);
    const expected = headerOf(this.firstPosition);
    if (header.equals(expected)) return;
    // A crash right after the file was created leaves it empty or short.
    if (!isLast || this.sizeBytes > FILE_HEADER_BYTES)
      throw this.#corrupt(0, 'its first bytes are not those of this log');
    await this.truncate(0);
    await this.write(expected);
  }

  async #scan(isLast: boolean, visit: (block: Block) => void): Promise<void> {
    let at = FILE_HEADER_BYTES;
    let position = this.firstPosition;
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
  async readBlock(place: BlockPlace): Promise<Block> {
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

function headerOf(firstPosition: number): Buffer {
  const header = Buffer.alloc(FILE_HEADER_BYTES);
  MAGIC.copy(header);
  header.writeBigUInt64LE(BigInt(firstPosition), 8);
  return header;
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

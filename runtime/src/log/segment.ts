/**
 * One file of the log: `<first position, 20 digits>.log`, a 16-byte header and blocks.
 *
 *   0  "PIPELOG1"     8  u64  first position
 */
import { join } from 'node:path';
import { failure } from '../base/errors.ts';
import type { Disk, DiskFile } from '../ports/disk.ts';
import { containsBlock, decodeBlock, decodeLengths, HEADER_BYTES, type Lengths } from './block.ts';
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

export class Segment {
  readonly file: string;
  readonly firstPosition: number;
  readonly places: BlockPlace[] = [];
  readonly #handle: DiskFile;
  sizeBytes: number;

  private constructor(file: string, firstPosition: number, handle: DiskFile, sizeBytes: number) {
    this.file = file;
    this.firstPosition = firstPosition;
    this.#handle = handle;
    this.sizeBytes = sizeBytes;
  }

  static nameOf(firstPosition: number): string {
    return `${String(firstPosition).padStart(20, '0')}.log`;
  }

  /** Creates the file and makes its name durable. */
  static async create(disk: Disk, folder: string, firstPosition: number): Promise<Segment> {
    const file = join(folder, Segment.nameOf(firstPosition));
    const handle = await disk.open(file, { create: true });
    const header = Buffer.alloc(FILE_HEADER_BYTES);
    MAGIC.copy(header);
    header.writeBigUInt64LE(BigInt(firstPosition), 8);
    const segment = new Segment(file, firstPosition, handle, 0);
    await segment.write(header);
    await disk.syncFolder(folder);
    return segment;
  }

  /**
   * Opens a file and checks every block. A torn end is cut off in the last file only; damage anywhere else is an error.
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
    await segment.#checkHeader(isLast);
    await segment.#scan(isLast, visit);
    return segment;
  }

  async #checkHeader(isLast: boolean): Promise<void> {
    const header = await this.#readBytes(0, FILE_HEADER_BYTES);
    const expected = Buffer.alloc(FILE_HEADER_BYTES);
    MAGIC.copy(expected);
    expected.writeBigUInt64LE(BigInt(this.firstPosition), 8);
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
        await this.#cutTornEnd(at, isLast);
        return;
      }
      if (block.position !== position)
        throw this.#corrupt(at, `position ${block.position} where ${position} is due`);
      visit(block);
      this.#remember(block, at, lengths);
      position += block.count;
      at += lengths.totalBytes;
    }
  }

  async #cutTornEnd(at: number, isLast: boolean): Promise<void> {
    if (!isLast) throw this.#corrupt(at, 'the checksum does not match');
    const rest = await this.#readBytes(at, this.sizeBytes - at);
    if (containsBlock(rest.subarray(1)))
      throw this.#corrupt(at, 'the checksum does not match, and whole blocks follow');
    await this.truncate(at);
  }

  #remember(block: { position: number; count: number }, at: number, { totalBytes }: Lengths): void {
    this.places.push({ position: block.position, count: block.count, at, bytes: totalBytes });
  }

  /** Appends bytes and makes them durable; after a failure the file is as before, or REQUIRES that the log stops. */
  async write(bytes: Buffer): Promise<void> {
    const before = this.sizeBytes;
    let written = 0;
    while (written < bytes.length) {
      const count = await this.#handle.write(bytes.subarray(written), before + written);
      if (count === 0) throw Object.assign(new Error('the disk took no bytes'), { code: 'ENOSPC' });
      written += count;
    }
    await this.#handle.sync();
    this.sizeBytes = before + bytes.length;
  }

  place(position: number, count: number, at: number, bytes: number): void {
    this.places.push({ position, count, at, bytes });
  }

  async truncate(size: number): Promise<void> {
    await this.#handle.truncate(size);
    await this.#handle.sync();
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

/** A file that is written from its beginning to its end: buffered, counted, with a checksum, durable when it is closed. */
import { createHash } from 'node:crypto';
import type { Disk, DiskFile } from '../../ports/disk.ts';

const BUFFER_BYTES = 256 * 1024;

export class Output {
  readonly #file: DiskFile;
  readonly #hash = createHash('sha256');
  #pieces: Uint8Array[] = [];
  #pending = 0;
  #bytes = 0;

  private constructor(file: DiskFile) {
    this.#file = file;
  }

  /** Makes a file; one of that name that an attempt left goes first. */
  static async create(disk: Disk, path: string): Promise<Output> {
    await disk.remove(path);
    return new Output(await disk.open(path, { create: true, shared: true }));
  }

  async append(bytes: Uint8Array): Promise<void> {
    this.#pieces.push(bytes);
    this.#pending += bytes.length;
    if (this.#pending >= BUFFER_BYTES) await this.#flush();
  }

  async #flush(): Promise<void> {
    const bytes = Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#pending = 0;
    this.#hash.update(bytes);
    // A write may take less than it was given.
    for (let at = 0; at < bytes.length;) at += await this.#file.write(bytes.subarray(at), this.#bytes + at);
    this.#bytes += bytes.length;
  }

  /** Makes it durable and closes it. */
  async finish(): Promise<{ readonly bytes: number; readonly sha256: string }> {
    await this.#flush();
    await this.#file.sync();
    await this.#file.close();
    return { bytes: this.#bytes, sha256: this.#hash.digest('hex') };
  }

  /** Closes what will not be finished. */
  async abandon(): Promise<void> {
    this.#pieces = [];
    await this.#file.close().catch(() => {});
  }
}

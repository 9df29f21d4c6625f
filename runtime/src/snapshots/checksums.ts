/** What is known of the content of a file: enough to find it again, and to say where it is not what it was. */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** A CRC32 stands for so many bytes: how exactly damage is placed. */
const STRETCH_BYTES = 1024 * 1024;

export interface Checksums {
  readonly bytes: number;
  readonly sha256: string;
  /** Of each stretch. */
  readonly crc32: readonly number[];
}

/** Takes the pieces of a content in their order. */
export class Checksum {
  readonly #sha256 = createHash('sha256');
  readonly #crc32: number[] = [];
  #bytes = 0;

  add(piece: Uint8Array): void {
    this.#sha256.update(piece);
    for (let from = 0; from < piece.length;) {
      const stretch = Math.floor(this.#bytes / STRETCH_BYTES);
      const part = piece.subarray(from, from + STRETCH_BYTES - (this.#bytes % STRETCH_BYTES));
      this.#crc32[stretch] = crc32(part, this.#crc32[stretch] ?? 0);
      this.#bytes += part.length;
      from += part.length;
    }
  }

  take(): Checksums {
    return { bytes: this.#bytes, sha256: this.#sha256.digest('hex'), crc32: this.#crc32 };
  }
}

/** Where a content is not the one that was noted: the byte from which on it may differ; null when it is the same. */
export function differsAt(noted: Checksums, found: Checksums): number | null {
  if (noted.sha256 === found.sha256 && noted.bytes === found.bytes) return null;
  for (const [stretch, crc] of noted.crc32.entries()) {
    if (found.crc32[stretch] === crc) continue;
    return Math.min(stretch * STRETCH_BYTES, found.bytes);
  }
  return Math.min(noted.bytes, found.bytes);
}

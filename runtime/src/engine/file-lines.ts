/** Cuts what is read into whole lines. A piece of a line waits in front of the next chunk. */
import { EVENT_BYTES_MAX } from '../data/line.ts';

export const CHUNK_BYTES = 1 << 20;
/** For the beginning of a line that is not whole: as much as shows that it is too long. */
export const ROOM_BYTES = EVENT_BYTES_MAX + 2;

export class FileLines {
  /** Takes the lines in [0, to) of a chunk, of which it keeps nothing. */
  readonly #onLines: (chunk: Buffer, to: number) => void;
  readonly #chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES + ROOM_BYTES);
  #filled = 0;

  constructor(onLines: (chunk: Buffer, to: number) => void) {
    this.#onLines = onLines;
  }

  async read(read: (into: Buffer, at: number) => Promise<number>): Promise<number> {
    const bytes = await read(this.#chunk, this.#filled);
    this.#filled += bytes;
    this.#handOn();
    return bytes;
  }

  /** REQUIRES at most `CHUNK_BYTES`. */
  take(piece: Buffer): void {
    piece.copy(this.#chunk, this.#filled);
    this.#filled += piece.length;
    this.#handOn();
  }

  #handOn(): void {
    const to = this.#filled === 0 ? 0 : this.#chunk.lastIndexOf(10, this.#filled - 1) + 1;
    if (to > 0) this.#onLines(this.#chunk, to);
    this.#chunk.copy(this.#chunk, 0, to, this.#filled);
    // Of a line over the limit the beginning is enough to reject it; the rest is read and forgotten.
    this.#filled = Math.min(this.#filled - to, ROOM_BYTES);
  }

  end(): void {
    if (this.#filled > 0) this.#onLines(this.#chunk, this.#filled);
    this.#filled = 0;
  }
}

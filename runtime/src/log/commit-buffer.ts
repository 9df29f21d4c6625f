/** Where the blocks of a commit are written together; the next commit writes over them, in memory that is there already. */
const BYTES_MIN = 64 * 1024;
/** What is larger is given back. */
const BYTES_KEPT_MAX = 16 * 1024 * 1024;

export class CommitBuffer {
  #bytes = Buffer.alloc(0);
  #filled = 0;

  /** So many bytes behind those that were reserved before. They stay where they are until more are reserved. */
  reserve(bytes: number): Buffer {
    const filled = this.#filled + bytes;
    if (filled > this.#bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(BYTES_MIN, 2 * this.#bytes.length, filled));
      this.#bytes.copy(grown, 0, 0, this.#filled);
      this.#bytes = grown;
    }
    this.#filled = filled;
    return this.#bytes.subarray(filled - bytes, filled);
  }

  /** All that was reserved. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#filled);
  }

  clear(): void {
    this.#filled = 0;
    if (this.#bytes.length > BYTES_KEPT_MAX) this.#bytes = Buffer.alloc(0);
  }
}

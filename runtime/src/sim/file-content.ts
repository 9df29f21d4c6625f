/** A change of a file: bytes somewhere, or another size. */
export type FileChange = { readonly at: number; readonly bytes: Uint8Array } | { readonly size: number };

const EMPTY = new Uint8Array(0);

/** The bytes of a file, in a buffer that grows by doubling. Two contents share one until either changes. */
export class Content {
  #bytes: Uint8Array = EMPTY;
  #isShared = false;
  sizeBytes = 0;

  apply(change: FileChange): void {
    if ('size' in change) return this.#resize(change.size);
    const end = change.at + change.bytes.length;
    // Nobody changes the bytes of a change: a whole new content needs no copy of them.
    if (change.at === 0 && end >= this.sizeBytes) {
      this.#bytes = change.bytes;
      this.#isShared = true;
      this.sizeBytes = end;
      return;
    }
    if (end > this.sizeBytes) this.#resize(end);
    this.#own();
    this.#bytes.set(change.bytes, change.at);
  }

  /** What is added reads as zeros. */
  #resize(size: number): void {
    if (size > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(512, 2 * size));
      larger.set(this.#bytes.subarray(0, this.sizeBytes));
      this.#bytes = larger;
      this.#isShared = false;
    } else if (size < this.sizeBytes) {
      this.#own();
      this.#bytes.fill(0, size, this.sizeBytes);
    }
    this.sizeBytes = size;
  }

  read(into: Uint8Array, at: number): number {
    const count = Math.max(0, Math.min(into.length, this.sizeBytes - at));
    into.set(this.#bytes.subarray(at, at + count));
    return count;
  }

  /** The bytes themselves, for whoever damages a file: who changes them changes it. */
  get bytes(): Uint8Array {
    this.#own();
    return this.#bytes.subarray(0, this.sizeBytes);
  }

  become(other: Content): void {
    this.#bytes = other.#bytes;
    this.sizeBytes = other.sizeBytes;
    this.#isShared = true;
    other.#isShared = true;
  }

  #own(): void {
    if (!this.#isShared) return;
    // Not its own `slice`: that of a Buffer copies nothing.
    this.#bytes = Uint8Array.prototype.slice.call(this.#bytes);
    this.#isShared = false;
  }
}

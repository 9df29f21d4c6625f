/** A change of a file: bytes somewhere, or another size. */
export type FileChange = { readonly at: number; readonly bytes: Uint8Array } | { readonly size: number };

/** The bytes of a file, in a buffer that grows by doubling. */
export class Content {
  #bytes = Buffer.alloc(0);
  sizeBytes = 0;

  apply(change: FileChange): void {
    if ('size' in change) return this.#resize(change.size);
    const end = change.at + change.bytes.length;
    if (end > this.sizeBytes) this.#resize(end);
    this.#bytes.set(change.bytes, change.at);
  }

  /** What is added reads as zeros. */
  #resize(size: number): void {
    if (size > this.#bytes.length) {
      const larger = Buffer.alloc(Math.max(1024, 2 * size));
      larger.set(this.#bytes.subarray(0, this.sizeBytes));
      this.#bytes = larger;
    } else if (size < this.sizeBytes) {
      this.#bytes.fill(0, size, this.sizeBytes);
    }
    this.sizeBytes = size;
  }

  read(into: Uint8Array, at: number): number {
    const count = Math.max(0, Math.min(into.length, this.sizeBytes - at));
    into.set(this.#bytes.subarray(at, at + count));
    return count;
  }

  become(other: Content): void {
    this.#bytes = Buffer.from(other.#bytes);
    this.sizeBytes = other.sizeBytes;
  }
}

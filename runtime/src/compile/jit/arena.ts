/**
 * Bytes of strings that state holds, in chunks, so that growing copies nothing.
 *
 *   chunk   [length u32][bytes …]  each string begins at a multiple of four        reference = chunk * CHUNK + offset
 *
 * Nothing is ever changed in place. Who frees a string says so (`drop`), without looking at it; when more than half is
 * dropped, as far as the mean length tells, the owner copies what it still holds into a new arena (`isWasteful`).
 */
const CHUNK_SHIFT = 22;
const CHUNK = 2 ** CHUNK_SHIFT;
const OFFSET_MASK = CHUNK - 1;
/** From here on one call of the platform's copy is faster than words one by one. */
const COPY_FROM_BYTES = 512;
const WASTE_FROM_BYTES = 4 * CHUNK;
/** How many empty chunks are kept to be filled again. */
const SPARE_MAX = 4;

export class Arena {
  readonly #chunks: Buffer[] = [];
  readonly #views: DataView[] = [];
  #bytes: Buffer = Buffer.alloc(0);
  #view: DataView = new DataView(new ArrayBuffer(0));
  #base = 0;
  #at = 0;
  #end = 0;
  #sizeBytes = 0;
  #strings = 0;
  #dropped = 0;
  readonly #spare: Buffer[] = [];

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get isWasteful(): boolean {
    return this.#dropped * 2 > this.#strings && this.#sizeBytes > WASTE_FROM_BYTES;
  }

  /** Copies bytes [start, end) of a batch; `view` is over the same bytes. */
  put(bytes: Uint8Array, view: DataView, start: number, end: number): number {
    const length = end - start;
    if (this.#at + length + 4 > this.#end) this.#grow(length + 4);
    const at = this.#at;
    const target = this.#view;
    target.setUint32(at, length, true);
    let to = at + 4;
    if (length >= COPY_FROM_BYTES) {
      this.#bytes.set(bytes.subarray(start, end), to);
    } else {
      let from = start;
      for (const words = end - 3; from < words; from += 4, to += 4) {
        target.setUint32(to, view.getUint32(from, true), true);
      }
      for (const own = this.#bytes; from < end; from++, to++) own[to] = bytes[from] as number;
    }
    this.#at = (at + length + 7) & ~3;
    this.#strings++;
    return this.#base + at;
  }

  putText(text: string): number {
    const most = text.length * 3;
    if (most + 4 > CHUNK) {
      const bytes = Buffer.from(text, 'utf8');
      return this.put(bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length);
    }
    if (this.#at + most + 4 > this.#end) this.#grow(most + 4);
    const at = this.#at;
    const length = this.#bytes.write(text, at + 4, 'utf8');
    this.#view.setUint32(at, length, true);
    this.#at = (at + length + 7) & ~3;
    this.#strings++;
    return this.#base + at;
  }

  /** Copies a string of another arena. */
  copy(other: Arena, reference: number): number {
    const chunk = Math.floor(reference / CHUNK);
    const view = other.#views[chunk] as DataView;
    const at = reference & OFFSET_MASK;
    return this.put(other.#chunks[chunk] as Buffer, view, at + 4, at + 4 + view.getUint32(at, true));
  }

  bytesOf(reference: number): Buffer {
    return this.#chunks[Math.floor(reference / CHUNK)] as Buffer;
  }

  viewOf(reference: number): DataView {
    return this.#views[Math.floor(reference / CHUNK)] as DataView;
  }

  /** Where the string begins in its chunk. */
  startOf(reference: number): number {
    return (reference & OFFSET_MASK) + 4;
  }

  lengthOf(reference: number): number {
    return this.viewOf(reference).getUint32(reference & OFFSET_MASK, true);
  }

  text(reference: number): string {
    const start = this.startOf(reference);
    return this.bytesOf(reference).toString('utf8', start, start + this.lengthOf(reference));
  }

  /** Says that a string is not needed any more. */
  drop(): void {
    this.#dropped++;
  }

  clear(): void {
    for (const chunk of this.#chunks)
      if (chunk.length === CHUNK && this.#spare.length < SPARE_MAX) this.#spare.push(chunk);
    this.#chunks.length = 0;
    this.#views.length = 0;
    this.#sizeBytes = 0;
    this.#strings = 0;
    this.#dropped = 0;
    this.#at = 0;
    this.#end = 0;
  }

  /** A string longer than a chunk gets one of its own; offsets then still begin below CHUNK. */
  #grow(needBytes: number): void {
    const spare = needBytes <= CHUNK ? this.#spare.pop() : undefined;
    this.#bytes = spare ?? Buffer.allocUnsafeSlow(Math.max(CHUNK, needBytes));
    this.#view = new DataView(this.#bytes.buffer);
    this.#base = this.#chunks.length * CHUNK;
    this.#chunks.push(this.#bytes);
    this.#views.push(this.#view);
    this.#sizeBytes += this.#bytes.length;
    this.#at = 0;
    // A string must begin within the chunk, whatever its length.
    this.#end = this.#bytes.length;
  }
}

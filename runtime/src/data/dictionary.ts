/**
 * Gives every text a small whole number, from 0 in the order of first appearance, so that operators compare, group and
 * count numbers. Texts are never removed; whoever has too many begins a new dictionary.
 *
 *   table   slot → [hash, code + 1], open addressing with linear probing, at most half full
 *   arena   the bytes of all texts, one behind the other; text `code` is [starts[code], starts[code + 1])
 */
const SLOTS_MIN = 64;
const BYTES_MIN = 4096;

export class Dictionary {
  #size = 0;
  #table = new Int32Array(2 * SLOTS_MIN);
  #mask = SLOTS_MIN - 1;
  #starts = new Int32Array(SLOTS_MIN);
  #arena = Buffer.alloc(BYTES_MIN);
  #arenaView = viewOf(this.#arena);
  #texts: string[] = [];
  // The chunk that was last asked about; most questions in a row are about one.
  #bytes: Buffer = this.#arena;
  #view = this.#arenaView;

  /** How many texts there are; codes are below it. */
  get size(): number {
    return this.#size;
  }

  /** The memory held, but for texts that were read as strings. */
  get bytesUsed(): number {
    return this.#table.byteLength + this.#starts.byteLength + this.#arena.length;
  }

  /** The bytes of all texts: text `code` is [starts[code], starts[code + 1]). Valid until the next new text. */
  get arena(): Buffer {
    return this.#arena;
  }

  get starts(): Int32Array {
    return this.#starts;
  }

  /** The code of the text that lies in [start, end), a new one when it was never met. */
  code(bytes: Buffer, start: number, end: number): number {
    const hash = this.#hash(bytes, start, end);
    const slot = this.#slotOf(hash, start, end);
    const found = this.#table[2 * slot + 1] as number;
    return found === 0 ? this.#add(slot, hash, bytes, start, end) : found - 1;
  }

  /** The code of a text that was met before, or -1. */
  find(bytes: Buffer, start: number, end: number): number {
    const slot = this.#slotOf(this.#hash(bytes, start, end), start, end);
    return (this.#table[2 * slot + 1] as number) - 1;
  }

  codeOf(text: string): number {
    const bytes = Buffer.from(text);
    return this.code(bytes, 0, bytes.length);
  }

  /** REQUIRES a code given by this dictionary. */
  text(code: number): string {
    const known = this.#texts[code];
    if (known !== undefined) return known;
    const text = this.#arena.toString('utf8', this.#starts[code], this.#starts[code + 1]);
    this.#texts[code] = text;
    return text;
  }

  #hash(bytes: Buffer, start: number, end: number): number {
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#view = viewOf(bytes);
    }
    const view = this.#view;
    const last = end - 4;
    let hash = end - start;
    let at = start;
    for (; at < last; at += 4) {
      hash = Math.imul(hash ^ view.getInt32(at, true), 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    // The last four bytes, again where they overlap; fewer one by one.
    if (last >= start) hash = Math.imul(hash ^ view.getInt32(last, true), 0x9e3779b1);
    else for (; at < end; at++) hash = Math.imul(hash ^ (bytes[at] as number), 0x9e3779b1);
    hash ^= hash >>> 15;
    hash = Math.imul(hash, 0x85ebca6b);
    return hash ^ (hash >>> 13);
  }

  /** The slot that holds the text, or the free one where it belongs. REQUIRES that `#hash` was just asked about it. */
  #slotOf(hash: number, start: number, end: number): number {
    const table = this.#table;
    const mask = this.#mask;
    let slot = hash & mask;
    for (;;) {
      const found = table[2 * slot + 1] as number;
      if (found === 0) return slot;
      if (table[2 * slot] === hash && this.#isText(found - 1, start, end)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #isText(code: number, start: number, end: number): boolean {
    const from = this.#starts[code] as number;
    const length = end - start;
    if ((this.#starts[code + 1] as number) - from !== length) return false;
    const arena = this.#arenaView;
    const view = this.#view;
    let at = 0;
    for (; at <= length - 4; at += 4) {
      if (arena.getInt32(from + at, true) !== view.getInt32(start + at, true)) return false;
    }
    for (; at < length; at++) if (arena.getUint8(from + at) !== view.getUint8(start + at)) return false;
    return true;
  }

  #add(slot: number, hash: number, bytes: Buffer, start: number, end: number): number {
    const code = this.#size++;
    const from = this.#starts[code] as number;
    const until = from + end - start;
    if (until > this.#arena.length) this.#growArena(until);
    bytes.copy(this.#arena, from, start, end);
    if (code + 1 >= this.#starts.length) {
      const starts = new Int32Array(2 * this.#starts.length);
      starts.set(this.#starts);
      this.#starts = starts;
    }
    this.#starts[code + 1] = until;
    this.#table[2 * slot] = hash;
    this.#table[2 * slot + 1] = code + 1;
    if (2 * this.#size > this.#mask) this.#growTable();
    return code;
  }

  #growArena(bytes: number): void {
    const arena = Buffer.alloc(Math.max(2 * this.#arena.length, bytes));
    this.#arena.copy(arena);
    this.#arena = arena;
    this.#arenaView = viewOf(arena);
  }

  #growTable(): void {
    const old = this.#table;
    const mask = 2 * (this.#mask + 1) - 1;
    const table = new Int32Array(2 * (mask + 1));
    for (let from = 0; from < old.length; from += 2) {
      if (old[from + 1] === 0) continue;
      let slot = (old[from] as number) & mask;
      while (table[2 * slot + 1] !== 0) slot = (slot + 1) & mask;
      table[2 * slot] = old[from] as number;
      table[2 * slot + 1] = old[from + 1] as number;
    }
    this.#table = table;
    this.#mask = mask;
  }
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

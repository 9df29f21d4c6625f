/**
 * Which names of very many there may be, in about six bytes for each: their hashes of 32 bits, as often as they were added,
 * in an open-addressing table outside of the heap.
 *
 *   name ──► hash ──► slot, or the next that is free
 *
 * Invariants  H1  A name that was added and not removed is always found; another by chance, about once in 2^32 / size.
 */
const SLOTS_MIN = 16;

export class HashBag {
  /** 0 is a free slot. */
  #slots = new Uint32Array(SLOTS_MIN);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get memoryBytes(): number {
    return this.#slots.byteLength;
  }

  add(name: string): void {
    if (this.#size * 3 >= this.#slots.length * 2) this.#resize(this.#slots.length * 2);
    this.#put(hashOf(name));
    this.#size++;
  }

  has(name: string): boolean {
    return this.#size > 0 && this.#find(hashOf(name)) >= 0;
  }

  /** REQUIRES a name that was added. */
  remove(name: string): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let free = this.#find(hashOf(name));
    // Those behind it that would not be found across a free slot move up.
    for (let slot = (free + 1) & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const home = (slots[slot] as number) & mask;
      if (((slot - home) & mask) < ((slot - free) & mask)) continue;
      slots[free] = slots[slot] as number;
      free = slot;
    }
    slots[free] = 0;
    this.#size--;
    if (slots.length > SLOTS_MIN && this.#size * 8 < slots.length) this.#resize(slots.length / 2);
  }

  #find(hash: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let slot = hash & mask; slots[slot] !== 0; slot = (slot + 1) & mask)
      if (slots[slot] === hash) return slot;
    return -1;
  }

  #put(hash: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = hash & mask;
    while (slots[slot] !== 0) slot = (slot + 1) & mask;
    slots[slot] = hash;
  }

  #resize(length: number): void {
    const before = this.#slots;
    this.#slots = new Uint32Array(length);
    for (const hash of before) if (hash !== 0) this.#put(hash);
  }
}

/** FNV-1a over the code units, mixed at the end so that the low bits are good; never 0. */
function hashOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0 || 1;
}

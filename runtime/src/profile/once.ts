/** Which numbers were met before: open addressing over doubles, at most half full. */
export class Once {
  #slots = new Float64Array(1 << 16).fill(NaN);
  #size = 0;

  /** True when the number is met for the first time. REQUIRES a number that is not NaN. */
  add(number: number): boolean {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = hashOf(number) & mask;
    for (;;) {
      const found = slots[slot] as number;
      if (found === number) return false;
      if (Number.isNaN(found)) break;
      slot = (slot + 1) & mask;
    }
    slots[slot] = number;
    if (2 * ++this.#size > slots.length) this.#grow();
    return true;
  }

  #grow(): void {
    const old = this.#slots;
    const slots = new Float64Array(2 * old.length).fill(NaN);
    const mask = slots.length - 1;
    for (const number of old) {
      if (Number.isNaN(number)) continue;
      let slot = hashOf(number) & mask;
      while (!Number.isNaN(slots[slot])) slot = (slot + 1) & mask;
      slots[slot] = number;
    }
    this.#slots = slots;
  }
}

function hashOf(number: number): number {
  const low = number >>> 0;
  const high = (number / 4_294_967_296) >>> 0;
  let hash = Math.imul(low ^ Math.imul(high, 0x85ebca6b), 0x9e3779b1);
  hash ^= hash >>> 15;
  return Math.imul(hash, 0x85ebca6b) >>> 0;
}

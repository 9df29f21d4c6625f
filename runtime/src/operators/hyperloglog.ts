/**
 * Estimates how many different values there are in at most 16 KiB, with a standard error of 0.8 %: HyperLogLog with 2^14
 * registers (Flajolet et al., 2007), read with the estimator of Ertl, "New cardinality estimation algorithms for
 * HyperLogLog sketches" (2017), which needs no corrections found by experiment.
 *
 *   hash of 64 bits   |-- 14: which register --|-- 50: the place of the first 1 --|      a register keeps the largest place
 *
 * The hash is our own and depends on nothing but the value, so the estimate is the same on every machine, in any order
 * and however the values were divided (registers merge by their maximum).
 */
import { nameOfKey } from '../data/key.ts';
import type { Value } from '../data/value.ts';
import type { Members } from './multiset.ts';

const INDEX_BITS = 14;
const REGISTERS = 1 << INDEX_BITS;
const REST_BITS = 64 - INDEX_BITS;
/** From so many registers in use on, a byte for each register takes less than entries of a map. */
const SPARSE_MAX = 512;
const MAP_ENTRY_BYTES = 80;
/** 1 / (2 ln 2), the constant for infinitely many registers. */
const ALPHA = 0.7213475204444817;

export class HyperLogLog implements Members {
  /** Few as a map, many as a byte for each. */
  #registers: Map<number, number> | Uint8Array = new Map();
  readonly #changed = new Set<number>();

  get memoryBytes(): number {
    return this.#registers instanceof Map ? this.#registers.size * MAP_ENTRY_BYTES : REGISTERS;
  }

  add(value: Value): void {
    const [high, low] = hash64(nameOfKey([value]));
    const rest = high << INDEX_BITS;
    const zeros = rest === 0 ? 32 - INDEX_BITS + Math.clz32(low) : Math.clz32(rest);
    this.#raise(high >>> (32 - INDEX_BITS), zeros + 1);
  }

  addAll(other: HyperLogLog): void {
    for (const [index, place] of other.#registers.entries()) this.#raise(index, place);
  }

  #raise(index: number, place: number): void {
    if (place <= this.#placeOf(index)) return;
    this.#set(index, place);
    this.#changed.add(index);
  }

  #placeOf(index: number): number {
    const registers = this.#registers;
    return (registers instanceof Map ? registers.get(index) : registers[index]) ?? 0;
  }

  #set(index: number, place: number): void {
    if (!(this.#registers instanceof Map)) {
      this.#registers[index] = place;
      return;
    }
    this.#registers.set(index, place);
    if (this.#registers.size <= SPARSE_MAX) return;
    const dense = new Uint8Array(REGISTERS);
    for (const [each, its] of this.#registers) dense[each] = its;
    this.#registers = dense;
  }

  /** The estimate, a whole number. */
  estimate(): number {
    const counts = new Uint32Array(REST_BITS + 2);
    const of = (place: number): number => counts[place] as number;
    let empty = REGISTERS;
    for (const place of this.#registers.values()) {
      if (place === 0) continue;
      counts[place] = of(place) + 1;
      empty--;
    }
    let z = REGISTERS * tau(1 - of(REST_BITS + 1) / REGISTERS);
    for (let place = REST_BITS; place >= 1; place--) z = (z + of(place)) / 2;
    z += REGISTERS * sigma(empty / REGISTERS);
    return Math.round((ALPHA * REGISTERS * REGISTERS) / z);
  }

  *takeChanges(): Iterable<readonly [Buffer, string]> {
    for (const index of this.#changed)
      yield [Buffer.of(index >> 8, index & 0xff), String(this.#placeOf(index))];
    this.#changed.clear();
  }

  restore(name: Buffer, value: Buffer): void {
    this.#set(name.readUInt16BE(0), Number(value.toString()));
  }
}

/** x + sum over k of x^(2^k) * 2^(k-1): what registers that are still empty tell. Infinite when all are. */
function sigma(empty: number): number {
  if (empty === 1) return Infinity;
  let x = empty;
  let y = 1;
  let z = x;
  for (let before = -1; z !== before;) {
    x *= x;
    before = z;
    z += x * y;
    y += y;
  }
  return z;
}

/** The counterpart for registers that are full. */
function tau(notFull: number): number {
  if (notFull === 0 || notFull === 1) return 0;
  let x = notFull;
  let y = 1;
  let z = 1 - x;
  for (let before = -1; z !== before;) {
    x = Math.sqrt(x);
    before = z;
    y /= 2;
    z -= (1 - x) ** 2 * y;
  }
  return z / 3;
}

/** Two hashes of 32 bits over the same text, mixed with each other; both as in MurmurHash3. */
export function hash64(text: string): readonly [high: number, low: number] {
  let high = 0x9747b28c;
  let low = 0x3c6ef372;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    high = mix(high, unit, 0xcc9e2d51, 0x1b873593);
    low = mix(low, unit, 0x239b961b, 0x38b34ae5);
  }
  high = finish(high ^ text.length);
  low = finish(low ^ high);
  return [finish((high + low) | 0), low];
}

function mix(hash: number, unit: number, first: number, second: number): number {
  let k = Math.imul(unit, first);
  k = Math.imul((k << 15) | (k >>> 17), second);
  const mixed = hash ^ k;
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}

function finish(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

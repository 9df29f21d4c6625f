/**
 * The keys of an operator by when it has to look at them, in the store: what comes due is one range up to the watermark, so
 * that neither memory nor a restart needs what does not.
 *
 *   <prefix> 0xFF 0xFF <number of the index> <time> <suffix>  →  the values of the key, as JSON
 *
 * It lies behind the index of `spilled-keys.ts`, in neither `indexRange` nor `allBelow`. The suffix tells entries of one time
 * apart.
 *
 * Invariants  Z3  Whatever the store alone has and is due by a watermark stands in the range of that watermark.
 */
import { encodeNumber } from '../data/key.ts';
import type { Row } from '../data/value.ts';
import type { Batch, Entry, Range } from '../state/store.ts';

const BEYOND_FACTS = 0xff;
/** Before and behind every suffix. */
const START = Buffer.alloc(0);
const END = Buffer.of(0xff);

export class TimeIndex {
  readonly #start: Buffer;
  /** In order: a later one wins. */
  readonly #operations: { readonly key: Buffer; readonly value: string | null }[] = [];
  /** What was before that, or up to it, was taken out when it came due. */
  #fromMs = -Infinity;
  #isBehind = false;
  #lastMs = -Infinity;

  /** An operator may have several, each with a number from 1 to 0xFE. */
  constructor(prefix: Buffer, number = 1) {
    this.#start = Buffer.concat([prefix, Buffer.of(BEYOND_FACTS, BEYOND_FACTS, number)]);
  }

  #keyOf(timeMs: number, suffix: Buffer): Buffer {
    return Buffer.concat([this.#start, encodeNumber(timeMs), suffix]);
  }

  add(timeMs: number, suffix: Buffer, key: Row): void {
    this.#operations.push({ key: this.#keyOf(timeMs, suffix), value: JSON.stringify(key) });
    if (timeMs <= this.#fromMs) {
      this.#fromMs = timeMs;
      this.#isBehind = false;
    }
    this.#lastMs = Math.max(this.#lastMs, timeMs);
  }

  /** The largest time that was ever added; -Infinity before the first. */
  get lastMs(): number {
    return this.#lastMs;
  }

  /** Goes on behind a restart. */
  recall(lastMs: number): void {
    this.#lastMs = lastMs;
  }

  remove(timeMs: number, suffix: Buffer): void {
    this.#operations.push({ key: this.#keyOf(timeMs, suffix), value: null });
  }

  /** Removes an entry that was read. */
  removeEntry({ key }: Pick<Entry, 'key'>): void {
    this.#operations.push({ key, value: null });
  }

  persist(batch: Batch): void {
    for (const { key, value } of this.#operations) {
      if (value === null) batch.delete(key);
      else batch.put(key, value);
    }
    this.#operations.length = 0;
  }

  /** What came due by then since the last range. REQUIRES that the operator takes it out. */
  ranges(untilMs: number): readonly Range[] {
    if (untilMs === -Infinity || untilMs < this.#fromMs || (this.#isBehind && untilMs === this.#fromMs))
      return [];
    const gte =
      this.#fromMs === -Infinity ? this.#start : this.#keyOf(this.#fromMs, this.#isBehind ? END : START);
    this.#fromMs = untilMs;
    this.#isBehind = true;
    return [{ gte, lt: this.#keyOf(untilMs, END) }];
  }
}

/** The values of the key of an entry of such an index. */
export function indexedKey({ value }: Pick<Entry, 'value'>): Row {
  return JSON.parse(value.toString()) as Row;
}

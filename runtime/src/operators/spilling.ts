/**
 * Operators whose memory is bounded: what the store holds and nobody asked for lately is forgotten, and read again when a
 * row needs it. Operators read nothing themselves: they put rows aside and say what they miss.
 *
 *   push ─► key in memory? ─ yes ─► as ever
 *                          ─ no ──► forgotten? ─ no ─► a new key
 *                                              ─ yes ─► the row is put aside ──► missing ─► (read) ─► resume: the rows, in order
 *   advance needs what is due ──► dueIndex ─► (read) ─► takeDue ──► due ─► (read) ─► resume
 *
 *   a restart is the case that everything was forgotten ──► recall: an index of the windows, nothing else
 *
 * Invariants  Z1  What an operator hands on until the end of an epoch does not depend on what it forgot before.
 *             Z2  Behind a restart it reads its index, then what rows and time ask for, and nothing else.
 */
import type { Entry, Range, Wanted } from '../state/store.ts';

export interface Spilling {
  /** Whether anything is in the store alone. */
  readonly isSpilled: boolean;
  /**
   * Forgets the least recently touched entries until about so many bytes are free. REQUIRES to be called right behind
   * `persist`, when everything is saved.
   */
  spill(bytes: number): void;
  /** What the rows that were put aside wait for; empty when there are none. */
  missing(): readonly Wanted[];
  /**
   * Of an operator with an index by time (time-index.ts): the parts of it, and of rows that lie in the order of time, to be
   * given to `takeDue` before `due` is asked.
   */
  dueIndex?(watermarkMs: number): readonly Range[];
  takeDue?(index: Iterable<Entry>, watermarkMs: number): void;
  /** What `advance` to this watermark and the `flush` behind it need besides. REQUIRES that nothing is missing. */
  due(watermarkMs: number): readonly Wanted[];
  /**
   * Goes on from the index that it wrote into the store, with nothing else in memory; false when that is not whole.
   * REQUIRES a new operator and the entries of `indexRange`.
   */
  recall(index: readonly Entry[]): boolean;
  /** Takes the entries of everything that is missing or due, those of one key together and in order. */
  resume(entries: Iterable<Entry>): void;
}

/** Picks the least recently touched until they make up so many bytes. `epoch`: in which a row touched it last. */
export function* coldest<T extends { readonly epoch: number }>(
  all: readonly T[],
  bytes: number,
  bytesOf: (each: T) => number,
): Iterable<T> {
  const perEpoch = new Map<number, number>();
  for (const each of all) perEpoch.set(each.epoch, (perEpoch.get(each.epoch) ?? 0) + bytesOf(each));
  let rest = bytes;
  let last = -Infinity;
  for (const [epoch, sum] of [...perEpoch].sort((a, b) => a[0] - b[0])) {
    last = epoch;
    if (sum >= rest) break;
    rest -= sum;
  }
  for (const each of all) {
    if (each.epoch > last || (each.epoch === last && rest <= 0)) continue;
    if (each.epoch === last) rest -= bytesOf(each);
    yield each;
  }
}

/** All entries whose ids begin with whole encoded values: no tag of a value, and none that follows an id, is 0xFF. */
export function rangeBelow(prefix: Buffer, idStart: Buffer): Range {
  const gte = Buffer.concat([prefix, idStart]);
  return { gte, lt: Buffer.concat([gte, Buffer.of(0xff)]) };
}

/** All that an operator has in the store but for its index. */
export function allBelow(prefix: Buffer): Range {
  return rangeBelow(prefix, Buffer.alloc(0));
}

/**
 * Operators whose memory is bounded: what the store holds and nobody asked for lately is forgotten, and read again when a
 * row needs it. Operators read nothing themselves: they put rows aside and say what they miss.
 *
 *   push ─► key in memory? ─ yes ─► as ever
 *                          ─ no ──► forgotten? ─ no ─► a new key
 *                                              ─ yes ─► the row is put aside ──► missing ─► (read) ─► resume: the rows, in order
 *   advance needs what is due ──► due ─► (read) ─► resume
 *
 * Invariant  M1  What an operator hands on until the end of an epoch does not depend on what it forgot before.
 */
import type { Entry, Wanted } from '../state/store.ts';

export interface Spilling {
  /** Whether anything is in the store alone. */
  readonly isSpilled: boolean;
  /**
   * Forgets the least recently touched entries until about so many bytes are free. REQUIRES to be called right behind
   * `persist` or a `restore`, when everything is saved.
   */
  spill(bytes: number): void;
  /** What the rows that were put aside wait for; empty when there are none. */
  missing(): readonly Wanted[];
  /** What `advance` to this watermark and the `flush` behind it need besides. REQUIRES that nothing is missing. */
  due(watermarkMs: number): readonly Wanted[];
  /** Takes the entries of everything that is missing or due, those of one key together and in order. */
  resume(entries: Iterable<Entry>): void;
}

/** What can be measured of an operator that forgets. */
export interface Touched {
  /** The epoch in which a row touched it last. */
  epoch: number;
  /** An estimate of what it takes in memory. */
  bytes: number;
}

/** Picks the least recently touched until they make up so many bytes. */
export function* coldest<T extends Touched>(all: readonly T[], bytes: number): Iterable<T> {
  const perEpoch = new Map<number, number>();
  for (const each of all) perEpoch.set(each.epoch, (perEpoch.get(each.epoch) ?? 0) + each.bytes);
  let rest = bytes;
  let last = -Infinity;
  for (const [epoch, sum] of [...perEpoch].sort((a, b) => a[0] - b[0])) {
    last = epoch;
    if (sum >= rest) break;
    rest -= sum;
  }
  for (const each of all) {
    if (each.epoch > last || (each.epoch === last && rest <= 0)) continue;
    if (each.epoch === last) rest -= each.bytes;
    yield each;
  }
}

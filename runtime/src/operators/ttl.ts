/**
 * Time-to-live in event time, decided by rows alone: an entry last touched at T is expired for a row whose watermark is
 * beyond T + ttlMs. Forgetting entries when time has passed that for everybody changes no answer. At the end of the input
 * nothing expires.
 *
 * A row that time caused has no watermark of its own. It came when the watermark reached its time and the allowed
 * lateness at the latest, so that counts as its watermark: all that was forgotten before it came is expired for it too.
 */
import { invariant } from '../base/invariant.ts';
import type { Row } from '../data/value.ts';
import type { Evaluate } from '../expr/evaluate.ts';
import type { Position } from './operator.ts';

export class Ttl {
  readonly #ttlMs: number;
  readonly #allowedMs: number;

  constructor(ttlMs: number, allowedMs: number) {
    this.#ttlMs = ttlMs;
    this.#allowedMs = allowedMs;
  }

  /** The watermark that a row brings. */
  nowMs(at: Position | null, rowMs: number): number {
    return at === null ? rowMs + this.#allowedMs : at.watermarkMs;
  }

  /** Whether an entry of that time is expired for a row that brings this watermark. */
  isExpired(touchedMs: number, nowMs: number): boolean {
    return nowMs > touchedMs + this.#ttlMs;
  }

  /** Entries touched up to then are expired for all rows to come. */
  expiredUntilMs(watermarkMs: number): number {
    return watermarkMs === Infinity ? -Infinity : watermarkMs - this.#ttlMs - 1;
  }
}

/** The event time of a row: that of its event, or the one in its columns when time caused it. */
export function timeOfRow(row: Row, at: Position | null, time: Evaluate | null): number {
  if (at !== null) return at.eventTimeMs;
  const value = time?.(row) ?? null;
  invariant(typeof value === 'number', 'a row that time caused has an event time among its columns');
  return value;
}

/**
 * Joins rows whose event times lie near each other: right.time in [left.time + lowerMs, left.time + upperMs], both ends
 * included. Pairs are handed on at once; the nulls of a left join when no partner can come any more.
 *
 *   left at t    waits for a right in   t + lower …… t + upper     until t + upper is over
 *   right at t   waits for a left in    t - upper …… t - lower     until t - lower is over
 *
 * A row that comes when its own time is over is late: rows it could have met may have been forgotten.
 *
 * State       an entry for each row that waits (see saved-items.ts): [row, time, whether it had a partner]
 * Invariants  Y6  A left join hands on the nulls of a row once, when its interval is over, and never takes them back.
 *             Y7  A row is forgotten exactly when no row that is not late can meet it.
 */
import { invariant } from '../base/invariant.ts';
import type { Row } from '../data/value.ts';
import type { Batch, Entry } from '../state/store.ts';
import { evaluated } from './evaluated.ts';
import {
  joinKeyOf,
  type JoinOperator,
  type JoinSpec,
  LEFT,
  pairOf,
  RIGHT,
  type Side,
  type TimedSideSpec,
} from './join.ts';
import type { Collector, LateRule, Position, Weight } from './operator.ts';
import { type SavedItem, SavedItems } from './saved-items.ts';
import { firstIndex } from './sorted-list.ts';
import { TimeQueue } from './time-queue.ts';

export interface IntervalJoinSpec extends JoinSpec {
  readonly left: TimedSideSpec;
  readonly right: TimedSideSpec;
  readonly lowerMs: number;
  /** Not below `lowerMs`. */
  readonly upperMs: number;
  readonly late: LateRule;
}

/** How long after its times a pair, or a row with nulls, may be handed on: what follows in event time waits longer by this. */
export function heldBackMs({ lowerMs, upperMs }: Pick<IntervalJoinSpec, 'lowerMs' | 'upperMs'>): number {
  return Math.max(0, upperMs, -lowerMs);
}

interface Waiting extends SavedItem {
  readonly kind: Side;
  readonly key: string;
  readonly row: Row;
  readonly timeMs: number;
  hasPartner: boolean;
}

export class IntervalJoin implements JoinOperator {
  readonly left: Collector = { push: (row, weight, at) => this.#push(LEFT, row, weight, at) };
  readonly right: Collector = { push: (row, weight, at) => this.#push(RIGHT, row, weight, at) };
  readonly #spec: IntervalJoinSpec;
  readonly #next: Collector;
  readonly #saved: SavedItems<Waiting>;
  /** For each side: key → its rows by time, those of one time in the order in which they came. */
  readonly #rows: readonly [left: Map<string, Waiting[]>, right: Map<string, Waiting[]>] = [
    new Map(),
    new Map(),
  ];
  /** The last time that can meet a row → the row. */
  readonly #due = new TimeQueue<Waiting>();

  constructor(spec: IntervalJoinSpec, next: Collector) {
    invariant(spec.lowerMs <= spec.upperMs, 'an interval begins before it ends');
    this.#spec = spec;
    this.#next = next;
    this.#saved = new SavedItems(spec.prefix, ({ row, timeMs, hasPartner }) => [row, timeMs, hasPartner]);
  }

  get size(): number {
    return this.#saved.size;
  }

  get memoryBytes(): number {
    return this.#saved.memoryBytes;
  }

  #push(side: Side, row: Row, weight: Weight, at: Position | null): void {
    invariant(weight === 1, 'an append-only input takes nothing back');
    const { late, onError } = this.#spec;
    const sideSpec = side === LEFT ? this.#spec.left : this.#spec.right;
    const timeMs = evaluated(sideSpec.time, row, weight, at, onError) as number | null | undefined;
    if (timeMs === undefined) return;
    if (at !== null && timeMs !== null && late.isOverFor(at, timeMs + 1)) {
      late.late(at, timeMs, timeMs + 1);
      return;
    }
    const key = joinKeyOf(row, sideSpec);
    if (timeMs === null || key === null) {
      // Nothing can become its partner.
      if (side === LEFT) this.#pushNulls(row, at);
      return;
    }
    const serial = this.#saved.nextSerial();
    const own: Waiting = { kind: side, serial, isSaved: false, key, row, timeMs, hasPartner: false };
    this.#hold(own);
    this.#saved.add(own);
    this.#pair(own, at);
  }

  #hold(own: Waiting): void {
    const rows = this.#rows[own.kind].get(own.key);
    if (rows === undefined) this.#rows[own.kind].set(own.key, [own]);
    else
      rows.splice(
        firstIndex(rows, ({ timeMs }) => timeMs > own.timeMs),
        0,
        own,
      );
    this.#due.add(this.#dueMs(own), own);
  }

  #pair(own: Waiting, at: Position | null): void {
    const { lowerMs, upperMs } = this.#spec;
    const isLeft = own.kind === LEFT;
    const [fromMs, toMs] = isLeft
      ? [own.timeMs + lowerMs, own.timeMs + upperMs]
      : [own.timeMs - upperMs, own.timeMs - lowerMs];
    const others = this.#rows[isLeft ? RIGHT : LEFT].get(own.key) ?? [];
    for (let index = firstIndex(others, ({ timeMs }) => timeMs >= fromMs); index < others.length; index++) {
      const other = others[index] as Waiting;
      if (other.timeMs > toMs) break;
      const [left, right] = isLeft ? [own, other] : [other, own];
      const pair = pairOf(this.#spec, left.row, right.row, 1, at);
      if (pair === null) continue;
      this.#foundPartner(left);
      this.#next.push(pair, 1, at);
    }
  }

  #foundPartner(left: Waiting): void {
    if (left.hasPartner || this.#spec.type === 'inner') return;
    left.hasPartner = true;
    this.#saved.change(left);
  }

  #pushNulls(row: Row, at: Position | null): void {
    if (this.#spec.type === 'left') this.#next.push(this.#spec.project(row, null), 1, at);
  }

  advance(watermarkMs: number): void {
    const overMs = watermarkMs - this.#spec.late.allowedMs;
    const keys: readonly [left: Set<string>, right: Set<string>] = [new Set(), new Set()];
    for (const own of this.#due.take(overMs)) {
      if (own.kind === LEFT && !own.hasPartner) this.#pushNulls(own.row, null);
      this.#saved.remove(own);
      keys[own.kind].add(own.key);
    }
    for (const side of [LEFT, RIGHT] as const) for (const key of keys[side]) this.#forget(side, key, overMs);
  }

  /** All at once, since what is over comes first among the rows of a key. */
  #forget(side: Side, key: string, overMs: number): void {
    const rows = this.#rows[side].get(key) ?? [];
    rows.splice(
      0,
      firstIndex(rows, (row) => this.#dueMs(row) > overMs),
    );
    if (rows.length === 0) this.#rows[side].delete(key);
  }

  /** The last time that can meet a row. */
  #dueMs({ kind, timeMs }: Waiting): number {
    return timeMs + (kind === LEFT ? this.#spec.upperMs : -this.#spec.lowerMs);
  }

  flush(): void {
    // Everything was handed on when it was certain.
  }

  persist(batch: Batch): void {
    this.#saved.persist(batch);
  }

  restore(entries: Iterable<Entry>): void {
    this.#saved.restore(entries, (saved, { kind: savedKind, serial, isSaved }) => {
      const kind = savedKind as Side;
      const [row, timeMs, hasPartner] = saved as [Row, number, boolean];
      const key = joinKeyOf(row, kind === LEFT ? this.#spec.left : this.#spec.right);
      invariant(key !== null, 'a row that joins nothing is not kept');
      const own: Waiting = { kind, serial, isSaved, key, row, timeMs, hasPartner };
      this.#hold(own);
      return own;
    });
  }
}

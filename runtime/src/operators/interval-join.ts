/**
 * Joins rows whose event times lie near each other: right.time in [left.time + lowerMs, left.time + upperMs], both ends
 * included. Pairs are handed on at once; the nulls of a left join when no partner can come any more.
 *
 *   left at t    waits for a right in   t + lower …… t + upper     until t + upper is over
 *   right at t   waits for a left in    t - upper …… t - lower     until t - lower is over
 *
 * A row that comes when its own time is over is late: rows it could have met may have been forgotten.
 *
 * State       an entry for each row that waits, under its key (see saved-items.ts): [row, time, whether it had a partner]. Keys
 *             that were not touched for long may be in the store alone (spilling.ts); an index by time says whose rows come
 *             due (time-index.ts)
 * Invariants  Y6  A left join hands on the nulls of a row once, when its interval is over, and never takes them back.
 *             Y7  A row is forgotten exactly when no row that is not late can meet it.
 */
import { invariant } from '../base/invariant.ts';
import { encodeKey, nameOfKey } from '../data/key.ts';
import type { Row } from '../data/value.ts';
import type { Batch, Entry, Range, Wanted } from '../state/store.ts';
import { DueKeys } from './due-keys.ts';
import { evaluated } from './evaluated.ts';
import {
  type JoinAside,
  type JoinOperator,
  type JoinSpec,
  joinValuesOf,
  LEFT,
  NO_KEY,
  pairOf,
  RIGHT,
  type Side,
  type TimedSideSpec,
} from './join.ts';
import type { Collector, LateRule, Position, Weight } from './operator.ts';
import { itemSuffix, kindOf, type SavedFacts, type SavedItem, SavedItems, serialOf } from './saved-items.ts';
import { firstIndex } from './sorted-list.ts';
import { SpilledKeys } from './spilled-keys.ts';
import { coldest, rangeBelow, type Spilling } from './spilling.ts';
import { indexedKey, TimeIndex } from './time-index.ts';
import { TimeQueue } from './time-queue.ts';

export interface IntervalJoinSpec extends JoinSpec {
  readonly left: TimedSideSpec;
  readonly right: TimedSideSpec;
  readonly lowerMs: number;
  /** Not below `lowerMs`. */
  readonly upperMs: number;
  readonly late: LateRule;
  /** Whether all that leaves takes one way, so that rows may wait together without meeting others out of order. */
  readonly mayWait: boolean;
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

/** The rows of a key, of each side by time, those of one time in the order in which they came. */
interface Bucket {
  readonly rows: readonly [left: Waiting[], right: Waiting[]];
  /** In which a row of it came last. */
  epoch: number;
}

interface TimedAside extends JoinAside {
  readonly timeMs: number;
}

export class IntervalJoin implements JoinOperator, Spilling {
  readonly left: Collector = { push: (row, weight, at) => this.#push(LEFT, row, weight, at) };
  readonly right: Collector = { push: (row, weight, at) => this.#push(RIGHT, row, weight, at) };
  readonly #spec: IntervalJoinSpec;
  readonly #next: Collector;
  readonly #saved: SavedItems<Waiting>;
  readonly #buckets = new Map<string, Bucket>();
  /** The last time that can meet a row → the row. */
  #due = new TimeQueue<Waiting>();
  readonly #spilled: SpilledKeys<TimedAside>;
  readonly #times: TimeIndex;
  /** Keys in the store alone with rows that are due and hand something on. */
  readonly #dueKeys: DueKeys;
  #epoch = 0;

  constructor(spec: IntervalJoinSpec, next: Collector) {
    invariant(spec.lowerMs <= spec.upperMs, 'an interval begins before it ends');
    this.#spec = spec;
    this.#next = next;
    this.#spilled = new SpilledKeys(spec.prefix, -1);
    this.#times = new TimeIndex(spec.prefix);
    this.#dueKeys = new DueKeys(spec.prefix, (key) => encodeKey(key));
    this.#saved = new SavedItems(
      spec.prefix,
      ({ row, timeMs, hasPartner }) => [row, timeMs, hasPartner],
      (own) => encodeKey(this.#keyOf(own)),
      (own, change) => {
        if (change === 1) this.#times.add(this.#dueMs(own), itemSuffix(own), this.#keyOf(own));
        else this.#times.remove(this.#dueMs(own), itemSuffix(own));
      },
    );
  }

  get size(): number {
    return this.#saved.size;
  }

  get memoryBytes(): number {
    return this.#saved.memoryBytes + this.#spilled.memoryBytes;
  }

  #keyOf({ kind, row }: Pick<Waiting, 'kind' | 'row'>): Row {
    return joinValuesOf(row, kind === LEFT ? this.#spec.left : this.#spec.right) ?? NO_KEY;
  }

  #push(side: Side, row: Row, weight: Weight, at: Position | null): void {
    invariant(weight === 1, 'an append-only input takes nothing back');
    const { late, onError } = this.#spec;
    const sideSpec = side === LEFT ? this.#spec.left : this.#spec.right;
    const time = evaluated(sideSpec.time, row, weight, at, onError) as number | null | undefined;
    if (time === undefined) return;
    if (at !== null && time !== null && late.isOverFor(at, time + 1)) {
      late.late(at, time, time + 1);
      return;
    }
    const key = time === null ? NO_KEY : (joinValuesOf(row, sideSpec) ?? NO_KEY);
    const aside: TimedAside = { side, key, name: nameOfKey(key), row, weight, at, timeMs: time ?? 0 };
    if (this.#mustWait(aside)) this.#spilled.putAside(aside);
    else this.#take(aside);
  }

  /** For its own key, or behind others that wait, since pairs are handed on at once. */
  #mustWait({ key, name }: JoinAside): boolean {
    if (this.#spilled.hasAside) return true;
    return key !== NO_KEY && !this.#buckets.has(name) && this.#spilled.mayHave(key, name);
  }

  #take({ side, key, name, row, at, timeMs }: TimedAside): void {
    if (key === NO_KEY) {
      // Nothing can become its partner.
      if (side === LEFT) this.#pushNulls(row, at);
      return;
    }
    const serial = this.#saved.nextSerial();
    const own: Waiting = { kind: side, serial, isSaved: false, key: name, row, timeMs, hasPartner: false };
    const bucket = this.#hold(own);
    this.#saved.add(own);
    this.#pair(own, bucket, at);
  }

  #hold(own: Waiting): Bucket {
    let bucket = this.#buckets.get(own.key);
    if (bucket === undefined) this.#buckets.set(own.key, (bucket = { rows: [[], []], epoch: 0 }));
    bucket.epoch = this.#epoch;
    const rows = bucket.rows[own.kind];
    rows.splice(
      firstIndex(rows, ({ timeMs }) => timeMs > own.timeMs),
      0,
      own,
    );
    this.#due.add(this.#dueMs(own), own);
    return bucket;
  }

  #pair(own: Waiting, { rows }: Bucket, at: Position | null): void {
    const { lowerMs, upperMs } = this.#spec;
    const isLeft = own.kind === LEFT;
    const [fromMs, toMs] = isLeft
      ? [own.timeMs + lowerMs, own.timeMs + upperMs]
      : [own.timeMs - upperMs, own.timeMs - lowerMs];
    const others = rows[isLeft ? RIGHT : LEFT];
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
    const overMs = this.#overMs(watermarkMs);
    const keys = new Set<string>();
    for (const own of this.#due.take(overMs)) {
      if (own.kind === LEFT && !own.hasPartner) this.#pushNulls(own.row, null);
      this.#saved.remove(own);
      keys.add(own.key);
    }
    for (const key of keys) this.#forget(key, overMs);
    this.#spilled.passed(overMs);
  }

  #overMs(watermarkMs: number): number {
    return watermarkMs - this.#spec.late.allowedMs;
  }

  /** All at once, since what is over comes first among the rows of a key. */
  #forget(key: string, overMs: number): void {
    const bucket = this.#buckets.get(key) as Bucket;
    for (const rows of bucket.rows) {
      rows.splice(
        0,
        firstIndex(rows, (row) => this.#dueMs(row) > overMs),
      );
    }
    if (bucket.rows.every((rows) => rows.length === 0)) this.#buckets.delete(key);
  }

  /** The last time that can meet a row. */
  #dueMs({ kind, timeMs }: Pick<Waiting, 'kind' | 'timeMs'>): number {
    return timeMs + (kind === LEFT ? this.#spec.upperMs : -this.#spec.lowerMs);
  }

  flush(): void {
    // Everything was handed on when it was certain.
  }

  persist(batch: Batch): void {
    this.#saved.persist(batch);
    this.#epoch++;
    if (this.spilling === null) return;
    this.#times.persist(batch);
    this.#spilled.persist(batch, { ...this.#saved.facts, untilMs: this.#times.lastMs });
  }

  recall(index: readonly Entry[]): boolean {
    const facts = this.#spilled.recall(index) as (SavedFacts & { readonly untilMs: number | null }) | null;
    if (facts === null) return false;
    const untilMs = facts.untilMs ?? -Infinity;
    this.#saved.recall(facts);
    this.#times.recall(untilMs);
    if (facts.size > 0) this.#spilled.addAny(untilMs);
    return true;
  }

  restore(entries: Iterable<Entry>): void {
    this.#saved.restore(entries, (saved, place) => this.#comeBack(saved, place));
  }

  #comeBack(saved: unknown, { kind: savedKind, serial, isSaved }: SavedItem): Waiting {
    const kind = savedKind as Side;
    const [row, timeMs, hasPartner] = saved as [Row, number, boolean];
    const key = nameOfKey(this.#keyOf({ kind, row }));
    const own: Waiting = { kind, serial, isSaved, key, row, timeMs, hasPartner };
    this.#hold(own);
    return own;
  }

  get spilling(): Spilling | null {
    return this.#spec.mayWait ? this : null;
  }

  get isSpilled(): boolean {
    return this.#spilled.size > 0;
  }

  spill(bytes: number): void {
    const { itemBytes } = this.#saved;
    const all = [...this.#buckets].map(([name, { rows, epoch }]) => ({ name, all: rows.flat(), epoch }));
    for (const { name, all: rows } of coldest(all, bytes, (each) => each.all.length * itemBytes)) {
      this.#buckets.delete(name);
      for (const own of rows) {
        this.#saved.drop(own);
        this.#spilled.add(NO_KEY, name);
      }
    }
    // It would hold what is forgotten until its time.
    this.#due = new TimeQueue();
    for (const { rows } of this.#buckets.values())
      for (const own of rows.flat()) this.#due.add(this.#dueMs(own), own);
  }

  missing(): readonly Wanted[] {
    const isMissing = (key: Row): boolean => key !== NO_KEY && !this.#buckets.has(nameOfKey(key));
    return [...this.#spilled.missing()].filter(isMissing).map((key) => this.#rangeOf(key));
  }

  #rangeOf(key: Row): Range {
    return rangeBelow(this.#spec.prefix, encodeKey(key));
  }

  dueIndex(watermarkMs: number): readonly Range[] {
    return this.#times.ranges(this.#overMs(watermarkMs));
  }

  /** A row of the left may be handed on with nulls; the others are forgotten unseen. */
  takeDue(index: Iterable<Entry>): void {
    const unseen: [key: Row, entry: Entry][] = [];
    for (const entry of index) {
      const key = indexedKey(entry);
      const name = nameOfKey(key);
      if (this.#buckets.has(name)) continue;
      if (this.#spec.type === 'left' && kindOf(entry.key) === LEFT) this.#dueKeys.want(key, name);
      else unseen.push([key, entry]);
    }
    for (const [key, entry] of unseen) {
      const name = nameOfKey(key);
      if (this.#dueKeys.has(name)) continue;
      this.#times.removeEntry(entry);
      this.#saved.removeUnseen(encodeKey(key), { kind: kindOf(entry.key), serial: serialOf(entry.key) });
      this.#spilled.remove(NO_KEY, name);
    }
  }

  due(): readonly Wanted[] {
    return this.#dueKeys.take();
  }

  resume(entries: Iterable<Entry>): void {
    const returned = new Set<string>();
    this.#saved.resume(entries, (saved, place) => {
      const key = nameOfKey(this.#keyOf({ kind: place.kind as Side, row: (saved as [Row])[0] }));
      if (!returned.has(key) && this.#buckets.has(key)) return null;
      returned.add(key);
      this.#spilled.remove(NO_KEY, key);
      return this.#comeBack(saved, place);
    });
    for (const aside of this.#spilled.takeAside()) this.#take(aside);
  }
}

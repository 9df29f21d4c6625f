/**
 * Joins every row of the left with every row of the right that has its key, whenever they come and however often they
 * are taken back. Pairs are handed on at once; the nulls of a left join only at the end of the epoch, so that a partner
 * that comes with its row shows none.
 *
 *   row ──► pairs with the rows of the other side that are not expired ──► remembered for `ttlMs` of event time
 *
 * State       the rows of both sides: see join-rows.ts. What was not touched for long may be in the store alone (spilling.ts);
 *             an index by time says which rows are to be forgotten (time-index.ts)
 * Invariants  Y3  Whether a row is expired for another is decided by the two, never by when it was forgotten.
 */
import { invariant } from '../base/invariant.ts';
import { nameOfKey } from '../data/key.ts';
import type { Row } from '../data/value.ts';
import type { Evaluate } from '../expr/evaluate.ts';
import type { Batch, Entry, Range, Wanted } from '../state/store.ts';
import {
  type ChangingSideSpec,
  type JoinAside,
  type JoinOperator,
  type JoinSpec,
  joinValuesOf,
  LEFT,
  NO_KEY,
  RIGHT,
  type Side,
} from './join.ts';
import { type JoinRow, JoinRows, type Life } from './join-rows.ts';
import type { Collector, Position, Weight } from './operator.ts';
import { itemSuffix, type SavedFacts } from './saved-items.ts';
import { SpilledKeys } from './spilled-keys.ts';
import type { Spilling } from './spilling.ts';
import { indexedKey, TimeIndex } from './time-index.ts';
import { TimeQueue } from './time-queue.ts';
import { timeOfRow, Ttl } from './ttl.ts';

export interface RegularJoinSpec extends JoinSpec {
  readonly left: RegularSideSpec;
  readonly right: RegularSideSpec;
  /** How long a row is remembered; null for ever. REQUIRES append-only inputs. */
  readonly ttlMs: number | null;
  /** The lateness that the sources allow. */
  readonly allowedMs: number;
  /** Whether all that leaves takes one way, so that rows may wait together without meeting others out of order. */
  readonly mayWait: boolean;
}

export interface RegularSideSpec extends ChangingSideSpec {
  /** Needed with `ttlMs` when time causes rows: their event time, never null. */
  readonly time: Evaluate | null;
  /** A row meets nothing new once the watermark has passed the time in this column by so much; null: it may, for ever. */
  readonly held: { readonly column: number; readonly ms: number } | null;
}

export class RegularJoin implements JoinOperator, Spilling {
  readonly left: Collector = { push: (row, weight, at) => this.#push(LEFT, row, weight, at) };
  readonly right: Collector = { push: (row, weight, at) => this.#push(RIGHT, row, weight, at) };
  readonly #spec: RegularJoinSpec;
  readonly #next: Collector;
  readonly #rows: JoinRows;
  readonly #ttl: Ttl | null;
  /** Rows by the time at which they are forgotten: see `#timeOf`. */
  #expiring = new TimeQueue<JoinRow>();
  readonly #spilled: SpilledKeys<JoinAside>;
  readonly #times: TimeIndex;

  constructor(spec: RegularJoinSpec, next: Collector) {
    const isAppendOnly = !spec.left.retracts && !spec.right.retracts;
    invariant(spec.ttlMs === null || isAppendOnly, 'only append-only inputs have a time-to-live');
    this.#spec = spec;
    this.#next = next;
    const onStored = (row: JoinRow, change: 1 | -1): void => this.#noteStored(row, change);
    this.#rows = new JoinRows(spec, { nullsAt: 'flush', windowIndex: -1, onStored }, next);
    this.#spilled = new SpilledKeys(spec.prefix, -1);
    this.#times = new TimeIndex(spec.prefix);
    this.#ttl = spec.ttlMs === null ? null : new Ttl(spec.ttlMs, spec.allowedMs);
  }

  get size(): number {
    return this.#rows.size;
  }

  get memoryBytes(): number {
    return this.#rows.memoryBytes + this.#spilled.memoryBytes;
  }

  #push(side: Side, row: Row, weight: Weight, at: Position | null): void {
    const key = joinValuesOf(row, side === LEFT ? this.#spec.left : this.#spec.right) ?? NO_KEY;
    const aside = { side, key, name: nameOfKey(key), row, weight, at };
    if (this.#mustWait(aside)) this.#spilled.putAside(aside);
    else this.#take(aside);
  }

  /** For its own key, or behind others that wait, since pairs are handed on at once. */
  #mustWait({ key, name }: JoinAside): boolean {
    if (this.#spilled.size === 0) return false;
    if (this.#spilled.hasAside) return true;
    return key !== NO_KEY && !this.#rows.has(name) && this.#spilled.mayHave(key, name);
  }

  #take({ side, key, name, row, weight, at }: JoinAside): void {
    const { type, project, left, right } = this.#spec;
    if (key === NO_KEY) {
      // Nothing can become its partner.
      if (side === LEFT && type === 'left') this.#next.push(project(row, null), weight, at);
      return;
    }
    const ttl = this.#ttl;
    if (ttl === null) {
      const own = this.#rows.push(side, name, row, weight, at);
      // What stands for equal rows is there once.
      if (weight === 1 && own.count === 1) this.#enqueue(own);
      return;
    }
    const timeMs = timeOfRow(row, at, (side === LEFT ? left : right).time);
    const life: Life = { timeMs, nowMs: ttl.nowMs(at, timeMs), isPlaced: at !== null };
    const isExpired = (other: JoinRow): boolean => !meet(ttl, other.life, life);
    this.#enqueue(this.#rows.push(side, name, row, weight, at, { life, isExpired }));
  }

  /** The time that must pass until no row can meet this one; null: one may, for ever. */
  #timeOf({ kind, row, life }: JoinRow): number | null {
    if (this.#ttl !== null) return life.timeMs;
    const { held } = kind === LEFT ? this.#spec.left : this.#spec.right;
    return held === null ? null : (row[held.column] as number) + held.ms;
  }

  #enqueue(row: JoinRow): void {
    const timeMs = this.#timeOf(row);
    if (timeMs !== null) this.#expiring.add(timeMs, row);
  }

  #noteStored(row: JoinRow, change: 1 | -1): void {
    const timeMs = this.#timeOf(row);
    if (timeMs === null) return;
    if (change === 1) this.#times.add(timeMs, itemSuffix(row), this.#rows.keyOf(row));
    else this.#times.remove(timeMs, itemSuffix(row));
  }

  /** The times that have passed when the watermark is this: with a time-to-live, or as a window that ends then is over. */
  #passedMs(watermarkMs: number): number {
    return this.#ttl?.expiredUntilMs(watermarkMs) ?? watermarkMs - this.#spec.allowedMs + 1;
  }

  advance(watermarkMs: number): void {
    const untilMs = this.#passedMs(watermarkMs);
    // One that was taken back is not there any more.
    for (const row of this.#expiring.take(untilMs)) if (row.count > 0) this.#rows.expire(row);
    this.#spilled.passed(untilMs);
  }

  flush(): void {
    this.#rows.flush();
  }

  persist(batch: Batch): void {
    this.#rows.persist(batch);
    if (this.spilling === null) return;
    this.#times.persist(batch);
    const untilMs = this.#isForgotten ? this.#times.lastMs : null;
    this.#spilled.persist(batch, { ...this.#rows.facts, untilMs });
  }

  /** Whether every row is forgotten some time. */
  get #isForgotten(): boolean {
    const { left, right } = this.#spec;
    return this.#ttl !== null || (left.held !== null && right.held !== null);
  }

  recall(index: readonly Entry[]): boolean {
    const facts = this.#spilled.recall(index) as (SavedFacts & { readonly untilMs?: number | null }) | null;
    if (facts === null) return false;
    this.#rows.recall(facts);
    this.#times.recall(facts.untilMs ?? -Infinity);
    if (facts.size > 0) this.#spilled.addAny(facts.untilMs ?? null);
    return true;
  }

  restore(entries: Iterable<Entry>): void {
    this.#rows.restore(entries, (row) => this.#enqueue(row));
  }

  get spilling(): Spilling | null {
    return this.#spec.mayWait ? this : null;
  }

  get isSpilled(): boolean {
    return this.#spilled.size > 0;
  }

  spill(bytes: number): void {
    this.#rows.spill(bytes, (row) => this.#spilled.add(NO_KEY, row.key));
    // It would hold what is forgotten until its time.
    this.#expiring = new TimeQueue();
    for (const row of this.#rows) this.#enqueue(row);
  }

  missing(): readonly Wanted[] {
    const isMissing = (key: Row): boolean => key !== NO_KEY && !this.#rows.has(nameOfKey(key));
    return [...this.#spilled.missing()].filter(isMissing).map((key) => this.#rows.rangeOf(key));
  }

  dueIndex(watermarkMs: number): readonly Range[] {
    return this.#times.ranges(this.#passedMs(watermarkMs));
  }

  /** What the store alone has is forgotten unseen: nothing is handed on for it. */
  takeDue(index: Iterable<Entry>): void {
    for (const entry of index) {
      const key = indexedKey(entry);
      const name = nameOfKey(key);
      if (this.#rows.has(name)) continue;
      this.#times.removeEntry(entry);
      this.#rows.removeUnseen(key, entry.key);
      this.#spilled.remove(NO_KEY, name);
    }
  }

  due(): readonly Wanted[] {
    return [];
  }

  resume(entries: Iterable<Entry>): void {
    this.#rows.resume(entries, (row) => {
      this.#spilled.remove(NO_KEY, row.key);
      this.#enqueue(row);
    });
    for (const aside of this.#spilled.takeAside()) this.#take(aside);
  }
}

/**
 * Y3: of two rows of the log the earlier must not be expired for the later. When time caused one of them, which of the two
 * is here first depends on the cut, so neither may be expired for the other.
 */
function meet(ttl: Ttl, held: Life, coming: Life): boolean {
  if (ttl.isExpired(held.timeMs, coming.nowMs)) return false;
  return (held.isPlaced && coming.isPlaced) || !ttl.isExpired(coming.timeMs, held.nowMs);
}

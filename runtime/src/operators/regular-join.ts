/**
 * Joins every row of the left with every row of the right that has its key, whenever they come and however often they
 * are taken back. Pairs are handed on at once; the nulls of a left join only at the end of the epoch, so that a partner
 * that comes with its row shows none.
 *
 *   row ──► pairs with the rows of the other side that are not expired ──► remembered for `ttlMs` of event time
 *
 * State       the rows of both sides: see join-rows.ts
 * Invariants  Y3  Whether a row is expired for another is decided by the two, never by when it was forgotten.
 */
import { invariant } from '../base/invariant.ts';
import { nameOfKey } from '../data/key.ts';
import type { Row } from '../data/value.ts';
import type { Evaluate } from '../expr/evaluate.ts';
import type { Batch, Entry, Wanted } from '../state/store.ts';
import {
  type ChangingSideSpec,
  type JoinOperator,
  type JoinSpec,
  joinValuesOf,
  LEFT,
  RIGHT,
  type Side,
} from './join.ts';
import { joinId, type JoinRow, JoinRows, type Life } from './join-rows.ts';
import type { Collector, Position, Weight } from './operator.ts';
import type { SavedFacts } from './saved-items.ts';
import { type Aside, SpilledKeys } from './spilled-keys.ts';
import { rangeBelow, type Spilling } from './spilling.ts';
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

/** Of a row that joins nothing. */
const NO_KEY: Row = [];

interface SideAside extends Aside {
  readonly side: Side;
}

export class RegularJoin implements JoinOperator, Spilling {
  readonly left: Collector = { push: (row, weight, at) => this.#push(LEFT, row, weight, at) };
  readonly right: Collector = { push: (row, weight, at) => this.#push(RIGHT, row, weight, at) };
  readonly #spec: RegularJoinSpec;
  readonly #next: Collector;
  readonly #rows: JoinRows;
  readonly #ttl: Ttl | null;
  readonly #expiring = new TimeQueue<JoinRow>();
  readonly #held = new TimeQueue<JoinRow>();
  readonly #spilled: SpilledKeys<SideAside>;

  constructor(spec: RegularJoinSpec, next: Collector) {
    const isAppendOnly = !spec.left.retracts && !spec.right.retracts;
    invariant(spec.ttlMs === null || isAppendOnly, 'only append-only inputs have a time-to-live');
    this.#spec = spec;
    this.#next = next;
    this.#rows = new JoinRows(spec, 'flush', next);
    this.#spilled = new SpilledKeys(spec.prefix, -1);
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
  #mustWait({ key, name }: SideAside): boolean {
    if (this.#spilled.size === 0) return false;
    if (this.#spilled.hasAside) return true;
    return key !== NO_KEY && !this.#rows.has(name) && this.#spilled.mayHave(key, name);
  }

  #take({ side, key, name, row, weight, at }: SideAside): void {
    const { type, project, left, right } = this.#spec;
    if (key === NO_KEY) {
      // Nothing can become its partner.
      if (side === LEFT && type === 'left') this.#next.push(project(row, null), weight, at);
      return;
    }
    const ttl = this.#ttl;
    if (ttl === null) {
      this.#hold(this.#rows.push(side, name, row, weight, at));
      return;
    }
    const timeMs = timeOfRow(row, at, (side === LEFT ? left : right).time);
    const life: Life = { timeMs, nowMs: ttl.nowMs(at, timeMs), isPlaced: at !== null };
    const isExpired = (other: JoinRow): boolean => !meet(ttl, other.life, life);
    this.#expiring.add(timeMs, this.#rows.push(side, name, row, weight, at, { life, isExpired }));
  }

  #hold(row: JoinRow): void {
    const { held } = row.kind === LEFT ? this.#spec.left : this.#spec.right;
    if (held !== null) this.#held.add((row.row[held.column] as number) + held.ms, row);
  }

  advance(watermarkMs: number): void {
    // The window that ends then is over: see `isOver`.
    for (const row of this.#held.take(watermarkMs - this.#spec.allowedMs + 1)) this.#rows.expire(row);
    if (this.#ttl === null) return;
    for (const row of this.#expiring.take(this.#ttl.expiredUntilMs(watermarkMs))) this.#rows.expire(row);
  }

  flush(): void {
    this.#rows.flush();
  }

  persist(batch: Batch): void {
    this.#rows.persist(batch);
    if (this.spilling !== null) this.#spilled.persist(batch, this.#rows.facts);
  }

  recall(index: readonly Entry[]): boolean {
    const facts = this.#spilled.recall(index) as SavedFacts | null;
    if (facts === null) return false;
    this.#rows.recall(facts);
    if (facts.size > 0) this.#spilled.addAny();
    return true;
  }

  restore(entries: Iterable<Entry>): void {
    this.#rows.restore(entries, (row) => {
      if (this.#ttl === null) this.#hold(row);
      else this.#expiring.add(row.life.timeMs, row);
    });
  }

  /** Rows that time forgets are few, and all of them are needed. */
  get spilling(): Spilling | null {
    const { ttlMs, left, right, mayWait } = this.#spec;
    return mayWait && ttlMs === null && left.held === null && right.held === null ? this : null;
  }

  get isSpilled(): boolean {
    return this.#spilled.size > 0;
  }

  spill(bytes: number): void {
    this.#rows.spill(bytes, (name) => this.#spilled.add(NO_KEY, name));
  }

  missing(): readonly Wanted[] {
    const isMissing = (key: Row): boolean => key !== NO_KEY && !this.#rows.has(nameOfKey(key));
    const keys = [...this.#spilled.missing()].filter(isMissing);
    return keys.map((key) => rangeBelow(this.#spec.prefix, joinId(key)));
  }

  due(): readonly Wanted[] {
    return [];
  }

  resume(entries: Iterable<Entry>): void {
    this.#rows.resume(entries, (name) => this.#spilled.remove(NO_KEY, name));
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

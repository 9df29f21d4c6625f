/**
 * Joins the rows of one window: the keys hold a window of each side. Pairs are handed on at once; the nulls of a left
 * join only when the window is over, when no partner can come any more.
 *
 *   row ──► window over? ── yes ─► late rule       no ─► pairs with the rows of its key and window
 *   watermark passes the window ──► (left join: rows without a partner, with nulls) and forget
 *
 * State       the rows of both sides: see join-rows.ts. What was not touched for long may be in the store alone: spilling.ts
 * Invariants  Y4  A left join hands on no nulls of a window before it is over, and never takes them back.
 *             Y5  Nothing is held of a window that is over.
 */
import { invariant } from '../base/invariant.ts';
import { nameOfKey } from '../data/key.ts';
import type { Row, WindowValue } from '../data/value.ts';
import type { Batch, Entry, Wanted } from '../state/store.ts';
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
import { type JoinRow, JoinRows } from './join-rows.ts';
import type { Collector, LateRule, Position, Weight } from './operator.ts';
import type { SavedFacts } from './saved-items.ts';
import { SpilledKeys } from './spilled-keys.ts';
import { rangeBelow, type Spilling } from './spilling.ts';
import { TimeQueue } from './time-queue.ts';

export interface WindowJoinSpec extends JoinSpec {
  readonly left: WindowSideSpec;
  readonly right: WindowSideSpec;
  /** The largest lateness that a source of either side allows. */
  readonly late: LateRule;
  /** Whether all that leaves takes one way, so that rows may wait together without meeting others out of order. */
  readonly mayWait: boolean;
}

export interface WindowSideSpec extends ChangingSideSpec {
  /** The column of the keys that is the window. */
  readonly window: number;
}

export class WindowJoin implements JoinOperator, Spilling {
  readonly left: Collector = { push: (row, weight, at) => this.#push(LEFT, row, weight, at) };
  readonly right: Collector = { push: (row, weight, at) => this.#push(RIGHT, row, weight, at) };
  readonly #spec: WindowJoinSpec;
  readonly #next: Collector;
  readonly #rows: JoinRows;
  /** Window end → its keys. */
  #open = new TimeQueue<string>();
  readonly #spilled: SpilledKeys<JoinAside>;

  constructor(spec: WindowJoinSpec, next: Collector) {
    for (const { keys, window } of [spec.left, spec.right])
      invariant(keys.includes(window), 'the window is one of the keys');
    const windowIndex = spec.left.keys.indexOf(spec.left.window);
    invariant(spec.right.keys[windowIndex] === spec.right.window, 'the windows are a pair of the keys');
    this.#spec = spec;
    this.#next = next;
    this.#spilled = new SpilledKeys(spec.prefix, windowIndex);
    const onStored = (row: JoinRow, change: 1 | -1): void =>
      this.#spilled.stored(this.#rows.keyOf(row), change);
    this.#rows = new JoinRows(spec, { nullsAt: 'close', windowIndex, onStored }, next);
  }

  get size(): number {
    return this.#rows.size;
  }

  get memoryBytes(): number {
    return this.#rows.memoryBytes + this.#spilled.memoryBytes;
  }

  #push(side: Side, row: Row, weight: Weight, at: Position | null): void {
    const { late, left, right } = this.#spec;
    const sideSpec = side === LEFT ? left : right;
    const window = row[sideSpec.window] as WindowValue | null;
    if (at !== null && window !== null && late.isOverFor(at, window[1])) {
      if (weight === 1) late.late(at, window[0], window[1]);
      return;
    }
    const key = joinValuesOf(row, sideSpec) ?? NO_KEY;
    const aside: JoinAside = { side, key, name: nameOfKey(key), row, weight, at };
    if (this.#mustWait(aside)) this.#spilled.putAside(aside);
    else this.#take(aside);
  }

  /** For its own key, or behind others that wait, since pairs are handed on at once. */
  #mustWait({ key, name }: JoinAside): boolean {
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
    const window = row[(side === LEFT ? left : right).window] as WindowValue;
    if (!this.#rows.has(name)) this.#open.add(window[1], name);
    this.#rows.push(side, name, row, weight, at);
  }

  advance(watermarkMs: number): void {
    const over = this.#overMs(watermarkMs);
    for (const key of this.#open.take(over)) this.#rows.close(key);
    // Those of a left join that were due came back; of an inner join nothing is left to hand on.
    const ranges = this.#spilled.due(over).map((id) => rangeBelow(this.#spec.prefix, id));
    this.#rows.forgetStored(ranges, this.#spilled.drop(over));
  }

  /** A window is over when the watermark has reached its last millisecond and the allowed lateness. */
  #overMs(watermarkMs: number): number {
    return watermarkMs - this.#spec.late.allowedMs + 1;
  }

  flush(): void {
    // Pairs left at once, and nulls wait for the end of the window.
  }

  persist(batch: Batch): void {
    this.#rows.persist(batch);
    if (this.spilling !== null) this.#spilled.persist(batch, this.#rows.facts);
  }

  recall(index: readonly Entry[]): boolean {
    const facts = this.#spilled.recall(index) as SavedFacts | null;
    if (facts !== null) this.#rows.recall(facts);
    return facts !== null;
  }

  restore(entries: Iterable<Entry>): void {
    const keys = new Set<string>();
    this.#rows.restore(entries, (row) => this.#reopen(row, keys));
  }

  #reopen({ kind, key, row }: JoinRow, keys: Set<string>): void {
    if (keys.has(key)) return;
    keys.add(key);
    const { window } = kind === LEFT ? this.#spec.left : this.#spec.right;
    this.#open.add((row[window] as WindowValue)[1], key);
  }

  get spilling(): Spilling | null {
    return this.#spec.mayWait ? this : null;
  }

  get isSpilled(): boolean {
    return this.#spilled.size > 0;
  }

  spill(bytes: number): void {
    this.#rows.spill(bytes, (row) => this.#spilled.add(this.#rows.keyOf(row), row.key));
    // It would hold what is forgotten until its window ends.
    this.#open = new TimeQueue();
    const keys = new Set<string>();
    for (const row of this.#rows) this.#reopen(row, keys);
  }

  missing(): readonly Wanted[] {
    const keys = [...this.#spilled.missing()].filter(
      (key) => key !== NO_KEY && !this.#rows.has(nameOfKey(key)),
    );
    return keys.map((key) => this.#rows.rangeOf(key));
  }

  due(watermarkMs: number): readonly Wanted[] {
    if (this.#spec.type === 'inner') return [];
    return this.#spilled.due(this.#overMs(watermarkMs)).map((id) => rangeBelow(this.#spec.prefix, id));
  }

  resume(entries: Iterable<Entry>): void {
    const keys = new Set<string>();
    this.#rows.resume(entries, (row) => {
      this.#spilled.remove(this.#rows.keyOf(row), row.key);
      this.#reopen(row, keys);
    });
    for (const aside of this.#spilled.takeAside()) this.#take(aside);
  }
}

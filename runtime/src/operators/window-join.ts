/**
 * Joins the rows of one window: the keys hold a window of each side. Pairs are handed on at once; the nulls of a left
 * join only when the window is over, when no partner can come any more.
 *
 *   row ──► window over? ── yes ─► late rule       no ─► pairs with the rows of its key and window
 *   watermark passes the window ──► (left join: rows without a partner, with nulls) and forget
 *
 * State       the rows of both sides: see join-rows.ts
 * Invariants  Y4  A left join hands on no nulls of a window before it is over, and never takes them back.
 *             Y5  Nothing is held of a window that is over.
 */
import { invariant } from '../base/invariant.ts';
import type { Row, WindowValue } from '../data/value.ts';
import type { Batch, Entry } from '../state/store.ts';
import {
  type ChangingSideSpec,
  joinKeyOf,
  type JoinOperator,
  type JoinSpec,
  LEFT,
  RIGHT,
  type Side,
} from './join.ts';
import { JoinRows } from './join-rows.ts';
import type { Collector, LateRule, Position, Weight } from './operator.ts';
import { TimeQueue } from './time-queue.ts';

export interface WindowJoinSpec extends JoinSpec {
  readonly left: WindowSideSpec;
  readonly right: WindowSideSpec;
  /** The largest lateness that a source of either side allows. */
  readonly late: LateRule;
}

export interface WindowSideSpec extends ChangingSideSpec {
  /** The column of the keys that is the window. */
  readonly window: number;
}

export class WindowJoin implements JoinOperator {
  readonly left: Collector = { push: (row, weight, at) => this.#push(LEFT, row, weight, at) };
  readonly right: Collector = { push: (row, weight, at) => this.#push(RIGHT, row, weight, at) };
  readonly #spec: WindowJoinSpec;
  readonly #next: Collector;
  readonly #rows: JoinRows;
  /** Window end → its keys. */
  readonly #open = new TimeQueue<string>();

  constructor(spec: WindowJoinSpec, next: Collector) {
    for (const { keys, window } of [spec.left, spec.right])
      invariant(keys.includes(window), 'the window is one of the keys');
    this.#spec = spec;
    this.#next = next;
    this.#rows = new JoinRows(spec, 'close', next);
  }

  get size(): number {
    return this.#rows.size;
  }

  get memoryBytes(): number {
    return this.#rows.memoryBytes;
  }

  #push(side: Side, row: Row, weight: Weight, at: Position | null): void {
    const { type, project, late, left, right } = this.#spec;
    const sideSpec = side === LEFT ? left : right;
    const window = row[sideSpec.window] as WindowValue | null;
    if (at !== null && window !== null && late.isOverFor(at, window[1])) {
      if (weight === 1) late.late(at, window[0], window[1]);
      return;
    }
    const key = joinKeyOf(row, sideSpec);
    if (key === null || window === null) {
      // Nothing can become its partner.
      if (side === LEFT && type === 'left') this.#next.push(project(row, null), weight, at);
      return;
    }
    if (!this.#rows.has(key)) this.#open.add(window[1], key);
    this.#rows.push(side, key, row, weight, at);
  }

  advance(watermarkMs: number): void {
    // A window is over when the watermark has reached its last millisecond and the allowed lateness.
    for (const key of this.#open.take(watermarkMs - this.#spec.late.allowedMs + 1)) this.#rows.close(key);
  }

  flush(): void {
    // Pairs left at once, and nulls wait for the end of the window.
  }

  persist(batch: Batch): void {
    this.#rows.persist(batch);
  }

  restore(entries: Iterable<Entry>): void {
    const keys = new Set<string>();
    this.#rows.restore(entries, ({ kind, key, row }) => {
      if (keys.has(key)) return;
      keys.add(key);
      const { window } = kind === LEFT ? this.#spec.left : this.#spec.right;
      this.#open.add((row[window] as WindowValue)[1], key);
    });
  }
}

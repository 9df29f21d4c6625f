/**
 * Joins each row of the left with the row of the right that was valid at its time: the last of its key at or before it,
 * of equal times the one that came later. It is known when the watermark has passed the time of the left row.
 *
 *   left row  ──► waits until its time is over ──► pair with the version of its time (left join: or nulls) ──► forget
 *   right row ──► a version of its key            one is forgotten when a later one is valid for all left rows to come
 *
 * A row that comes when its own time is over is late: left rows of its time may have been decided.
 *
 * State       an entry for each left row that waits, and each version (see saved-items.ts)
 * Invariants  Y8  A left row meets the same version in every cut: all rows at or before its time are there, or late.
 *             Y9  Of each key the newest version at or before the watermark is kept, all after it, and no other.
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
import { compareRows } from './row-order.ts';
import { type SavedItem, SavedItems } from './saved-items.ts';
import { firstIndex } from './sorted-list.ts';
import { TimeQueue } from './time-queue.ts';

export interface TemporalJoinSpec extends JoinSpec {
  readonly left: TimedSideSpec;
  readonly right: TimedSideSpec;
  readonly late: LateRule;
}

interface TemporalRow extends SavedItem {
  /** Null for a left row that joins nothing. */
  readonly key: string | null;
  readonly row: Row;
  readonly timeMs: number;
  /** It has a place in the log, so it can be said to come later than another. */
  readonly isPlaced: boolean;
}

export class TemporalJoin implements JoinOperator {
  readonly left: Collector = { push: (row, weight, at) => this.#push(LEFT, row, weight, at) };
  readonly right: Collector = { push: (row, weight, at) => this.#push(RIGHT, row, weight, at) };
  readonly #spec: TemporalJoinSpec;
  readonly #next: Collector;
  readonly #saved: SavedItems<TemporalRow>;
  readonly #waiting = new TimeQueue<TemporalRow>();
  /** Key → its versions, in the order of time. */
  readonly #versions = new Map<string, TemporalRow[]>();
  /** Time of a version → its key. */
  readonly #outdating = new TimeQueue<string>();

  constructor(spec: TemporalJoinSpec, next: Collector) {
    this.#spec = spec;
    this.#next = next;
    this.#saved = new SavedItems(spec.prefix, ({ row, timeMs, isPlaced }) => [row, timeMs, isPlaced]);
  }

  get size(): number {
    return this.#saved.size;
  }

  get memoryBytes(): number {
    return this.#saved.memoryBytes;
  }

  #push(side: Side, row: Row, weight: Weight, at: Position | null): void {
    invariant(weight === 1, 'an append-only input takes nothing back');
    const { late, onError, type, project } = this.#spec;
    const sideSpec = side === LEFT ? this.#spec.left : this.#spec.right;
    const timeMs = evaluated(sideSpec.time, row, weight, at, onError) as number | null | undefined;
    if (timeMs === undefined) return;
    if (timeMs === null) {
      // It is of no time, so no version is valid for it.
      if (side === LEFT && type === 'left') this.#next.push(project(row, null), 1, at);
      return;
    }
    if (at !== null && late.isOverFor(at, timeMs + 1)) {
      late.late(at, timeMs, timeMs + 1);
      return;
    }
    const key = joinKeyOf(row, sideSpec);
    if (key === null && (side === RIGHT || type === 'inner')) return;
    const serial = this.#saved.nextSerial();
    const own: TemporalRow = { kind: side, serial, isSaved: false, key, row, timeMs, isPlaced: at !== null };
    this.#hold(own);
    this.#saved.add(own);
  }

  #hold(own: TemporalRow): void {
    const { kind, key, timeMs } = own;
    if (kind === LEFT) {
      this.#waiting.add(timeMs, own);
      return;
    }
    invariant(key !== null, 'a row that joins nothing is no version');
    const versions = this.#versions.get(key);
    if (versions === undefined) this.#versions.set(key, [own]);
    else
      versions.splice(
        firstIndex(versions, (other) => compareVersions(other, own) > 0),
        0,
        own,
      );
    this.#outdating.add(timeMs, key);
  }

  advance(watermarkMs: number): void {
    const overMs = watermarkMs - this.#spec.late.allowedMs;
    for (const left of this.#waiting.take(overMs)) {
      this.#decide(left);
      this.#saved.remove(left);
    }
    for (const key of this.#outdating.take(overMs)) this.#forgetOutdated(key, overMs);
  }

  #decide({ key, row, timeMs }: TemporalRow): void {
    const { type, project } = this.#spec;
    const versions = (key === null ? undefined : this.#versions.get(key)) ?? [];
    const version = versions[firstIndex(versions, (other) => other.timeMs > timeMs) - 1];
    const pair = version === undefined ? null : pairOf(this.#spec, row, version.row, 1, null);
    if (pair !== null) this.#next.push(pair, 1, null);
    else if (type === 'left') this.#next.push(project(row, null), 1, null);
  }

  #forgetOutdated(key: string, overMs: number): void {
    const versions = this.#versions.get(key) ?? [];
    const newest = firstIndex(versions, ({ timeMs }) => timeMs > overMs) - 1;
    if (newest > 0) for (const version of versions.splice(0, newest)) this.#saved.remove(version);
  }

  flush(): void {
    // Everything is handed on when time has passed.
  }

  persist(batch: Batch): void {
    this.#saved.persist(batch);
  }

  restore(entries: Iterable<Entry>): void {
    this.#saved.restore(entries, (saved, { kind, serial, isSaved }) => {
      const [row, timeMs, isPlaced] = saved as [Row, number, boolean];
      const key = joinKeyOf(row, kind === LEFT ? this.#spec.left : this.#spec.right);
      const own: TemporalRow = { kind, serial, isSaved, key, row, timeMs, isPlaced };
      this.#hold(own);
      return own;
    });
  }
}

/** By time; of one time by arrival, or by content where arrival depends on the cut. */
function compareVersions(a: TemporalRow, b: TemporalRow): number {
  if (a.timeMs !== b.timeMs) return a.timeMs - b.timeMs;
  if (a.isPlaced !== b.isPlaced) return a.isPlaced ? -1 : 1;
  return a.isPlaced ? a.serial - b.serial : compareRows(a.row, b.row);
}

/**
 * Joins each row of the left with the row of the right that was valid at its time: the last of its key at or before it,
 * of equal times the one that came later. It is known when the watermark has passed the time of the left row.
 *
 *   left row  ──► waits until its time is over ──► pair with the version of its time (left join: or nulls) ──► forget
 *   right row ──► a version of its key            one is forgotten when a later one is valid for all left rows to come
 *
 * A row that comes when its own time is over is late: left rows of its time may have been decided.
 *
 * State       an entry for each left row that waits, and each version, under their key (see saved-items.ts). Keys that were not
 *             touched for long may be in the store alone (spilling.ts); an index by time has the rows whose time is to come
 * Invariants  Y8  A left row meets the same version in every cut: all rows at or before its time are there, or late.
 *             Y9  Of each key the newest version at or before the watermark is kept, all after it, and no other.
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
  pairOf,
  RIGHT,
  type Side,
  type TimedSideSpec,
} from './join.ts';
import type { Collector, LateRule, Position, Weight } from './operator.ts';
import { compareRows } from './row-order.ts';
import { itemSuffix, type SavedFacts, type SavedItem, SavedItems } from './saved-items.ts';
import { firstIndex } from './sorted-list.ts';
import { SpilledKeys } from './spilled-keys.ts';
import { coldest, rangeBelow, type Spilling } from './spilling.ts';
import { indexedKey, TimeIndex } from './time-index.ts';
import { TimeQueue } from './time-queue.ts';

export interface TemporalJoinSpec extends JoinSpec {
  readonly left: TimedSideSpec;
  readonly right: TimedSideSpec;
  readonly late: LateRule;
}

interface TemporalRow extends SavedItem {
  readonly key: string;
  readonly row: Row;
  readonly timeMs: number;
  /** It has a place in the log, so it can be said to come later than another. */
  readonly isPlaced: boolean;
  /** Whether the index has it. */
  isIndexed: boolean;
  /** Of a version: its time has passed, and what it outdated is forgotten. */
  hasPassed: boolean;
}

interface Bucket {
  /** In the order of time. */
  readonly versions: TemporalRow[];
  readonly waiting: Set<TemporalRow>;
  /** In which a row of it came last. */
  epoch: number;
}

interface TimedAside extends JoinAside {
  readonly timeMs: number;
}

/** Of a left row that joins nothing; no key of a version begins with null. */
const NULL_KEY: Row = [null];

interface Facts extends SavedFacts {
  /** Up to which time all is decided; null for none. */
  readonly passedMs: number | null;
}

export class TemporalJoin implements JoinOperator, Spilling {
  readonly left: Collector = { push: (row, weight, at) => this.#push(LEFT, row, weight, at) };
  readonly right: Collector = { push: (row, weight, at) => this.#push(RIGHT, row, weight, at) };
  readonly #spec: TemporalJoinSpec;
  readonly #next: Collector;
  readonly #saved: SavedItems<TemporalRow>;
  readonly #buckets = new Map<string, Bucket>();
  #waiting = new TimeQueue<TemporalRow>();
  /** Versions whose time is to come. */
  #outdating = new TimeQueue<TemporalRow>();
  #passedMs = -Infinity;
  readonly #spilled: SpilledKeys<TimedAside>;
  readonly #times: TimeIndex;
  /** Keys in the store alone with rows that are due. */
  readonly #dueKeys: DueKeys;
  #epoch = 0;

  constructor(spec: TemporalJoinSpec, next: Collector) {
    this.#spec = spec;
    this.#next = next;
    this.#spilled = new SpilledKeys(spec.prefix, -1);
    this.#times = new TimeIndex(spec.prefix);
    this.#dueKeys = new DueKeys(spec.prefix, (key) => encodeKey(key));
    this.#saved = new SavedItems(
      spec.prefix,
      ({ row, timeMs, isPlaced }) => [row, timeMs, isPlaced],
      (own) => encodeKey(this.#keyOf(own)),
      (own, change) => {
        if (change === -1) this.#unindex(own);
        else if (!own.hasPassed && !own.isIndexed) {
          this.#times.add(own.timeMs, itemSuffix(own), this.#keyOf(own));
          own.isIndexed = true;
        }
      },
    );
  }

  #unindex(own: TemporalRow): void {
    if (own.isIndexed) this.#times.remove(own.timeMs, itemSuffix(own));
    own.isIndexed = false;
  }

  get size(): number {
    return this.#saved.size;
  }

  get memoryBytes(): number {
    return this.#saved.memoryBytes + this.#spilled.memoryBytes;
  }

  #keyOf({ kind, row }: Pick<TemporalRow, 'kind' | 'row'>): Row {
    return joinValuesOf(row, kind === LEFT ? this.#spec.left : this.#spec.right) ?? NULL_KEY;
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
    const values = joinValuesOf(row, sideSpec);
    if (values === null && (side === RIGHT || type === 'inner')) return;
    const key = values ?? NULL_KEY;
    const aside: TimedAside = { side, key, name: nameOfKey(key), row, weight, at, timeMs };
    if (!this.#buckets.has(aside.name) && this.#spilled.mayHave(key, aside.name))
      this.#spilled.putAside(aside);
    else this.#take(aside);
  }

  #take({ side, name, row, at, timeMs }: TimedAside): void {
    const own: TemporalRow = {
      kind: side,
      serial: this.#saved.nextSerial(),
      isSaved: false,
      key: name,
      row,
      timeMs,
      isPlaced: at !== null,
      isIndexed: false,
      hasPassed: false,
    };
    this.#hold(own);
    this.#saved.add(own);
  }

  #hold(own: TemporalRow): void {
    const { kind, key } = own;
    let bucket = this.#buckets.get(key);
    if (bucket === undefined)
      this.#buckets.set(key, (bucket = { versions: [], waiting: new Set(), epoch: 0 }));
    bucket.epoch = this.#epoch;
    this.#enqueue(own);
    if (kind === LEFT) {
      bucket.waiting.add(own);
      return;
    }
    const { versions } = bucket;
    versions.splice(
      firstIndex(versions, (other) => compareVersions(other, own) > 0),
      0,
      own,
    );
  }

  #enqueue(own: TemporalRow): void {
    if (own.kind === LEFT) this.#waiting.add(own.timeMs, own);
    else if (!own.hasPassed) this.#outdating.add(own.timeMs, own);
  }

  advance(watermarkMs: number): void {
    const overMs = this.#overMs(watermarkMs);
    this.#passedMs = overMs;
    // Of one time in the order in which they came: not all of them were here all the time.
    const due = this.#waiting.take(overMs).sort((a, b) => a.timeMs - b.timeMs || a.serial - b.serial);
    for (const left of due) {
      const bucket = this.#buckets.get(left.key) as Bucket;
      this.#decide(left, bucket);
      bucket.waiting.delete(left);
      this.#saved.remove(left);
      this.#forgetIfEmpty(left.key, bucket);
    }
    const keys = new Set<string>();
    for (const version of this.#outdating.take(overMs)) {
      version.hasPassed = true;
      this.#unindex(version);
      keys.add(version.key);
    }
    for (const key of keys) this.#forgetOutdated(key, overMs);
  }

  #overMs(watermarkMs: number): number {
    return watermarkMs - this.#spec.late.allowedMs;
  }

  #decide({ row, timeMs }: TemporalRow, { versions }: Bucket): void {
    const { type, project } = this.#spec;
    const version = versions[firstIndex(versions, (other) => other.timeMs > timeMs) - 1];
    const pair = version === undefined ? null : pairOf(this.#spec, row, version.row, 1, null);
    if (pair !== null) this.#next.push(pair, 1, null);
    else if (type === 'left') this.#next.push(project(row, null), 1, null);
  }

  #forgetOutdated(key: string, overMs: number): void {
    const versions = this.#buckets.get(key)?.versions ?? [];
    const newest = firstIndex(versions, ({ timeMs }) => timeMs > overMs) - 1;
    if (newest > 0) for (const version of versions.splice(0, newest)) this.#saved.remove(version);
  }

  #forgetIfEmpty(key: string, { versions, waiting }: Bucket): void {
    if (versions.length === 0 && waiting.size === 0) this.#buckets.delete(key);
  }

  flush(): void {
    // Everything is handed on when time has passed.
  }

  persist(batch: Batch): void {
    this.#saved.persist(batch);
    this.#times.persist(batch);
    const facts: Facts = { ...this.#saved.facts, passedMs: this.#passedMs };
    this.#spilled.persist(batch, facts);
    this.#epoch++;
  }

  recall(index: readonly Entry[]): boolean {
    const facts = this.#spilled.recall(index) as Facts | null;
    if (facts === null) return false;
    this.#saved.recall(facts);
    this.#passedMs = facts.passedMs ?? -Infinity;
    if (facts.size > 0) this.#spilled.addAny(null);
    return true;
  }

  restore(entries: Iterable<Entry>): void {
    this.#saved.restore(entries, (saved, place) => this.#comeBack(saved, place, false));
  }

  #comeBack(saved: unknown, { kind, serial, isSaved }: SavedItem, isIndexed: boolean): TemporalRow {
    const [row, timeMs, isPlaced] = saved as [Row, number, boolean];
    const key = nameOfKey(this.#keyOf({ kind, row }));
    const hasPassed = kind === RIGHT && timeMs <= this.#passedMs;
    const own: TemporalRow = {
      kind,
      serial,
      isSaved,
      key,
      row,
      timeMs,
      isPlaced,
      isIndexed: isIndexed && !hasPassed,
      hasPassed,
    };
    this.#hold(own);
    return own;
  }

  /** Nothing is handed on before time has passed, so that any row may wait. */
  get spilling(): Spilling {
    return this;
  }

  get isSpilled(): boolean {
    return this.#spilled.size > 0;
  }

  spill(bytes: number): void {
    const { itemBytes } = this.#saved;
    const all = [...this.#buckets].map(([name, { versions, waiting, epoch }]) => ({
      name,
      rows: [...versions, ...waiting],
      epoch,
    }));
    for (const { name, rows } of coldest(all, bytes, (each) => each.rows.length * itemBytes)) {
      this.#buckets.delete(name);
      for (const own of rows) {
        this.#saved.drop(own);
        this.#spilled.add([], name);
      }
    }
    // They would hold what is forgotten until its time.
    this.#waiting = new TimeQueue();
    this.#outdating = new TimeQueue();
    for (const { versions, waiting } of this.#buckets.values()) {
      for (const own of versions) this.#enqueue(own);
      for (const own of waiting) this.#enqueue(own);
    }
  }

  missing(): readonly Wanted[] {
    return [...this.#spilled.missing()]
      .filter((key) => !this.#buckets.has(nameOfKey(key)))
      .map((key) => this.#rangeOf(key));
  }

  #rangeOf(key: Row): Range {
    return rangeBelow(this.#spec.prefix, encodeKey(key));
  }

  dueIndex(watermarkMs: number): readonly Range[] {
    return this.#times.ranges(this.#overMs(watermarkMs));
  }

  takeDue(index: Iterable<Entry>): void {
    for (const entry of index) {
      const key = indexedKey(entry);
      const name = nameOfKey(key);
      if (!this.#buckets.has(name)) this.#dueKeys.want(key, name);
    }
  }

  due(): readonly Wanted[] {
    return this.#dueKeys.take();
  }

  resume(entries: Iterable<Entry>): void {
    const returned = new Set<string>();
    this.#saved.resume(entries, (saved, place) => {
      const key = nameOfKey(this.#keyOf({ kind: place.kind, row: (saved as [Row])[0] }));
      if (!returned.has(key) && this.#buckets.has(key)) return null;
      returned.add(key);
      this.#spilled.remove([], key);
      return this.#comeBack(saved, place, true);
    });
    for (const aside of this.#spilled.takeAside()) this.#take(aside);
  }
}

/** By time; of one time by arrival, or by content where arrival depends on the cut. */
function compareVersions(a: TemporalRow, b: TemporalRow): number {
  if (a.timeMs !== b.timeMs) return a.timeMs - b.timeMs;
  if (a.isPlaced !== b.isPlaced) return a.isPlaced ? -1 : 1;
  return a.isPlaced ? a.serial - b.serial : compareRows(a.row, b.row);
}

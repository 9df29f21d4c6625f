/**
 * Keeps one row for each key: the first or the last, by event time or by arrival. Of equal times the first keeps the
 * earlier arrival and the last the later one; where arrival depends on the cut (rows that time caused, inputs that take
 * rows back) content decides.
 *
 *   row ──► better than the row of its key? ── no ─► drop        yes ─► at flush: old row -1, new row +1
 *
 * The first by arrival never changes, so it is handed on at once with its place in the log: what follows can still tell
 * whether it is late. A key that was silent for `ttlMs` of event time begins anew with its next row; what was handed on
 * before is not taken back.
 *
 * State       an entry for each key, under the key (see saved-items.ts): its row, the largest event time of all its rows. Keys
 *             that were not touched for long may be in the store alone (spilling.ts); with a time to live, an index by time says
 *             which expire (time-index.ts)
 * Invariants  D1  Whether a key begins anew is decided by its rows, never by when it was forgotten.
 *             D2  The first by arrival of rows that have a place in the log is handed on once and never taken back.
 */
import { invariant } from '../base/invariant.ts';
import { nameOfKey } from '../data/key.ts';
import type { Row, Value, WindowValue } from '../data/value.ts';
import type { Evaluate } from '../expr/evaluate.ts';
import type { ViewMode } from '../plan/node.ts';
import type { Batch, Entry, Range, Wanted } from '../state/store.ts';
import { evaluated } from './evaluated.ts';
import type { Collector, LateRule, OnRowError, Position, StatefulOperator, Weight } from './operator.ts';
import { compareNullable, compareRows } from './row-order.ts';
import { type SavedItem, SavedItems } from './saved-items.ts';
import { type Aside, keyId, SpilledKeys } from './spilled-keys.ts';
import { coldest, rangeBelow, type Spilling } from './spilling.ts';
import { indexedKey, TimeIndex } from './time-index.ts';
import { TimeQueue } from './time-queue.ts';
import { TopOperator } from './top.ts';
import { timeOfRow, Ttl } from './ttl.ts';

export interface DedupeSpec {
  /** Columns; null is a value like others. */
  readonly keys: readonly number[];
  readonly keep: 'first' | 'last';
  readonly by: 'time' | 'arrival';
  /** The event time of a row; null is the earliest. Needed by time, and with `ttlMs` for rows that time caused. */
  readonly time: Evaluate | null;
  /** Whether the input takes rows back. */
  readonly retracts: boolean;
  /** REQUIRES an append-only input. */
  readonly ttlMs: number | null;
  /** The key that is a window, as a column, or null. With one, state is forgotten when it is over. */
  readonly window: number | null;
  /** `final`, which needs a window: rows are handed on once, when it is over. */
  readonly mode: ViewMode;
  /** Whether all that leaves takes one way, so that rows may wait together without meeting others out of order. */
  readonly mayWait: boolean;
  readonly late: LateRule;
  readonly onError: OnRowError;
  /** The keys of the state start with this. */
  readonly prefix: Buffer;
}

/** An input that takes rows back needs all of them, in order: the best is the first of one. */
export function dedupe(spec: DedupeSpec, next: Collector): StatefulOperator {
  if (!spec.retracts) return new DedupeOperator(spec, next);
  invariant(spec.ttlMs === null, 'only an append-only input has a time-to-live');
  const { by, time, keep } = spec;
  const order = by === 'time' && time !== null ? [{ by: time, descending: keep === 'last' }] : [];
  const ties = keep === 'first' ? 'earlier' : 'later';
  return new TopOperator({ ...spec, partition: spec.keys, order, ties, limit: 1, rank: false }, next);
}

/** What decides between rows of a key. */
interface Candidate {
  readonly row: Row;
  /** By time: the time; otherwise null. */
  readonly order: Value;
  /** It has a place in the log, and the order of pushes is that of places. */
  readonly isPlaced: boolean;
}

interface Kept extends SavedItem {
  readonly name: string;
  readonly key: Row;
  /** In which a row touched it last. */
  epoch: number;
  best: Candidate;
  /** The largest event time of the rows of the key; only with `ttlMs`. */
  touchedMs: number;
  /** Where the index has it; null when it has not. */
  indexedMs: number | null;
  /** What was handed on; null for nothing. */
  shown: Row | null;
}

/** A key has one entry, so that its place is known. */
const ONLY = { kind: 0, serial: 0 } as const;

class DedupeOperator implements StatefulOperator, Spilling {
  readonly #spec: DedupeSpec;
  readonly #next: Collector;
  readonly #ttl: Ttl | null;
  readonly #saved: SavedItems<Kept>;
  readonly #kept = new Map<string, Kept>();
  #expiring = new TimeQueue<Kept>();
  readonly #times: TimeIndex;
  /** Keys that were touched at another time than the index says. */
  readonly #unindexed = new Set<Kept>();
  /** Window end → its keys. */
  #open = new TimeQueue<Kept>();
  readonly #windowIndex: number;
  readonly #spilled: SpilledKeys;
  #epoch = 0;
  readonly #touched = new Set<Kept>();

  constructor(spec: DedupeSpec, next: Collector) {
    invariant(spec.by === 'arrival' || spec.time !== null, 'an order by time has a time');
    invariant(spec.mode === 'updates' || spec.window !== null, 'rows that are final belong to a window');
    this.#spec = spec;
    this.#next = next;
    this.#ttl = spec.ttlMs === null ? null : new Ttl(spec.ttlMs, spec.late.allowedMs);
    this.#windowIndex = spec.window === null ? -1 : spec.keys.indexOf(spec.window);
    this.#spilled = new SpilledKeys(spec.prefix, this.#windowIndex);
    this.#times = new TimeIndex(spec.prefix);
    this.#saved = new SavedItems(
      spec.prefix,
      ({ best, touchedMs }) => [best.row, best.isPlaced, touchedMs],
      (kept) => this.#idOf(kept),
      ({ key }, change) => this.#spilled.stored(key, change),
    );
  }

  #idOf({ key }: Pick<Kept, 'key'>): Buffer {
    return keyId(key, this.#windowIndex);
  }

  get size(): number {
    return this.#kept.size + this.#spilled.size;
  }

  get memoryBytes(): number {
    return this.#saved.memoryBytes + this.#spilled.memoryBytes;
  }

  push(row: Row, weight: Weight, at: Position | null): void {
    invariant(weight === 1, 'an append-only input takes nothing back');
    const { by, time, onError } = this.#spec;
    if (this.#isLate(row, at)) return;
    const order = by === 'time' && time !== null ? evaluated(time, row, weight, at, onError) : null;
    if (order === undefined) return;
    const key = this.#keyOf(row);
    const name = nameOfKey(key);
    const kept = this.#kept.get(name);
    if (kept === undefined && this.#mustWait(key, name))
      this.#spilled.putAside({ key, name, row, weight, at });
    else this.#take(kept, { key, name, row, weight, at }, order);
  }

  /** For its own key, or where rows are handed on at once behind others that wait. */
  #mustWait(key: Row, name: string): boolean {
    return this.#spilled.mayHave(key, name) || (this.#isImmediate && this.#spilled.hasAside);
  }

  get #isImmediate(): boolean {
    const { keep, by, mode } = this.#spec;
    return keep === 'first' && by === 'arrival' && mode === 'updates';
  }

  #take(kept: Kept | undefined, { key, name, row, at }: Aside, order: Value): void {
    const touchedMs = this.#ttl === null ? 0 : timeOfRow(row, at, this.#spec.time);
    const candidate = { row, order, isPlaced: at !== null };
    if (kept === undefined) {
      this.#begin(key, name, candidate, touchedMs, at);
    } else if (this.#isExpired(kept, at, touchedMs)) {
      this.#forget(kept);
      this.#begin(key, name, candidate, touchedMs, at);
    } else {
      this.#goOn(kept, candidate, touchedMs);
    }
  }

  #isExpired(kept: Kept, at: Position | null, rowMs: number): boolean {
    const ttl = this.#ttl;
    return ttl !== null && ttl.isExpired(kept.touchedMs, ttl.nowMs(at, rowMs));
  }

  #keyOf(row: Row): Row {
    return this.#spec.keys.map((column) => row[column] ?? null);
  }

  #isLate(row: Row, at: Position | null): boolean {
    const { window, late } = this.#spec;
    if (window === null || at === null) return false;
    const [startMs, endMs] = row[window] as WindowValue;
    if (!late.isOverFor(at, endMs)) return false;
    late.late(at, startMs, endMs);
    return true;
  }

  #begin(key: Row, name: string, best: Candidate, touchedMs: number, at: Position | null): void {
    const place = { ...ONLY, isSaved: false };
    const facts = { touchedMs, indexedMs: null, shown: null };
    const kept: Kept = { ...place, name, key, epoch: this.#epoch, best, ...facts };
    this.#hold(kept);
    if (this.#ttl !== null) this.#unindexed.add(kept);
    this.#saved.add(kept);
    if (this.#isImmediate && at !== null) {
      this.#next.push(best.row, 1, at);
      kept.shown = best.row;
    } else {
      this.#touched.add(kept);
    }
  }

  #hold(kept: Kept): void {
    this.#kept.set(kept.name, kept);
    this.#enqueue(kept);
  }

  #enqueue(kept: Kept): void {
    const { window } = this.#spec;
    if (this.#ttl !== null) this.#expiring.add(kept.touchedMs, kept);
    if (window !== null) this.#open.add((kept.best.row[window] as WindowValue)[1], kept);
  }

  #goOn(kept: Kept, candidate: Candidate, touchedMs: number): void {
    kept.epoch = this.#epoch;
    if (touchedMs > kept.touchedMs) {
      kept.touchedMs = touchedMs;
      this.#saved.change(kept);
      this.#unindexed.add(kept);
    }
    const order = compareCandidates(candidate, kept.best);
    if (this.#spec.keep === 'first' ? order >= 0 : order <= 0) return;
    kept.best = candidate;
    this.#saved.change(kept);
    this.#touched.add(kept);
  }

  /** What became of the key is handed on first, so that it does not depend on when the epoch ends. */
  #forget(kept: Kept): void {
    if (this.#touched.delete(kept)) this.#show(kept);
    this.#kept.delete(kept.name);
    this.#unindexed.delete(kept);
    if (kept.indexedMs !== null) this.#times.remove(kept.indexedMs, this.#idOf(kept));
    this.#saved.remove(kept);
  }

  #show(kept: Kept): void {
    const { row } = kept.best;
    if (kept.shown !== null) {
      if (compareRows(kept.shown, row) === 0) return;
      this.#next.push(kept.shown, -1, null);
    }
    this.#next.push(row, 1, null);
    kept.shown = row;
  }

  advance(watermarkMs: number): void {
    const isHeld = (kept: Kept): boolean => this.#kept.get(kept.name) === kept;
    const over = this.#overMs(watermarkMs);
    for (const kept of this.#open.take(over)) if (isHeld(kept)) this.#forget(kept);
    for (const id of this.#spilled.due(over)) this.#saved.removeRange(rangeBelow(this.#spec.prefix, id));
    this.#spilled.drop(over);
    const untilMs = this.#ttl?.expiredUntilMs(watermarkMs) ?? -Infinity;
    for (const kept of this.#expiring.take(untilMs)) {
      if (!isHeld(kept)) continue;
      if (kept.touchedMs > untilMs) this.#expiring.add(kept.touchedMs, kept);
      else this.#forget(kept);
    }
  }

  /** A window is over when the watermark has reached its last millisecond and the allowed lateness. */
  #overMs(watermarkMs: number): number {
    return watermarkMs - this.#spec.late.allowedMs + 1;
  }

  flush(): void {
    if (this.#spec.mode === 'final') return;
    for (const kept of this.#touched) this.#show(kept);
    this.#touched.clear();
  }

  persist(batch: Batch): void {
    for (const kept of this.#unindexed) {
      const id = this.#idOf(kept);
      if (kept.indexedMs !== null) this.#times.remove(kept.indexedMs, id);
      this.#times.add(kept.touchedMs, id, kept.key);
      kept.indexedMs = kept.touchedMs;
    }
    this.#unindexed.clear();
    this.#saved.persist(batch);
    this.#epoch++;
    if (this.spilling === null) return;
    this.#times.persist(batch);
    this.#spilled.persist(batch, {});
  }

  restore(entries: Iterable<Entry>): void {
    this.#saved.restore(entries, (saved, place) => {
      const kept = this.#comeBack(saved, place);
      // An earlier version kept no index.
      if (kept.indexedMs !== null) this.#times.add(kept.indexedMs, this.#idOf(kept), kept.key);
      return kept;
    });
  }

  recall(index: readonly Entry[]): boolean {
    return this.#spilled.recall(index) !== null;
  }

  #comeBack(saved: unknown, { kind, serial, isSaved }: SavedItem): Kept {
    const { by, time, mode } = this.#spec;
    const [row, isPlaced, touchedMs] = saved as [Row, boolean, number];
    const best = { row, order: by === 'time' ? (time?.(row) ?? null) : null, isPlaced };
    const shown = mode === 'final' ? null : row;
    const key = this.#keyOf(row);
    const name = nameOfKey(key);
    const kept: Kept = {
      kind,
      serial,
      isSaved,
      name,
      key,
      epoch: this.#epoch,
      best,
      touchedMs,
      indexedMs: this.#ttl === null ? null : touchedMs,
      shown,
    };
    this.#hold(kept);
    if (mode === 'final') this.#touched.add(kept);
    return kept;
  }

  get spilling(): Spilling | null {
    return this.#spec.mayWait || !this.#isImmediate ? this : null;
  }

  get isSpilled(): boolean {
    return this.#spilled.size > 0;
  }

  spill(bytes: number): void {
    const { itemBytes } = this.#saved;
    for (const kept of coldest([...this.#kept.values()], bytes, () => itemBytes)) {
      this.#kept.delete(kept.name);
      this.#touched.delete(kept);
      this.#saved.drop(kept);
      this.#spilled.add(kept.key, kept.name);
    }
    // They would hold what is forgotten until its time.
    this.#open = new TimeQueue();
    this.#expiring = new TimeQueue();
    for (const kept of this.#kept.values()) this.#enqueue(kept);
  }

  missing(): readonly Wanted[] {
    const ids = [...this.#spilled.missing()].map((key) => keyId(key, this.#windowIndex));
    return ids.map((id) => this.#saved.keyOf(id, ONLY));
  }

  dueIndex(watermarkMs: number): readonly Range[] {
    return this.#ttl === null ? [] : this.#times.ranges(this.#ttl.expiredUntilMs(watermarkMs));
  }

  /** What the store alone has was handed on: it expires unseen. */
  takeDue(index: Iterable<Entry>): void {
    for (const entry of index) {
      const key = indexedKey(entry);
      const name = nameOfKey(key);
      if (this.#kept.has(name)) continue;
      this.#times.removeEntry(entry);
      this.#saved.removeUnseen(this.#idOf({ key }), ONLY);
      this.#spilled.remove(key, name);
      this.#spilled.stored(key, -1);
    }
  }

  due(watermarkMs: number): readonly Wanted[] {
    if (this.#spec.mode === 'updates') return [];
    return this.#spilled.due(this.#overMs(watermarkMs)).map((id) => rangeBelow(this.#spec.prefix, id));
  }

  resume(entries: Iterable<Entry>): void {
    const { by, time } = this.#spec;
    this.#saved.resume(entries, (saved, place) => {
      const key = this.#keyOf((saved as [Row])[0]);
      const name = nameOfKey(key);
      if (this.#kept.has(name)) return null;
      this.#spilled.remove(key, name);
      return this.#comeBack(saved, place);
    });
    for (const aside of this.#spilled.takeAside())
      this.#take(this.#kept.get(aside.name), aside, by === 'time' ? (time?.(aside.row) ?? null) : null);
  }
}

/** Below 0 when `a` comes before `b`, which was pushed earlier. */
function compareCandidates(a: Candidate, b: Candidate): number {
  const order = compareNullable(a.order, b.order);
  if (order !== 0) return order;
  if (a.isPlaced !== b.isPlaced) return a.isPlaced ? -1 : 1;
  return a.isPlaced ? 1 : compareRows(a.row, b.row);
}

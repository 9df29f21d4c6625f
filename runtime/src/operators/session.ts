/**
 * Groups rows by key and by session: rows of a key that follow each other within a gap.
 *
 *   rows       t     t+3            t+3+gap            gap
 *              |-----|··············|··············)          one session [t, t+3+2*gap): its end is its last row plus the gap
 *
 * A row is a session [time, time + gap) of its own, and sessions that touch are one: two rows exactly a gap apart belong
 * together. A row merges only with sessions that are not over as it sees them; when what it would be part of is over, it
 * came too late. So a row that is late alone may still count in a session that is open, and may join two of them.
 *
 * State       see `group-state.ts`; the id is the encoded key and a number among the sessions of the key. Keys that were not
 *             touched for long may be in the store alone (`spilling.ts`); an index by time has each session at its end
 * Invariants  G1 to G3 of `group.ts`, and
 *             N1  Sessions of one key that a row can join do not touch.
 *             N2  The rows of sessions that became one are taken back before the row of the one is handed on.
 */
import { invariant } from '../base/invariant.ts';
import { encodeKey, encodeNumber, nameOfKey } from '../data/key.ts';
import type { Row, Value, WindowValue } from '../data/value.ts';
import { RowError } from '../expr/functions.ts';
import type { Batch, Entry, Range, Wanted } from '../state/store.ts';
import { Aggregates } from './accumulators.ts';
import { emptyGroup, type Group, GroupRows, GroupStore } from './group-state.ts';
import type { GroupSpec } from './group.ts';
import { DueKeys } from './due-keys.ts';
import { type Collector, isOver, type Position, type StatefulOperator, type Weight } from './operator.ts';
import { type Aside, SpilledKeys } from './spilled-keys.ts';
import { coldest, rangeBelow, type Spilling } from './spilling.ts';
import { indexedKey, TimeIndex } from './time-index.ts';
import { TimeQueue } from './time-queue.ts';

/** As for groups, with a gap instead of an assigner. REQUIRES `windowIndex` >= 0 and an input that takes nothing back. */
export type SessionSpec = Pick<
  GroupSpec,
  'keys' | 'windowIndex' | 'aggregates' | 'mode' | 'late' | 'onError' | 'prefix'
> & { readonly gapMs: number };

interface Session extends Group {
  readonly name: string;
  /** Tells the sessions of a key apart. */
  readonly serial: number;
  startMs: number;
  endMs: number;
  key: Row;
  /** Where the index has it; null when it has not. */
  indexedMs: number | null;
}

interface TimedAside extends Aside {
  readonly timeMs: number;
}

export class SessionOperator implements StatefulOperator, Spilling {
  readonly #spec: SessionSpec;
  readonly #rows: GroupRows;
  readonly #store: GroupStore<Session>;
  readonly #aggregates: Aggregates;
  /** The name of a key → its sessions, few. */
  readonly #sessions = new Map<string, Session[]>();
  /** Sessions by the end that they had when they began, or when that end was over. */
  #queue = new TimeQueue<Session>();
  readonly #spilled: SpilledKeys<TimedAside>;
  readonly #times: TimeIndex;
  /** Sessions that the index does not have at their end. */
  readonly #unindexed = new Set<Session>();
  /** Keys in the store alone with sessions that are due. */
  readonly #dueKeys: DueKeys;
  #epoch = 0;
  readonly #unflushed = new Set<Session>();
  /** Rows of sessions that became part of others, to be taken back. */
  readonly #merged: Row[] = [];
  #size = 0;

  constructor(spec: SessionSpec, next: Collector) {
    invariant(spec.windowIndex >= 0, 'a session is one of the keys');
    this.#spec = spec;
    this.#rows = new GroupRows(next, spec.onError);
    this.#aggregates = new Aggregates(spec.aggregates, false);
    this.#spilled = new SpilledKeys(spec.prefix, -1);
    this.#times = new TimeIndex(spec.prefix);
    this.#dueKeys = new DueKeys(spec.prefix, (key) => encodeKey(key));
    this.#store = new GroupStore(spec.prefix, {
      idOf: (session) => this.#idOf(session),
      recordOf: ({ key, rows, serial }) => [key, rows, serial],
      onStored: ({ key }, change) => this.#spilled.stored(key, change),
    });
  }

  #idOf({ key, serial }: Session): Buffer {
    return Buffer.concat([encodeKey(this.#withoutWindow(key)), encodeNumber(serial)]);
  }

  #withoutWindow(key: Row): Row {
    return key.with(this.#spec.windowIndex, null);
  }

  get size(): number {
    return this.#size + this.#spilled.size;
  }

  get memoryBytes(): number {
    return this.#store.memoryBytes + this.#spilled.memoryBytes;
  }

  push(row: Row, weight: Weight, at: Position | null): void {
    invariant(weight === 1, 'the input of a session only grows');
    const { keys, windowIndex, onError } = this.#spec;
    let key: Value[];
    let timeMs: number;
    try {
      key = keys.map((evaluate) => evaluate(row));
      if (key[windowIndex] === null) throw new RowError('the time of the session is null');
      timeMs = key[windowIndex] as number;
      this.#aggregates.evaluate(row);
    } catch (error) {
      if (!(error instanceof RowError)) throw error;
      onError(error, at, row);
      return;
    }
    key[windowIndex] = null;
    const name = nameOfKey(key);
    const aside: TimedAside = { key, name, row, weight, at, timeMs };
    if (!this.#sessions.has(name) && this.#spilled.mayHave(key, name)) this.#spilled.putAside(aside);
    else this.#take(aside);
  }

  /** REQUIRES that the aggregates evaluated this row last. */
  #take({ key, name, at, timeMs }: TimedAside): void {
    const { gapMs, late } = this.#spec;
    const touching = this.#touching(name, timeMs, at);
    const startMs = Math.min(timeMs, ...touching.map((session) => session.startMs));
    const endMs = Math.max(timeMs + gapMs, ...touching.map((session) => session.endMs));
    if (at !== null && late.isOverFor(at, endMs)) {
      late.late(at, startMs, endMs);
      return;
    }
    // Whether there was one that ended just then is forgotten, or not yet, as the cut will have it.
    if (at !== null) late.mayMiss?.(at, timeMs);
    const session = this.#joined(touching) ?? this.#create(name, key, [timeMs, timeMs + gapMs]);
    this.#stretch(session, startMs, endMs);
    session.rows++;
    session.epoch = this.#epoch;
    this.#aggregates.add(session.accumulators, 1, at);
    this.#unflushed.add(session);
    this.#store.change(session);
  }

  /** Sessions that a row at this time belongs to: they touch [time, time + gap) and are not over as it sees them. */
  #touching(name: string, timeMs: number, at: Position | null): readonly Session[] {
    const { gapMs } = this.#spec;
    const sessions = this.#sessions.get(name) ?? [];
    return sessions.filter(
      ({ startMs, endMs }) =>
        startMs <= timeMs + gapMs && timeMs <= endMs && !this.#isClosedFor(endMs, timeMs, at),
    );
  }

  /** A row that time caused came when the watermark reached its time and the allowed lateness, so it sees that one. */
  #isClosedFor(endMs: number, timeMs: number, at: Position | null): boolean {
    const { late } = this.#spec;
    return at === null ? isOver(endMs, late.allowedMs, timeMs + late.allowedMs) : late.isClosedFor(at, endMs);
  }

  /** Makes one of several sessions: the one with the most rows takes over the others. */
  #joined(sessions: readonly Session[]): Session | undefined {
    const [largest, ...others] = sessions.toSorted((a, b) => b.rows - a.rows);
    for (const other of others) {
      for (const [index, accumulator] of (largest as Session).accumulators.entries())
        accumulator.merge(other.accumulators[index] as never);
      (largest as Session).rows += other.rows;
      if (other.shown !== null) this.#merged.push(other.shown);
      this.#forget(other);
    }
    return largest;
  }

  #stretch(session: Session, startMs: number, endMs: number): void {
    if (startMs === session.startMs && endMs === session.endMs) return;
    this.#unindexed.add(session);
    session.startMs = startMs;
    session.endMs = endMs;
    session.key = session.key.with(this.#spec.windowIndex, [startMs, endMs]);
  }

  #create(name: string, values: Row, window: WindowValue): Session {
    const others = this.#sessions.get(name) ?? [];
    const serial = 1 + Math.max(0, ...others.map((other) => other.serial));
    const key = values.with(this.#spec.windowIndex, window);
    const place = placeOf(name, serial, window);
    const group = emptyGroup(key, this.#aggregates.create());
    const session = this.#add({ ...group, ...place, key, indexedMs: null });
    this.#unindexed.add(session);
    return session;
  }

  #add(session: Session): Session {
    this.#sessions.set(session.name, [...(this.#sessions.get(session.name) ?? []), session]);
    this.#queue.add(session.endMs, session);
    this.#size++;
    return session;
  }

  #forget(session: Session): void {
    const others = this.#sessions.get(session.name)?.filter((other) => other !== session) ?? [];
    if (others.length > 0) this.#sessions.set(session.name, others);
    else this.#sessions.delete(session.name);
    this.#unflushed.delete(session);
    this.#unindexed.delete(session);
    if (session.indexedMs !== null) this.#times.remove(session.indexedMs, this.#idOf(session));
    this.#store.forget(session);
    this.#size--;
  }

  advance(watermarkMs: number): void {
    const { mode } = this.#spec;
    const over = this.#overMs(watermarkMs);
    for (const session of this.#queue.take(over)) {
      if (session.isGone) continue;
      if (session.endMs > over) {
        this.#queue.add(session.endMs, session);
        continue;
      }
      if (mode === 'final' || this.#unflushed.has(session)) this.#show(session);
      this.#forget(session);
    }
  }

  /** The ends for which `isOver` holds are up to that. */
  #overMs(watermarkMs: number): number {
    return watermarkMs + 1 - this.#spec.late.allowedMs;
  }

  #show(session: Session): void {
    this.#takeBackMerged();
    this.#rows.show(session);
  }

  #takeBackMerged(): void {
    for (const row of this.#merged) this.#rows.takeBack(row);
    this.#merged.length = 0;
  }

  flush(): void {
    this.#takeBackMerged();
    if (this.#spec.mode === 'updates') for (const session of this.#unflushed) this.#rows.show(session);
    this.#unflushed.clear();
  }

  persist(batch: Batch): void {
    for (const session of this.#unindexed) {
      const id = this.#idOf(session);
      if (session.indexedMs !== null) this.#times.remove(session.indexedMs, id);
      this.#times.add(session.endMs, id, this.#withoutWindow(session.key));
      session.indexedMs = session.endMs;
    }
    this.#unindexed.clear();
    this.#store.persist(batch);
    this.#times.persist(batch);
    this.#spilled.persist(batch, {});
    this.#epoch++;
  }

  recall(index: readonly Entry[]): boolean {
    return this.#spilled.recall(index) !== null;
  }

  restore(entries: Iterable<Entry>): void {
    for (const session of this.#restore(entries, () => true)) {
      this.#spilled.stored(session.key, 1);
      // An earlier version kept no index.
      this.#times.add(session.endMs, this.#idOf(session), this.#withoutWindow(session.key));
    }
  }

  /** Makes the sessions of keys again for which `takes` says so. */
  #restore(entries: Iterable<Entry>, takes: (name: string) => boolean): readonly Session[] {
    const { windowIndex, mode } = this.#spec;
    const sessions = this.#store.restore(entries, ([saved, rows, serial], accumulators) => {
      const key = saved as Row;
      const name = nameOfKey(this.#withoutWindow(key));
      if (!takes(name)) return null;
      const place = placeOf(name, serial as number, key[windowIndex] as WindowValue);
      const group = emptyGroup(key, this.#aggregates.create(accumulators));
      const facts = { key, rows: rows as number, epoch: this.#epoch, indexedMs: place.endMs };
      return this.#add({ ...group, ...place, ...facts });
    });
    if (mode === 'updates') for (const session of sessions) this.#rows.recall(session);
    return sessions;
  }

  /** Nothing is handed on before time has passed or the epoch ends, so that any row may wait. */
  get spilling(): Spilling {
    return this;
  }

  get isSpilled(): boolean {
    return this.#spilled.size > 0;
  }

  spill(bytes: number): void {
    const all = [...this.#sessions].map(([name, sessions]) => ({
      name,
      sessions,
      epoch: Math.max(...sessions.map(({ epoch }) => epoch)),
    }));
    const bytesOf = (each: (typeof all)[number]): number =>
      each.sessions.reduce((sum, session) => sum + session.bytes, 0);
    for (const { name, sessions } of coldest(all, bytes, bytesOf)) {
      this.#sessions.delete(name);
      for (const session of sessions) {
        this.#store.drop(session);
        this.#spilled.add(session.key, name);
        this.#size--;
      }
    }
    // It would hold what is forgotten until its end.
    this.#queue = new TimeQueue();
    for (const session of [...this.#sessions.values()].flat()) this.#queue.add(session.endMs, session);
  }

  missing(): readonly Wanted[] {
    return [...this.#spilled.missing()].map((key) => this.#rangeOf(key));
  }

  /** All sessions of a key. */
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
      if (!this.#sessions.has(name)) this.#dueKeys.want(key, name);
    }
  }

  due(): readonly Wanted[] {
    return this.#dueKeys.take();
  }

  resume(entries: Iterable<Entry>): void {
    const returned = new Set<string>();
    this.#restore(entries, (name) => {
      if (!returned.has(name) && this.#sessions.has(name)) return false;
      returned.add(name);
      this.#spilled.remove([], name);
      return true;
    });
    for (const aside of this.#spilled.takeAside()) {
      this.#aggregates.evaluate(aside.row);
      this.#take(aside);
    }
  }
}

function placeOf(
  name: string,
  serial: number,
  [startMs, endMs]: WindowValue,
): Pick<Session, 'name' | 'serial' | 'startMs' | 'endMs'> {
  return { name, serial, startMs, endMs };
}

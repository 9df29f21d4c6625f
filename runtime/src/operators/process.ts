/**
 * Runs a function of the definition over the rows of each key in the order of event time, with state and timers.
 *
 *   row ──► waits for its time ──► onEvent ──┬─► rows emitted ─► next
 *                     timers ────► onTimer ──┘   state, timers of the key
 *
 * Rules       Of one key, what is due comes in the order of its time: a timer at T after every row with a time <= T and
 *             before every later one. A timer set for a time that has passed is due when the call is over.
 *             A call takes effect as a whole. When the function throws, emits what its columns do not allow, or leaves a
 *             state that is not JSON, nothing of the call happened: the row (or the timer) is rejected and the state is
 *             what it was before.
 *             At the end of the input every timer comes due, in order. So that this ends, only `timersMax` timers that
 *             `onTimer` set run for a key without a row of the key between them; then its timers are cleared and it is an
 *             error. The rule holds at all times, as the end must not be told from a long silence.
 * State       an item of kind 0 for each row that waits, one of kind 1 for each key: [key values, state, timers, timers that ran].
 *             Both may be in the store alone (spilling.ts); an index by time has each key at its first timer (time-index.ts)
 * Invariants  P1  The calls of a key, their arguments and their order depend on the rows, not on the cut.
 *             P2  No call sees an object that another call, or the function outside of it, can reach.
 */
import { invariant } from '../base/invariant.ts';
import { nameOfKey } from '../data/key.ts';
import type { Column, Row } from '../data/value.ts';
import { RowError } from '../expr/row-error.ts';
import type { Batch, Entry, Range, Wanted } from '../state/store.ts';
import { DueKeys } from './due-keys.ts';
import { Heap } from './heap.ts';
import type { Collector, Position, StatefulOperator, Weight } from './operator.ts';
import { ProcessCall } from './process-call.ts';
import type { PlainRow, ProcessContext, ProcessFunction } from './process-function.ts';
import { emittedRows, plainRows } from './process-values.ts';
import { type SavedItem, SavedItems } from './saved-items.ts';
import { SpilledKeys } from './spilled-keys.ts';
import { coldest, type Spilling } from './spilling.ts';
import {
  isWaiting,
  keyedId,
  type Saveable,
  TimeBuffer,
  type TimedFacts,
  type TimedSpec,
  timeOf,
  WAITING,
} from './time-buffer.ts';
import { indexedKey, TimeIndex } from './time-index.ts';

const KEY = 1;
const TIMERS_MAX = 1000;

export interface ProcessSpec extends TimedSpec {
  /** Which columns of the input are the key. */
  readonly keys: readonly number[];
  readonly inputColumns: readonly Column[];
  readonly outputColumns: readonly Column[];
  readonly function: ProcessFunction;
}

class KeyState implements Saveable {
  readonly kind = KEY;
  readonly serial: number;
  isSaved: boolean;
  readonly values: Row;
  /** JSON. */
  state: string;
  /** Time → whether a timer set it, not a row. */
  readonly timers: Map<number, boolean>;
  /** Timers set by timers that ran since the last row of the key. */
  ran: number;
  /** Where the index has it; null when it has not. */
  indexedMs: number | null = null;
  /** In which it was called last. */
  epoch = 0;

  constructor({ serial, isSaved }: Omit<SavedItem, 'kind'>, [values, state, timers, ran]: SavedKey) {
    this.serial = serial;
    this.isSaved = isSaved;
    this.values = values;
    this.state = state;
    this.timers = new Map(timers);
    this.ran = ran;
  }

  get id(): Buffer {
    return keyedId(this.values);
  }

  /** When its first timer comes due; null when there is none. */
  get nextMs(): number | null {
    return this.timers.size === 0 ? null : Math.min(...this.timers.keys());
  }

  save(): SavedKey {
    return [this.values, this.state, [...this.timers], this.ran];
  }
}

type SavedKey = readonly [
  values: Row,
  state: string,
  timers: readonly (readonly [timeMs: number, byTimer: boolean])[],
  ran: number,
];

interface Timer {
  readonly timeMs: number;
  readonly name: string;
}

export class ProcessOperator implements StatefulOperator, Spilling {
  readonly #spec: ProcessSpec;
  readonly #next: Collector;
  readonly #buffer: TimeBuffer<string>;
  readonly #keys = new Map<string, KeyState>();
  /** May hold timers that were cleared; those that count are in the set of their key. */
  #timers = new Heap<Timer>(compareTimers);
  readonly #saved: SavedItems<Saveable>;
  readonly #touched = new Map<string, KeyState>();
  readonly #spilled: SpilledKeys;
  readonly #times: TimeIndex;
  /** Keys in the store alone with a timer that is due. */
  readonly #dueKeys: DueKeys;
  #epoch = 0;
  readonly #initial: string;
  readonly #eventOf: (row: Row) => PlainRow;
  readonly #keyOf: (values: Row) => PlainRow;
  readonly #rowOf: (emitted: unknown) => Row;

  constructor(spec: ProcessSpec, next: Collector) {
    this.#spec = spec;
    this.#next = next;
    this.#initial = JSON.stringify(spec.function.initial);
    this.#eventOf = plainRows(spec.inputColumns);
    this.#keyOf = plainRows(spec.keys.map((index) => spec.inputColumns[index] as Column));
    this.#rowOf = emittedRows(spec.outputColumns);
    this.#spilled = new SpilledKeys(spec.prefix, -1);
    this.#times = new TimeIndex(spec.prefix);
    this.#dueKeys = new DueKeys(spec.prefix, keyedId);
    const saved = new SavedItems<Saveable>(
      spec.prefix,
      (item) => item.save(),
      ({ id }) => id,
      ({ kind }, change) => {
        if (kind === KEY) this.#spilled.stored([], change);
      },
    );
    const valueOf = (row: Row): string => nameOfKey(this.#valuesOf(row));
    this.#saved = saved;
    this.#buffer = new TimeBuffer({ spec, saved, valueOf, keepsPosition: true });
  }

  #valuesOf(row: Row): Row {
    return this.#spec.keys.map((index) => row[index] ?? null);
  }

  get size(): number {
    return this.#saved.size;
  }

  get memoryBytes(): number {
    return this.#saved.memoryBytes + this.#spilled.memoryBytes;
  }

  push(row: Row, weight: Weight, at: Position | null): void {
    invariant(weight === 1, 'the input of a process function only grows');
    try {
      const timeMs = timeOf(this.#spec.time, row);
      if (this.#buffer.isLate(timeMs, at)) return;
      this.#buffer.add(timeMs, row, at, nameOfKey(this.#valuesOf(row)));
    } catch (error) {
      if (!(error instanceof RowError)) throw error;
      this.#spec.onError(error, at, row);
    }
  }

  advance(watermarkMs: number): void {
    for (const { timeMs, row, at, value } of this.#buffer.release(watermarkMs)) {
      this.#runTimers(timeMs - 1);
      const key = this.#keyStateOf(value, this.#valuesOf(row));
      key.ran = 0;
      const event = this.#eventOf(row);
      const { function: fn } = this.#spec;
      this.#call(value, key, timeMs, {
        at,
        row,
        byTimer: false,
        run: (context) => fn.onEvent(event, context),
      });
    }
    this.#runTimers(this.#buffer.passedMs(watermarkMs));
  }

  #runTimers(untilMs: number): void {
    for (;;) {
      const timer = this.#timers.peek();
      if (timer === undefined || timer.timeMs > untilMs) return;
      this.#timers.pop();
      const key = this.#keys.get(timer.name);
      const byTimer = key?.timers.get(timer.timeMs);
      if (key !== undefined && byTimer !== undefined) this.#runTimer(timer, key, byTimer);
    }
  }

  #runTimer({ name, timeMs }: Timer, key: KeyState, byTimer: boolean): void {
    const { function: fn, onError } = this.#spec;
    const { timersMax = TIMERS_MAX } = fn;
    if (byTimer && key.ran === timersMax) {
      const what = `${timersMax} timers that timers set ran without a row of their key; its timers are cleared`;
      this.#touch(name, key);
      key.timers.clear();
      onError(new RowError(`process function "${fn.name}": ${what}`), null, key.values);
      return;
    }
    key.timers.delete(timeMs);
    if (byTimer) key.ran++;
    this.#call(name, key, timeMs, {
      at: null,
      row: key.values,
      byTimer: true,
      run: (context) => fn.onTimer?.(context),
    });
  }

  #keyStateOf(name: string, values: Row): KeyState {
    const known = this.#keys.get(name);
    if (known !== undefined) return known;
    const place = { serial: this.#saved.nextSerial(), isSaved: false };
    const key = new KeyState(place, [values, this.#initial, [], 0]);
    this.#keys.set(name, key);
    this.#saved.add(key);
    return key;
  }

  #touch(name: string, key: KeyState): void {
    key.epoch = this.#epoch;
    this.#saved.change(key);
    this.#touched.set(name, key);
  }

  #call(
    name: string,
    key: KeyState,
    timeMs: number,
    of: { at: Position | null; row: Row; byTimer: boolean; run: (context: ProcessContext) => unknown },
  ): void {
    this.#touch(name, key);
    const { function: fn, onError } = this.#spec;
    const call = new ProcessCall(fn, {
      key: this.#keyOf(key.values),
      timeMs,
      state: key.state,
      rowOf: this.#rowOf,
    });
    const problem = call.run(of.run);
    if (problem !== undefined) {
      onError(new RowError(`process function "${fn.name}": ${problem}`), of.at, of.row);
    } else {
      key.state = call.state;
      for (const [timerMs, isSet] of call.timers) {
        if (isSet) this.#setTimer(name, key, timerMs, of.byTimer);
        else key.timers.delete(timerMs);
      }
      for (const row of call.emitted) this.#next.push(row, 1, null);
    }
  }

  #setTimer(name: string, key: KeyState, timeMs: number, byTimer: boolean): void {
    const known = key.timers.get(timeMs);
    if (known === undefined) this.#timers.push({ timeMs, name });
    key.timers.set(timeMs, byTimer && known !== false);
  }

  flush(): void {
    // Everything is handed on when its time has passed.
  }

  persist(batch: Batch): void {
    for (const [name, key] of this.#touched) {
      const isGone = key.state === this.#initial && key.timers.size === 0;
      this.#index(key, isGone ? null : key.nextMs);
      if (!isGone) continue;
      this.#keys.delete(name);
      this.#saved.remove(key);
    }
    this.#touched.clear();
    this.#saved.persist(batch);
    this.#times.persist(batch);
    const facts: TimedFacts = { ...this.#saved.facts, lastMs: this.#buffer.lastMs };
    this.#spilled.persist(batch, facts);
    this.#epoch++;
  }

  #index(key: KeyState, timeMs: number | null): void {
    if (key.indexedMs === timeMs) return;
    if (key.indexedMs !== null) this.#times.remove(key.indexedMs, key.id);
    if (timeMs !== null) this.#times.add(timeMs, key.id, key.values);
    key.indexedMs = timeMs;
  }

  recall(index: readonly Entry[]): boolean {
    const facts = this.#spilled.recall(index) as TimedFacts | null;
    if (facts === null) return false;
    this.#saved.recall(facts);
    this.#buffer.recall(facts.lastMs ?? -Infinity);
    return true;
  }

  restore(entries: Iterable<Entry>): void {
    this.#saved.restore(entries, (saved, place) => {
      if (place.kind === WAITING) return this.#buffer.restore(saved, place);
      const key = this.#comeBack(saved, place);
      // An earlier version kept no index.
      if (key.indexedMs !== null) this.#times.add(key.indexedMs, key.id, key.values);
      return key;
    });
  }

  #comeBack(saved: unknown, place: SavedItem): KeyState {
    const key = new KeyState(place, saved as SavedKey);
    const name = nameOfKey(key.values);
    key.indexedMs = key.nextMs;
    key.epoch = this.#epoch;
    this.#keys.set(name, key);
    for (const timeMs of key.timers.keys()) this.#timers.push({ timeMs, name });
    return key;
  }

  /** Nothing is handed on before time has passed, and no row asks for its key before. */
  get spilling(): Spilling {
    return this;
  }

  get isSpilled(): boolean {
    return this.#spilled.size > 0 || this.#buffer.isSpilled;
  }

  spill(bytes: number): void {
    const { itemBytes } = this.#saved;
    // What takes most goes first.
    const rowsBytes = this.#buffer.waiting * itemBytes;
    const keysBytes = this.#keys.size * itemBytes;
    if (rowsBytes > keysBytes) this.#buffer.spill();
    this.#spillKeys(rowsBytes > keysBytes ? bytes - rowsBytes : bytes);
    if (rowsBytes <= keysBytes && keysBytes < bytes) this.#buffer.spill();
  }

  #spillKeys(bytes: number): void {
    if (bytes <= 0) return;
    const all = [...this.#keys].map(([name, key]) => ({ name, key, epoch: key.epoch }));
    for (const { name, key } of coldest(all, bytes, () => this.#saved.itemBytes)) {
      this.#keys.delete(name);
      this.#saved.drop(key);
      this.#spilled.add([], name);
    }
    // It would hold what is forgotten until its time.
    this.#timers = new Heap(compareTimers);
    for (const [name, { timers }] of this.#keys)
      for (const timeMs of timers.keys()) this.#timers.push({ timeMs, name });
  }

  missing(): readonly Wanted[] {
    return [];
  }

  dueIndex(watermarkMs: number): readonly Range[] {
    const passedMs = this.#buffer.passedMs(watermarkMs);
    return [...this.#buffer.ranges(watermarkMs), ...this.#times.ranges(passedMs)];
  }

  takeDue(index: Iterable<Entry>, watermarkMs: number): void {
    const { prefix } = this.#spec;
    const entries = [...index];
    this.#buffer.resume(
      entries.filter((entry) => isWaiting(entry, prefix)),
      watermarkMs,
    );
    for (const entry of entries) if (!isWaiting(entry, prefix)) this.#want(indexedKey(entry));
  }

  #want(values: Row): void {
    const name = nameOfKey(values);
    if (!this.#keys.has(name) && this.#spilled.mayHave(values, name)) this.#dueKeys.want(values, name);
  }

  due(watermarkMs: number): readonly Wanted[] {
    for (const { row } of this.#buffer.due(watermarkMs)) this.#want(this.#valuesOf(row));
    return this.#dueKeys.take();
  }

  resume(entries: Iterable<Entry>): void {
    this.#saved.resume(entries, (saved, place) => {
      const name = nameOfKey((saved as SavedKey)[0]);
      if (this.#keys.has(name)) return null;
      this.#spilled.remove([], name);
      return this.#comeBack(saved, place);
    });
  }
}

function compareTimers(a: Timer, b: Timer): number {
  return a.timeMs - b.timeMs || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
}

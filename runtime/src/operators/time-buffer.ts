/**
 * Keeps rows until the watermark has passed them, then hands them out in the order of time: what every operator begins
 * with whose result depends on that order (over, pattern, process).
 *
 *   row ──► time over? ── yes ─► late rule        no ─► keep ──► watermark passes time + allowed lateness ─► hand out
 *
 * A row of time t is judged as the window [t, t + 1). REQUIRES a late rule that allows for operators before that hand rows
 * on later than their time, as an interval join does.
 *
 * Order       time, then the position of the event, then the order in which one event's rows came. Rows that time caused
 *             have no position: they come after those of the same time, in the order of their content.
 * State       an item of kind 0 for each row that waits, in the order of time: those that the store alone has come back as a
 *             range up to the watermark (spilling.ts)
 * Invariants  B1  Whether a row is late and when it is handed out depends on the row and its position, not on the cut.
 *             B2  Once a time has been handed out, no row of this time or an earlier one is taken any more.
 */
import { invariant } from '../base/invariant.ts';
import { encodeKey, encodeNumber } from '../data/key.ts';
import type { Row } from '../data/value.ts';
import type { Evaluate } from '../expr/evaluate.ts';
import { RowError } from '../expr/row-error.ts';
import type { Entry, Range } from '../state/store.ts';
import type { LateRule, OnRowError, Position } from './operator.ts';
import { compareRows } from './row-order.ts';
import type { SavedFacts, SavedItem, SavedItems } from './saved-items.ts';
import { TimeQueue } from './time-queue.ts';

/** What an operator over time is given besides its own. */
export interface TimedSpec {
  /** The event time of a row, in epoch milliseconds. A row without one is an error of the row. */
  readonly time: Evaluate;
  readonly late: LateRule;
  readonly onError: OnRowError;
  /** The keys of the state start with this. */
  readonly prefix: Buffer;
}

/** An item of the state that knows what of it is saved. */
export interface Saveable extends SavedItem {
  /** Where it stands. */
  readonly id: Buffer;
  /** JSON. */
  save(): unknown;
}

export const WAITING = 0;

/** Of what begins with time, and of what begins with a key. */
const [BY_TIME, BY_KEY] = [0x10, 0x11];

/** The id of a row that waits: they stand in the order of time. */
function waitingId(timeMs: number): Buffer {
  return Buffer.concat([Buffer.of(BY_TIME), encodeNumber(timeMs)]);
}

/** The id of what is kept of a key. */
export function keyedId(key: Row): Buffer {
  return Buffer.concat([Buffer.of(BY_KEY), encodeKey(key)]);
}

/** Whether an entry is a row that waits, in the order of time. */
export function isWaiting({ key }: Entry, prefix: Buffer): boolean {
  return key[prefix.length] === BY_TIME;
}

/** A row that waits, with what the operator computed of it, so that nothing is evaluated twice. */
export class Waiting<T> implements Saveable {
  readonly kind = WAITING;
  readonly serial: number;
  isSaved: boolean;
  readonly timeMs: number;
  /** Infinity for a row that time caused. */
  readonly position: number;
  readonly row: Row;
  readonly value: T;
  /** Of the event; null also when the buffer does not keep it. */
  readonly at: Position | null;

  constructor(of: Pick<Waiting<T>, 'serial' | 'isSaved' | 'timeMs' | 'position' | 'row' | 'value' | 'at'>) {
    this.serial = of.serial;
    this.isSaved = of.isSaved;
    this.timeMs = of.timeMs;
    this.position = of.position;
    this.row = of.row;
    this.value = of.value;
    this.at = of.at;
  }

  get id(): Buffer {
    return waitingId(this.timeMs);
  }

  save(): Saved {
    return [this.timeMs, Number.isFinite(this.position) ? this.position : null, this.row, this.at];
  }
}

/** What an operator over time needs after a restart. */
export interface TimedFacts extends SavedFacts {
  /** The largest time of a row so far; null for none. */
  readonly lastMs: number | null;
}

/** JSON has no infinity: a position of Infinity and a watermark of -Infinity are null. */
type Saved = readonly [
  timeMs: number,
  position: number | null,
  row: Row,
  at: (Omit<Position, 'watermarkMs'> & { readonly watermarkMs: number | null }) | null,
];

interface BufferOptions<T> {
  readonly spec: Pick<TimedSpec, 'late' | 'prefix'>;
  /** The state of the operator. */
  readonly saved: SavedItems<Saveable>;
  /** Computes the value of a row again, which did not fail when it was added. */
  readonly valueOf: (row: Row) => T;
  /** Whether rows keep where they stand in the log, for an operator that finds errors only later. */
  readonly keepsPosition?: boolean;
}

export class TimeBuffer<T> {
  readonly #options: BufferOptions<T>;
  #queue = new TimeQueue<Waiting<T>>();
  #releasedMs = -Infinity;
  /** The store alone may have rows of these times. */
  #aloneFromMs = Infinity;
  #aloneUntilMs = -Infinity;
  #lastMs = -Infinity;

  constructor(options: BufferOptions<T>) {
    this.#options = options;
  }

  /** Judges a row, once; a late one is given to the late rule. */
  isLate(timeMs: number, at: Position | null): boolean {
    const { late } = this.#options.spec;
    const isLate = at !== null && late.isOverFor(at, timeMs + 1);
    if (isLate) late.late(at, timeMs, timeMs + 1);
    return isLate;
  }

  /** Keeps a row. REQUIRES one that is not late. */
  add(timeMs: number, row: Row, at: Position | null, value: T): void {
    const { saved, keepsPosition = false } = this.#options;
    invariant(timeMs > this.#releasedMs, 'a row comes before its time is handed out');
    const place = { position: at?.position ?? Infinity, at: keepsPosition ? at : null };
    const waiting = new Waiting({ serial: saved.nextSerial(), isSaved: false, timeMs, row, value, ...place });
    this.#queue.add(timeMs, waiting);
    this.#lastMs = Math.max(this.#lastMs, timeMs);
    saved.add(waiting);
  }

  /** The largest time of a row so far. */
  get lastMs(): number {
    return this.#lastMs;
  }

  /** Goes on behind a restart: the store alone has all that waits. */
  recall(lastMs: number): void {
    this.#lastMs = this.#aloneUntilMs = lastMs;
    this.#aloneFromMs = lastMs === -Infinity ? Infinity : -Infinity;
  }

  get isSpilled(): boolean {
    return this.#aloneFromMs < Infinity;
  }

  /** Of the rows that are in memory: how many there are. */
  get waiting(): number {
    return this.#queue.size;
  }

  /** All rows that wait leave memory. REQUIRES that they are saved. */
  spill(): void {
    for (const waiting of this.#queue.upTo(Infinity)) {
      this.#options.saved.drop(waiting);
      this.#aloneFromMs = Math.min(this.#aloneFromMs, waiting.timeMs);
      this.#aloneUntilMs = Math.max(this.#aloneUntilMs, waiting.timeMs);
    }
    this.#queue = new TimeQueue();
  }

  /** Where the rows stand that this watermark passes and the store alone may have. REQUIRES that they are given to `resume`. */
  ranges(watermarkMs: number): readonly Range[] {
    const untilMs = this.passedMs(watermarkMs);
    if (untilMs < this.#aloneFromMs || untilMs === -Infinity) return [];
    const { prefix } = this.#options.spec;
    const gte = this.#aloneFromMs === -Infinity ? Buffer.of(BY_TIME) : waitingId(this.#aloneFromMs);
    const lt = waitingId(untilMs);
    this.#aloneFromMs = untilMs >= this.#aloneUntilMs ? Infinity : untilMs;
    return [{ gte: Buffer.concat([prefix, gte]), lt: Buffer.concat([prefix, lt, Buffer.of(0xff)]) }];
  }

  /** Takes the entries of those ranges. */
  resume(entries: Iterable<Entry>, watermarkMs: number): void {
    const known = new Set(Array.from(this.due(watermarkMs), ({ serial }) => serial));
    this.#options.saved.resume(entries, (saved, place) =>
      known.has(place.serial) ? null : this.restore(saved, place),
    );
  }

  /** The rows in memory that this watermark passes, in no order; they stay. */
  due(watermarkMs: number): Iterable<Waiting<T>> {
    return this.#queue.upTo(this.passedMs(watermarkMs));
  }

  /** The rows whose time this watermark has passed, in order; they are forgotten. */
  release(watermarkMs: number): readonly Waiting<T>[] {
    const due = this.#queue.take(this.passedMs(watermarkMs)).sort(compareWaiting);
    for (const waiting of due) this.#options.saved.remove(waiting);
    this.#releasedMs = due.at(-1)?.timeMs ?? this.#releasedMs;
    return due;
  }

  /** The largest time of which no row can come any more, unless it is late, when the watermark is this. */
  passedMs(watermarkMs: number): number {
    // The largest t with isOver(t + 1, allowedMs, watermarkMs).
    return watermarkMs - this.#options.spec.late.allowedMs;
  }

  /** Takes back what was saved of a row. */
  restore(saved: unknown, { serial, isSaved }: SavedItem): Waiting<T> {
    const [timeMs, position, row, at] = saved as Saved;
    const waiting = new Waiting({
      serial,
      isSaved,
      timeMs,
      position: position ?? Infinity,
      row,
      value: this.#options.valueOf(row),
      at: at === null ? null : { ...at, watermarkMs: at.watermarkMs ?? -Infinity },
    });
    this.#queue.add(timeMs, waiting);
    this.#lastMs = Math.max(this.#lastMs, timeMs);
    return waiting;
  }
}

function compareWaiting<T>(a: Waiting<T>, b: Waiting<T>): number {
  if (a.timeMs !== b.timeMs) return a.timeMs - b.timeMs;
  // Not by subtraction: both may be Infinity.
  if (a.position !== b.position) return a.position < b.position ? -1 : 1;
  return a.position === Infinity ? compareRows(a.row, b.row) : a.serial - b.serial;
}

/** The time of a row as `spec.time` says. Throws RowError when there is none. */
export function timeOf(time: Evaluate, row: Row): number {
  const timeMs = time(row);
  if (timeMs === null) throw new RowError('the row has no event time');
  return timeMs as number;
}

/**
 * Finds sequences of rows of a partition: one row for each step, in the order of time, within a time.
 *
 *   row ──► which steps accept it? ──► waits for its time ──► attempts move on ──► an attempt is complete: hand on
 *                  none ─► forgotten                          first step ─► a new attempt
 *
 * Rules       From a row that the first step accepts, each further step takes the next row behind that of the step before
 *             which its condition accepts; rows between are skipped (relaxed contiguity). This is one attempt. It is a
 *             match if its last row is at most `withinMs` younger than its first.
 *             Of all attempts that match, the one with the earliest first row counts. The search then begins anew behind
 *             its last row, so matches do not overlap. (SQL: AFTER MATCH SKIP PAST LAST ROW, reluctant quantifiers.)
 *             Rows of one time are told apart by their position: a step never takes the row of the step before.
 * Why         an attempt that began earlier is never behind a later one, as both take the next row. So attempts in the
 *   one pass  order of their first rows are in the order of their steps, and when one completes, those that began earlier
 *   is enough have completed or run out of time: nobody has to wait for them.
 * State       an item of kind 0 for each row that waits, one of kind 1 for each attempt: [partition, first time, columns].
 *             An attempt is forgotten when no row can come any more that is within its time. Both may be in the store alone
 *             (spilling.ts); an index by time has each attempt at its last time (time-index.ts).
 * Invariants  M1  What is matched depends on the rows in time and on their order, not on the cut.
 *             M2  No row is part of two matches.
 */
import { invariant } from '../base/invariant.ts';
import { nameOfKey } from '../data/key.ts';
import type { Row, Value } from '../data/value.ts';
import type { Evaluate } from '../expr/evaluate.ts';
import { RowError } from '../expr/row-error.ts';
import type { Batch, Entry, Range, Wanted } from '../state/store.ts';
import { DueKeys } from './due-keys.ts';
import type { Collector, Position, StatefulOperator, Weight } from './operator.ts';
import { itemSuffix, kindOf, type SavedItem, SavedItems, serialOf } from './saved-items.ts';
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
import { TimeQueue } from './time-queue.ts';

const ATTEMPT = 1;

export interface PatternSpec extends TimedSpec {
  /** Which columns of the input are the partition; they come first in the rows that leave. */
  readonly partition: readonly number[];
  /** At least one. */
  readonly steps: readonly Evaluate[];
  readonly withinMs: number;
  /** What else leaves: a value of the row that a step took. An error of it is an error of every row that the step accepts. */
  readonly columns: readonly { readonly step: number; readonly value: Evaluate }[];
}

/** What a row is for the pattern. */
interface Candidate {
  readonly partition: Row;
  /** For each step, the values of its columns if it accepts the row. */
  readonly accepted: readonly (Row | null)[];
}

class Attempt implements Saveable {
  readonly kind = ATTEMPT;
  readonly serial: number;
  isSaved: boolean;
  readonly partition: Row;
  readonly firstMs: number;
  /** For each step that has its row, the values of its columns. */
  readonly taken: Row[];

  constructor({ serial, isSaved }: Omit<SavedItem, 'kind'>, [partition, firstMs, taken]: SavedAttempt) {
    this.serial = serial;
    this.isSaved = isSaved;
    this.partition = partition;
    this.firstMs = firstMs;
    this.taken = taken;
  }

  get id(): Buffer {
    return keyedId(this.partition);
  }

  save(): SavedAttempt {
    return [this.partition, this.firstMs, this.taken];
  }
}

type SavedAttempt = readonly [partition: Row, firstMs: number, taken: Row[]];

/** The attempts of a partition. At index n those that have n + 1 rows, in the order of their first rows. */
type Attempts = Attempt[][];

export class PatternOperator implements StatefulOperator, Spilling {
  readonly #spec: PatternSpec;
  readonly #next: Collector;
  readonly #buffer: TimeBuffer<Candidate>;
  readonly #saved: SavedItems<Saveable>;
  readonly #partitions = new Map<string, Attempts>();
  /** Last time of an attempt → the partitions that have such. */
  #ends = new TimeQueue<string>();
  readonly #spilled: SpilledKeys;
  readonly #times: TimeIndex;
  /** Partitions in the store alone for which rows are due. */
  readonly #dueKeys: DueKeys;
  /** For each column that leaves, its step and its place among the columns of the step. */
  readonly #places: readonly (readonly [step: number, place: number])[];

  constructor(spec: PatternSpec, next: Collector) {
    this.#spec = spec;
    this.#next = next;
    this.#spilled = new SpilledKeys(spec.prefix, -1);
    this.#times = new TimeIndex(spec.prefix);
    this.#dueKeys = new DueKeys(spec.prefix, keyedId);
    this.#saved = new SavedItems<Saveable>(
      spec.prefix,
      (item) => item.save(),
      ({ id }) => id,
      (item, change) => {
        if (item instanceof Attempt) this.#noteStored(item, change);
      },
    );
    const valueOf = (row: Row): Candidate => this.#candidateOf(row);
    this.#buffer = new TimeBuffer({ spec, saved: this.#saved, valueOf });
    this.#places = spec.columns.map(({ step }, index) => {
      const before = spec.columns.slice(0, index).filter((other) => other.step === step);
      return [step, before.length];
    });
  }

  get size(): number {
    return this.#saved.size;
  }

  get memoryBytes(): number {
    return this.#saved.memoryBytes + this.#spilled.memoryBytes;
  }

  #noteStored(attempt: Attempt, change: 1 | -1): void {
    this.#spilled.stored([], change);
    if (change === 1) this.#times.add(this.#lastMs(attempt), itemSuffix(attempt), attempt.partition);
    else this.#times.remove(this.#lastMs(attempt), itemSuffix(attempt));
  }

  /** The last time of a row that an attempt can take. */
  #lastMs({ firstMs }: Attempt): number {
    return firstMs + this.#spec.withinMs;
  }

  push(row: Row, weight: Weight, at: Position | null): void {
    invariant(weight === 1, 'the input of a pattern only grows');
    try {
      const candidate = this.#candidateOf(row);
      const timeMs = timeOf(this.#spec.time, row);
      const fits = candidate.accepted.some((values) => values !== null);
      if (!this.#buffer.isLate(timeMs, at) && fits) this.#buffer.add(timeMs, row, at, candidate);
    } catch (error) {
      if (!(error instanceof RowError)) throw error;
      this.#spec.onError(error, at, row);
    }
  }

  #candidateOf(row: Row): Candidate {
    const { partition, steps, columns } = this.#spec;
    // Every step first: a row whose third condition fails is rejected, whatever it is waited for.
    const accepts = steps.map((condition) => condition(row) === true);
    const accepted = accepts.map((isAccepted, step) => {
      if (!isAccepted) return null;
      return columns.filter((column) => column.step === step).map(({ value }) => value(row));
    });
    return { partition: partition.map((index) => row[index] ?? null), accepted };
  }

  advance(watermarkMs: number): void {
    for (const { timeMs, value } of this.#buffer.release(watermarkMs)) this.#take(timeMs, value);
    // The next row is later than what has passed.
    const passedMs = this.#buffer.passedMs(watermarkMs);
    for (const name of this.#ends.take(passedMs)) {
      const attempts = this.#partitions.get(name);
      if (attempts === undefined) continue;
      this.#dropEnded(attempts, passedMs + 1);
      this.#forgetIfEmpty(name, attempts);
    }
  }

  #take(timeMs: number, { partition, accepted }: Candidate): void {
    const name = nameOfKey(partition);
    const attempts = this.#attemptsOf(name);
    this.#dropEnded(attempts, timeMs);
    const last = accepted.length - 1;
    const completing = last > 0 && accepted[last] !== null ? attempts[last - 1]?.[0] : undefined;
    if (completing !== undefined) {
      this.#match(name, attempts, partition, [...completing.taken, accepted[last] ?? []]);
      return;
    }
    // From the later step to the earlier, so that a row moves an attempt by one step only.
    for (let step = last - 1; step > 0; step--) this.#move(attempts, step, accepted[step] ?? null);
    const first = accepted[0] ?? null;
    if (first !== null && last === 0) this.#match(name, attempts, partition, [first]);
    else if (first !== null) this.#begin(name, attempts, [partition, timeMs, [first]]);
    else this.#forgetIfEmpty(name, attempts);
  }

  /** Gives a row to all attempts that wait for this step. Those that have as many rows already began earlier. */
  #move(attempts: Attempts, step: number, values: Row | null): void {
    const waiting = attempts[step - 1] ?? [];
    if (values === null || waiting.length === 0) return;
    for (const attempt of waiting) {
      attempt.taken.push(values);
      this.#saved.change(attempt);
      attempts[step]?.push(attempt);
    }
    attempts[step - 1] = [];
  }

  #begin(name: string, attempts: Attempts, begun: SavedAttempt): void {
    const attempt = new Attempt({ serial: this.#saved.nextSerial(), isSaved: false }, begun);
    this.#saved.add(attempt);
    attempts[0]?.push(attempt);
    this.#ends.add(this.#lastMs(attempt), name);
  }

  #match(name: string, attempts: Attempts, partition: Row, taken: readonly Row[]): void {
    for (const attempt of attempts.flat()) this.#saved.remove(attempt);
    this.#partitions.delete(name);
    const values = this.#places.map(([step, place]): Value => taken[step]?.[place] ?? null);
    this.#next.push([...partition, ...values], 1, null);
  }

  #attemptsOf(name: string): Attempts {
    const known = this.#partitions.get(name);
    if (known !== undefined) return known;
    const attempts: Attempts = this.#spec.steps.map(() => []);
    this.#partitions.set(name, attempts);
    return attempts;
  }

  /** Forgets attempts that a row of this time, or a later one, cannot complete in time. */
  #dropEnded(attempts: Attempts, timeMs: number): void {
    const isAlive = ({ firstMs }: Attempt): boolean => timeMs - firstMs <= this.#spec.withinMs;
    for (const waiting of attempts) {
      if (waiting[0] === undefined || isAlive(waiting[0])) continue;
      const alive = waiting.findIndex(isAlive);
      const ended = waiting.splice(0, alive < 0 ? waiting.length : alive);
      for (const attempt of ended) this.#saved.remove(attempt);
    }
  }

  #forgetIfEmpty(name: string, attempts: Attempts): void {
    if (attempts.every((waiting) => waiting.length === 0)) this.#partitions.delete(name);
  }

  flush(): void {
    // Everything is handed on when its time has passed.
  }

  persist(batch: Batch): void {
    this.#saved.persist(batch);
    this.#times.persist(batch);
    const facts: TimedFacts = { ...this.#saved.facts, lastMs: this.#buffer.lastMs };
    this.#spilled.persist(batch, facts);
  }

  recall(index: readonly Entry[]): boolean {
    const facts = this.#spilled.recall(index) as TimedFacts | null;
    if (facts === null) return false;
    this.#saved.recall(facts);
    this.#buffer.recall(facts.lastMs ?? -Infinity);
    return true;
  }

  restore(entries: Iterable<Entry>): void {
    this.#saved.restore(entries, (saved, place) =>
      place.kind === WAITING ? this.#buffer.restore(saved, place) : this.#comeBack(saved, place),
    );
  }

  #comeBack(saved: unknown, place: SavedItem): Attempt {
    const attempt = new Attempt(place, saved as SavedAttempt);
    const name = nameOfKey(attempt.partition);
    // Serials are in the order of first rows, and so are the attempts of each step.
    this.#attemptsOf(name)[attempt.taken.length - 1]?.push(attempt);
    this.#ends.add(this.#lastMs(attempt), name);
    return attempt;
  }

  /** Nothing is handed on before time has passed, and no row asks for its partition before. */
  get spilling(): Spilling {
    return this;
  }

  get isSpilled(): boolean {
    return this.#spilled.size > 0 || this.#buffer.isSpilled;
  }

  spill(bytes: number): void {
    const { itemBytes } = this.#saved;
    const all = [...this.#partitions].map(([name, steps]) => {
      const attempts = steps.flat();
      return { name, attempts, epoch: Math.max(...attempts.map(({ firstMs }) => firstMs)) };
    });
    const rowsBytes = this.#buffer.waiting * itemBytes;
    if (rowsBytes >= bytes) {
      this.#buffer.spill();
      return;
    }
    for (const { name, attempts } of coldest(all, bytes, (each) => each.attempts.length * itemBytes)) {
      this.#partitions.delete(name);
      for (const attempt of attempts) {
        this.#saved.drop(attempt);
        this.#spilled.add([], name);
      }
    }
    if (all.reduce((sum, { attempts }) => sum + attempts.length * itemBytes, 0) < bytes) this.#buffer.spill();
    // It would hold what is forgotten until its time.
    this.#ends = new TimeQueue();
    for (const [name, steps] of this.#partitions)
      for (const attempt of steps.flat()) this.#ends.add(this.#lastMs(attempt), name);
  }

  missing(): readonly Wanted[] {
    return [];
  }

  dueIndex(watermarkMs: number): readonly Range[] {
    const passedMs = this.#buffer.passedMs(watermarkMs);
    return [...this.#buffer.ranges(watermarkMs), ...this.#times.ranges(passedMs)];
  }

  /** Attempts of partitions without rows that are due end unseen: nothing is handed on for them. */
  takeDue(index: Iterable<Entry>, watermarkMs: number): void {
    const { prefix } = this.#spec;
    const entries = [...index];
    this.#buffer.resume(
      entries.filter((entry) => isWaiting(entry, prefix)),
      watermarkMs,
    );
    this.#wantDue(watermarkMs);
    for (const entry of entries) {
      if (isWaiting(entry, prefix)) continue;
      const partition = indexedKey(entry);
      const name = nameOfKey(partition);
      if (this.#partitions.has(name) || this.#dueKeys.has(name)) continue;
      const place = { kind: kindOf(entry.key), serial: serialOf(entry.key) };
      this.#times.removeEntry(entry);
      this.#saved.removeUnseen(keyedId(partition), place);
      this.#spilled.remove([], name);
      this.#spilled.stored([], -1);
    }
  }

  #wantDue(watermarkMs: number): void {
    for (const { value } of this.#buffer.due(watermarkMs)) {
      const name = nameOfKey(value.partition);
      if (!this.#partitions.has(name) && this.#spilled.mayHave(value.partition, name))
        this.#dueKeys.want(value.partition, name);
    }
  }

  due(watermarkMs: number): readonly Wanted[] {
    this.#wantDue(watermarkMs);
    return this.#dueKeys.take();
  }

  resume(entries: Iterable<Entry>): void {
    const returned = new Set<string>();
    this.#saved.resume(entries, (saved, place) => {
      const name = nameOfKey((saved as SavedAttempt)[0]);
      if (!returned.has(name) && this.#partitions.has(name)) return null;
      returned.add(name);
      this.#spilled.remove([], name);
      return this.#comeBack(saved, place);
    });
  }
}

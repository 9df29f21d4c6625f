/**
 * Each row with aggregates over the rows of its partition before it, itself included, in the order of time.
 *
 *   row ──► waits for its time ──► enters the frame ──► rows that are too old leave it ──► row and aggregates: hand on
 *
 * Frames      rows n         the row and the n rows before it, in the order of the time buffer, which tells rows of one time
 *                            apart: ROWS BETWEEN n PRECEDING AND CURRENT ROW
 *             range d        all rows not older than the row by more than d, those of its own time included, whatever
 *                            their order: RANGE BETWEEN d PRECEDING AND CURRENT ROW
 *             unbounded      all rows up to the time of the row, those of its own time included: RANGE UNBOUNDED PRECEDING
 * Ties        An aggregate that goes by a value (first, last, argMin, argMax) takes the smaller result for the earlier, in
 *             every frame alike.
 * State       an item of kind 0 for each row that waits; of kind 1 for each row in a frame (rows, range): [partition, time,
 *             values]; or for each partition (unbounded): [partition, accumulators], with the members of its accumulators
 *             under its id, then 2 <aggregate: 2 bytes> <member>. All may be in the store alone (spilling.ts); an index by time
 *             has the rows of a range at their time (time-index.ts)
 * Invariants  V1  The aggregates of a row depend on the rows in time of its partition, not on the cut.
 *             V2  A row that can be in no frame any more is forgotten.
 */
import { invariant } from '../base/invariant.ts';
import { nameOfKey } from '../data/key.ts';
import type { Row, Value } from '../data/value.ts';
import { RowError } from '../expr/row-error.ts';
import type { Frame } from '../plan/node.ts';
import type { Batch, Entry, Range, Wanted } from '../state/store.ts';
import { DueKeys } from './due-keys.ts';
import { Aggregates, type AggregateSpec, resultsOf } from './accumulators.ts';
import type { Collector, Position, StatefulOperator, Weight } from './operator.ts';
import {
  FrameRow,
  KEPT,
  Partition,
  type Place,
  type SavedFrameRow,
  type SavedPartition,
} from './over-frame.ts';
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
  type Waiting,
} from './time-buffer.ts';
import { indexedKey, TimeIndex } from './time-index.ts';
import { TimeQueue } from './time-queue.ts';

const MEMBER = 2;
/** Behind the id of an item: its kind and its number. */
const PLACE_BYTES = 7;

export interface OverSpec extends TimedSpec {
  /** Which columns of the input are the partition. */
  readonly partition: readonly number[];
  readonly frame: Frame;
  readonly aggregates: readonly AggregateSpec[];
}

export class OverOperator implements StatefulOperator, Spilling {
  readonly #spec: OverSpec;
  readonly #next: Collector;
  readonly #aggregates: Aggregates;
  readonly #saved: SavedItems<Saveable>;
  readonly #buffer: TimeBuffer<Row>;
  readonly #partitions = new Map<string, Partition>();
  /** Of a range: all rows in frames, of all partitions, by their time. */
  #range = new TimeQueue<FrameRow>();
  /** Partitions whose accumulators changed since the last persist. */
  readonly #touched = new Set<Partition>();
  readonly #spilled: SpilledKeys;
  readonly #times: TimeIndex;
  /** Partitions in the store alone for which rows are due. */
  readonly #dueKeys: DueKeys;
  #epoch = 0;
  /** Members that an earlier version kept elsewhere: where, and where to. */
  readonly #moved: Buffer[] = [];
  readonly #movedTo: Entry[] = [];

  constructor(spec: OverSpec, next: Collector) {
    this.#spec = spec;
    this.#next = next;
    this.#aggregates = new Aggregates(spec.aggregates, spec.frame.kind !== 'unbounded');
    this.#spilled = new SpilledKeys(spec.prefix, -1);
    this.#times = new TimeIndex(spec.prefix);
    this.#dueKeys = new DueKeys(spec.prefix, keyedId);
    this.#saved = new SavedItems<Saveable>(
      spec.prefix,
      (item) => item.save(),
      ({ id }) => id,
      (item, change) => {
        if (item.kind === KEPT) this.#noteStored(item, change);
      },
    );
    const valueOf = (row: Row): Row => this.#aggregates.evaluated(row);
    this.#buffer = new TimeBuffer({ spec, saved: this.#saved, valueOf });
  }

  get size(): number {
    return this.#saved.size;
  }

  get memoryBytes(): number {
    return this.#saved.memoryBytes + this.#spilled.memoryBytes;
  }

  #noteStored(item: Saveable, change: 1 | -1): void {
    this.#spilled.stored([], change);
    if (!(item instanceof FrameRow) || this.#spec.frame.kind !== 'range') return;
    if (change === 1) this.#times.add(item.timeMs, itemSuffix(item), item.partition.values);
    else this.#times.remove(item.timeMs, itemSuffix(item));
  }

  push(row: Row, weight: Weight, at: Position | null): void {
    invariant(weight === 1, 'the input of an over-window only grows');
    try {
      const values = this.#aggregates.evaluated(row);
      const timeMs = timeOf(this.#spec.time, row);
      if (!this.#buffer.isLate(timeMs, at)) this.#buffer.add(timeMs, row, at, values);
    } catch (error) {
      if (!(error instanceof RowError)) throw error;
      this.#spec.onError(error, at, row);
    }
  }

  advance(watermarkMs: number): void {
    const due = this.#buffer.release(watermarkMs);
    for (let from = 0, to = 0; from < due.length; from = to) {
      const { timeMs } = due[from] as Waiting<Row>;
      to = from + 1;
      // In a frame of rows, those of one time are not in each other's.
      if (this.#spec.frame.kind !== 'rows') while (due[to]?.timeMs === timeMs) to++;
      this.#take(timeMs, due.slice(from, to));
    }
    // The next row is later than what has passed.
    this.#leaveRange(this.#buffer.passedMs(watermarkMs) + 1);
    this.#epoch++;
  }

  /** Takes rows of one time: all there are, or one. */
  #take(timeMs: number, peers: readonly Waiting<Row>[]): void {
    this.#leaveRange(timeMs);
    const partitions = peers.map(({ row, value }) => this.#enter(row, timeMs, value));
    const results = new Map<Partition, readonly Value[] | RowError>();
    for (const [index, { row }] of peers.entries()) {
      const partition = partitions[index] as Partition;
      let shown = results.get(partition);
      if (shown === undefined) results.set(partition, (shown = resultsOrError(partition)));
      if (shown instanceof RowError) this.#spec.onError(shown, null, row);
      else this.#next.push([...row, ...shown], 1, null);
    }
  }

  #enter(row: Row, timeMs: number, values: Row): Partition {
    const { frame } = this.#spec;
    const partition = this.#partitionOf(this.#spec.partition.map((index) => row[index] ?? null));
    this.#aggregates.addEvaluated(partition.accumulators, values, 1);
    this.#touched.add(partition);
    partition.epoch = this.#epoch;
    if (frame.kind === 'unbounded') {
      this.#saved.change(partition);
      return partition;
    }
    const kept = new FrameRow(this.#newPlace(), partition, timeMs, values);
    this.#saved.add(kept);
    this.#keep(kept);
    if (frame.kind === 'rows' && partition.rows > frame.preceding + 1) this.#leave(partition.frame.shift());
    return partition;
  }

  #keep(row: FrameRow): void {
    row.partition.rows++;
    if (this.#spec.frame.kind === 'rows') {
      row.partition.frame.push(row);
      return;
    }
    row.partition.range.add(row);
    this.#range.add(row.timeMs, row);
  }

  #newPlace(): Place {
    return { serial: this.#saved.nextSerial(), isSaved: false };
  }

  #partitionOf(values: Row): Partition {
    const name = nameOfKey(values);
    const known = this.#partitions.get(name);
    if (known !== undefined) return known;
    const partition = new Partition(this.#newPlace(), name, values, this.#aggregates.create());
    this.#partitions.set(name, partition);
    if (this.#spec.frame.kind === 'unbounded') this.#saved.add(partition);
    return partition;
  }

  /** Rows that are too old for the frame of a row of this time, or a later one, leave it. */
  #leaveRange(timeMs: number): void {
    const { frame } = this.#spec;
    if (frame.kind !== 'range') return;
    // Those with timeMs - their time > precedingMs; times are whole milliseconds.
    for (const row of this.#range.take(timeMs - frame.precedingMs - 1)) this.#leave(row);
  }

  #leave(row: FrameRow | undefined): void {
    invariant(row !== undefined, 'a frame knows its rows');
    const { partition } = row;
    this.#saved.remove(row);
    this.#aggregates.addEvaluated(partition.accumulators, row.values, -1);
    this.#touched.add(partition);
    partition.range.delete(row);
    partition.rows--;
    if (partition.rows > 0) return;
    this.#partitions.delete(partition.name);
    this.#touched.delete(partition);
  }

  flush(): void {
    // Everything is handed on when its time has passed.
  }

  persist(batch: Batch): void {
    this.#saved.persist(batch);
    const isWhole = this.#spec.frame.kind === 'unbounded';
    for (const key of this.#moved) batch.delete(key);
    this.#moved.length = 0;
    for (const { id, accumulators } of this.#touched) {
      for (const [index, { members }] of accumulators.entries()) {
        // What is in a frame is saved row by row: its members follow from the rows.
        for (const [name, value] of members?.takeChanges() ?? []) {
          if (!isWhole) continue;
          const key = Buffer.concat([this.#memberPrefix(id, index), name]);
          if (value === null) batch.delete(key);
          else batch.put(key, value);
        }
      }
    }
    this.#touched.clear();
    for (const { key, value } of this.#movedTo) batch.put(key, value);
    this.#movedTo.length = 0;
    this.#times.persist(batch);
    const facts: TimedFacts = { ...this.#saved.facts, lastMs: this.#buffer.lastMs };
    this.#spilled.persist(batch, facts);
  }

  #memberPrefix(id: Buffer, aggregate: number): Buffer {
    const tag = Buffer.of(MEMBER, 0, 0);
    tag.writeUInt16BE(aggregate, 1);
    return Buffer.concat([this.#spec.prefix, id, tag]);
  }

  recall(index: readonly Entry[]): boolean {
    const facts = this.#spilled.recall(index) as TimedFacts | null;
    if (facts === null) return false;
    this.#saved.recall(facts);
    this.#buffer.recall(facts.lastMs ?? -Infinity);
    return true;
  }

  restore(entries: Iterable<Entry>): void {
    const from = this.#spec.prefix.length;
    const [own, old]: [Entry[], Entry[]] = [[], []];
    for (const entry of entries) (entry.key[from] === MEMBER ? old : own).push(entry);
    const bySerial = new Map<number, Partition>();
    const [items, members] = this.#itemsAndMembers(own);
    this.#saved.restore(items, (saved, place) => {
      if (place.kind === WAITING) return this.#buffer.restore(saved, place);
      const item = this.#comeBack(saved, place);
      if (item instanceof Partition) bySerial.set(place.serial, item);
      return item;
    });
    for (const { partition, index, name, value } of members)
      this.#partitions.get(partition)?.accumulators[index]?.members?.restore(name, value);
    // Where an earlier version had them.
    for (const { key, value } of old) {
      const partition = bySerial.get(key.readUIntBE(from + 1, 6));
      const index = key.readUInt16BE(from + 7);
      const name = key.subarray(from + 9);
      partition?.accumulators[index]?.members?.restore(name, value);
      this.#moved.push(key);
      if (partition === undefined) continue;
      this.#movedTo.push({ key: Buffer.concat([this.#memberPrefix(partition.id, index), name]), value });
    }
  }

  #comeBack(saved: unknown, place: SavedItem): FrameRow | Partition {
    if (this.#spec.frame.kind !== 'unbounded') return this.#restoreRow(saved as SavedFrameRow, place);
    const [values, accumulators] = saved as SavedPartition;
    const name = nameOfKey(values);
    const partition = new Partition(place, name, values, this.#aggregates.create(accumulators));
    partition.epoch = this.#epoch;
    this.#partitions.set(name, partition);
    return partition;
  }

  /** The members of a partition stand right behind it. */
  #itemsAndMembers(entries: Iterable<Entry>): readonly [readonly Entry[], readonly SavedMember[]] {
    const from = this.#spec.prefix.length;
    const items: Entry[] = [];
    const members: SavedMember[] = [];
    let [id, partition]: [Buffer | null, string] = [null, ''];
    for (const entry of entries) {
      const rest = entry.key.subarray(from);
      if (id !== null && rest[id.length] === MEMBER && rest.subarray(0, id.length).equals(id)) {
        const index = rest.readUInt16BE(id.length + 1);
        members.push({ partition, index, name: rest.subarray(id.length + 3), value: entry.value });
        continue;
      }
      items.push(entry);
      if (this.#spec.frame.kind !== 'unbounded' || kindOf(entry.key) === WAITING) continue;
      id = rest.subarray(0, -PLACE_BYTES);
      partition = nameOfKey((JSON.parse(entry.value.toString()) as SavedPartition)[0]);
    }
    return [items, members];
  }

  #restoreRow([values, timeMs, taken]: SavedFrameRow, place: Place): FrameRow {
    const row = new FrameRow(place, this.#partitionOf(values), timeMs, taken);
    this.#aggregates.addEvaluated(row.partition.accumulators, taken, 1);
    this.#touched.add(row.partition);
    this.#keep(row);
    return row;
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
    if (this.#buffer.waiting * itemBytes >= bytes) {
      this.#buffer.spill();
      return;
    }
    const isWhole = this.#spec.frame.kind === 'unbounded';
    const all = [...this.#partitions.values()];
    const bytesOf = ({ rows }: Partition): number => Math.max(1, rows) * itemBytes;
    for (const partition of coldest(all, bytes, bytesOf)) {
      this.#partitions.delete(partition.name);
      for (const item of isWhole ? [partition] : partition.kept) {
        this.#saved.drop(item);
        this.#spilled.add([], partition.name);
      }
    }
    if (all.reduce((sum, each) => sum + bytesOf(each), 0) < bytes) this.#buffer.spill();
    // It would hold what is forgotten until its time.
    this.#range = new TimeQueue();
    for (const { range } of this.#partitions.values())
      for (const row of range) this.#range.add(row.timeMs, row);
  }

  missing(): readonly Wanted[] {
    return [];
  }

  dueIndex(watermarkMs: number): readonly Range[] {
    const { frame } = this.#spec;
    const passedMs = this.#buffer.passedMs(watermarkMs);
    const left = frame.kind === 'range' ? this.#times.ranges(passedMs - frame.precedingMs) : [];
    return [...this.#buffer.ranges(watermarkMs), ...left];
  }

  /** Rows leave the frames of partitions unseen for which no rows are due. */
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
    for (const { row } of this.#buffer.due(watermarkMs)) {
      const values = this.#spec.partition.map((index) => row[index] ?? null);
      const name = nameOfKey(values);
      if (!this.#partitions.has(name) && this.#spilled.mayHave(values, name))
        this.#dueKeys.want(values, name);
    }
  }

  due(watermarkMs: number): readonly Wanted[] {
    this.#wantDue(watermarkMs);
    return this.#dueKeys.take();
  }

  resume(entries: Iterable<Entry>): void {
    const [items, members] = this.#itemsAndMembers(entries);
    const returned = new Set<string>();
    this.#saved.resume(items, (saved, place) => {
      const name = nameOfKey((saved as SavedPartition | SavedFrameRow)[0]);
      if (!returned.has(name) && this.#partitions.has(name)) return null;
      returned.add(name);
      this.#spilled.remove([], name);
      return this.#comeBack(saved, place);
    });
    for (const { partition, index, name, value } of members)
      if (returned.has(partition))
        this.#partitions.get(partition)?.accumulators[index]?.members?.restore(name, value);
  }
}

interface SavedMember {
  readonly partition: string;
  readonly index: number;
  readonly name: Buffer;
  readonly value: Buffer;
}

function resultsOrError({ accumulators }: Partition): readonly Value[] | RowError {
  try {
    return resultsOf(accumulators);
  } catch (error) {
    if (error instanceof RowError) return error;
    throw error;
  }
}

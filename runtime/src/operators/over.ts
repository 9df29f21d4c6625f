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
 *             under <prefix> 2 <serial of the partition: 6 bytes> <aggregate: 2 bytes> <member>
 * Invariants  V1  The aggregates of a row depend on the rows in time of its partition, not on the cut.
 *             V2  A row that can be in no frame any more is forgotten.
 */
import { invariant } from '../base/invariant.ts';
import { nameOfKey } from '../data/key.ts';
import type { Row, Value } from '../data/value.ts';
import { RowError } from '../expr/row-error.ts';
import type { Frame } from '../plan/node.ts';
import type { Batch, Entry } from '../state/store.ts';
import { type Accumulator, Aggregates, type AggregateSpec, resultsOf } from './accumulators.ts';
import { Fifo } from './fifo.ts';
import type { Collector, Position, StatefulOperator, Weight } from './operator.ts';
import { type SavedItem, SavedItems } from './saved-items.ts';
import { type Saveable, TimeBuffer, type TimedSpec, timeOf, WAITING, type Waiting } from './time-buffer.ts';

const KEPT = 1;
const MEMBER = 2;

export interface OverSpec extends TimedSpec {
  /** Which columns of the input are the partition. */
  readonly partition: readonly number[];
  readonly frame: Frame;
  readonly aggregates: readonly AggregateSpec[];
}

type Place = Omit<SavedItem, 'kind'>;

/** A row in a frame: what the accumulators took of it, to be taken back when it leaves. */
class FrameRow implements Saveable {
  readonly kind = KEPT;
  readonly serial: number;
  isSaved: boolean;
  readonly partition: Partition;
  readonly timeMs: number;
  readonly values: Row;

  constructor({ serial, isSaved }: Place, partition: Partition, timeMs: number, values: Row) {
    this.serial = serial;
    this.isSaved = isSaved;
    this.partition = partition;
    this.timeMs = timeMs;
    this.values = values;
  }

  save(): SavedFrameRow {
    return [this.partition.values, this.timeMs, this.values];
  }
}

type SavedFrameRow = readonly [partition: Row, timeMs: number, values: Row];
type SavedPartition = readonly [partition: Row, accumulators: readonly unknown[]];

/** Saved itself only when its frame is unbounded. */
class Partition implements Saveable {
  readonly kind = KEPT;
  readonly serial: number;
  isSaved: boolean;
  readonly name: string;
  readonly values: Row;
  readonly accumulators: readonly Accumulator[];
  /** Of a frame of rows: those in it. */
  readonly frame = new Fifo<FrameRow>();
  /** How many rows its frame holds, whatever its kind. */
  rows = 0;

  constructor({ serial, isSaved }: Place, name: string, values: Row, accumulators: readonly Accumulator[]) {
    this.serial = serial;
    this.isSaved = isSaved;
    this.name = name;
    this.values = values;
    this.accumulators = accumulators;
  }

  save(): SavedPartition {
    return [this.values, this.accumulators.map((accumulator) => accumulator.save())];
  }
}

export class OverOperator implements StatefulOperator {
  readonly #spec: OverSpec;
  readonly #next: Collector;
  readonly #aggregates: Aggregates;
  readonly #saved: SavedItems<Saveable>;
  readonly #buffer: TimeBuffer<Row>;
  readonly #partitions = new Map<string, Partition>();
  /** Of a range: all rows in frames, of all partitions, in the order of time. */
  readonly #range = new Fifo<FrameRow>();
  /** Partitions whose accumulators changed since the last persist. */
  readonly #touched = new Set<Partition>();

  constructor(spec: OverSpec, next: Collector) {
    this.#spec = spec;
    this.#next = next;
    this.#aggregates = new Aggregates(spec.aggregates, spec.frame.kind !== 'unbounded');
    this.#saved = new SavedItems<Saveable>(spec.prefix, (item) => item.save());
    const valueOf = (row: Row): Row => this.#aggregates.evaluated(row);
    this.#buffer = new TimeBuffer({ spec, saved: this.#saved, valueOf });
  }

  get size(): number {
    const isSaved = this.#spec.frame.kind === 'unbounded';
    return this.#saved.size + (isSaved ? 0 : this.#partitions.size);
  }

  get memoryBytes(): number {
    return this.#saved.memoryBytes;
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
    if (this.#spec.frame.kind === 'rows') row.partition.frame.push(row);
    else this.#range.push(row);
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
    for (;;) {
      const oldest = this.#range.peek();
      if (oldest === undefined || timeMs - oldest.timeMs <= frame.precedingMs) return;
      this.#leave(this.#range.shift());
    }
  }

  #leave(row: FrameRow | undefined): void {
    invariant(row !== undefined, 'a frame knows its rows');
    const { partition } = row;
    this.#saved.remove(row);
    this.#aggregates.addEvaluated(partition.accumulators, row.values, -1);
    this.#touched.add(partition);
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
    for (const { serial, accumulators } of this.#touched) {
      for (const [index, { members }] of accumulators.entries()) {
        // What is in a frame is saved row by row: its members follow from the rows.
        for (const [name, value] of members?.takeChanges() ?? []) {
          if (!isWhole) continue;
          const key = Buffer.concat([this.#memberPrefix(serial, index), name]);
          if (value === null) batch.delete(key);
          else batch.put(key, value);
        }
      }
    }
    this.#touched.clear();
  }

  #memberPrefix(serial: number, aggregate: number): Buffer {
    const { prefix } = this.#spec;
    const key = Buffer.alloc(prefix.length + 9);
    prefix.copy(key);
    key[prefix.length] = MEMBER;
    key.writeUIntBE(serial, prefix.length + 1, 6);
    key.writeUInt16BE(aggregate, prefix.length + 7);
    return key;
  }

  restore(entries: Iterable<Entry>): void {
    const from = this.#spec.prefix.length;
    const [items, members]: [Entry[], Entry[]] = [[], []];
    for (const entry of entries) (entry.key[from] === MEMBER ? members : items).push(entry);
    const bySerial = new Map<number, Partition>();
    this.#saved.restore(items, (saved, place) => {
      if (place.kind === WAITING) return this.#buffer.restore(saved, place);
      if (this.#spec.frame.kind !== 'unbounded') return this.#restoreRow(saved as SavedFrameRow, place);
      const [values, accumulators] = saved as SavedPartition;
      const partition = new Partition(
        place,
        nameOfKey(values),
        values,
        this.#aggregates.create(accumulators),
      );
      this.#partitions.set(partition.name, partition);
      bySerial.set(place.serial, partition);
      return partition;
    });
    for (const { key, value } of members) {
      const partition = bySerial.get(key.readUIntBE(from + 1, 6));
      partition?.accumulators[key.readUInt16BE(from + 7)]?.members?.restore(key.subarray(from + 9), value);
    }
  }

  #restoreRow([values, timeMs, taken]: SavedFrameRow, place: Place): FrameRow {
    const row = new FrameRow(place, this.#partitionOf(values), timeMs, taken);
    this.#aggregates.addEvaluated(row.partition.accumulators, taken, 1);
    this.#touched.add(row.partition);
    this.#keep(row);
    return row;
  }
}

function resultsOrError({ accumulators }: Partition): readonly Value[] | RowError {
  try {
    return resultsOf(accumulators);
  } catch (error) {
    if (error instanceof RowError) return error;
    throw error;
  }
}

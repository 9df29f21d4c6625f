/** What an over-window keeps: rows in frames, and their partitions. */
import type { Row } from '../data/value.ts';
import type { Accumulator } from './accumulators.ts';
import { Fifo } from './fifo.ts';
import type { SavedItem } from './saved-items.ts';
import { keyedId, type Saveable } from './time-buffer.ts';

/** The kind of their items. */
export const KEPT = 1;

export type Place = Omit<SavedItem, 'kind'>;

/** A row in a frame: what the accumulators took of it, to be taken back when it leaves. */
export class FrameRow implements Saveable {
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

  get id(): Buffer {
    return this.partition.id;
  }

  save(): SavedFrameRow {
    return [this.partition.values, this.timeMs, this.values];
  }
}

export type SavedFrameRow = readonly [partition: Row, timeMs: number, values: Row];
export type SavedPartition = readonly [partition: Row, accumulators: readonly unknown[]];

/** A partition and what is in its frame. Saved itself only when its frame is unbounded. */
export class Partition implements Saveable {
  readonly kind = KEPT;
  readonly serial: number;
  isSaved: boolean;
  readonly name: string;
  readonly values: Row;
  readonly accumulators: readonly Accumulator[];
  /** Of a frame of rows: those in it. */
  readonly frame = new Fifo<FrameRow>();
  /** Of a range: the rows in the frame. */
  readonly range = new Set<FrameRow>();
  /** How many rows its frame holds, whatever its kind. */
  rows = 0;
  /** In which a row of it was handed on last. */
  epoch = 0;

  constructor({ serial, isSaved }: Place, name: string, values: Row, accumulators: readonly Accumulator[]) {
    this.serial = serial;
    this.isSaved = isSaved;
    this.name = name;
    this.values = values;
    this.accumulators = accumulators;
  }

  get id(): Buffer {
    return keyedId(this.values);
  }

  /** The rows in its frame, whatever its kind. */
  get kept(): readonly FrameRow[] {
    return this.range.size > 0 ? [...this.range] : this.frame.items;
  }

  save(): SavedPartition {
    return [this.values, this.accumulators.map((accumulator) => accumulator.save())];
  }
}

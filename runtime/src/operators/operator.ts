/**
 * The contract of operators: synchronous and deterministic. An operator knows no clock, no disk and no plan; it gets rows
 * with a weight (+1 a row is there, -1 it is not any more) and hands rows on.
 *
 *   push(row, weight, at) … ─► advance(watermark) ─► flush() ─► persist(batch)        once per epoch, in this order, each operator after those before it
 *
 * Invariants  O1  The rows handed on until `flush`, summed by weight, depend on the rows pushed, not on how they were cut
 *                 into epochs.
 *             O2  `restore` of what `persist` wrote gives an operator that cannot be told from the one that wrote it.
 */
import type { Row } from '../data/value.ts';
import type { RowError } from '../expr/functions.ts';
import type { Batch, Entry } from '../state/store.ts';
import type { Spilling } from './spilling.ts';

export type Weight = 1 | -1;

/** Where an event stands in the log, and what its partition knew about time before it. */
export interface Position {
  readonly source: string;
  readonly partition: number;
  readonly offset: number;
  /** The position in the log. */
  readonly position: number;
  readonly eventTimeMs: number;
  /** The watermark of the event's own partition before this event; -Infinity before the first. */
  readonly watermarkMs: number;
  /** The whole event, in the columns of its source. */
  readonly event: Row;
  /** False when a computation reads the event again: counters and side outputs then have it already. */
  readonly firstReading: boolean;
}

/** Takes rows. `at` is the event that caused the row; null for a row that time caused. */
export interface Collector {
  push(row: Row, weight: Weight, at: Position | null): void;
}

/** An operator with memory. */
export interface StatefulOperator extends Collector {
  /** REQUIRES a watermark that is not smaller than before. Closes what it has passed. */
  advance(watermarkMs: number): void;
  /** Hands on what changed since the last flush, coalesced. */
  flush(): void;
  /** Writes what changed since the last call. */
  persist(batch: Batch): void;
  /** REQUIRES a new operator and the entries of its prefix in the order of their keys. */
  restore(entries: Iterable<Entry>): void;
  /** How many keys there are, in memory or in the store alone. */
  readonly size: number;
  /** An estimate of what it takes in memory; behind `persist` it is up to date. */
  readonly memoryBytes: number;
  /** How it forgets what the store holds; absent or null when it needs everything in memory. */
  readonly spilling?: Spilling | null;
}

/**
 * Decides about rows of windows that are over. REQUIRES of every operator that it asks this and nothing else: by the row's
 * own position, never by what `advance` has closed so far, so that the answer is the same in every cut.
 */
export interface LateRule {
  readonly allowedMs: number;
  /**
   * Whether the row came too late for a window that ends then; false for a row that time caused (`at` is null). REQUIRES to
   * be asked once for each window of a row, and `late` to be told when it is true.
   */
  isOverFor(at: Position | null, windowEndMs: number): boolean;
  /** Whether a window that ends then is closed as this row sees it, without judging the row: may sessions merge? */
  isClosedFor(at: Position | null, windowEndMs: number): boolean;
  /**
   * Told that a row in time would have joined a window that ended then, had it not been closed, if there was one. Absent
   * where nothing is computed again.
   */
  mayMiss?(at: Position, windowEndMs: number): void;
  /** Counts and keeps a row that came too late for this window. */
  late(at: Position, windowStartMs: number, windowEndMs: number): void;
}

/** What becomes of a row that cannot be computed: it is rejected and counted, and the rows around it are not touched. */
export type OnRowError = (error: RowError, at: Position | null, row: Row) => void;

/**
 * A window is over when the watermark has passed its last millisecond and the allowed lateness: the rule of Flink's
 * window operators (`maxTimestamp + allowedLateness <= watermark`).
 */
export function isOver(windowEndMs: number, allowedMs: number, watermarkMs: number): boolean {
  return windowEndMs - 1 + allowedMs <= watermarkMs;
}

/**
 * What runs a view in a job: generated code where there is some for it, operators with interpreted expressions where not.
 * Both keep their state as the same entries of the store, so that either goes on from what the other left.
 */
import type { EventBatch } from './event-batches.ts';
import type { Row } from '../data/value.ts';
import type { Position } from '../operators/operator.ts';
import type { Batch } from '../state/store.ts';

export interface ViewRun {
  /** Why the interpreter runs it; null when generated code does. */
  readonly interpretedBecause: string | null;
  /** An epoch begins: late events go into this batch from now on. */
  goesOn(batch: Batch): void;
  takes(source: string): boolean;
  /** The fields of a source that it looks at; null for all. */
  fieldsOf(source: string): readonly string[] | null;
  push(row: Row, at: Position): void;
  process(events: EventBatch): void;
  /** Closes what the watermark has passed and hands on what changed. */
  settle(watermarkMs: number): Promise<void>;
  persist(batch: Batch): void;
  /** How many keys the state has. */
  readonly size: number;
  /** An estimate of what the state takes in memory. */
  readonly memoryBytes: number;
}

/**
 * The events of the log as columns: what the generated code of a job reads. It says of each event what `reader.ts` says of
 * it, and leaves control blocks to it; nothing is decoded that nobody asks for.
 *
 *   block of texts   ─► scanner ─┬─► columns of all fields, times ─► the partition's watermark before each
 *   block of columns ────────────┘
 *
 * All fields are checked, read or not: an event that this plan's schema does not accept is rejected whole.
 */
import { BATCH_ROWS_MAX, type ColumnBatch, rowAt } from '../data/columns.ts';
import { type Scanner, scannerFor } from '../compile/jit/scanner.ts';
import type { Block, ColumnBody } from '../log/log.ts';
import type { Position } from '../operators/operator.ts';
import type { Row } from '../data/value.ts';
import type { Plan, SourcePlan } from '../plan/node.ts';
import { blockColumnsOf } from './block-columns.ts';
import type { Times } from './times.ts';

/** Some events of a block; valid until the next ones are read. */
export interface EventBatch {
  readonly source: SourcePlan;
  readonly block: Block;
  /** All fields of the source, in order; ordinals are places in the block. */
  readonly batch: ColumnBatch;
  /** Of the partition, before each event. */
  readonly watermarks: Float64Array;
  /** Events before this position were read by an earlier run of the same layer. */
  readonly freshFrom: number;
}

/** REQUIRES that its event is asked for, if at all, while the batch is valid. */
export function positionOf(
  { source, block, batch, watermarks, freshFrom }: EventBatch,
  row: number,
): Position {
  const ordinal = batch.ordinals[row] as number;
  const position = block.position + ordinal;
  let event: Row | null = null;
  return {
    source: source.name,
    partition: block.partition,
    offset: block.offset + ordinal,
    position,
    eventTimeMs: batch.times[row] as number,
    watermarkMs: watermarks[row] as number,
    // Few ask for it, and it takes columns that nobody else may have read.
    get event() {
      return (event ??= rowAt(batch, row));
    },
    firstReading: position >= freshFrom,
  };
}

export interface BatchHandlers {
  events?(events: EventBatch): void;
  rejected(position: number, source: string, text: string, reason: string): void;
}

interface BatchOptions {
  readonly times: Times;
  readonly freshFrom: number;
  readonly handlers: BatchHandlers;
}

export class EventBatches {
  readonly #scanners = new Map<string, Scanner>();
  readonly #watermarks = new Float64Array(BATCH_ROWS_MAX);
  readonly #plan: Plan;

  constructor(plan: Plan) {
    this.#plan = plan;
  }

  #scannerOf(source: SourcePlan): Scanner {
    const known = this.#scanners.get(source.name);
    if (known !== undefined) return known;
    const scanner = scannerFor(
      source,
      source.fields.map(({ name }) => name),
    );
    this.#scanners.set(source.name, scanner);
    return scanner;
  }

  /** Reads the records [start, end) of the log that are in a block of events. */
  read(block: Block, start: number, end: number, options: BatchOptions): void {
    const source = this.#plan.sources.find(({ name }) => name === block.source);
    if (source === undefined) return;
    options.times.of(source.name)?.expect(block.partitions ?? 1);
    const give = (batch: ColumnBatch): void => this.#give(source, block, batch, options);
    const from =
      block.columns === undefined
        ? start
        : readColumns(block.columns, source, [start, end], block.position, give);
    if (from < end) this.#readTexts(source, block, [from, end], options, give);
  }

  #readTexts(
    source: SourcePlan,
    block: Block,
    [start, end]: readonly [number, number],
    { handlers }: BatchOptions,
    give: (batch: ColumnBatch) => void,
  ): void {
    const scanner = this.#scannerOf(source);
    const first = start - block.position;
    const lines = Buffer.from(`${block.records.slice(first, end - block.position).join('\n')}\n`);
    scanner.events = first;
    scanner.maxTimeMs = -Infinity;
    for (let at = 0; at < lines.length;) {
      at = scanner.scan(lines, at, lines.length);
      for (const { ordinal, problem } of scanner.problems)
        handlers.rejected(block.position + ordinal, source.name, block.records[ordinal] ?? '', problem);
      if (scanner.batch.n > 0) give(scanner.batch);
    }
  }

  #give(
    source: SourcePlan,
    block: Block,
    batch: ColumnBatch,
    { times, freshFrom, handlers }: BatchOptions,
  ): void {
    const watermarks = this.#watermarks;
    const time = times.of(source.name);
    // Rows of a table have no time: they are never late and hold nobody back.
    if (time === undefined) watermarks.fill(-Infinity, 0, batch.n);
    else time.observeAll(block.partition, batch.times, batch.n, watermarks);
    handlers.events?.({ source, block, batch, watermarks, freshFrom });
  }
}

const readers = new WeakMap<Plan, EventBatches>();

/** The reader of a plan's events, for whoever computes again; what it gives is valid until anybody reads the next. */
export function eventBatchesOf(plan: Plan): EventBatches {
  const known = readers.get(plan);
  if (known !== undefined) return known;
  const made = new EventBatches(plan);
  readers.set(plan, made);
  return made;
}

/** Reads rows of columns; returns where to go on with texts. */
function readColumns(
  body: ColumnBody,
  source: SourcePlan,
  [start, end]: readonly [number, number],
  first: number,
  give: (batch: ColumnBatch) => void,
): number {
  const columns = blockColumnsOf(source);
  for (let from = start; from < end; from += BATCH_ROWS_MAX) {
    const batch = columns.read(body, from - first, Math.min(end, from + BATCH_ROWS_MAX) - first);
    if (batch === null) return from;
    give(batch);
  }
  return end;
}

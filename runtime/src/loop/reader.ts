/**
 * Reads the log as events: parses each record, checks it against the plan's source and keeps time. What the live run, a
 * batch run, a correction and a replay know of an event comes from here, so they cannot disagree.
 */
import { type Decoded, decodeEvent, type Field } from '../data/decode.ts';
import { BATCH_ROWS_MAX, rowAt } from '../data/columns.ts';
import { parseJson } from '../data/line.ts';
import type { Row } from '../data/value.ts';
import type { Block, ColumnBody, Log, LogReading } from '../log/log.ts';
import type { Position } from '../operators/operator.ts';
import type { Plan, SourcePlan } from '../plan/node.ts';
import { eventTimeReader, noTimeProblem } from '../plan/event-time.ts';
import { blockColumnsOf } from './block-columns.ts';
import type { EventBatch, EventBatches } from './event-batches.ts';
import type { Times } from './times.ts';

export interface Handlers {
  event(row: Row, at: Position): void;
  /** Takes events as columns, instead of `event`, from a reader that is given `batches`. */
  events?(events: EventBatch): void;
  /** A record that this plan's schema does not accept; it was accepted by an earlier one. */
  rejected(position: number, source: string, text: string, reason: string): void;
  /** Late events that are to be taken: `[partition, offset]` pairs of a source. */
  admit(source: string, pairs: readonly (readonly [number, number])[]): void;
  /** Called before the records [from, to) of each block. */
  block?(block: Block, from: number, to: number): void;
}

export interface ReadOptions {
  readonly log: Log;
  readonly plan: Plan;
  readonly times: Times;
  readonly from: number;
  /** Stops before this position. */
  readonly to: number;
  /** Stops between two records once about so many bytes were read: what is computed from them is held in memory. */
  readonly bytesMax?: number;
  /** Events before this position were read by an earlier run of the same layer. */
  readonly freshFrom: number;
  readonly handlers: Handlers;
  /** Asked behind each block: whether to stop there, before `to`. */
  readonly isFull?: () => boolean;
  /** What reads events as columns, when `events` wants them so. */
  readonly batches?: EventBatches | undefined;
  /** Of each source the fields that `events` looks at, besides its times; null for all. Others are read when it does. */
  readonly fieldsOf?: (source: string) => readonly string[] | null;
}

/** Reads positions [from, to) in order; returns the position after the last. */
export async function readEvents(options: ReadOptions): Promise<number> {
  const { log, plan, from, to, handlers, bytesMax = Infinity } = options;
  let position = from;
  let leftBytes = bytesMax;
  if (from >= to) return position;
  for await (const block of log.read(from, { isPassing: true, ...wantsOf(options) })) {
    if (block.position >= to) break;
    const start = Math.max(position, block.position);
    const recordBytes = Math.max(1, block.sizeBytes / block.count);
    // At least one, however large it is.
    const fits = start + Math.max(1, Math.floor(leftBytes / recordBytes));
    const end = Math.min(to, block.position + block.count, fits);
    leftBytes -= (end - start) * recordBytes;
    handlers.block?.(block, start, end);
    const source = plan.sources.find((candidate) => candidate.name === block.source);
    if (source !== undefined) readBlock(block, start, end, source, options);
    position = end;
    if (position >= to || leftBytes < recordBytes || options.isFull?.() === true) break;
  }
  return position;
}

function wantsOf({ plan, batches, fieldsOf }: ReadOptions): Pick<LogReading, 'wants'> {
  if (batches === undefined || fieldsOf === undefined) return {};
  return {
    wants: ({ source: name }, schema) => {
      const source = plan.sources.find((candidate) => candidate.name === name);
      if (source === undefined) return [];
      const fields = fieldsOf(name);
      return fields === null ? null : blockColumnsOf(source).wanted(schema, fields);
    },
  };
}

function readBlock(block: Block, start: number, end: number, source: SourcePlan, options: ReadOptions): void {
  const { handlers } = options;
  const time = options.times.of(source.name);
  if (block.kind === 'idle') return time?.sleep(block.partition);
  if (block.kind === 'end') return time?.end();
  if (block.kind === 'admit') {
    handlers.admit(source.name, JSON.parse(block.records[0] ?? '[]') as [number, number][]);
    return;
  }
  if (options.batches !== undefined) return options.batches.read(block, start, end, options);
  time?.expect(block.partitions ?? 1);
  const eventTimeOf = eventTimeReader(source);
  const asColumns = block.columns === undefined ? start : readColumns(block, start, end, source, options);
  for (let position = asColumns; position < end; position++) {
    const index = position - block.position;
    const text = block.records[index] ?? '';
    const decoded = decodeText(source.fields, text);
    if ('problem' in decoded) {
      handlers.rejected(position, source.name, text, decoded.problem);
      continue;
    }
    const eventTimeMs = eventTimeOf(decoded.row);
    if (eventTimeMs === undefined) {
      handlers.rejected(position, source.name, text, noTimeProblem(source));
      continue;
    }
    // Rows of a table have no time: they are never late and hold nobody back.
    const watermarkMs = time?.observe(block.partition, eventTimeMs) ?? -Infinity;
    handlers.event(decoded.row, {
      source: source.name,
      partition: block.partition,
      offset: block.offset + index,
      position,
      eventTimeMs,
      watermarkMs,
      event: decoded.row,
      firstReading: position >= options.freshFrom,
    });
  }
}

/** Reads rows of columns; returns where to go on with texts. */
function readColumns(
  block: Block,
  start: number,
  end: number,
  source: SourcePlan,
  options: ReadOptions,
): number {
  const { handlers, freshFrom } = options;
  const time = options.times.of(source.name);
  const columns = blockColumnsOf(source);
  for (let from = start; from < end; from += BATCH_ROWS_MAX) {
    const to = Math.min(end, from + BATCH_ROWS_MAX);
    const batch = columns.read(block.columns as ColumnBody, from - block.position, to - block.position);
    if (batch === null) return from;
    // Whoever takes a row may have another block read.
    const rows = Array.from({ length: batch.n }, (_, index) => rowAt(batch, index));
    const times = batch.times.slice(0, batch.n);
    for (const [index, row] of rows.entries()) {
      const position = from + index;
      const eventTimeMs = times[index] as number;
      handlers.event(row, {
        source: source.name,
        partition: block.partition,
        offset: block.offset + position - block.position,
        position,
        eventTimeMs,
        watermarkMs: time?.observe(block.partition, eventTimeMs) ?? -Infinity,
        event: row,
        firstReading: position >= freshFrom,
      });
    }
  }
  return end;
}

function decodeText(fields: readonly Field[], text: string): Decoded {
  const event = parseJson(text);
  return 'problem' in event ? event : decodeEvent(fields, event.value);
}

/**
 * The door: every line becomes an event of the log or a rejected one, never neither.
 *
 *   line ─► JSON? ─► fields of the source? ─► a plausible time? ──► log, fsync, then counted as accepted
 *             └──────────────┴───────────────────┴─► rejected log, with the reason and the text
 *
 * Invariants  A1  What is counted as accepted is durable.
 *             A2  Sending the same lines again under one producer name adds none of them twice, also after a crash.
 */
import { crc32 } from 'node:zlib';
import { formatDuration } from '../base/durations.ts';
import { decodeEvent } from '../data/decode.ts';
import { parseJson } from '../data/line.ts';
import { formatTimestamp } from '../data/timestamp.ts';
import type { Log } from '../log/log.ts';
import { eventTimeReader, isTable, noTimeProblem } from '../plan/event-time.ts';
import type { SourcePlan } from '../plan/node.ts';
import type { Clock } from '../ports/clock.ts';
import type { IngestResult } from '../host/host.ts';
import type { InFlight } from './in-flight.ts';
import type { Line } from './lines.ts';
import { Producer } from './producer.ts';

export const PROBLEMS_MAX = 10;
/** Events from before computers have a broken clock; none of the world's event logs reaches back so far. */
const EARLIEST_MS = 0;

export interface Door {
  readonly source: SourcePlan;
  readonly log: Log;
  readonly rejected: Log;
  readonly clock: Clock;
  readonly partitions: number;
  /** Members that the source does not declare are not kept; they are unless said. */
  readonly dropsUnknown?: boolean;
  readonly onAppend?: (source: string, partition: number) => void;
  /** What all streams hold together is bounded by it. */
  readonly inFlight?: InFlight;
  /** Awaited after each append to the log of what is rejected. */
  readonly onReject?: () => Promise<void>;
}

/** A rejected line as the rejected log keeps it. */
export interface RejectedRecord {
  readonly source: string;
  readonly line: number;
  readonly reason: string;
  readonly at: string;
  readonly text: string;
  /** False when the text is only the beginning of what came. */
  readonly whole: boolean;
}

/** Takes batches of lines; with a producer's name, lines that it sent before are recognised by their numbers (A2). */
export async function acceptLines(
  door: Door,
  batches: AsyncIterable<readonly Line[]>,
  producerName?: string,
  onProgress: (total: IngestResult) => void = () => {},
): Promise<IngestResult> {
  const producer = producerName === undefined ? undefined : new Producer(producerName, door.source.name);
  const total = { accepted: 0, rejected: 0, known: 0, problems: [] as { line: number; reason: string }[] };
  for await (const batch of batches) {
    const sorted =
      producer === undefined
        ? await take(door, batch, undefined)
        : await producer.inTurn(door.log, () => take(door, batch, producer));
    total.known += sorted.known;
    for (const lines of sorted.accepted.values()) total.accepted += lines.length;
    total.rejected += sorted.rejected.length;
    for (const { line, reason } of sorted.rejected) {
      if (total.problems.length < PROBLEMS_MAX) total.problems.push({ line, reason });
    }
    onProgress(total);
  }
  return total;
}

/** Appends those lines of a batch that the logs do not have. */
async function take(door: Door, batch: readonly Line[], producer: Producer | undefined): Promise<Sorted> {
  const sorted = sort(door, batch, producer);
  // Rejected first: a crash in between can only repeat what is recognised, never lose a line.
  if (sorted.rejected.length > 0) {
    await door.rejected.append({
      kind: 'events',
      source: door.source.name,
      partition: 0,
      ...(producer !== undefined && {
        producer: producer.inRejected,
        sequence: sorted.rejected.at(-1)?.line ?? 0,
      }),
      records: sorted.rejected.map((record) => JSON.stringify(record)),
    });
    await door.onReject?.();
  }
  await Promise.all(
    [...sorted.accepted].map(([partition, lines]) => append(door, partition, lines, producer)),
  );
  return sorted;
}

async function append(
  door: Door,
  partition: number,
  lines: readonly Line[],
  producer: Producer | undefined,
): Promise<void> {
  await door.log.append({
    kind: 'events',
    source: door.source.name,
    partition,
    ...(door.partitions > 1 && { partitions: door.partitions }),
    ...(producer !== undefined && {
      producer: producer.inLog(partition),
      sequence: lines.at(-1)?.number ?? 0,
    }),
    records: lines.map((line) => line.text),
  });
  door.onAppend?.(door.source.name, partition);
}

interface Sorted {
  readonly accepted: ReadonlyMap<number, readonly Line[]>;
  readonly rejected: readonly RejectedRecord[];
  readonly known: number;
}

function sort(door: Door, batch: readonly Line[], producer: Producer | undefined): Sorted {
  const accepted = new Map<number, Line[]>();
  const rejected: RejectedRecord[] = [];
  const rejectedBefore = producer?.lastRejected(door.rejected) ?? 0;
  let known = 0;
  for (const line of batch) {
    const reason = line.problem ?? problemOf(door, line.text);
    const partition = door.partitions === 1 ? 0 : crc32(line.text) % door.partitions;
    // Rejected lines are kept before those of the same batch are appended. So a line that the log's partition has passed
    // is in one of the two, even if it would be judged otherwise today.
    const isInLog = producer !== undefined && line.number <= producer.lastInLog(door.log, partition);
    if (isInLog || (reason !== undefined && line.number <= rejectedBefore)) {
      known++;
      continue;
    }
    if (reason !== undefined) {
      rejected.push(recordOf(door, line, reason));
      continue;
    }
    const lines = accepted.get(partition);
    if (lines === undefined) accepted.set(partition, [line]);
    else lines.push(line);
  }
  return { accepted, rejected, known };
}

function recordOf({ source, clock }: Door, { number, text, problem }: Line, reason: string): RejectedRecord {
  return {
    source: source.name,
    line: number,
    reason,
    at: formatTimestamp(clock.nowMs()),
    text,
    whole: problem === undefined,
  };
}

/** Why a text is not an event of the source, or undefined. */
export function problemOf(
  { source, clock }: Pick<Door, 'source' | 'clock'>,
  text: string,
): string | undefined {
  const event = parseJson(text);
  if ('problem' in event) return event.problem;
  const decoded = decodeEvent(source.fields, event.value);
  if ('problem' in decoded) return decoded.problem;
  if (isTable(source)) return undefined;
  const timeMs = eventTimeReader(source)(decoded.row);
  if (timeMs === undefined) return noTimeProblem(source);
  const { fromMs, toMs, problem } = plausibleTimes(source, clock);
  return timeMs < fromMs || timeMs > toMs ? problem(timeMs) : undefined;
}

/** Which times of events can be right, and what is wrong with any other. */
export function plausibleTimes(
  { eventTime, watermark: { futureMs } }: SourcePlan,
  clock: Clock,
): { readonly fromMs: number; readonly toMs: number; readonly problem: (timeMs: number) => string } {
  return {
    fromMs: EARLIEST_MS,
    toMs: clock.nowMs() + futureMs,
    problem: (timeMs) => {
      const shown = `${eventTime.join(' or ')} is ${formatTimestamp(timeMs)}`;
      return timeMs < EARLIEST_MS
        ? `${shown}, before 1970`
        : `${shown}, more than ${formatDuration(futureMs)} ahead of the clock`;
    },
  };
}

/** Gathers lines into batches, at once or as fast as they are to arrive. */
import type { Clock } from '../ports/clock.ts';
import type { Line } from './lines.ts';

const BATCH_LINES = 1_000;
const BATCH_CHARACTERS = 2_000_000;
/** Lines due within this time are sent together. */
const TICK_MS = 20;

export interface Pace {
  /** Milliseconds after the start at which a line is due; null: at once. */
  readonly dueMs: (line: Line, index: number) => number | null;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** So many lines a second. */
export function atRate(perSecond: number): Pace['dueMs'] {
  return (_, index) => (index / perSecond) * 1000;
}

/** As their times say, `speed` times faster. A line without a time, or with an earlier one, is due at once. */
export function atSpeed(speed: number, timeOf: (line: Line) => number | undefined): Pace['dueMs'] {
  let firstMs: number | undefined;
  let largestMs = -Infinity;
  return (line) => {
    const timeMs = timeOf(line);
    if (timeMs === undefined) return null;
    firstMs ??= timeMs;
    largestMs = Math.max(largestMs, timeMs);
    return (largestMs - firstMs) / speed;
  };
}

export const UNPACED: Pace['dueMs'] = () => null;

/** Batches of lines in order; stops early when the signal aborts. */
export async function* inBatches(
  lines: AsyncIterable<Line>,
  { dueMs, clock, signal }: Pace,
): AsyncIterable<readonly Line[]> {
  const startMs = clock.nowMs();
  let batch: Line[] = [];
  let characters = 0;
  let index = 0;
  for await (const line of lines) {
    const due = dueMs(line, index++);
    const waitMs = due === null ? 0 : startMs + due - clock.nowMs();
    const full = batch.length >= BATCH_LINES || characters + line.text.length > BATCH_CHARACTERS;
    if (batch.length > 0 && (full || waitMs > TICK_MS)) {
      yield batch;
      batch = [];
      characters = 0;
    }
    if (waitMs > TICK_MS) await clock.sleep(waitMs, signal);
    if (signal.aborted) return;
    batch.push(line);
    characters += line.text.length;
  }
  if (batch.length > 0) yield batch;
}

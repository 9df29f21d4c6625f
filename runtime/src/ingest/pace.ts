/** Gathers lines into batches, at once or as fast as they are to arrive. */
import { type Clock, elapsedMs } from '../ports/clock.ts';
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

/** Batches of lines in order; stops early when the signal aborts. Lines that are there never wait for those to come. */
export async function* inBatches(
  lines: AsyncIterable<Line>,
  { dueMs, clock, signal }: Pace,
): AsyncIterable<readonly Line[]> {
  const startMs = elapsedMs(clock);
  const reading = lines[Symbol.asyncIterator]();
  let batch: Line[] = [];
  let characters = 0;
  let tick = new Tick(clock);
  // One listener for all ticks: many are alive at a time.
  const idle = new Tick(null);
  const onAbort = (): void => {
    tick.end();
    idle.end();
  };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    for (let index = 0; ; index++) {
      const next = reading.next();
      if (await (batch.length > 0 ? tick : idle).isBefore(next)) {
        if (signal.aborted) return;
        yield batch;
        batch = [];
      }
      const read = await next.catch((error: unknown) => ({ error }));
      if ('error' in read) {
        // What was read before the input broke is taken.
        if (batch.length > 0) yield batch;
        throw read.error;
      }
      if (read.done === true) break;
      const line = read.value;
      const due = dueMs(line, index);
      const waitMs = due === null ? 0 : startMs + due - elapsedMs(clock);
      const full = batch.length >= BATCH_LINES || characters + line.text.length > BATCH_CHARACTERS;
      if (batch.length > 0 && (full || waitMs > TICK_MS)) {
        yield batch;
        batch = [];
      }
      if (waitMs > TICK_MS) await clock.sleep(waitMs, signal);
      if (signal.aborted) return;
      if (batch.length === 0) {
        characters = 0;
        tick = new Tick(clock);
      }
      batch.push(line);
      characters += line.text.length;
    }
    if (batch.length > 0) yield batch;
  } finally {
    signal.removeEventListener('abort', onAbort);
    // Not awaited: a read that is under way may never end.
    reading.return?.().catch(() => {});
  }
}

/** A moment from now, to be raced with many reads: cheaper than a `Promise.race` for each line. */
class Tick {
  #isOver = false;
  #wake: () => void = () => {};

  /** Without a clock it never comes by itself. */
  constructor(clock: Clock | null) {
    void clock?.sleep(TICK_MS).then(() => this.end());
  }

  end(): void {
    this.#isOver = true;
    this.#wake();
  }

  /** False when the read is done first; its error is left for who awaits it. */
  isBefore(read: Promise<unknown>): Promise<boolean> {
    return new Promise((resolve) => {
      const isDone = (): void => resolve(false);
      this.#wake = () => resolve(true);
      read.then(isDone, isDone);
      if (this.#isOver) this.#wake();
    });
  }
}

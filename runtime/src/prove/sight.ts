/**
 * When readers could see each event: at the commit that read it, or, when it came too late for its window, at the one that
 * folded late events in.
 *
 *   in time   ─► the commit of the serving layer that is beyond it
 *   late      ─► the next correction, or run of a batch layer, that is beyond it; never when late events are not taken
 *
 * From that follows what a reader finds in a window of the last while, wherever it begins: where windows begin and when runs
 * do is fixed for one pipeline, but differs from one to the next, and a prediction is for any.
 */
import { isOver } from '../operators/operator.ts';
import type { Computation } from './definition.ts';
import type { Workload } from './workload.ts';

export interface SightFigures {
  /** Share of the events of a window that is in its result the promised age after its end; over windows that end at any moment. */
  readonly read: number;
  /** From when a late event was sent until it was in the result: of all that were, not sorted. */
  readonly correctionDelaysMs: readonly number[];
}

export class Sight {
  readonly #workload: Workload;
  readonly #sentAtMs: Float64Array;
  readonly #isLate: Uint8Array;
  readonly #seenAtMs: Float64Array;
  #inTime = 0;
  #late = 0;

  constructor(workload: Workload, computation: Computation, sentAtMs: Float64Array) {
    this.#workload = workload;
    this.#sentAtMs = sentAtMs;
    this.#isLate = lateOf(workload, computation);
    this.#seenAtMs = new Float64Array(sentAtMs.length).fill(Infinity);
  }

  /** From now on readers see the events in time before this position of the log. */
  commit(nowMs: number, position: number): void {
    for (; this.#inTime < position && this.#inTime < this.#isLate.length; this.#inTime++)
      if (this.#isLate[this.#inTime] === 0) this.#seenAtMs[this.#inTime] = nowMs;
  }

  /** From now on readers see the late events before this position, too. */
  correct(nowMs: number, position: number): void {
    for (; this.#late < position && this.#late < this.#isLate.length; this.#late++)
      if (this.#isLate[this.#late] === 1) this.#seenAtMs[this.#late] = nowMs;
  }

  get late(): number {
    return this.#isLate.reduce((sum, isLate) => sum + isLate, 0);
  }

  /** How many events readers see by now. */
  get seen(): number {
    return this.#seenAtMs.reduce((sum, atMs) => sum + (atMs === Infinity ? 0 : 1), 0);
  }

  figures(windowMs: number, promiseMs: number): SightFigures {
    const { eventMs } = this.#workload;
    const delays: number[] = [];
    let read = 0;
    for (const [index, seenAtMs] of this.#seenAtMs.entries()) {
      // Of the windows that an event may belong to, those whose reader comes after it was seen.
      const slackMs = (eventMs[index] as number) + windowMs + promiseMs - seenAtMs;
      read += Math.min(1, Math.max(0, slackMs / windowMs));
      if (this.#isLate[index] === 1 && seenAtMs < Infinity)
        delays.push(seenAtMs - (this.#sentAtMs[index] as number));
    }
    return { read: read / eventMs.length, correctionDelaysMs: delays };
  }
}

/** Which events come when their window is closed, by the rule of the watermark. */
function lateOf(
  { eventMs }: Workload,
  { windowMs, watermarkDelayMs, allowedLatenessMs }: Computation,
): Uint8Array {
  let newestMs = -Infinity;
  return Uint8Array.from(eventMs, (timeMs) => {
    const endMs = Math.floor(timeMs / windowMs) * windowMs + windowMs;
    const isLate = isOver(endMs, allowedLatenessMs, newestMs - watermarkDelayMs);
    newestMs = Math.max(newestMs, timeMs);
    return isLate ? 1 : 0;
  });
}

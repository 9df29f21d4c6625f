/** What the arrangements share: running a job until it has caught up, waiting for data, folding late events in now and then. */
import type { EpochRows, Job } from '../loop/job.ts';
import type { LayerPorts } from '../loop/layer.ts';
import type { Turns } from '../base/turns.ts';
import { type Clock, elapsedMs } from '../ports/clock.ts';

/** Runs epochs until nothing is left to read or the signal aborts; an epoch that began is finished. */
export async function drain(job: Job, rows: EpochRows, turns: Turns, signal: AbortSignal): Promise<void> {
  while (await sinksKeepUp(job.layer.ports, signal)) if (!(await turns.take(() => job.epoch(rows)))) return;
}

/** Waits until sinks can take more; false when the signal aborts. */
export async function sinksKeepUp({ sinksKeepUp: waits }: LayerPorts, signal: AbortSignal): Promise<boolean> {
  await waits?.(signal);
  return !signal.aborted;
}

/** Waits for a record after `position`, then gathers more of them for a while or until an epoch is full. */
export async function waitForData(
  { log, clock }: LayerPorts,
  position: number,
  limits: { readonly gatherMs: number; readonly rowsMax: number; readonly atMostMs: number },
  signal: AbortSignal,
): Promise<void> {
  const beyond = (end: number, ms: number): Promise<void> =>
    either(signal, (stop) => [log.waitBeyond(end, stop), clock.sleep(ms, stop)]);
  await beyond(position, limits.atMostMs);
  if (log.end > position) await beyond(position + limits.rowsMax - 1, limits.gatherMs);
}

const OVER = 'over';

/** Waits for the first of several, and tells the others to stop. */
export async function either(
  signal: AbortSignal,
  waits: (stop: AbortSignal) => readonly Promise<void>[],
): Promise<void> {
  const controller = new AbortController();
  // Nobody asks for the reason; an error with its stack for each wait would cost more than the wait.
  const stop = (): void => controller.abort(OVER);
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  await Promise.race(waits(controller.signal));
  stop();
  signal.removeEventListener('abort', stop);
}

/** In how long something is due that was done last at a time of the wall clock; which may have been set since. */
function dueInMs(lastAtMs: number, everyMs: number, clock: Clock): number {
  return Math.min(everyMs, Math.max(0, everyMs - (clock.nowMs() - lastAtMs)));
}

/** When the next run of a layer is due. After its last run the time that passes counts, whatever the wall clock is set to. */
export class Schedule {
  readonly #everyMs: number;
  readonly #clock: Clock;
  #lastAtMs: number | null = null;
  #dueAtMs: number;

  constructor(everyMs: number, clock: Clock) {
    this.#everyMs = everyMs;
    this.#clock = clock;
    this.#dueAtMs = elapsedMs(clock);
  }

  /** 0 when it is due, and when there was no run yet. */
  dueInMs(lastAtMs: number | null): number {
    if (lastAtMs !== null && lastAtMs !== this.#lastAtMs)
      this.#dueAtMs = elapsedMs(this.#clock) + dueInMs(lastAtMs, this.#everyMs, this.#clock);
    this.#lastAtMs = lastAtMs;
    return Math.max(0, this.#dueAtMs - elapsedMs(this.#clock));
  }
}

/** Late events under the policy `correct` wait for the next correction, so that a trickle does not recompute all day. */
export class Corrections {
  readonly #job: Job;
  readonly #everyMs: number;
  readonly #clock: Clock;
  readonly #turns: Turns;
  /** By the time that passes. */
  #dueAtMs: number;

  constructor(job: Job, everyMs: number, clock: Clock, turns: Turns) {
    this.#job = job;
    this.#turns = turns;
    this.#everyMs = everyMs;
    this.#clock = clock;
    this.#dueAtMs =
      elapsedMs(clock) + dueInMs(job.layer.progress.lastCorrectionAtMs ?? clock.nowMs(), everyMs, clock);
  }

  get dueInMs(): number {
    return Math.max(0, this.#dueAtMs - elapsedMs(this.#clock));
  }

  async runIfDue(): Promise<void> {
    if (this.dueInMs > 0) return;
    this.#dueAtMs = elapsedMs(this.#clock) + this.#everyMs;
    await this.#turns.take(() => this.#job.correct());
  }
}

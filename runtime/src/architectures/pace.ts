/** What the arrangements share: running a job until it has caught up, waiting for data, folding late events in now and then. */
import type { EpochRows, Job } from '../loop/job.ts';
import type { LayerPorts } from '../loop/layer.ts';
import type { Turns } from '../base/turns.ts';
import type { Clock } from '../ports/clock.ts';

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

/** Late events under the policy `correct` wait for the next correction, so that a trickle does not recompute all day. */
export class Corrections {
  readonly #job: Job;
  readonly #everyMs: number;
  readonly #clock: Clock;
  readonly #turns: Turns;
  #dueAtMs: number;

  constructor(job: Job, everyMs: number, clock: Clock, turns: Turns) {
    this.#job = job;
    this.#turns = turns;
    this.#everyMs = everyMs;
    this.#clock = clock;
    this.#dueAtMs = (job.layer.progress.lastCorrectionAtMs ?? clock.nowMs()) + everyMs;
  }

  get dueInMs(): number {
    return Math.max(0, this.#dueAtMs - this.#clock.nowMs());
  }

  async runIfDue(): Promise<void> {
    if (this.dueInMs > 0) return;
    this.#dueAtMs = this.#clock.nowMs() + this.#everyMs;
    await this.#turns.take(() => this.#job.correct());
  }
}

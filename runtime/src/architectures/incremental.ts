/**
 * Micro-batch and streaming: one incremental job. They differ in the trigger alone.
 *
 *   micro-batch   an epoch when `trigger.every` has passed, whatever has arrived
 *   streaming     an epoch as soon as something arrives, gathered for at most `trigger.every`
 */
import { Job } from '../loop/job.ts';
import { Layer } from '../loop/layer.ts';
import type { Turns } from '../loop/turns.ts';
import { type Arrangement, type ArrangementOptions, wholeView } from './arrangement.ts';
import { Corrections, drain, waitForData } from './pace.ts';

const LAYER = 'live';

export async function microBatch(options: ArrangementOptions): Promise<Arrangement> {
  const { config, ports, turns } = options;
  const job = await Job.open(await Layer.open(LAYER, options.plan, ports));
  const corrections = new Corrections(job, config.corrections.every, ports.clock, turns);
  let nextRunAtMs = ports.clock.nowMs();
  return {
    ...arrangementOf(job, config.trigger.rows, turns),
    get nextRunAtMs() {
      return nextRunAtMs;
    },
    async run(signal) {
      while (!signal.aborted) {
        nextRunAtMs = ports.clock.nowMs() + config.trigger.every;
        await drain(job, config.trigger.rows, turns, signal);
        await corrections.runIfDue();
        await ports.clock.sleep(nextRunAtMs - ports.clock.nowMs(), signal);
      }
    },
  };
}

export async function streaming(options: ArrangementOptions): Promise<Arrangement> {
  const { config, ports, turns } = options;
  const job = await Job.open(await Layer.open(LAYER, options.plan, ports));
  const corrections = new Corrections(job, config.corrections.every, ports.clock, turns);
  return {
    ...arrangementOf(job, config.trigger.rows, turns),
    nextRunAtMs: null,
    async run(signal) {
      while (!signal.aborted) {
        await drain(job, config.trigger.rows, turns, signal);
        await corrections.runIfDue();
        await waitForData(
          ports,
          job.layer.position,
          { gatherMs: config.trigger.every, rowsMax: config.trigger.rows, atMostMs: corrections.dueInMs },
          signal,
        );
      }
    },
  };
}

function arrangementOf(job: Job, rowsMax: number, turns: Turns): Omit<Arrangement, 'run' | 'nextRunAtMs'> {
  return {
    serving: job.layer,
    jobs: [job],
    locate: (_, view) => wholeView(job.layer, view),
    async settle(signal) {
      await drain(job, rowsMax, turns, signal);
      await turns.take(() => job.correct());
    },
    get waitingLate() {
      return job.waiting;
    },
    commands: {},
  };
}

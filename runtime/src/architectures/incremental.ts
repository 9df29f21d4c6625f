/**
 * Micro-batch and streaming: one incremental job. They differ in the trigger alone.
 *
 *   micro-batch   epochs every `trigger.every`, over all that has arrived
 *   streaming     an epoch as soon as something arrives, gathered for at most `trigger.every`
 */
import { elapsedMs } from '../ports/clock.ts';
import { Job } from '../loop/job.ts';
import { Layer } from '../loop/layer.ts';
import { holdsOf } from '../loop/reach.ts';
import {
  type Arrangement,
  type ArrangementOptions,
  correctionsOf,
  unreachableOf,
  wholeView,
} from './arrangement.ts';
import { Corrections, drain, waitForData } from './pace.ts';

const LAYER = 'live';

/** Waits until the next epochs are due, by the time that passes. */
type Wait = (dueAtMs: number, correctionInMs: number, signal: AbortSignal) => Promise<void>;

export async function microBatch(options: ArrangementOptions): Promise<Arrangement> {
  const { clock } = options.ports;
  return incremental(
    options,
    true,
    () => (dueAtMs, _, signal) => clock.sleep(dueAtMs - elapsedMs(clock), signal),
  );
}

export async function streaming(options: ArrangementOptions): Promise<Arrangement> {
  const { ports, config } = options;
  const limits = { gatherMs: config.trigger.every, rowsMax: config.trigger.rows };
  return incremental(
    options,
    false,
    ({ layer }) =>
      (_, atMostMs, signal) =>
        waitForData(ports, layer.position, { ...limits, atMostMs }, signal),
  );
}

async function incremental(
  { plan, config, ports, turns, allowed }: ArrangementOptions,
  scheduled: boolean,
  waitOf: (job: Job) => Wait,
): Promise<Arrangement> {
  const job = await Job.open(await Layer.open(LAYER, plan, ports, { allowed }));
  const corrections = new Corrections(job, config.corrections.every, ports.clock, turns);
  const wait = waitOf(job);
  let dueAtMs = elapsedMs(ports.clock);
  return {
    serving: job.layer,
    jobs: [job],
    locate: (_, view) => wholeView(job.layer, view),
    commands: {},
    get waitingLate() {
      return job.layer.waitingLate;
    },
    get unreachableLate() {
      return unreachableOf(job.layer);
    },
    holds: () => holdsOf(job.layer, 'corrections'),
    get corrections() {
      return correctionsOf(job.layer);
    },
    get nextRunAtMs() {
      return scheduled ? ports.clock.nowMs() + dueAtMs - elapsedMs(ports.clock) : null;
    },
    async settle(signal) {
      await drain(job, config.trigger, turns, signal);
      await turns.take(() => job.correct());
    },
    async run(signal) {
      while (!signal.aborted) {
        dueAtMs = elapsedMs(ports.clock) + config.trigger.every;
        await drain(job, config.trigger, turns, signal);
        await corrections.runIfDue();
        await wait(dueAtMs, corrections.dueInMs, signal);
      }
    },
  };
}

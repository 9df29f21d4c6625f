/**
 * What is predicted for the pipeline that is simulated. `recommend` predicts for a cluster that can be had for an hour, and
 * for runs that have to be started; what is simulated is the bundled runtime on one core, or on so many that share the keys.
 *
 *   reprocess   events × event                                a batch overwrites its rows: those that stay are not written
 *               events × event + rows × entry                 a stream begins anew, and writes each row once
 */
import type { Architecture } from '../answers.ts';
import { promiseOf } from '../facts.ts';
import { completenessAfter } from '../model/completeness.ts';
import { agesOf, paceAtWork } from '../model/freshness.ts';
import { WORK } from '../model/limits.ts';
import { touched } from '../model/work.ts';
import type { Predicted } from '../recommendation.ts';
import type { ProvePlan } from './plan.ts';

export function predictedHere(predicted: Predicted, architecture: Architecture, plan: ProvePlan): Predicted {
  const { facts, freshness } = plan.predicts[architecture];
  const [p50 = 0, p99 = 0] = agesOf(architecture, freshness, [0.5, 0.99]);
  const complete = completenessAfter(facts, promiseOf(facts), paceAtWork(architecture, facts));
  return {
    ...predicted,
    freshnessP50Seconds: short(p50),
    freshnessP99Seconds: short(p99),
    completenessAtRead: Math.floor(complete * 1e6) / 1e6,
    reprocessSeconds: short(reprocessSecondsOf(architecture, plan)),
  };
}

/** History once more, on one core; also when no reprocessing is asked for, since it is measured. */
function reprocessSecondsOf(architecture: Architecture, { predicts }: ProvePlan): number {
  const { facts } = predicts[architecture];
  const events = facts.history * facts.eventsPerSecond;
  const read = events * WORK.eventSeconds;
  if (architecture === 'batch' || architecture === 'lambda') return read;
  const rows = touched(events, facts.keys * Math.max(1, facts.history / facts.window));
  return read + rows * WORK.entrySeconds;
}

/** Four digits, as what is measured. */
function short(value: number): number {
  return Number(value.toPrecision(4));
}

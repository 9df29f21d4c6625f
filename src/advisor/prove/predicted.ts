/**
 * What is predicted for the pipeline that is simulated. `recommend` predicts for a cluster that can be had for an hour, and
 * for runs that have to be started; what is simulated is the bundled runtime on one core, or on so many that share the keys.
 *
 *   reprocess   events × event                                a batch overwrites its rows: those that stay are not written
 *               events × event × 2 + rows × entry             a stream begins anew, writes each row once, and reads the windows
 *                                                             of late events again, which lie all over the log
 *   bytes       log, state at its largest, views and late events, once each, over the time that is simulated
 */
import type { Architecture } from '../answers.ts';
import { type Facts, promiseOf } from '../facts.ts';
import { completenessAfter } from '../model/completeness.ts';
import { agesOf, paceAtWork } from '../model/freshness.ts';
import { correctionDelayOf, lagSecondsOf, lateShareOf, lostShareOf } from '../model/corrections.ts';
import { BURSTS, DAY_SWING, WORK } from '../model/limits.ts';
import { touched } from '../model/work.ts';
import type { Predicted } from '../recommendation.ts';
import type { ProvePlan } from './plan.ts';

export function predictedHere(predicted: Predicted, architecture: Architecture, plan: ProvePlan): Predicted {
  const { facts, freshness } = plan.predicts[architecture];
  const [p50 = 0, p99 = 0] = agesOf(architecture, freshness, [0.5, 0.99]);
  const pace = paceAtWork(architecture, facts);
  const complete = completenessAfter(facts, promiseOf(facts), pace);
  const bytes = bytesOf(architecture, plan);
  return {
    ...predicted,
    freshnessP50Seconds: short(p50),
    freshnessP99Seconds: short(p99),
    completenessAtRead: Math.floor(complete * 1e6) / 1e6,
    reprocessSeconds: short(reprocessSecondsOf(architecture, plan)),
    correctionDelaySeconds: short(correctionDelayOf(architecture, facts)),
    finalAfterSeconds: short(finalSecondsOf(architecture, facts, pace)),
    lostShare: lostShareOf(plan.thin),
    stateBytes: Math.round(bytes.state),
    keptBytes: Math.round(bytes.log + bytes.state + bytes.views + bytes.other),
  };
}

/** History once more, on one core; also when no reprocessing is asked for, since it is measured. */
function reprocessSecondsOf(
  architecture: Architecture,
  { predicts, thin, horizonSeconds }: ProvePlan,
): number {
  const { facts } = predicts[architecture];
  const events = facts.history * facts.eventsPerSecond;
  const read = events * WORK.eventSeconds;
  if (architecture === 'batch' || architecture === 'lambda') return read;
  const rows = touched(events, facts.keys * Math.max(1, facts.history / facts.window));
  // Late events are folded in once more at the end; that some are late is likely, or not.
  const again = thin.policy === 'correct' ? -Math.expm1(-lateEventsOf(thin, horizonSeconds)) : 0;
  return read * (1 + again) + rows * WORK.entrySeconds;
}

function lateEventsOf(thin: Facts, horizonSeconds: number): number {
  return lateShareOf(thin) * thin.eventsPerSecond * horizonSeconds;
}

/** From the end of a window until it is closed, half of the time: the newest event must be past it, and a run see that. */
function finalSecondsOf(
  architecture: Architecture,
  facts: Facts,
  { intervalSeconds, runSeconds }: ReturnType<typeof paceAtWork>,
): number {
  const isScheduled = architecture === 'batch' || architecture === 'micro-batch';
  const seen = (isScheduled ? intervalSeconds / 2 : intervalSeconds) + runSeconds;
  return facts.typical + facts.latest + lagSecondsOf(facts) + seen;
}

/** What the runtime keeps, in bytes: shapes of its own files, to which an event adds what its text has besides names. */
const BYTES = {
  eventLess: 50,
  block: 225,
  group: 110,
  window: 86,
  value: 50,
  row: 82,
  layer: 1700,
  lateMore: 260,
} as const;

/** Over the time that is simulated: of the parts as they are scaled up from it. */
function bytesOf(
  architecture: Architecture,
  { thin, oneIn, rowsOneIn, tickMs, horizonSeconds }: ProvePlan,
): Record<'log' | 'state' | 'views' | 'other', number> {
  const { eventsPerSecond, bytesPerEvent, keys, window } = thin;
  const events = eventsPerSecond * horizonSeconds;
  const inTick = (eventsPerSecond * tickMs) / 1000;
  const blocks = events * (-Math.expm1(-inTick) / inTick);
  const log = events * Math.max(20, bytesPerEvent - BYTES.eventLess) + blocks * BYTES.block;
  const rows = touched(events, keys * Math.max(1, horizonSeconds / window));
  const late = thin.policy === 'drop' ? 0 : lateEventsOf(thin, horizonSeconds);
  const layers = architecture === 'lambda' ? 2 : 1;
  return {
    log: log * oneIn,
    state: architecture === 'batch' ? 0 : stateOf(thin, horizonSeconds) * rowsOneIn,
    views: rows * BYTES.row * rowsOneIn,
    other: layers * (BYTES.layer + late * (bytesPerEvent + BYTES.lateMore)),
  };
}

/** At its largest: at the busiest time, when a window has just ended and what waits for late events is still there. */
function stateOf(facts: Facts, horizonSeconds: number): number {
  const { eventsPerSecond, keys, window, latest, typical, distinct } = facts;
  const waits = Math.min(horizonSeconds, latest + typical);
  const mean = peakOf(facts, window + waits) * eventsPerSecond;
  // The most of all times is more than what is usual at that time of the day.
  const usual = mean * (window + waits);
  const rate = mean * (1 + 1.5 / Math.sqrt(Math.max(1, usual)));
  const inWindow = (groups: number): number => touched(rate * window, groups);
  const waiting = (groups: number): number =>
    waits < window ? touched(rate * waits, groups) : (waits / window) * inWindow(groups);
  const [groups, windows] = [keys, 1].map((each) => inWindow(each) + waiting(each));
  const values = distinct ? rate * (window + waits) * BYTES.value : 0;
  return (groups ?? 0) * BYTES.group + (windows ?? 0) * BYTES.window + values;
}

/** How much more than the mean comes in the busiest time of this length. */
function peakOf({ arrival }: Facts, seconds: number): number {
  if (arrival !== 'bursty') return 1 + DAY_SWING;
  const { share, times, everySeconds } = BURSTS;
  const inBurst = Math.min(1, (share * everySeconds) / seconds);
  return seconds >= everySeconds ? 1 : times * inBurst + ((1 - share * times) / (1 - share)) * (1 - inBurst);
}

/** Four digits, as what is measured. */
function short(value: number): number {
  return Number(value.toPrecision(4));
}

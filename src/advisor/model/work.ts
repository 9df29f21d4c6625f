/**
 * How long a run or a commit takes, in the bundled runtime on so many cores: what `advisor prove` pays for with virtual time.
 *
 *   seconds = commit + (events × event + events read again × event + entries × entry) ÷ cores
 *
 *   entries   two of the commit's own, two for each group that events fell into (its state, its row), one more for each event
 *             where distinct values are counted; of n events that fall into k groups by chance k (1 − e^−n/k) are touched
 *
 * Costs: `limits.ts`, held against bench/results/costs.json. A batch writes rows only, one for each group that changed.
 */
import type { Architecture } from '../answers.ts';
import type { Facts } from '../facts.ts';
import { WORK } from './limits.ts';
import { liveCoresOf, reprocessCoresOf } from './reprocessing.ts';

const DAY_SECONDS = 86_400;
/** An epoch of a stream has no more events than this; the default of `trigger.rows`. */
const EPOCH_EVENTS_MAX = 4096;

/** Cores that share the work of an architecture: those of the machine, or as many as are sized for. */
function coresOf(architecture: Architecture, facts: Facts): number {
  if (facts.machine !== undefined) return facts.machine.cores;
  const isScheduled = architecture === 'batch' || architecture === 'micro-batch';
  return isScheduled ? reprocessCoresOf(facts) : Math.ceil(liveCoresOf(facts));
}

/** Groups that so many events touch, of so many. */
export function touched(events: number, groups: number): number {
  return groups * -Math.expm1(-events / groups);
}

/** How long one run of a schedule, or one commit of a stream, takes that gathers for so long; without its start. */
export function workSecondsOf(architecture: Architecture, facts: Facts, intervalSeconds: number): number {
  const { keys, eventsPerSecond, distinct } = facts;
  const cores = coresOf(architecture, facts);
  const { eventSeconds, entrySeconds, commitSeconds, syncSeconds } = WORK;
  const events = eventsPerSecond * intervalSeconds;
  const windows = 1 + intervalSeconds / facts.window;
  const groups = touched(events, keys * windows);
  if (architecture === 'batch') {
    // It reads what is new, and its day once more: half of it, as a rule.
    const read = events + (eventsPerSecond * DAY_SECONDS) / 2;
    return commitSeconds + (read * eventSeconds + groups * entrySeconds) / cores;
  }
  const entries = 2 * groups + (distinct ? events : 0);
  const work = (events * eventSeconds + entries * entrySeconds) / cores;
  return architecture === 'micro-batch'
    ? commitSeconds + work
    : syncSeconds + commitSeconds + 2 * entrySeconds + work;
}

/** How long a stream gathers: its interval, or until an epoch is full. */
export function gatherSecondsOf(facts: Facts, intervalSeconds: number): number {
  const perCore = facts.eventsPerSecond / coresOf('streaming', facts);
  return Math.min(intervalSeconds, EPOCH_EVENTS_MAX / perCore);
}

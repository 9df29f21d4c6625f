/**
 * What becomes of late events.
 *
 *   final after   an exact result is final when the latest event that is waited for has come, and the run after it
 *   correction    a late event is seen by the next run (batch), by the next batch layer (Lambda), or by the next correction,
 *                 which recomputes its window from the log: every quarter of `correctBy`, at most an hour; a micro-batch looks
 *                 whether one is due after each run
 *   late          a window takes events until the newest event is `typical` and `latest` past its end. An event that happened
 *                 u before that end is late when it comes more than u + typical + latest + lag after it happened, where the lag
 *                 is how far the newest event that arrived is behind: so many are on their way that one that is as old is there
 *   lost          with `drop`, what comes after the watermark is never counted; with `side-output`, it waits for a person
 */
import type { Architecture } from '../answers.ts';
import type { Facts } from '../facts.ts';
import { arrivedShare, completenessAtRead } from './completeness.ts';
import { freshnessOf, runSecondsOf } from './freshness.ts';
import { SCHEDULES_SECONDS } from './limits.ts';

const HOUR_SECONDS = 3600;
const DAY_SECONDS = 86_400;

/** Time from a late event to the corrected result; 0 when nothing is corrected by itself. */
export function correctionDelayOf(architecture: Architecture, facts: Facts): number {
  if (facts.policy !== 'correct') return 0;
  if (architecture === 'batch') return freshnessOf(architecture, facts).p99Seconds;
  if (architecture === 'lambda') return batchLayerEveryOf(facts) + runSecondsOf('batch', facts, DAY_SECONDS);
  // When one is due while no run is, it waits for the next: half an interval, as a rule.
  const waits = architecture === 'micro-batch' ? freshnessOf(architecture, facts).intervalSeconds / 2 : 0;
  return correctionEveryOf(facts) + waits + runSecondsOf('micro-batch', facts, HOUR_SECONDS);
}

/** How often a stream folds in what came late: as the generated project is set. */
function correctionEveryOf(facts: Facts): number {
  return Math.min(HOUR_SECONDS, Math.max(60, facts.correctBy / 4));
}

/** How often Lambda's batch layer runs: daily, or as often as corrections must be complete with one failed run. */
export function batchLayerEveryOf(facts: Facts): number {
  const asked = facts.policy === 'correct' ? facts.correctBy / 3 : DAY_SECONDS;
  return SCHEDULES_SECONDS.findLast((schedule) => schedule <= asked) ?? SCHEDULES_SECONDS[0];
}

/** Age at which a result is final; an approximate one is never waited for. */
export function finalAfterOf(facts: Facts, p99Seconds: number): number {
  return facts.accuracy === 'approximate' ? p99Seconds : facts.latest + p99Seconds;
}

/** Share of events that are never counted unless somebody does it by hand. */
export function lostShareOf(facts: Facts): number {
  return facts.policy === 'correct' ? 0 : lateShareOf(facts);
}

/** Share of events that come when their window is closed. */
export function lateShareOf(facts: Facts): number {
  return 1 - completenessAtRead(facts, facts.typical + facts.latest + lagSecondsOf(facts));
}

const HALVINGS = 40;
const STEPS = 16;

/** How far the newest event that has arrived is behind: the age of which one younger event is there, on average. */
export function lagSecondsOf(facts: Facts): number {
  const there = (age: number): number => {
    let sum = 0;
    for (let step = 0; step < STEPS; step++) sum += arrivedShare(facts, (age * (step + 0.5)) / STEPS);
    return (facts.eventsPerSecond * age * sum) / STEPS;
  };
  let [low, high] = [0, facts.typical + facts.latest + 1 / facts.eventsPerSecond];
  for (let halving = 0; halving < HALVINGS; halving++) {
    const middle = (low + high) / 2;
    if (there(middle) < 1) low = middle;
    else high = middle;
  }
  return high;
}

/**
 * What becomes of late events.
 *
 *   final after   an exact result is final when the latest event that is waited for has come, and the run after it
 *   correction    a late event is seen by the next run (batch, micro-batch), by the next batch layer (Lambda), or by the next
 *                 correction, which recomputes its window from the log (streams): a quarter of `correctBy`, at most an hour
 *   lost          with `drop`, what comes after the watermark is never counted; with `side-output`, it waits for a person
 */
import type { Architecture } from '../answers.ts';
import type { Facts } from '../facts.ts';
import { arrivedShare } from './completeness.ts';
import { freshnessOf, runSecondsOf } from './freshness.ts';
import { SCHEDULES_SECONDS } from './limits.ts';

const HOUR_SECONDS = 3600;
const DAY_SECONDS = 86_400;

/** Time from a late event to the corrected result; 0 when nothing is corrected by itself. */
export function correctionDelayOf(architecture: Architecture, facts: Facts): number {
  if (facts.policy !== 'correct') return 0;
  if (architecture === 'batch' || architecture === 'micro-batch')
    return freshnessOf(architecture, facts).p99Seconds;
  if (architecture === 'lambda') return batchLayerEveryOf(facts) + runSecondsOf('batch', facts, DAY_SECONDS);
  return correctionEveryOf(facts) + runSecondsOf('micro-batch', facts, HOUR_SECONDS);
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
  return facts.policy === 'correct' ? 0 : 1 - arrivedShare(facts, facts.typical + facts.latest);
}

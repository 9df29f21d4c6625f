/** Every figure that is predicted for an architecture, and what each rests on. */
import type { Architecture } from './answers.ts';
import { promiseOf, type Facts } from './facts.ts';
import { completenessAfter } from './model/completeness.ts';
import { correctionDelayOf, finalAfterOf, lostShareOf } from './model/corrections.ts';
import { COST_SOURCES, keptOf, monthlyCostOf } from './model/cost.ts';
import { effortHoursOf } from './model/effort.ts';
import { agesOf, freshnessOf, paceAtWork } from './model/freshness.ts';
import { brokenHoursOf, nightsPerMonthOf, restartSecondsOf } from './model/operations.ts';
import { reprocessSecondsOf } from './model/reprocessing.ts';
import { stateBytesOf } from './model/state.ts';
import type { Predicted } from './recommendation.ts';

/** What each predicted figure rests on. */
export const FIGURE_SOURCES: Readonly<Record<keyof Predicted, readonly string[]>> = {
  freshnessP50Seconds: ['sla-over-three', 'ours-commit'],
  freshnessP99Seconds: ['sla-over-three', 'ours-commit'],
  completenessAtRead: ['ours-lateness-shape'],
  reprocessSeconds: ['ours-replay-rate', 'ours-batch-rate'],
  monthlyUsd: Object.values(COST_SOURCES).flat(),
  range: ['mult-3-10', 'mult-5-50'],
  effortHours: ['ours-effort'],
  teamShare: ['ours-effort', 'ours-person-hour'],
  correctionDelaySeconds: ['ours-corrections'],
  finalAfterSeconds: ['ours-lateness-shape'],
  lostShare: ['ours-lateness-shape'],
  ageAtActionSeconds: ['act-on-it'],
  stateBytes: ['ours-state'],
  keptBytes: COST_SOURCES.storage,
  restartSeconds: ['ours-recovery'],
  nightsPerMonth: ['ours-stops'],
  brokenHoursPerMonth: ['ours-stops', 'ours-recovery'],
};

export function predictedOf(architecture: Architecture, facts: Facts): Predicted {
  const { p50Seconds, p99Seconds } = freshnessOf(architecture, facts);
  const [ageP50Seconds = 0, ageP99Seconds = 0] = agesOf(architecture, facts, [0.5, 0.99]);
  const complete = completenessAfter(facts, promiseOf(facts), paceAtWork(architecture, facts));
  const cost = monthlyCostOf(architecture, facts);
  const hours = effortHoursOf(architecture, facts);
  const kept = keptOf(architecture, facts);
  // A machine acts at once; people act when they do.
  const reaction = facts.action === 'decide' ? 0 : facts.reactionTime;
  return {
    freshnessP50Seconds: rounded(ageP50Seconds),
    freshnessP99Seconds: rounded(ageP99Seconds),
    // Rounded down: an event may still be missing.
    completenessAtRead: Math.floor(complete * 1e6) / 1e6,
    reprocessSeconds: Math.round(reprocessSecondsOf(architecture, facts)),
    monthlyUsd: cost.likely,
    range: { low: cost.low, high: cost.high },
    effortHours: Math.round(hours * 10) / 10,
    teamShare: Math.round((hours / (facts.engineers * facts.assumed.engineerHours)) * 1000) / 1000,
    correctionDelaySeconds: rounded(correctionDelayOf(architecture, facts)),
    finalAfterSeconds: rounded(finalAfterOf(facts, p99Seconds)),
    lostShare: Math.ceil(lostShareOf(facts) * 1e6) / 1e6,
    ageAtActionSeconds: rounded(p50Seconds + reaction),
    stateBytes: Math.round(stateBytesOf(architecture, facts)),
    keptBytes: Math.round(kept.diskBytes + kept.objectBytes),
    restartSeconds: rounded(restartSecondsOf(architecture, facts)),
    nightsPerMonth: Math.round(nightsPerMonthOf(architecture, facts) * 100) / 100,
    brokenHoursPerMonth: Math.round(brokenHoursOf(architecture, facts) * 100) / 100,
  };
}

/** Three decimals: enough for milliseconds, and free of the noise of division. */
function rounded(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}

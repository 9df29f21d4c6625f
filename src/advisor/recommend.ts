/**
 * From answers to a recommendation. Pure: no clock, no network, no randomness; the same answers give the same document.
 *
 *   answers ─► defaults ─► verdict ─► candidates, settings ─► claims, conflicts, flips ─► sources of all of them
 */
import type { Answers, Architecture, GivenAnswers } from './answers.ts';
import { claimsOf } from './claims.ts';
import { completeAnswers } from './complete.ts';
import { conflictsOf } from './conflicts.ts';
import { hardestFacts, predictedFacts, promiseOf, type Facts } from './facts.ts';
import { flipsOf } from './flips.ts';
import { violationsOf } from './gates.ts';
import { ASSUMED, type Assumptions } from './knowledge/assumptions.ts';
import { knowledgeOf } from './knowledge/knowledge.ts';
import { completenessAfter } from './model/completeness.ts';
import { correctionDelayOf, finalAfterOf, lostShareOf } from './model/corrections.ts';
import { COST_SOURCES, keptOf, monthlyCostOf } from './model/cost.ts';
import { effortHoursOf } from './model/effort.ts';
import { agesOf, freshnessOf, runSecondsOf } from './model/freshness.ts';
import { SIMPLEST_FIRST } from './model/limits.ts';
import { brokenHoursOf, nightsPerMonthOf, restartSecondsOf } from './model/operations.ts';
import { reprocessSecondsOf } from './model/reprocessing.ts';
import { stateBytesOf } from './model/state.ts';
import type { Candidate, Predicted, Recommendation, Source } from './recommendation.ts';
import { settingsOf } from './settings.ts';
import { opennessOf } from './undecided.ts';

/**
 * Recommends the simplest architecture that keeps the promise.
 * @throws ANSWERS_MISSING, ANSWERS_INVALID
 */
export function recommend(given: GivenAnswers, assumed: Assumptions = ASSUMED): Recommendation {
  const { answers, defaulted } = completeAnswers(given);
  const openness = opennessOf(answers, assumed);
  const [recommendation] = openness.possible as [Architecture];
  const candidates = SIMPLEST_FIRST.map((architecture) => candidateOf(architecture, answers, assumed));
  const because = claimsOf(recommendation, answers, candidates, assumed);
  const violations =
    candidates.find((candidate) => candidate.architecture === recommendation)?.violations ?? [];
  const cited = [
    ...because.map((claim) => claim.source),
    ...candidates.flatMap((candidate) => candidate.violations.flatMap((violation) => violation.source ?? [])),
    ...Object.values(FIGURE_SOURCES).flat(),
  ];
  return {
    version: 1,
    answers,
    defaulted,
    recommendation,
    ...openness,
    settings: settingsOf(recommendation, hardestFacts(answers, assumed)),
    candidates,
    because,
    conflicts: conflictsOf(
      { answers, defaulted, architecture: recommendation, assumed, candidates },
      violations,
    ),
    flips: flipsOf(answers, assumed),
    sources: [...new Set(cited)].map(sourceOf),
  };
}

/** What each predicted figure rests on. */
export const FIGURE_SOURCES: Readonly<Record<keyof Predicted, readonly string[]>> = {
  freshnessP50Seconds: ['sla-over-three', 'ours-commit'],
  freshnessP99Seconds: ['sla-over-three', 'ours-commit'],
  completenessAtRead: ['ours-lateness-shape'],
  reprocessSeconds: ['ours-replay-rate', 'ours-batch-rate'],
  monthlyUsd: Object.values(COST_SOURCES).flat(),
  range: ['mult-3-10', 'mult-5-50'],
  effortHours: ['ours-effort'],
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

function candidateOf(architecture: Architecture, answers: Answers, assumed: Assumptions): Candidate {
  const violations = violationsOf(architecture, hardestFacts(answers, assumed));
  return {
    architecture,
    feasible: violations.length === 0,
    violations,
    predicted: predictedOf(architecture, predictedFacts(answers, assumed)),
  };
}

export function predictedOf(architecture: Architecture, facts: Facts): Predicted {
  const { intervalSeconds, p50Seconds, p99Seconds } = freshnessOf(architecture, facts);
  const [ageP50Seconds = 0, ageP99Seconds = 0] = agesOf(architecture, facts, [0.5, 0.99]);
  const runSeconds = runSecondsOf(architecture, facts, intervalSeconds);
  const complete = completenessAfter(facts, promiseOf(facts), { intervalSeconds, runSeconds });
  const cost = monthlyCostOf(architecture, facts);
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
    effortHours: Math.round(effortHoursOf(architecture, facts) * 10) / 10,
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

function sourceOf(id: string): Source {
  const entry = knowledgeOf(id);
  return {
    id,
    title: entry.title,
    where: entry.url,
    asOf: entry.asOf,
    kind: entry.kind,
    claim: entry.claim,
    check: entry.check,
    ...(entry.value === undefined ? {} : { value: entry.value }),
    ...(entry.unit === undefined ? {} : { unit: entry.unit }),
  };
}

/**
 * From answers to a recommendation. Pure: no clock, no network, no randomness; the same answers give the same document.
 *
 *   answers ─► defaults ─► verdict ─► candidates, settings ─► claims, conflicts, flips ─► sources of all of them
 */
import type { Answers, Architecture, GivenAnswers } from './answers.ts';
import { claimsOf } from './claims.ts';
import { completeAnswers } from './complete.ts';
import { conflictsOf } from './conflicts.ts';
import { hardestFacts, predictedFacts, type Facts } from './facts.ts';
import { flipsOf } from './flips.ts';
import { breachesOf } from './gates.ts';
import { knowledgeOf } from './knowledge/knowledge.ts';
import { completenessAtRead } from './model/completeness.ts';
import { monthlyCostOf } from './model/cost.ts';
import { effortHoursOf } from './model/effort.ts';
import { freshnessOf } from './model/freshness.ts';
import { SIMPLEST_FIRST } from './model/limits.ts';
import { reprocessSecondsOf } from './model/reprocessing.ts';
import type { Candidate, Predicted, Recommendation, Source } from './recommendation.ts';
import { settingsOf } from './settings.ts';
import { opennessOf } from './undecided.ts';
import { verdictOf } from './verdict.ts';

/**
 * Recommends the simplest architecture that keeps the promise.
 * @throws ANSWERS_MISSING, ANSWERS_INVALID
 */
export function recommend(given: GivenAnswers): Recommendation {
  const { answers, defaulted } = completeAnswers(given);
  const recommendation = verdictOf(answers);
  const candidates = SIMPLEST_FIRST.map((architecture) => candidateOf(architecture, answers));
  const because = claimsOf(recommendation, answers, candidates);
  const violations =
    candidates.find((candidate) => candidate.architecture === recommendation)?.violations ?? [];
  const cited = [
    ...because.map((claim) => claim.source),
    ...candidates.flatMap((candidate) => candidate.violations.flatMap((violation) => violation.source ?? [])),
    ...MODEL_SOURCES,
  ];
  return {
    version: 1,
    answers,
    defaulted,
    recommendation,
    ...opennessOf(answers),
    settings: settingsOf(recommendation, hardestFacts(answers)),
    candidates,
    because,
    conflicts: conflictsOf(answers, defaulted, recommendation, violations),
    flips: flipsOf(answers),
    sources: [...new Set(cited)].map(sourceOf),
  };
}

/** What the predicted figures rest on. */
const MODEL_SOURCES = [
  'ours-effort',
  'ours-costs',
  'msf-kpu-price',
  'gp3-price',
  's3-price',
  'ours-lateness-shape',
];

function candidateOf(architecture: Architecture, answers: Answers): Candidate {
  const violations = breachesOf(architecture, hardestFacts(answers)).map((breach) => breach.describe());
  return {
    architecture,
    feasible: violations.length === 0,
    violations,
    predicted: predictedOf(architecture, predictedFacts(answers)),
  };
}

function predictedOf(architecture: Architecture, facts: Facts): Predicted {
  const { p50Seconds, p99Seconds } = freshnessOf(architecture, facts);
  const cost = monthlyCostOf(architecture, facts);
  return {
    freshnessP50Seconds: rounded(p50Seconds),
    freshnessP99Seconds: rounded(p99Seconds),
    // Rounded down: an event may still be missing.
    completenessAtRead: Math.floor(completenessAtRead(facts, p99Seconds) * 1e6) / 1e6,
    reprocessSeconds: Math.round(reprocessSecondsOf(architecture, facts)),
    monthlyUsd: cost.likely,
    range: { low: cost.low, high: cost.high },
    effortHours: Math.round(effortHoursOf(architecture, facts) * 10) / 10,
  };
}

/** Three decimals: enough for milliseconds, and free of the noise of division. */
function rounded(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}

function sourceOf(id: string): Source {
  const entry = knowledgeOf(id);
  return { id, title: entry.title, where: entry.url, asOf: entry.asOf, kind: entry.kind };
}

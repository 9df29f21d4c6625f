/**
 * From answers to a recommendation. Pure: no clock, no network, no randomness; the same answers give the same document.
 *
 *   answers ─► defaults ─► verdict ─► candidates, settings ─► claims, conflicts, flips ─► sources of all of them
 */
import type { Architecture, GivenAnswers } from './answers.ts';
import { claimsOf } from './claims.ts';
import { completeAnswers } from './complete.ts';
import { conflictsOf } from './conflicts.ts';
import { hardestFacts, predictedFacts, type Facts } from './facts.ts';
import { FIGURE_SOURCES, predictedOf } from './figures.ts';
import { flipsOf } from './flips.ts';
import { violationsOf } from './gates.ts';
import { ASSUMED, type Assumptions } from './knowledge/assumptions.ts';
import { knowledgeOf } from './knowledge/knowledge.ts';
import { SIMPLEST_FIRST } from './model/limits.ts';
import type { Candidate, Recommendation, Source } from './recommendation.ts';
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
  const hardest = hardestFacts(answers, assumed);
  const predicted = predictedFacts(answers, assumed);
  const candidates = SIMPLEST_FIRST.map((architecture) => candidateOf(architecture, hardest, predicted));
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
    settings: settingsOf(recommendation, hardest),
    candidates,
    because,
    conflicts: conflictsOf(
      { answers, defaulted, architecture: recommendation, assumed, candidates },
      violations,
    ),
    flips: flipsOf(answers, assumed),
    sources: [...[...new Set(cited)].map(sourceOf), ...givenSource(assumed)],
  };
}

function candidateOf(architecture: Architecture, hardest: Facts, predicted: Facts): Candidate {
  const violations = violationsOf(architecture, hardest);
  return {
    architecture,
    feasible: violations.length === 0,
    violations,
    predicted: predictedOf(architecture, predicted),
  };
}

/** A team's own prices and efforts, where they were used. */
function givenSource({ given }: Assumptions): Source[] {
  if (given === undefined || given.names.length === 0) return [];
  return [
    {
      id: 'given-prices',
      title: 'Prices and efforts of your own',
      where: given.where,
      kind: 'given',
      claim: `In place of ours: ${given.names.join(', ')}`,
      check: 'given',
    },
  ];
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

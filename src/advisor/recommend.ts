import type { GivenAnswers } from './answers.ts';
import { completeAnswers } from './complete.ts';
import type { Recommendation } from './recommendation.ts';

/**
 * Recommends the simplest architecture that keeps the promise. Pure: no clock, no network, no randomness.
 * @throws ANSWERS_MISSING, ANSWERS_INVALID
 */
export function recommend(given: GivenAnswers): Recommendation {
  const { answers, defaulted } = completeAnswers(given);
  const money = { compute: 0, storage: 0, people: 0, total: 0 };
  return {
    version: 1,
    answers,
    defaulted,
    recommendation: 'micro-batch',
    possible: ['micro-batch'],
    settings: {
      triggerEverySeconds: 300,
      watermarkDelaySeconds: 5,
      allowedLatenessSeconds: 600,
      checkpointEverySeconds: 10,
      retentionSeconds: 0,
      delivery: 'at-least-once',
    },
    candidates: (['batch', 'micro-batch', 'streaming', 'kappa', 'lambda'] as const).map((architecture) => ({
      architecture,
      feasible: true,
      violations: [],
      predicted: {
        freshnessP50Seconds: 0,
        freshnessP99Seconds: 0,
        completenessAtRead: 1,
        reprocessSeconds: 0,
        monthlyUsd: money,
        range: { low: money, high: money },
        effortHours: 0,
      },
    })),
    because: [],
    conflicts: [],
    flips: [],
    sources: [],
  };
}

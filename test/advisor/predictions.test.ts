/** What is predicted is what is measured, within a quarter: the model against the real runtime in virtual time. */
import { loadProve } from 'pipeline-runtime/kit';
import { expect, test } from 'vitest';
import type { GivenAnswers } from '../../src/advisor/answers.ts';
import { hardestFacts } from '../../src/advisor/facts.ts';
import { proofOf } from '../../src/advisor/prove/measured.ts';
import { describeSlice, describeWorkload, provePlanOf } from '../../src/advisor/prove/plan.ts';
import type { Proof } from '../../src/advisor/prove/proof.ts';
import { partsOf } from '../../src/advisor/prove/tasks.ts';
import { recommend } from '../../src/advisor/recommend.ts';

/** A part of a day: enough for some runs of each. */
const HORIZON_SECONDS = 3 * 3600;

async function proved(given: GivenAnswers): Promise<Proof> {
  const runtime = await loadProve();
  const recommendation = recommend(given);
  const facts = hardestFacts(recommendation.answers);
  const events = Math.round(facts.eventsPerSecond * HORIZON_SECONDS);
  const { bytesPerEvent } = facts;
  const plan = provePlanOf(recommendation.answers, {
    events,
    horizonSeconds: HORIZON_SECONDS,
    bytesPerEvent,
  });
  const parts = partsOf(plan, {
    whole: runtime.drawWorkload(describeWorkload(plan, HORIZON_SECONDS), 1),
    sliceOf: (slice) => runtime.drawWorkload(describeSlice(plan, slice), 1),
    costs: runtime.COSTS,
  });
  const results = await runtime.simulateAll(
    parts.map(({ task }) => task),
    { threads: 1 },
  );
  return proofOf({
    parts,
    results,
    plan,
    recommendation,
    seed: 1,
    hardest: [],
    costs: { ...runtime.COSTS, source: '' },
    workload: { from: 'description', events, horizonSeconds: HORIZON_SECONDS },
  });
}

const GIVEN = { lateness: { max: '10m' }, reprocessing: { every: 'monthly' }, maturity: 'expert' } as const;

test.each([
  ['15 minutes', { ...GIVEN, freshness: '15m', volume: { eventsPerSecond: 0.08, keys: 5 } }],
  [
    '200 ms, and windows of two minutes',
    {
      ...GIVEN,
      freshness: '200ms',
      volume: { eventsPerSecond: 0.15, keys: 5 },
      state: { window: '2m' },
    },
  ],
] as const)('%s', { timeout: 300_000 }, async (_, given) => {
  const { architectures, law } = await proved(given);
  expect(law.holds).toBe(true);
  const off = architectures.flatMap(({ architecture, measured, predicted }) =>
    (['freshnessP50Seconds', 'freshnessP99Seconds', 'completenessAtRead'] as const).flatMap((name) => {
      const [is, said] = [measured[name], predicted[name]];
      // Of shares of hardly anything, a quarter is nothing.
      const least = name === 'completenessAtRead' ? 0.05 : 0.001;
      const isNear = Math.abs(is - said) <= Math.max(least, 0.25 * said);
      return isNear ? [] : [`${architecture} ${name}: ${is} measured, ${said} predicted`];
    }),
  );
  expect(off).toEqual([]);
});

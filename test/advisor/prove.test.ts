/** What is simulated for some answers, and how it is said. */
import { createColors } from 'picocolors';
import { expect, test } from 'vitest';
import { recommend } from '../../src/advisor/recommend.ts';
import type { GivenAnswers } from '../../src/advisor/answers.ts';
import { proofHtml } from '../../src/advisor/print/prove-html.ts';
import { proofText } from '../../src/advisor/print/prove-text.ts';
import {
  describeSlice,
  describeWorkload,
  horizonSecondsOf,
  narrowed,
  type ProvePlan,
  provePlanOf,
  readersIn,
  simulatedSettings,
} from '../../src/advisor/prove/plan.ts';
import type { Proof } from '../../src/advisor/prove/proof.ts';
import { hardestFacts } from '../../src/advisor/facts.ts';
import { proofSample } from './proof-sample.ts';

const GIVEN: GivenAnswers = {
  freshness: '15m',
  lateness: { max: '10m' },
  reprocessing: { every: 'monthly' },
  maturity: 'novice',
};

function planOf(given: GivenAnswers): ProvePlan {
  const { answers } = recommend(given);
  const facts = hardestFacts(answers);
  const horizonSeconds = horizonSecondsOf(facts);
  const events = Math.round(facts.eventsPerSecond * horizonSeconds);
  return provePlanOf(answers, { events, horizonSeconds, bytesPerEvent: facts.bytesPerEvent });
}

test('a small workload is simulated whole, each event by itself', () => {
  const plan = planOf({ ...GIVEN, volume: { eventsPerSecond: 0.2 } });
  expect([plan.oneIn, plan.tickMs, plan.cores]).toEqual([1, 1, 1]);
  expect(Object.values(plan.slices)).toEqual([null, null, null, null, null]);
});

test('a large one is thinned by keys, and what hangs on every event is measured in a slice at full rate', () => {
  const plan = planOf(GIVEN);
  expect(plan.oneIn).toBeGreaterThan(1);
  const whole = describeWorkload(plan, 86_400);
  expect(whole.eventsPerSecond * plan.oneIn).toBeCloseTo(100);
  expect(whole.keys).toBe(Math.round(10_000 / plan.oneIn));
  expect(plan.slices.batch).toBeNull();
  const { streaming: slice } = plan.slices;
  expect(slice).not.toBeNull();
  if (slice === null) return;
  const { description, stretches } = describeSlice(plan, slice);
  expect(description).toMatchObject({ eventsPerSecond: 100, keys: 10_000 });
  // A hundred events fall into each interval, so one stretch says it, at noon.
  expect(stretches).toHaveLength(1);
  expect(stretches[0]?.[0]).toBeLessThan(Date.UTC(2001, 0, 1, 12));
  expect(stretches[0]?.[1]).toBeGreaterThan(Date.UTC(2001, 0, 1, 12));
});

test('where little arrives in an interval, freshness is measured at all times of the day and of the hour', () => {
  const plan = planOf({ ...GIVEN, volume: { eventsPerSecond: 10 } });
  const { streaming: slice } = plan.slices;
  if (slice === null) throw new Error('a thinned stream has a slice');
  const { stretches } = describeSlice(plan, slice);
  expect(stretches.length).toBeGreaterThan(30);
  for (const [index, [fromMs, toMs]] of stretches.entries()) {
    expect(toMs - fromMs).toBe(11_000);
    expect(fromMs).toBeGreaterThanOrEqual(stretches[index - 1]?.[1] ?? 0);
  }
  const early = stretches.filter(([fromMs]) => fromMs % 3_600_000 < 360_000).length;
  expect(early / stretches.length).toBeGreaterThan(0.05);
  expect(early / stretches.length).toBeLessThan(0.2);
  expect(readersIn(stretches, slice)[0]?.[0]).toBe((stretches[0]?.[0] ?? 0) + 1000);
});

test('what one core cannot do is divided; one core with its share is simulated', () => {
  const plan = planOf({ ...GIVEN, freshness: '1s', volume: { eventsPerSecond: 1_000_000 } });
  expect(plan.cores).toBe(30);
  const { streaming: slice } = plan.slices;
  if (slice === null) throw new Error('a stream of this size has a slice');
  expect(describeSlice(plan, slice).description.eventsPerSecond).toBeLessThanOrEqual(50_000);
});

test('an architecture is set as it is recommended', () => {
  const plan = planOf(GIVEN);
  expect(simulatedSettings('micro-batch', plan)).toMatchObject({
    triggerEveryMs: plan.settings['micro-batch'].triggerEverySeconds * 1000,
  });
  expect(simulatedSettings('batch', plan).batchEveryMs).toBe(plan.settings.batch.triggerEverySeconds * 1000);
  expect(simulatedSettings('lambda', plan)).toMatchObject({
    batchEveryMs: 86_400_000,
    partitionMs: 86_400_000,
  });
});

test('of what is open the hardest is taken, and said', () => {
  const open = recommend({ ...GIVEN, freshness: '1m..15m', maturity: 'unsure', volume: { keys: 'unsure' } });
  const { answers, hardest } = narrowed(open);
  expect(answers.freshness).toBe('60000ms');
  expect(answers.maturity).toBe('novice');
  expect(hardest.map(({ path, given }) => [path, given])).toEqual([
    ['freshness', '1m..15m'],
    ['maturity', 'unsure'],
    ['volume.keys', 'unsure'],
  ]);
  const certain = recommend(answers);
  expect(certain.possible).toEqual([certain.recommendation]);
  expect(narrowed(certain).hardest).toEqual([]);
});

test('the text fits 80 columns, marks what is recommended, and says whether the five agree', () => {
  const proof = proofSample();
  const text = proofText(proof, 80, createColors(false));
  expect(text.split('\n').filter((line) => line.length > 80)).toEqual([]);
  expect(text).toMatch(/^> micro-batch/m);
  expect(text).toContain('All five end with the same 1,200 rows');
  const broken: Proof = { ...proof, law: { ...proof.law, holds: false } };
  expect(proofText(broken, 80, createColors(false))).toContain('do NOT end with the same rows');
});

test('the page needs nothing else, and shows each of the five over time', () => {
  const proof = proofSample();
  const page = proofHtml({ ...proof, notes: ['<script>alert(1)</script>'] });
  expect(page).not.toMatch(/<script|<link|<img|@import|url\(/);
  expect(page).toContain('&lt;script&gt;');
  for (const { architecture } of proof.architectures)
    expect(page).toContain(
      `<text class="name" x="0" y="${42 + 104 * proof.architectures.findIndex((each) => each.architecture === architecture)}">${architecture}</text>`,
    );
  expect(page.match(/class="promise"/g)).toHaveLength(5);
  expect(page).not.toMatch(/NaN|undefined|Infinity/);
});

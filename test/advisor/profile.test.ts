/** What measured events say about the answers. */
import { createColors } from 'picocolors';
import { expect, test } from 'vitest';
import type { EventMeasures } from 'pipeline-runtime/kit';
import { givenAnswersSchema } from '../../src/advisor/answers.ts';
import { profileAnswers, profileText } from '../../src/advisor/print/profile-text.ts';
import { profileOf } from '../../src/advisor/profile.ts';
import { readYaml } from 'pipeline-runtime/kit';

const QUANTILES = { p50: 1500, p90: 9000, p99: 61_000, p999: 471_234, p9999: 500_000, max: 600_000 };
const MEASURES: EventMeasures = {
  events: 1000,
  rejected: 0,
  problems: [],
  eventTimeMs: [0, 1_000_000],
  arrivalMs: [0, 1_000_000],
  bytesPerEvent: 114.4,
  rates: { bucketSeconds: 1, mean: 103.7, p50: 100, p99: 150, max: 180, empty: 0 },
  longestGapMs: 90,
  rhythm: [
    [0.01, 0.4, 0.5],
    [0.1, 0, 0.92],
  ],
  delayShares: [
    [0.25, 0],
    [0.5, 1500],
    [1, 600_000],
  ],
  delayMs: QUANTILES,
  early: 0,
  disorderMs: { ...QUANTILES, p50: 700 },
  outOfOrder: 20,
  duplicates: 3,
  keys: { distinct: 77, largestShare: 0.1 },
};

test('answers are what was measured, rounded to the side of caution', () => {
  const { answers } = profileOf(MEASURES);
  expect(answers).toEqual({
    lateness: { typical: '1.5s', max: '7.9m' },
    volume: { eventsPerSecond: 100, bytesPerEvent: 114, keys: 77 },
    arrival: 'continuous',
    measured: {
      eventsPerSecond: 103.7,
      delays: [
        [0.25, 0],
        [0.5, 1.5],
        [1, 600],
      ],
      arrivals: [
        [0.01, 0.4, 0.5],
        [0.1, 0, 0.92],
      ],
    },
  });
});

test('without times of arrival lateness is how far events are behind the newest, and says so', () => {
  const { answers, inferred } = profileOf({ ...MEASURES, delayMs: null, arrivalMs: null });
  expect(answers.lateness?.typical).toBe('700ms');
  expect(inferred[0]?.from).toContain('they do not say when they arrived');
});

test('bursts and drops of files are told apart from a steady stream', () => {
  const rates = { ...MEASURES.rates, p99: 600 };
  expect(profileOf({ ...MEASURES, rates }).answers.arrival).toBe('bursty');
  const dropped = { ...MEASURES, rates: { ...rates, empty: 0.99 }, longestGapMs: 86_000_000 };
  expect(profileOf(dropped).answers).toMatchObject({ arrival: 'files', arrivalEvery: '1d' });
});

test('a wait for each completeness', () => {
  expect(profileOf(MEASURES).waits.map(({ completeness, delayMs }) => [completeness, delayMs])).toEqual([
    [0.9, 9000],
    [0.99, 61_000],
    [0.999, 471_234],
    [0.9999, 500_000],
    [1, 600_000],
  ]);
});

test('the text fits 80 columns and hides nothing', () => {
  const text = profileText(profileOf(MEASURES), 80, createColors(false));
  for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  expect(text).not.toContain('…');
  expect(text).toMatch(/99 %\s+1m\s+█+/);
});

test('the file of answers is one that recommend reads', () => {
  const file = profileAnswers(profileOf(MEASURES), 'events "x".jsonl\n- evil: 1');
  expect(givenAnswersSchema.parse(readYaml(file, 'answers.yaml').value)).toEqual(profileOf(MEASURES).answers);
});

/** How old what readers see is, where much and where little arrives, and in what rhythm. */
import { describe, expect, test } from 'vitest';
import { ageQuantile, type Rhythm } from '../../src/advisor/model/age.ts';
import { arrivalsOf } from '../../src/advisor/model/arrivals.ts';
import type { Facts } from '../../src/advisor/facts.ts';
import { facts } from './some-facts.ts';

function dense(kind: Rhythm['kind'], more: Partial<Facts> = {}): Rhythm {
  const arrivals = arrivalsOf(facts({}, { eventsPerSecond: 1000, ...more }));
  return { kind, intervalSeconds: 100, runSeconds: 10, arrivals };
}

test('where events come all the time, it is from a run to an interval more', () => {
  expect(ageQuantile(dense('scheduled'), 0.5)).toBeCloseTo(60, 1);
  expect(ageQuantile(dense('scheduled'), 0.99)).toBeCloseTo(109, 1);
  expect(ageQuantile(dense('stream'), 0.5)).toBeCloseTo(65, 1);
});

test('where hardly any come, nothing is missing most of the time', () => {
  for (const kind of ['scheduled', 'stream'] as const) {
    const sparse = dense(kind, { eventsPerSecond: 0.0001 });
    expect(ageQuantile(sparse, 0.5)).toBe(0);
    expect(ageQuantile(sparse, 0.9999)).toBeGreaterThan(90);
  }
});

test('the fewer arrive, the less is missing; the longer the share, the older', () => {
  for (const kind of ['scheduled', 'stream'] as const) {
    let before = Infinity;
    for (const eventsPerSecond of [1000, 1, 0.1, 0.02, 0.005]) {
      const rhythm = dense(kind, { eventsPerSecond });
      const [half, most] = [ageQuantile(rhythm, 0.5), ageQuantile(rhythm, 0.99)];
      expect(half).toBeLessThanOrEqual(before);
      expect(most).toBeGreaterThanOrEqual(half);
      before = half;
    }
  }
});

describe('what was measured', () => {
  /** Of arrivals by chance, once in ten seconds. */
  const byChance = [0.1, 1, 10, 100, 1000].map((seconds): [number, number, number] => [
    seconds,
    Math.exp(-seconds / 10),
    seconds / (seconds + 10),
  ]);

  test('says between its lengths what arrivals by chance are', () => {
    const arrivals = arrivalsOf(
      facts({}, { eventsPerSecond: 0.1, measured: { eventsPerSecond: 0.1, arrivals: byChance } }),
    );
    for (const seconds of [0.3, 3, 25, 40]) {
      expect(arrivals.quiet(seconds)).toBeCloseTo(Math.exp(-seconds / 10), 3);
      expect(arrivals.busy(seconds)).toBeCloseTo(seconds / (seconds + 10), 3);
    }
    expect(arrivals.quiet(0)).toBe(1);
  });

  test('of twice as many events is twice as fast', () => {
    const measured = { eventsPerSecond: 0.1, arrivals: byChance };
    const arrivals = arrivalsOf(facts({}, { eventsPerSecond: 0.2, measured }));
    expect(arrivals.quiet(5)).toBeCloseTo(Math.exp(-1), 3);
  });

  test('of nights in which nothing comes makes most of the time younger than chance would', () => {
    // Half of the time nothing comes; in the other half as much as twice the mean.
    const halves = [1, 10, 100, 1000].map((seconds): [number, number, number] => [
      seconds,
      0.5 + 0.5 * Math.exp(-seconds / 5),
      (0.5 * seconds) / (seconds + 5),
    ]);
    const measured = { eventsPerSecond: 0.1, arrivals: halves };
    expect(ageQuantile(dense('scheduled', { eventsPerSecond: 0.1, measured }), 0.4)).toBe(0);
    expect(ageQuantile(dense('scheduled', { eventsPerSecond: 0.1 }), 0.4)).toBeGreaterThan(20);
  });
});

/** How old what readers see is, where much and where little arrives. */
import { expect, test } from 'vitest';
import { ageQuantile, type Rhythm } from '../../src/advisor/model/age.ts';

const DENSE: Rhythm = { kind: 'scheduled', intervalSeconds: 100, runSeconds: 10, arrivalsPerSecond: 1000 };

test('where events come all the time, it is from a run to an interval more', () => {
  expect(ageQuantile(DENSE, 0.5)).toBeCloseTo(60, 1);
  expect(ageQuantile(DENSE, 0.99)).toBeCloseTo(109, 1);
  expect(ageQuantile({ ...DENSE, kind: 'stream' }, 0.5)).toBeCloseTo(65, 1);
});

test('where hardly any come, nothing is missing most of the time', () => {
  for (const kind of ['scheduled', 'stream'] as const) {
    const sparse = { ...DENSE, kind, arrivalsPerSecond: 0.0001 };
    expect(ageQuantile(sparse, 0.5)).toBe(0);
    expect(ageQuantile(sparse, 0.9999)).toBeGreaterThan(90);
  }
});

test('the fewer arrive, the less is missing; the longer the share, the older', () => {
  for (const kind of ['scheduled', 'stream'] as const) {
    let before = Infinity;
    for (const arrivalsPerSecond of [1000, 1, 0.1, 0.02, 0.005]) {
      const rhythm = { ...DENSE, kind, arrivalsPerSecond };
      const [half, most] = [ageQuantile(rhythm, 0.5), ageQuantile(rhythm, 0.99)];
      expect(half).toBeLessThanOrEqual(before);
      expect(most).toBeGreaterThanOrEqual(half);
      before = half;
    }
  }
});

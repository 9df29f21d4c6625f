import { describe, expect, test } from 'vitest';
import { arrivedShare, completenessAtRead } from '../../src/advisor/model/completeness.ts';
import { ASSUMED } from '../../src/advisor/knowledge/assumptions.ts';
import { monthlyCostOf } from '../../src/advisor/model/cost.ts';
import { effortHoursOf } from '../../src/advisor/model/effort.ts';
import { freshnessOf } from '../../src/advisor/model/freshness.ts';
import { reprocessSecondsOf } from '../../src/advisor/model/reprocessing.ts';
import { retentionOf } from '../../src/advisor/settings.ts';
import { facts } from './some-facts.ts';

describe('freshness', () => {
  test.each([
    ['15m', 300],
    ['5m', 100],
    ['1m', 20],
    ['50m', 1000],
  ])('a micro-batch for %s runs every %i s: a third of the promise', (freshness, seconds) => {
    expect(freshnessOf('micro-batch', facts({ freshness })).intervalSeconds).toBe(seconds);
  });

  test.each([
    ['1h', 1200],
    ['1d', 28_800],
    ['1w', 86_400],
  ])('a batch for %s runs every %i s, at times that are the same each day', (freshness, seconds) => {
    expect(freshnessOf('batch', facts({ freshness })).intervalSeconds).toBe(seconds);
  });

  test('a stream commits at most every second, and as often as 200 ms needs', () => {
    expect(freshnessOf('streaming', facts({ freshness: '1d' })).intervalSeconds).toBe(1);
    expect(freshnessOf('streaming', facts({ freshness: '200ms' }))).toMatchObject({
      intervalSeconds: 0.05,
      promiseSeconds: 0.2,
    });
  });
});

describe('completeness', () => {
  test('half of the events are there at the typical delay, all but a thousandth at the latest', () => {
    expect(arrivedShare(facts(), 1)).toBeCloseTo(0.5, 6);
    expect(arrivedShare(facts(), 600)).toBeCloseTo(0.999, 4);
    expect(arrivedShare(facts(), 0)).toBe(0);
  });

  test('delays that were measured count as they are', () => {
    const delays: [number, number][] = [
      [0.2, 0],
      [0.5, 1],
      [0.9, 100],
      [1, 1000],
    ];
    const measured = facts({}, { measured: { eventsPerSecond: 1, delays } });
    expect([-1, 0, 1, 100, 1000, 5000].map((seconds) => arrivedShare(measured, seconds))).toEqual([
      0, 0.2, 0.5, 0.9, 1, 1,
    ]);
    expect(arrivedShare(measured, 10)).toBeCloseTo(0.7);
  });

  test('waiting longer never loses events', () => {
    const shares = [0.1, 1, 10, 100, 1000].map((age) => completenessAtRead(facts(), age));
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
  });
});

describe('reprocessing', () => {
  test('a replay is slower than a batch over files, and nothing is not reprocessed', () => {
    expect(reprocessSecondsOf('kappa', facts())).toBeGreaterThan(reprocessSecondsOf('lambda', facts()));
    expect(reprocessSecondsOf('kappa', facts({ reprocessing: { every: 'never' } }))).toBe(0);
  });

  test('180 days at 100 events a second replay at 12.8 million a second', () => {
    expect(reprocessSecondsOf('kappa', facts())).toBeCloseTo(60 + (180 * 86_400 * 100) / 12.8e6, 6);
  });

  test("Kappa's log is its history; the others keep what they need to recover", () => {
    expect(retentionOf('kappa', facts())).toBe(180 * 86_400);
    expect(retentionOf('micro-batch', facts())).toBe(0);
  });
});

describe('cost', () => {
  test('the smallest stream that never stops is two cores: $158 before growth', () => {
    const cost = monthlyCostOf(
      'streaming',
      facts({ volume: { growthPerYear: 1 }, reprocessing: { every: 'never' } }),
    );
    expect(cost.likely.compute).toBe(158);
  });

  test('volume and retention drive storage: disk for a week, then object storage', () => {
    const volume = { eventsPerSecond: 10_000, bytesPerEvent: 1000, growthPerYear: 1 };
    const tiered = monthlyCostOf('kappa', facts({ volume })).likely.storage;
    const onDisk = monthlyCostOf('kappa', facts({ volume, historyIn: 'log' })).likely.storage;
    const week = 10_000 * 1000 * 7 * 86_400;
    const rest = 10_000 * 1000 * 173 * 86_400;
    expect(tiered).toBe(Math.round((week * 6 * 0.08 + rest * 0.023) / 1e9));
    expect(onDisk).toBe(Math.round(((week + rest) * 6 * 0.08) / 1e9));
  });

  test('a year that doubles the volume costs half as much again', () => {
    const compute = (growthPerYear: number) =>
      monthlyCostOf('streaming', facts({ volume: { growthPerYear }, reprocessing: { every: 'never' } }))
        .likely.compute;
    expect(compute(2) / compute(1)).toBeCloseTo(1.5, 1);
  });

  test('without a cloud it is hardware, which costs less an hour', () => {
    expect(monthlyCostOf('streaming', facts({ cloud: 'none' })).likely.compute).toBeLessThan(
      monthlyCostOf('streaming', facts()).likely.compute,
    );
  });

  test('exactly-once takes power away', () => {
    expect(monthlyCostOf('streaming', facts({ duplicates: 'never' })).likely.compute).toBeGreaterThan(
      monthlyCostOf('streaming', facts()).likely.compute,
    );
  });

  test('a stream that shows an early and an exact result runs a batch besides, and compares', () => {
    const hours = (accuracy: 'exact' | 'approximate-then-exact') =>
      effortHoursOf('streaming', facts({ accuracy }));
    const { batch, reconcile } = ASSUMED.effort;
    expect(hours('approximate-then-exact') - hours('exact')).toBeCloseTo(batch.base + reconcile, 9);
  });

  test('a second codebase is effort', () => {
    expect(monthlyCostOf('lambda', facts({ codebases: 'two' })).likely.people).toBeGreaterThan(
      monthlyCostOf('lambda', facts()).likely.people,
    );
  });
});

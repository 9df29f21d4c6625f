/** `order: newest` reads from the end of the view and stops early; it must give what sorting everything would give. */
import { TestDriver } from 'pipeline-runtime/testing';
import { describe, expect, it } from 'vitest';
import { ARCHITECTURES } from '../../../runtime/src/config/project.ts';
import type { JsonRow } from '../../../runtime/src/host/host.ts';
import { flightsPipeline, readFlights } from '../law/flights.ts';

const rules = { delayMs: 0, allowedMs: 0, policy: 'correct', mode: 'updates' } as const;
const flights = readFlights().slice(0, 1_500);
const startOf = (row: JsonRow): string => (row['window'] as { start: string }).start;

describe.for(ARCHITECTURES)('%s', (architecture) => {
  it('the latest windows first, in the order of their keys within one, before the limit applies', async () => {
    const driver = await TestDriver.open(flightsPipeline(rules), { architecture });
    await driver.send('flights', flights);
    await driver.settle();
    const all = await driver.rows('delays');
    const sorted = all.toSorted((a, b) => (startOf(a) < startOf(b) ? 1 : startOf(a) > startOf(b) ? -1 : 0));
    for (const limit of [1, 5, 37, 200, all.length, all.length + 1]) {
      const newest = await driver.engine.query('delays', { where: {}, order: 'newest', limit });
      expect(newest).toEqual(sorted.slice(0, limit));
    }
    const filtered = await driver.engine.query('delays', {
      where: { origin: 'ATL' },
      order: 'newest',
      limit: 3,
    });
    expect(filtered).toEqual(sorted.filter((row) => row['origin'] === 'ATL').slice(0, 3));
    const between = { fromMs: Date.UTC(2001, 0, 16, 6), toMs: Date.UTC(2001, 0, 16, 8) };
    const ranged = await driver.engine.query('delays', {
      where: {},
      order: 'newest',
      limit: 10_000,
      ...between,
    });
    expect(ranged).toEqual(sorted.filter((row) => ['06', '07'].includes(startOf(row).slice(11, 13))));
    expect(
      await driver.engine.query('delays', { where: {}, fromMs: between.toMs, toMs: between.fromMs }),
    ).toEqual([]);
  });
});

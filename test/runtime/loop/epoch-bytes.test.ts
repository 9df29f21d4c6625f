/** What an epoch holds in memory is bounded in bytes as well as in records; where it ends changes no answer. */
import { TestDriver } from 'pipeline-runtime/testing';
import { expect, test } from 'vitest';
import { sale, sales, short } from '../architectures/sample.ts';

const all = Array.from({ length: 60 }, (_, n) => sale(`s${n % 3}`, `1${n % 5}:0${n % 7}`, n));

test.each([
  ['as usual', { rows: 1_000_000, catchUpRows: 1 }],
  ['far behind', { rows: 1, catchUpRows: 1_000_000 }],
])(
  '%s, an epoch ends between two records once so many bytes were read, and takes at least one',
  async (_, rows) => {
    const whole = await TestDriver.open(sales(), { architecture: 'streaming' });
    await whole.send('sales', all);
    await whole.settle();
    const recordBytes = JSON.stringify(all[0]).length;
    for (const [bytesMax, records] of [
      [1, 1],
      [10 * recordBytes, 9],
      [1e9, 60],
    ] as const) {
      const driver = await TestDriver.open(sales(), { architecture: 'streaming' });
      for (let from = 0; from < all.length; from += 12)
        await driver.send('sales', all.slice(from, from + 12));
      const [job] = driver.engine.arrangement.jobs;
      const positions: number[] = [];
      while (await job!.epoch(rows, bytesMax)) positions.push(job!.layer.position);
      const sizes = positions.map((position, index) => position - (positions[index - 1] ?? 0));
      expect(Math.max(...sizes)).toBeLessThanOrEqual(records + 1);
      expect(Math.max(...sizes)).toBeGreaterThanOrEqual(records);
      expect(positions.at(-1)).toBe(60);
      await driver.settle();
      expect(short(await driver.rows('perHour'))).toEqual(short(await whole.rows('perHour')));
    }
  },
);

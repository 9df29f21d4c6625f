/** Events of which none can be used: the pipeline goes on, keeps each with its reason, and computes the next good one. */
import { TestDriver } from 'pipeline-runtime/testing';
import { describe, expect, it } from 'vitest';
import { ARCHITECTURES } from '../../runtime/src/config/project.ts';
import { sale, sales, short } from '../runtime/architectures/sample.ts';

const POISON = [
  'no JSON',
  '[1]',
  '{"shop":"a"}',
  JSON.stringify({ ...sale('a', '10:00', 1), at: 'yesterday' }),
  JSON.stringify({ ...sale('a', '10:00', 1), at: '2999-01-01T00:00:00Z' }),
  JSON.stringify({ ...sale('a', '10:00', 1), amount: 'much' }),
  `${'['.repeat(5_000)}${']'.repeat(5_000)}`,
  `{"shop":"${'x'.repeat(1_100_000)}"}`,
  '\u0000',
];

describe('nothing but poison', () => {
  it.for(ARCHITECTURES)(
    '%s: every event is rejected with a reason, time does not move, and a good one counts',
    async (architecture) => {
      const driver = await TestDriver.open(sales(), { architecture });
      for (let round = 0; round < 20; round++) await driver.send('sales', POISON);
      await driver.settle();
      expect(await driver.rows('perHour')).toEqual([]);
      const rejected = await driver.rejected();
      expect(rejected).toHaveLength(20 * POISON.length);
      for (const { reason, text } of rejected) {
        expect(reason).not.toBe('');
        expect(text.length).toBeLessThanOrEqual(1_000_000);
      }
      const { sources } = await driver.engine.status();
      expect(sources[0]).toMatchObject({ eventsIn: 0, watermarkMs: null });
      await driver.send('sales', [sale('a', '10:00', 1)]);
      await driver.settle();
      expect(short(await driver.rows('perHour'))).toEqual(['a 10h: 1 sales, 1']);
    },
  );

  it('one event of the far future among good ones moves no watermark: nobody is late for it', async () => {
    const driver = await TestDriver.open(sales('drop'));
    await driver.send('sales', [
      sale('a', '10:00', 1),
      POISON[4] ?? '',
      sale('a', '10:30', 2),
      sale('a', '11:00', 3),
    ]);
    await driver.settle();
    expect(short(await driver.rows('perHour'))).toEqual(['a 10h: 2 sales, 3', 'a 11h: 1 sales, 3']);
    expect((await driver.engine.status()).late.total).toBe(0);
  });
});

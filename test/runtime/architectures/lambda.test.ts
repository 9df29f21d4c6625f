import { TestDriver } from 'pipeline-runtime/testing';
import { describe, expect, it } from 'vitest';
import { prefixOf } from '../../../runtime/src/state/keys.ts';
import { prefixRange } from '../../../runtime/src/state/store.ts';
import { sale, sales, short } from './sample.ts';

async function storedRows(driver: TestDriver, layer: string): Promise<number> {
  let rows = 0;
  for await (const entry of driver.engine.data.store.scan(prefixRange(prefixOf('v', layer))))
    rows += entry.key.length > 0 ? 1 : 0;
  return rows;
}

/** Runs the speed layer alone, as between two batch runs. */
async function speedOnly(driver: TestDriver): Promise<void> {
  for (const job of driver.engine.arrangement.jobs) while (await job.epoch({ rows: 100, catchUpRows: 100 }));
}

describe('lambda', () => {
  it('the batch layer takes over the windows that are over; the speed layer keeps the rest', async () => {
    const driver = await TestDriver.open(sales(), { architecture: 'lambda' });
    await driver.send('sales', [sale('a', '10:00', 1), sale('a', '10:30', 6), sale('a', '11:10', 2)]);
    await speedOnly(driver);
    expect([await storedRows(driver, 'speed'), await storedRows(driver, 'batch')]).toEqual([2, 0]);
    const before = short(await driver.rows('perHour'));
    await driver.settle();
    expect([await storedRows(driver, 'speed'), await storedRows(driver, 'batch')]).toEqual([1, 1]);
    expect(short(await driver.rows('perHour'))).toEqual(before);
    const status = await driver.engine.status();
    expect(status.views[0]?.rows).toBe(2);
    expect(status.lambda).toMatchObject({ batchRuns: 1 });
  });

  it.for([
    ['10:59:59.998', 0],
    ['10:59:59.999', 1],
    ['11:00:00.000', 1],
  ] as const)(
    'the boundary is exact: after an event at %s the batch layer has %i row of the hour before',
    async ([time, rows]) => {
      const driver = await TestDriver.open(sales(), { architecture: 'lambda' });
      await driver.send('sales', [
        sale('a', '10:00', 1),
        { shop: 'b', at: `2001-01-01T${time}Z`, amount: 2 },
      ]);
      await driver.settle();
      expect(await storedRows(driver, 'batch')).toBe(rows === 0 ? 0 : time.startsWith('11') ? 1 : 2);
      expect(short(await driver.rows('perHour')).map((row) => row.slice(0, 1))).toEqual(['a', 'b']);
    },
  );

  it('late events appear with the next batch run, and overwrite what the speed layer said', async () => {
    const driver = await TestDriver.open(sales(), { architecture: 'lambda' });
    await driver.send('sales', [sale('a', '10:00', 1), sale('a', '11:10', 2)]);
    await driver.settle();
    await driver.send('sales', [sale('a', '10:59', 5), sale('b', '10:01', 3)]);
    await speedOnly(driver);
    expect(short(await driver.rows('perHour'))).toEqual(['a 10h: 1 sales, 1', 'a 11h: 1 sales, 2']);
    expect((await driver.engine.status()).late).toMatchObject({ total: 2, waiting: 2 });
    await driver.settle();
    expect(short(await driver.rows('perHour'))).toEqual([
      'a 10h: 2 sales, 6',
      'a 11h: 1 sales, 2',
      'b 10h: 1 sales, 3',
    ]);
    expect((await driver.engine.status()).late).toMatchObject({ total: 2, waiting: 0 });
  });

  it('a reader never sees a window twice or not at all while the boundary moves', async () => {
    const driver = await TestDriver.open(sales('correct'), { architecture: 'lambda' });
    const hours = Array.from({ length: 20 }, (_, hour) =>
      sale('a', `${String(hour).padStart(2, '0')}:15`, hour),
    );
    for (const [index, event] of hours.entries()) {
      await driver.send('sales', [event]);
      await speedOnly(driver);
      const reading = driver.rows('perHour');
      const settling = driver.settle();
      const rows = await reading;
      expect(rows.map((row) => row['total'])).toEqual(hours.slice(0, index + 1).map((_, hour) => hour));
      await settling;
      expect(await driver.rows('perHour')).toHaveLength(index + 1);
    }
  });

  it('a restart between the layers keeps the boundary', async () => {
    const driver = await TestDriver.open(sales(), { architecture: 'lambda' });
    await driver.send('sales', [sale('a', '10:00', 1), sale('a', '11:10', 2)]);
    await driver.settle();
    await driver.restart();
    await driver.send('sales', [sale('a', '11:20', 4)]);
    await speedOnly(driver);
    await driver.restart();
    expect(short(await driver.rows('perHour'))).toEqual(['a 10h: 1 sales, 1', 'a 11h: 2 sales, 6']);
  });
});

import { ManualClock, TestDriver } from 'pipeline-runtime/testing';
import { describe, expect, it } from 'vitest';
import { defaultConfig } from '../../../runtime/src/config/project.ts';
import { sale, sales, short } from './sample.ts';

const DAY = { fromMs: Date.UTC(2001, 0, 1), toMs: Date.UTC(2001, 0, 2) };

describe('batch', () => {
  it('nothing is visible before the run, everything after it', async () => {
    const driver = await TestDriver.open(sales(), { architecture: 'batch' });
    await driver.send('sales', [sale('a', '10:00', 1), sale('a', '10:30', 6)]);
    expect(await driver.rows('perHour')).toEqual([]);
    await driver.settle();
    expect(short(await driver.rows('perHour'))).toEqual(['a 10h: 2 sales, 7']);
  });

  it('runs once on its schedule, and again after the interval', async () => {
    const clock = new ManualClock(Date.UTC(2001, 0, 2));
    const driver = await TestDriver.open(sales(), { architecture: 'batch', clock });
    const stop = new AbortController();
    await driver.send('sales', [sale('a', '10:00', 1)]);
    const running = driver.engine.run(stop.signal);
    await clock.advance(1_000);
    expect(short(await driver.rows('perHour'))).toEqual(['a 10h: 1 sales, 1']);
    await driver.send('sales', [sale('a', '10:30', 6)]);
    await clock.advance(86_400_000 - 2_000);
    expect(short(await driver.rows('perHour'))).toEqual(['a 10h: 1 sales, 1']);
    await clock.advance(2_000);
    expect(short(await driver.rows('perHour'))).toEqual(['a 10h: 2 sales, 7']);
    stop.abort();
    await clock.advance(0);
    await running;
  });

  it('a backfill that is repeated changes nothing, and says so', async () => {
    const driver = await TestDriver.open(sales(), { architecture: 'batch' });
    await driver.send('sales', [sale('a', '10:00', 1), sale('b', '11:30', 6)]);
    await driver.settle();
    const rows = await driver.rows('perHour');
    expect(await driver.engine.command('backfill', DAY)).toEqual({ partitions: 1, rowsChanged: 0 });
    expect(await driver.rows('perHour')).toEqual(rows);
  });

  it('a backfill takes what has arrived since, and mends rows that were damaged', async () => {
    const driver = await TestDriver.open(sales(), { architecture: 'batch' });
    await driver.send('sales', [sale('a', '10:00', 1)]);
    await driver.settle();
    await driver.send('sales', [sale('a', '10:30', 6)]);
    expect(await driver.engine.command('backfill', DAY)).toEqual({ partitions: 1, rowsChanged: 1 });
    expect(short(await driver.rows('perHour'))).toEqual(['a 10h: 2 sales, 7']);
  });

  it('a backfill takes over a changed definition, partition by partition; another shape of the rows needs a rebuild', async () => {
    const driver = await TestDriver.open(sales(), { architecture: 'batch' });
    await driver.send('sales', [sale('a', '10:00', 1), sale('a', '10:30', 6)]);
    await driver.send('sales', [{ shop: 'a', at: '2001-01-05T10:00:00Z', amount: 2 }]);
    await driver.settle();
    const changed = sales('correct', { atLeast: 5 });
    await expect(driver.restart(changed)).rejects.toThrow(
      '`pipeline backfill` computes some partitions with it',
    );
    await driver.restart(changed, { adopt: true });
    expect(await driver.engine.command('backfill', DAY)).toEqual({ partitions: 1, rowsChanged: 1 });
    expect(short(await driver.rows('perHour'))).toEqual(['a 10h: 1 sales, 6', 'a 10h: 1 sales, 2']);
    await driver.restart(changed);
    await expect(driver.restart(sales('drop'), { adopt: true })).rejects.toThrow(
      'The definition is not the one',
    );
    await expect(driver.restart(sales('correct', { final: true }), { adopt: true })).rejects.toThrow(
      'The definition is not the one',
    );
  });

  it.for(['batch', 'lambda'] as const)(
    '%s: a window that is over appears although nothing new is in its partition',
    async (architecture) => {
      const { batch, ...config } = defaultConfig(architecture);
      const options = { architecture, config: { ...config, batch: { ...batch, partition: 3_600_000 } } };
      const driver = await TestDriver.open(sales('drop', { final: true }), options);
      await driver.send('sales', [sale('a', '10:15', 1)]);
      await driver.settle();
      expect(await driver.rows('perHour')).toEqual([]);
      await driver.send('sales', [sale('a', '15:00', 2)]);
      await driver.settle();
      expect(short(await driver.rows('perHour'))).toEqual(['a 10h: 1 sales, 1']);
      expect((await driver.engine.status()).views[0]?.rows).toBe(1);
    },
  );

  it('a run reads only the partitions that new events touch', async () => {
    const driver = await TestDriver.open(sales(), { architecture: 'batch' });
    await driver.send('sales', [sale('a', '10:00', 1)]);
    await driver.settle();
    await driver.send('sales', [{ shop: 'a', at: '2001-01-05T10:00:00Z', amount: 2 }]);
    await driver.settle();
    const { epochs, late } = await driver.engine.status();
    expect(epochs.committed).toBe(2);
    expect(late.total).toBe(0);
    expect(await driver.rows('perHour')).toHaveLength(2);
  });
});

import { pipeline, session, source, sum } from 'pipeline-runtime';
import { CodedError } from 'pipeline-runtime/kit';
import { ManualClock, TestDriver, type TestOptions } from 'pipeline-runtime/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ARCHITECTURES, defaultConfig } from '../../../runtime/src/config/project.ts';
import { sale, sales, short } from './sample.ts';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function running(options: TestOptions, then: 'correct' | 'drop' | 'side-output' = 'correct') {
  const clock = new ManualClock(Date.UTC(2001, 0, 2));
  const driver = await TestDriver.open(sales(then), { clock, ...options });
  const controller = new AbortController();
  const work = driver.engine.run(controller.signal);
  stops.push(async () => {
    controller.abort();
    await clock.advance(0);
    await work;
  });
  await clock.advance(1);
  return { clock, driver };
}

const config = (everyMs: number, correctionsMs = 3_600_000) => ({
  ...defaultConfig('streaming'),
  trigger: { every: everyMs, rows: 100, catchUpRows: 100 },
  corrections: { every: correctionsMs },
});

describe('triggers', () => {
  it('micro-batch: what arrives is visible at the next trigger, not before', async () => {
    const { clock, driver } = await running({
      architecture: 'micro-batch',
      config: { ...config(300_000), architecture: 'micro-batch' },
    });
    await driver.send('sales', [sale('a', '10:00', 1)]);
    await clock.advance(299_000);
    expect(await driver.rows('perHour')).toEqual([]);
    expect((await driver.engine.status()).freshness.seconds).toBeCloseTo(299, 0);
    await clock.advance(2_000);
    expect(short(await driver.rows('perHour'))).toEqual(['a 10h: 1 sales, 1']);
    expect((await driver.engine.status()).freshness).toMatchObject({ seconds: 0, holds: true });
  });

  it('streaming: what arrives is visible after the gathering time', async () => {
    const { clock, driver } = await running({ config: config(200) });
    await driver.send('sales', [sale('a', '10:00', 1)]);
    await clock.advance(150);
    expect(await driver.rows('perHour')).toEqual([]);
    await clock.advance(60);
    expect(short(await driver.rows('perHour'))).toEqual(['a 10h: 1 sales, 1']);
  });

  it('streaming: a full epoch does not wait', async () => {
    const { clock, driver } = await running({ config: config(60_000), epochRows: 2 });
    await driver.send('sales', [sale('a', '10:00', 1), sale('a', '10:01', 1)]);
    await clock.advance(1);
    expect(short(await driver.rows('perHour'))).toEqual(['a 10h: 2 sales, 2']);
  });

  it('late events wait for the correction and are in the rows after it', async () => {
    const { clock, driver } = await running({ config: config(10, 60_000) });
    await driver.send('sales', [sale('a', '10:00', 1), sale('a', '11:00', 1), sale('a', '10:30', 5)]);
    await clock.advance(30_000);
    expect(short(await driver.rows('perHour'))).toEqual(['a 10h: 1 sales, 1', 'a 11h: 1 sales, 1']);
    expect((await driver.engine.status()).late).toMatchObject({ total: 1, waiting: 1 });
    await clock.advance(31_000);
    expect(short(await driver.rows('perHour'))).toEqual(['a 10h: 2 sales, 6', 'a 11h: 1 sales, 1']);
    expect((await driver.engine.status()).corrections.runs).toBe(1);
  });

  it('an idle partition does not stall the rest, and a replay moves on at the same place', async () => {
    const definition = sales('drop', { final: true });
    const clock = new ManualClock(Date.UTC(2001, 0, 2));
    const driver = await TestDriver.open(definition, { clock, partitions: 2, config: config(10) });
    // Which of two partitions an event goes to depends on its text; one shop's sales fill only one of them.
    const { crc32 } = await import('node:zlib');
    const ofPartition = (partition: number, time: string): object => {
      for (let amount = 0; ; amount++) {
        const event = sale('a', time, amount);
        if (crc32(JSON.stringify(event)) % 2 === partition) return event;
      }
    };
    await driver.send('sales', [ofPartition(0, '10:00'), ofPartition(1, '10:01')]);
    await driver.send('sales', [ofPartition(0, '12:00')]);
    const controller = new AbortController();
    const work = driver.engine.run(controller.signal);
    await clock.advance(5_000);
    expect(await driver.rows('perHour')).toEqual([]);
    await driver.send('sales', [ofPartition(0, '12:01')]);
    await clock.advance(20_000);
    const rows = await driver.rows('perHour');
    expect(rows).toHaveLength(1);
    controller.abort();
    await clock.advance(0);
    await work;
    await driver.restart(definition, { architecture: 'batch' });
    await driver.settle();
    expect(await driver.rows('perHour')).toEqual(rows);
  });
});

describe('every architecture', () => {
  it.for(ARCHITECTURES)(
    '%s: late events that were kept aside can be taken after all',
    async (architecture) => {
      const driver = await TestDriver.open(sales('side-output'), { architecture });
      await driver.send('sales', [
        sale('a', '10:00', 1),
        sale('a', '11:00', 1),
        sale('a', '10:30', 5),
        sale('b', '10:01', 2),
      ]);
      await driver.settle();
      expect(short(await driver.rows('perHour'))).toEqual(['a 10h: 1 sales, 1', 'a 11h: 1 sales, 1']);
      expect(await driver.engine.command('replay-late', {})).toEqual({ admitted: 2 });
      await driver.settle();
      expect(short(await driver.rows('perHour'))).toEqual([
        'a 10h: 2 sales, 6',
        'a 11h: 1 sales, 1',
        'b 10h: 1 sales, 2',
      ]);
      expect(await driver.engine.command('replay-late', {})).toEqual({ admitted: 0 });
      await driver.restart();
      expect(await driver.engine.command('replay-late', {})).toEqual({ admitted: 0 });
      await driver.send('sales', [sale('a', '10:31', 7)]);
      await driver.settle();
      expect(short(await driver.rows('perHour'))[0]).toBe('a 10h: 2 sales, 6');
    },
  );

  it.for(ARCHITECTURES)(
    '%s: the admission is in the log, so a rebuild takes the same events',
    async (architecture) => {
      const driver = await TestDriver.open(sales('side-output'), { architecture });
      await driver.send('sales', [sale('a', '10:00', 1), sale('a', '11:00', 1), sale('a', '10:30', 5)]);
      await driver.settle();
      await driver.engine.command('replay-late', {});
      await driver.settle();
      const rows = await driver.rows('perHour');
      await driver.restart(sales('side-output'), { rebuild: true });
      expect(await driver.rows('perHour')).toEqual([]);
      await driver.settle();
      expect(await driver.rows('perHour')).toEqual(rows);
    },
  );

  it('an event that is admitted in the epoch in which it waits for its session is taken', async () => {
    const events = source('sales', {
      schema: z.object({ shop: z.string(), at: z.iso.datetime(), amount: z.int() }),
      eventTime: 'at',
      watermark: { delay: '0s' },
      lateness: { allowed: '0s', then: 'side-output' },
    });
    const visits = events
      .groupBy((s) => ({ shop: s.shop, visit: session(s.at, '10m') }))
      .aggregate((s) => ({ total: sum(s.amount) }));
    const definition = pipeline('sales', { visits: visits.updates() });
    const options = { epochRows: 2, config: { state: { memory: 1 }, runtime: { jit: 'off' } } } as const;
    const driver = await TestDriver.open(definition, options);
    await driver.send('sales', [sale('a', '12:00', 1), sale('b', '12:00', 1)]);
    await driver.settle();
    await driver.send('sales', [sale('a', '10:00', 5)]);
    await driver.settle();
    expect(await driver.engine.command('replay-late', {})).toEqual({ admitted: 1 });
    await driver.settle();
    const rows = await driver.rows('visits');
    expect(rows).toHaveLength(3);
    await driver.restart(definition, { ...options, rebuild: true });
    await driver.settle();
    expect(await driver.rows('visits')).toEqual(rows);
  });

  it.for(ARCHITECTURES)(
    '%s: rejected events can be offered again to a definition that takes them',
    async (architecture) => {
      const driver = await TestDriver.open(sales(), { architecture });
      await driver.send('sales', [
        '{"shop":"a"',
        { shop: 'a', at: '2001-01-01T10:00:00Z', amount: 1.5 },
        sale('a', '10:00', 1),
      ]);
      await driver.settle();
      expect((await driver.rejected()).map(({ reason }) => reason).sort()).toEqual([
        'field "amount" is 1.5, not a whole number up to 2^53 - 1',
        expect.stringContaining('not JSON'),
      ]);
      expect(await driver.engine.command('replay-rejected', {})).toEqual({ accepted: 0, rejected: 2 });
      expect((await driver.engine.status()).rejected).toBe(2);
    },
  );

  it.for(ARCHITECTURES.filter((name) => name !== 'kappa'))(
    '%s: a changed definition is refused until it is rebuilt',
    async (architecture) => {
      const driver = await TestDriver.open(sales(), { architecture });
      await driver.send('sales', [sale('a', '10:00', 1), sale('a', '10:10', 6)]);
      await driver.settle();
      const changed = sales('correct', { atLeast: 5 });
      const error = await driver.restart(changed).then(
        () => null,
        (e: unknown) => e,
      );
      expect(error).toBeInstanceOf(CodedError);
      expect((error as CodedError).code).toBe('DEFINITION_CHANGED');
      await driver.restart(changed, { rebuild: true });
      await driver.settle();
      expect(short(await driver.rows('perHour'))).toEqual(['a 10h: 1 sales, 6']);
    },
  );

  it('one log, any architecture: each continues where it stopped', async () => {
    const driver = await TestDriver.open(sales());
    await driver.send('sales', [sale('a', '10:00', 1)]);
    for (const architecture of [...ARCHITECTURES, ...ARCHITECTURES]) {
      await driver.send('sales', [sale('a', '10:10', 1)]);
      await driver.restart(sales(), { architecture });
      await driver.settle();
      const { end } = driver.engine.data.log;
      expect(short(await driver.rows('perHour'))).toEqual([`a 10h: ${end} sales, ${end}`]);
    }
  });
});

/** Late events that are admitted count for a view that was not there when they came, as they do in a replay. */
import { count, pipeline, source, tumbling } from 'pipeline-runtime';
import { TestDriver } from 'pipeline-runtime/testing';
import { expect, test } from 'vitest';
import { z } from 'zod';

const clicks = source('clicks', {
  schema: z.object({ at: z.iso.datetime() }),
  eventTime: 'at',
  watermark: { delay: '0s' },
  lateness: { allowed: '0s', then: 'side-output' },
});
const hours = clicks
  .groupBy((c) => ({ hour: tumbling(c.at, '1h') }))
  .aggregate(() => ({ n: count() }))
  .updates();
const days = clicks
  .groupBy((c) => ({ day: tumbling(c.at, '1d') }))
  .aggregate(() => ({ n: count() }))
  .updates();
const at = (day: number, hour: number): object => ({
  at: new Date(Date.UTC(2001, 0, day, hour)).toISOString(),
});

test.each(['batch', 'micro-batch', 'streaming', 'lambda'] as const)('%s', async (architecture) => {
  const driver = await TestDriver.open(pipeline('clicks', { hours }), { architecture });
  await driver.send('clicks', [at(1, 1)]);
  await driver.send('clicks', [at(5, 1)]);
  await driver.send('clicks', [at(1, 1)]);
  await driver.settle();
  await driver.restart(pipeline('clicks', { hours, days }));
  await driver.settle();
  expect((await driver.rows('days')).map(({ n }) => n)).toEqual([1, 1]);
  expect(await driver.engine.command('replay-late', {})).toEqual({ admitted: 1 });
  await driver.settle();
  expect((await driver.rows('hours')).map(({ n }) => n)).toEqual([2, 1]);
  expect((await driver.rows('days')).map(({ n }) => n)).toEqual([2, 1]);
});

/** Late events that are admitted count as they do in a replay, whenever a layer came to know that they are late. */
import { crc32 } from 'node:zlib';
import { count, pipeline, source, tumbling } from 'pipeline-runtime';
import { TestDriver } from 'pipeline-runtime/testing';
import { expect, test } from 'vitest';
import { z } from 'zod';

const clicks = source('clicks', {
  schema: z.object({ at: z.iso.datetime(), n: z.int() }),
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
const at = (day: number, hour: number, n = 0): object => ({
  at: new Date(Date.UTC(2001, 0, day, hour)).toISOString(),
  n,
});
/** The same in one of two partitions. */
function inPartition(partition: number, day: number, hour: number): object {
  for (let n = 0; ; n++) {
    const event = at(day, hour, n);
    if (crc32(JSON.stringify(event)) % 2 === partition) return event;
  }
}

const ARCHITECTURES = ['batch', 'micro-batch', 'streaming', 'lambda'] as const;

test.each(ARCHITECTURES)('%s: for a view that was not there when they came', async (architecture) => {
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

test.each(ARCHITECTURES)(
  '%s: while their window was not over for another partition',
  async (architecture) => {
    const driver = await TestDriver.open(pipeline('clicks', { days }), { architecture, partitions: 2 });
    for (const day of [1, 5, 1]) await driver.send('clicks', [inPartition(0, day, 1)]);
    await driver.settle();
    await driver.send('clicks', [inPartition(1, 5, 1)]);
    await driver.settle();
    expect((await driver.rows('days')).map(({ n }) => n)).toEqual([1, 2]);
    expect(await driver.engine.command('replay-late', {})).toEqual({ admitted: 1 });
    await driver.settle();
    expect((await driver.rows('days')).map(({ n }) => n)).toEqual([2, 2]);
  },
);

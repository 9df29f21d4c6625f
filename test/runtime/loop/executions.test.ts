/** Which execution runs a view of a job, who says so, and that one goes on from what the other left. */
import { count, countDistinct, pipeline, source, sum, tumbling } from 'pipeline-runtime';
import { TestDriver } from 'pipeline-runtime/testing';
import { expect, test } from 'vitest';
import { z } from 'zod';
import type { ProjectConfig } from '../../../runtime/src/config/project.ts';

const sales = source('sales', {
  schema: z.object({ at: z.iso.datetime(), item: z.string().nullable(), amount: z.int() }),
  eventTime: 'at',
  watermark: { delay: '0s' },
  lateness: { allowed: '0s', then: 'drop' },
});
const definition = pipeline('sales', {
  items: sales
    .groupBy((s) => ({ item: s.item }))
    .aggregate((s) => ({ sales: count(), amount: sum(s.amount), prices: countDistinct(s.amount) }))
    .updates(),
  hours: sales
    .groupBy((s) => ({ hour: tumbling(s.at, '1h'), item: s.item }))
    .aggregate(() => ({ sales: count() }))
    .final(),
  running: sales
    .over({ partition: ['item'], frame: { rows: 2 } }, (s) => ({ lately: sum(s.amount) }))
    .updates(),
});
const event = (minute: number, item: string | null, amount: number) => ({
  at: new Date(Date.UTC(2001, 0, 1, 0, minute)).toISOString(),
  item,
  amount,
});
const because = async (driver: TestDriver): Promise<object> => {
  const { views } = await driver.engine.status();
  return Object.fromEntries(views.map(({ name, interpretedBecause }) => [name, interpretedBecause]));
};
const withRuntime = (jit: 'on' | 'off', memory?: number): { config: Partial<ProjectConfig> } => ({
  config: { runtime: { jit }, state: memory === undefined ? {} : { memory } },
});

test('generated code runs a view where it can, and status says why not elsewhere', async () => {
  const driver = await TestDriver.open(definition);
  expect(await because(driver)).toEqual({
    items: null,
    hours: null,
    running: 'over',
  });
  await driver.restart(definition, withRuntime('off'));
  expect(Object.values(await because(driver))).toEqual(Array(3).fill('generated code is switched off'));
});

test('each execution goes on from the state of the other', async () => {
  const driver = await TestDriver.open(definition);
  for (const [turn, jit] of (['off', 'on', 'off', 'on', 'on'] as const).entries()) {
    await driver.send('sales', [event(turn, 'a', turn % 3), event(turn, null, 2 ** 53 - 1 - turn)]);
    await driver.settle();
    await driver.restart(definition, withRuntime(jit));
  }
  await driver.send('sales', [event(59, 'b', 1)]);
  await driver.end();
  await driver.settle();
  expect(await driver.rows('items')).toEqual([
    { item: 'a', sales: 5, amount: 4, prices: 3 },
    { item: 'b', sales: 1, amount: 1, prices: 1 },
  ]);
  expect(await driver.rejected()).toHaveLength(1);
  expect((await driver.rows('hours')).map(({ item, sales: n }) => [item, n])).toEqual([
    [null, 5],
    ['a', 5],
    ['b', 1],
  ]);
});

test('a view whose state outgrows the memory goes on with the interpreter, which forgets', async () => {
  const driver = await TestDriver.open(definition, { epochRows: 100, ...withRuntime('on', 200_000) });
  const events = Array.from({ length: 3000 }, (_, i) => event(0, `item ${i}`, i));
  await driver.send('sales', events);
  await driver.settle();
  expect(await because(driver)).toMatchObject({ items: 'its state is larger than state.memory' });
  expect((await driver.engine.status()).state.memoryBytes).toBeLessThanOrEqual(200_000);
  await driver.send('sales', events);
  await driver.settle();
  expect(new Set((await driver.rows('items')).map(({ sales: n }) => n))).toEqual(new Set([2]));
});

test('a job that is far behind takes more at once, if it is fast and the rows to write are few', async () => {
  const views = definition.plan.views.filter(({ name }) => name !== 'running');
  const fast = { ...definition, plan: { ...definition.plan, views } };
  const epochsOf = async (jit: 'on' | 'off'): Promise<number> => {
    const driver = await TestDriver.open(fast, withRuntime(jit));
    for (let part = 0; part < 10; part++)
      await driver.send(
        'sales',
        Array.from({ length: 20 }, (_, i) => event(part, `item ${i}`, i)),
      );
    for (const job of driver.engine.arrangement.jobs) {
      while (await job.epoch({ rows: 20, catchUpRows: 1000 }));
      return job.layer.progress.epochs;
    }
    return 0;
  };
  expect([await epochsOf('on'), await epochsOf('off')]).toEqual([1, 10]);
});

test('an epoch ends early when it has many rows to write', async () => {
  const each = pipeline('each', { sales: sales.map((s) => ({ item: s.item })).updates() });
  const driver = await TestDriver.open(each, withRuntime('on'));
  for (let part = 0; part < 9; part++)
    await driver.send(
      'sales',
      Array.from({ length: 8192 }, () => event(part, null, 1)),
    );
  const [job] = driver.engine.arrangement.jobs;
  await job?.epoch({ rows: 20, catchUpRows: 1e6 });
  expect(job?.layer.position).toBe(65_536);
});

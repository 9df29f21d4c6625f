/**
 * Whatever an operator remembers, `state.memory` bounds what of it is in memory, and behind a restart there is only what was
 * asked for (Z2): of each kind, more keys than fit.
 */
import { count, defineProcess, pipeline, session, source, sum, tumbling, type View } from 'pipeline-runtime';
import { TestDriver } from 'pipeline-runtime/testing';
import { expect, test } from 'vitest';
import { z } from 'zod';

const START_MS = Date.UTC(2001, 1, 24);
const USERS = 4000;
const MEMORY_BYTES = 5e5;

const sourceOf = (name: string) =>
  source(name, {
    schema: z.object({ user: z.string(), at: z.iso.datetime(), n: z.int() }),
    eventTime: 'at',
    watermark: { delay: '1m' },
    lateness: { allowed: '0s', then: 'drop' },
  });
const visits = sourceOf('visits');
const orders = sourceOf('orders');

const kept = defineProcess('kept', {
  output: z.object({ user: z.string(), all: z.int() }),
  state: { all: 0 },
  onEvent(event: { readonly n: number }, context: ProcessLike) {
    context.state.all += event.n;
    context.emit({ user: String(context.key['user']), all: context.state.all });
  },
});
interface ProcessLike {
  readonly key: Readonly<Record<string, unknown>>;
  state: { all: number };
  emit(row: { user: string; all: number }): void;
}

const days = (of: typeof visits) =>
  of.groupBy((v) => ({ user: v.user, day: tumbling(v.at, '1d') })).aggregate((v) => ({ all: sum(v.n) }));

/** A view, what comes of the second event of a user (n is 1 in each), and which source that is of. */
const KINDS: Readonly<Record<string, { view: View<unknown>; then: object; of?: 'visits' | 'orders' }>> = {
  sessions: {
    view: visits
      .groupBy((v) => ({ user: v.user, session: session(v.at, '1d') }))
      .aggregate(() => ({ all: count() }))
      .map((v) => ({ user: v.user, all: v.all }))
      .updates(),
    then: { all: 2 },
  },
  'a group with a time to live': {
    view: visits
      .groupBy((v) => ({ user: v.user }), { ttl: '1d' })
      .aggregate(() => ({ all: count() }))
      .updates(),
    then: { all: 2 },
  },
  'an interval join': {
    view: visits
      .join(orders, {
        how: { kind: 'interval', from: '0s', to: '1d' },
        on: (v, o) => [[v.user, o.user]],
        select: (v, o) => ({ user: v.user, all: v.n.plus(o.n) }),
      })
      .updates(),
    then: { all: 2 },
    of: 'orders',
  },
  'a window join': {
    view: days(visits)
      .join(days(orders), {
        how: 'window',
        on: (v, o) => [
          [v.user, o.user],
          [v.day, o.day],
        ],
        select: (v, o) => ({ user: v.user, all: v.all.plus(o.all) }),
      })
      .updates(),
    then: { all: 2 },
    of: 'orders',
  },
  'a join with a time to live': {
    view: visits
      .join(orders, {
        how: { kind: 'regular', ttl: '1d' },
        on: (v, o) => [[v.user, o.user]],
        select: (v, o) => ({ user: v.user, all: v.n.plus(o.n) }),
      })
      .updates(),
    then: { all: 2 },
    of: 'orders',
  },
  'versions of a temporal join': {
    view: orders
      .join(visits, {
        how: 'temporal',
        on: (o, v) => [[o.user, v.user]],
        select: (o, v) => ({ user: o.user, all: o.n.plus(v.n) }),
      })
      .updates(),
    then: { all: 2 },
    of: 'orders',
  },
  'process functions': { view: visits.process(['user'], kept).updates(), then: { all: 2 } },
  'over all rows': {
    view: visits
      .over({ partition: ['user'], frame: 'unbounded' }, () => ({ all: count() }))
      .map((v) => ({ user: v.user, all: v.all }))
      .updates(),
    then: { all: 2 },
  },
  'over a day': {
    view: visits
      .over({ partition: ['user'], frame: { range: '1d' } }, (v) => ({ all: sum(v.n) }))
      .map((v) => ({ user: v.user, all: v.all }))
      .updates(),
    then: { all: 2 },
  },
  'over rows': {
    view: visits
      .over({ partition: ['user'], frame: { rows: 3 } }, (v) => ({ all: sum(v.n) }))
      .map((v) => ({ user: v.user, all: v.all }))
      .updates(),
    then: { all: 2 },
  },
  patterns: {
    view: visits
      .pattern({
        partition: ['user'],
        steps: { first: (v) => v.n.eq(1), second: (v) => v.n.eq(1) },
        within: '1d',
        select: (s) => ({ all: s.first.n.plus(s.second.n) }),
      })
      .updates(),
    then: { all: 2 },
  },
};

test.for(Object.entries(KINDS))('%s', async ([, { view, then, of = 'visits' }]) => {
  const definition = pipeline('visits', { view });
  const options = { config: { state: { memory: MEMORY_BYTES }, runtime: { jit: 'off' } } } as const;
  const driver = await TestDriver.open(definition, { epochRows: 500, ...options });
  const sources = definition.plan.sources.map(({ name }) => name);
  const state = async () => (await driver.engine.status()).state;
  const visit = (user: string, minute: number): object => ({
    user,
    at: new Date(START_MS + minute * 60_000).toISOString(),
    n: 1,
  });
  /** Time passes, for what waits for it. */
  const pass = async (minute: number): Promise<void> => {
    for (const name of sources) await driver.send(name, [visit('nobody', minute)]);
    await driver.settle();
  };
  const users = Array.from({ length: USERS }, (_, i) => visit(`user ${i}`, 0));
  await driver.send('visits', users);
  await pass(10);
  const before = await state();
  expect(before.keys).toBeGreaterThanOrEqual(USERS);
  expect(before.memoryBytes).toBeLessThanOrEqual(MEMORY_BYTES);
  await driver.restart(definition, options);
  expect((await state()).keys).toBe(before.keys);
  expect((await state()).memoryBytes).toBeLessThan(MEMORY_BYTES / 50);

  await driver.send(of, [visit('user 7', 11)]);
  await pass(20);
  expect(await driver.rows('view')).toContainEqual(expect.objectContaining({ user: 'user 7', ...then }));
  expect((await state()).memoryBytes).toBeLessThan(MEMORY_BYTES / 20);
});

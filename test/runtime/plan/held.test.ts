/** When a regular join may forget rows: only where its condition ties them to a window that ends. */
import { max, pipeline, source, tumbling } from 'pipeline-runtime';
import { TestDriver } from 'pipeline-runtime/testing';
import { describe, expect, it, test } from 'vitest';
import { z } from 'zod';
import { heldOf } from '../../../runtime/src/plan/held.ts';
import { inferColumns } from '../../../runtime/src/plan/infer.ts';
import type { NodeOf } from '../../../runtime/src/plan/node.ts';
import { nodesOf } from '../../../runtime/src/plan/walk.ts';

const bids = source('bids', {
  schema: z.object({ id: z.int(), price: z.int(), at: z.iso.datetime(), seen: z.iso.datetime() }),
  eventTime: 'at',
  watermark: { delay: '0s' },
  lateness: { allowed: '0s', then: 'drop' },
});

const highest = bids
  .groupBy((b) => ({ window: tumbling(b.at, '10s') }))
  .aggregate((b) => ({ price: max(b.price) }))
  .map((m) => ({ price: m.price, end: m.window.end, start: m.window.start }));

type Where = NonNullable<Parameters<typeof join>[0]>;

function join(where: (row: ReturnType<typeof columnsOf>) => unknown, type: 'inner' | 'left' = 'inner') {
  return bids.join(highest, {
    type,
    how: { kind: 'regular', ttl: 'forever' },
    on: (b, m) => [[b.price, m.price]],
    select: (b, m) => ({ id: b.id, at: b.at, seen: b.seen, end: m.end, start: m.start }),
    where: where as never,
  });
}

/** The columns of the pair, for the types of the conditions below. */
declare function columnsOf(): Parameters<Parameters<typeof paired.filter>[0]>[0];
const paired = bids.join(highest, {
  type: 'inner',
  how: { kind: 'regular', ttl: 'forever' },
  on: (b, m) => [[b.price, m.price]],
  select: (b, m) => ({ id: b.id, at: b.at, seen: b.seen, end: m.end, start: m.start }),
});

function held(where: Where, type: 'inner' | 'left' = 'inner') {
  const { plan } = pipeline('bids', { view: join(where, type).updates() });
  const root = plan.views[0]?.node;
  const node = root === undefined ? undefined : nodesOf(root).find(({ kind }) => kind === 'join');
  const found = node as NodeOf<'join'>;
  const columns = { left: inferColumns(plan, found.left), right: inferColumns(plan, found.right) };
  return [heldOf(found, 'left', columns, 'updates'), heldOf(found, 'right', columns, 'updates')];
}

describe('a side is forgotten when its time and the end of a window of the other are tied', () => {
  const tenSeconds = [{ column: 'at', ms: 10_000 }, null];
  test.each<[string, Where]>([
    ['at >= end - 10s', (row) => row.at.gte(row.end.minus('10s'))],
    ['end <= at + 10s', (row) => row.end.lte(row.at.plus('10s'))],
    ['end - 10s <= at', (row) => row.end.minus('10s').lte(row.at)],
    ['both bounds', (row) => row.at.gte(row.end.minus('10s')).and(row.at.lte(row.end))],
    ['the tighter of two', (row) => row.at.gte(row.end.minus('1m')).and(row.at.plus('10s').gte(row.end))],
  ])('%s', (_, where) => expect(held(where)).toEqual(tenSeconds));
});

describe('and never where it is not', () => {
  test.each<[string, Where]>([
    ['the start of a window', (row) => row.at.gte(row.start.minus('10s'))],
    ['a time that is not the event time', (row) => row.seen.gte(row.end.minus('10s'))],
    ['the other way round', (row) => row.at.lte(row.end)],
    ['one of two conditions', (row) => row.at.gte(row.end.minus('10s')).or(row.id.eq(1))],
  ])('%s', (_, where) => expect(held(where)).toEqual([null, null]));

  test('a left join, whose nulls may be taken back', () => {
    expect(held((row) => row.at.gte(row.end.minus('10s')), 'left')).toEqual([null, null]);
  });
});

it('what is held does not grow with the events, and a late row still meets its window', async () => {
  const view = join((row) => row.at.gte(row.end.minus('10s')).and(row.at.lte(row.end)));
  const driver = await TestDriver.open(
    pipeline('bids', { view: view.map((v) => ({ id: v.id })).updates() }),
    {
      epochRows: 10,
    },
  );
  const bid = (id: number, second: number, price: number) => {
    const at = new Date(Date.UTC(2026, 0, 1) + second * 1000).toISOString();
    return { id, price, at, seen: at };
  };
  const keysAfter = async (): Promise<number> => {
    await driver.settle();
    return (await driver.engine.status()).state.keys;
  };
  const minute = (from: number) =>
    Array.from({ length: 60 }, (_, i) => bid(from + i, from + i, (from + i) % 10));
  await driver.send('bids', minute(0));
  const first = await keysAfter();
  for (let from = 60; from < 600; from += 60) await driver.send('bids', minute(from));
  // The highest of each window is kept, for rows that come late; the bids are not.
  expect((await keysAfter()) - first).toBe(54);
  await driver.send('bids', [bid(9999, 5, 9)]);
  await driver.end();
  await driver.settle();
  const ids = (await driver.rows('view')).map((row) => row['id']);
  const expected = Array.from({ length: 60 }, (_, window) => window * 10 + 9);
  expect(ids).toEqual([...expected, 9999]);
});

/**
 * More of what cost the users of other engines their trust: results that never come or come too early, and memory that
 * grows without end. Through the public interface.
 */
import {
  count,
  cumulating,
  defineProcess,
  hopping,
  session,
  type Stream,
  sum,
  type Timestamp,
  tumbling,
  type View,
} from 'pipeline-runtime';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { feed, from, lateTotal, open, readings, stateKeys } from './pains.ts';

type Readings = Stream<{ readonly key: string; readonly at: Timestamp; readonly value: number }>;

/** With a delay, so that rows of one time are in time for steps that wait for single times. */
const rows = (name = 'a'): Readings => readings(name, { delay: '1s' });
const counted = (given: Readings) =>
  given.groupBy((r) => ({ key: r.key, window: tumbling(r.at, '10m') })).aggregate(() => ({ rows: count() }));
const silent = () =>
  defineProcess('silent', {
    output: z.object({ key: z.string() }),
    state: 0,
    onEvent(_: { readonly key: string }, context) {
      context.setTimer(context.timeMs + 60_000);
      context.state = context.timeMs;
    },
    onTimer(context) {
      if (context.timeMs < context.state + 60_000) return;
      context.emit({ key: context.key['key'] as string });
      context.state = 0;
    },
  });

const intervalJoin = (type: 'inner' | 'left') =>
  rows().join(rows('b'), {
    type,
    how: { kind: 'interval', from: '0s', to: '10m' },
    on: (l, r) => [[l.key, r.key]],
    select: (l, r) => ({ key: l.key, at: l.at, partner: r.value }),
  });
const windowJoin = (type: 'inner' | 'left') =>
  counted(rows()).join(counted(rows('b')), {
    type,
    how: 'window',
    on: (l, r) => [
      [l.key, r.key],
      [l.window, r.window],
    ],
    select: (l, r) => ({ key: l.key, window: l.window, partner: r.rows }),
  });
const temporalJoin = (type: 'inner' | 'left') =>
  rows().join(rows('b'), {
    type,
    how: 'temporal',
    on: (l, r) => [[l.key, r.key]],
    select: (l, r) => ({ key: l.key, at: l.at, partner: r.value }),
  });
const regularJoin = (type: 'inner' | 'left', ttl: string) =>
  rows().join(rows('b'), {
    type,
    how: { kind: 'regular', ttl },
    on: (l, r) => [[l.key, r.key]],
    select: (l, r) => ({ key: l.key, partner: r.value }),
  });

describe('final results', () => {
  const pattern = () =>
    rows().pattern({
      partition: ['key'],
      steps: { one: (r) => r.value.eq(1), two: (r) => r.value.eq(2) },
      within: '10m',
      select: (s) => ({ to: s.two.at }),
    });

  it.for<[string, () => View<unknown>]>([
    ['a tumbling window', () => counted(rows()).final()],
    [
      'a session',
      () =>
        rows()
          .groupBy((r) => ({ session: session(r.at, '1h') }))
          .aggregate(() => ({ rows: count() }))
          .final(),
    ],
    [
      'a cumulating window',
      () =>
        rows()
          .groupBy((r) => ({ window: cumulating(r.at, { size: '1d', step: '1d' }) }))
          .aggregate(() => ({ rows: count() }))
          .final(),
    ],
    [
      'over',
      () =>
        rows()
          .over({ frame: 'unbounded' }, (r) => ({ total: sum(r.value) }))
          .final(),
    ],
    ['a pattern', () => pattern().final()],
    ['a timer', () => rows().process(['key'], silent()).final()],
    ['nulls of an interval join', () => intervalJoin('left').final()],
    ['nulls of a window join', () => windowJoin('left').final()],
    ['nulls of a temporal join', () => temporalJoin('left').final()],
  ])('%s: it comes at the end of the input, without an event that follows', async ([, view]) => {
    const driver = await open({ view: view() });
    await feed(driver, 'x@10:00 1', 'x@10:00:30 2');
    const before = await driver.rows('view');
    await driver.end();
    await driver.settle();
    const after = await driver.rows('view');
    expect(after.length).toBeGreaterThan(before.length);
  });

  it('a result comes once, when the window and the allowed lateness are over, and does not change', async () => {
    const driver = await open({ view: counted(readings('a', { delay: '1m', allowed: '5m' })).final() });
    const changes: unknown[] = [];
    driver.engine.subscribe('view', (more) => void changes.push(...more.map(({ row }) => row)));
    // The window ends at 10:10. Its last millisecond is passed for good by 10:15:59.999, less a minute.
    await feed(driver, 'x@10:01', 'x@10:14', 'x@10:02', 'x@10:15:59.998');
    expect(changes).toEqual([]);
    await feed(driver, 'x@10:03', 'x@10:15:59.999');
    expect(changes).toEqual([{ key: 'x', window: from('10:00', '10:10'), rows: 3 }]);
    await feed(driver, 'x@10:04', 'x@11:30');
    expect(changes).toHaveLength(2);
    expect(changes[1]).toMatchObject({ window: from('10:10', '10:20') });
    expect(await lateTotal(driver)).toBe(1);
  });
});

describe('left joins', () => {
  it.for<[string, () => View<unknown>]>([
    ['window', () => windowJoin('left').updates()],
    ['interval', () => intervalJoin('left').updates()],
    ['temporal', () => temporalJoin('left').updates()],
  ])('%s: no null is shown while a partner can still come', async ([kind, view]) => {
    const driver = await open({ view: view() });
    const shown: string[] = [];
    driver.engine.subscribe('view', (more) => {
      for (const { row } of more)
        if (row !== null) shown.push(`${String(row['key'])} ${String(row['partner'])}`);
    });
    // x has a partner that comes late in real time, y has none. Time passes on one side only.
    await feed(driver, 'a: x@10:00', 'a: y@10:00', 'a: z@10:09', 'a: z@12:00');
    expect(shown).toEqual([]);
    await feed(driver, `b: x@${kind === 'temporal' ? '09:59' : '10:05'} 1`, 'b: w@12:00');
    expect(shown.filter((row) => /^[xy]/.test(row)).toSorted()).toEqual(['x 1', 'y null']);
  });

  it('regular: a null goes when the partner comes, and none is shown of a pair that comes together', async () => {
    const driver = await open({ view: regularJoin('left', 'forever').updates() });
    const shown: unknown[] = [];
    driver.engine.subscribe('view', (more) => {
      for (const { row } of more) if (row !== null) shown.push(row['partner']);
    });
    await feed(driver, 'a: x@10:00');
    expect(await driver.rows('view')).toEqual([{ key: 'x', partner: null }]);
    await feed(driver, 'b: x@10:01 7');
    expect(await driver.rows('view')).toEqual([{ key: 'x', partner: 7 }]);
    await driver.send('a', [{ key: 'y', at: '2001-01-01T10:02:00Z', value: 1 }]);
    await driver.send('b', [{ key: 'y', at: '2001-01-01T10:02:00Z', value: 8 }]);
    await driver.settle();
    expect(shown).toEqual([null, 7, 8]);
  });
});

describe('memory', () => {
  const BOUNDED: readonly [string, () => View<unknown>, number][] = [
    ['tumbling windows', () => counted(rows()).updates(), 1],
    [
      'hopping windows',
      () =>
        rows()
          .groupBy((r) => ({ key: r.key, window: hopping(r.at, { size: '10m', slide: '5m' }) }))
          .aggregate(() => ({ rows: count() }))
          .updates(),
      2,
    ],
    [
      'sessions',
      () =>
        rows()
          .groupBy((r) => ({ key: r.key, session: session(r.at, '10m') }))
          .aggregate(() => ({ rows: count() }))
          .updates(),
      1,
    ],
    [
      'groups of groups',
      () =>
        counted(rows())
          .groupBy((g) => ({ window: g.window }))
          .aggregate((g) => ({ keys: count(), rows: sum(g.rows) }))
          .updates(),
      2,
    ],
    [
      'a top by window',
      () =>
        counted(rows())
          .top({ by: ['window'], order: (g) => [g.rows], limit: 9 })
          .final(),
      1,
    ],
    ['groups with a time-to-live', () => ttlGroup().updates(), 1],
    ['a dedupe with a time-to-live', () => ttlDedupe().updates(), 1],
    [
      'an over by time',
      () =>
        rows()
          .over({ partition: ['key'], frame: { range: '10m' } }, () => ({ n: count() }))
          .updates(),
      1,
    ],
    ['a pattern', () => ones().updates(), 1],
    ['a process function', () => rows().process(['key'], silent()).updates(), 1],
    ['a window join', () => windowJoin('left').updates(), 4],
    ['an interval join', () => intervalJoin('left').updates(), 2],
    ['a regular join with a time-to-live', () => regularJoin('inner', '10m').updates(), 2],
  ];
  const ttlGroup = () =>
    rows()
      .groupBy((r) => ({ key: r.key }), { ttl: '10m' })
      .aggregate(() => ({ rows: count() }));
  const ttlDedupe = () => rows().dedupe({ keys: ['key'], keep: 'last', by: 'time', ttl: '10m' });
  const ones = () =>
    rows().pattern({
      partition: ['key'],
      steps: { one: (r) => r.value.eq(1), two: (r) => r.value.eq(2) },
      within: '10m',
      select: (s) => ({ to: s.two.at }),
    });

  it.for(BOUNDED)('%s: it goes back when time has passed', async ([, view, keysMax]) => {
    const driver = await open({ view: view() });
    const isJoin = driver.engine.plan.sources.length === 2;
    const send = async (text: (index: number) => string, many: number): Promise<void> => {
      const texts = Array.from({ length: many }, (_, index) => text(index));
      for (const name of isJoin ? ['a', 'b'] : ['a']) await feedAll(name, texts);
    };
    const feedAll = async (name: string, texts: readonly string[]): Promise<void> => {
      const events = texts.map((text) => {
        const [key = '', time = ''] = text.split('@');
        return { key, at: `2001-01-01T${time}:00Z`, value: 1 };
      });
      await driver.send(name, events);
      await driver.settle();
    };
    await send((index) => `k${index}@10:00`, 40);
    const most = await stateKeys(driver);
    expect(most).toBeGreaterThanOrEqual(40);
    await send(() => 'z@18:00', 1);
    // What is left is the last row's own.
    await send(() => 'z@20:00', 1);
    expect(await stateKeys(driver)).toBeLessThanOrEqual(keysMax);
    await driver.restart();
    expect(await stateKeys(driver)).toBeLessThanOrEqual(keysMax);
  });

  it('a temporal join keeps the newest version of a key, and no other', async () => {
    const driver = await open({ view: temporalJoin('inner').updates() });
    const versions = Array.from({ length: 40 }, (_, index) => `b: x@10:${10 + index} ${index}`);
    await feed(driver, ...versions, 'b: y@20:00', 'a: z@20:00');
    // The last version of x and of y, and the row that waits.
    expect(await stateKeys(driver)).toBeLessThanOrEqual(3);
  });
});

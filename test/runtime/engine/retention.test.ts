/**
 * Retention changes no answer: whatever is removed from the log, the views are those of all events, in every architecture.
 * What cannot be computed any more is refused with LOG_TRIMMED, or counted; never replaced by a part.
 */
import { count, type Pipeline, pipeline, session, source, sum, tumbling } from 'pipeline-runtime';
import { ManualClock, TestDriver } from 'pipeline-runtime/testing';
import { afterEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Architecture } from '../../../runtime/src/config/project.ts';
import type { DataFolder } from '../../../runtime/src/engine/data-folder.ts';
import type { RetentionPolicy } from '../../../runtime/src/engine/retention.ts';
import { coldFolder } from '../../../runtime/src/log/cold/place.ts';
import { DiskLog } from '../../../runtime/src/log/disk-log.ts';
import { MemoryLog } from '../../../runtime/src/log/memory-log.ts';
import { MemoryStore } from '../../../runtime/src/state/memory.ts';
import { SimDisk } from '../../suites/sim-disk.ts';

const ARCHITECTURES = ['batch', 'micro-batch', 'streaming', 'lambda', 'kappa'] as const;
type Policy = 'correct' | 'drop' | 'side-output';

const eventsOf = (then: Policy) =>
  source('sales', {
    schema: z.object({ shop: z.string(), at: z.iso.datetime(), amount: z.int() }),
    eventTime: 'at',
    watermark: { delay: '0s' },
    lateness: { allowed: '0s', then },
  });

const sources = {
  correct: eventsOf('correct'),
  drop: eventsOf('drop'),
  'side-output': eventsOf('side-output'),
};
const events = (then: Policy) => sources[then];

/** Rows that each depend on a window, on everything, on one event. */
function sales(then: Policy, more: Parameters<typeof pipeline>[1] = {}): Pipeline {
  const from = events(then);
  const perHour = from
    .groupBy((s) => ({ shop: s.shop, hour: tumbling(s.at, '1h') }))
    .aggregate((s) => ({ sales: count(), total: sum(s.amount) }));
  return pipeline('sales', {
    perHour: perHour.updates(),
    perHourOver: perHour.final(),
    large: from.filter((s) => s.amount.gte(5)).updates(),
    ...more,
  });
}

const perShop = (then: Policy) =>
  events(then)
    .groupBy((s) => ({ shop: s.shop }))
    .aggregate((s) => ({ sales: count(), total: sum(s.amount) }))
    .updates();

/** Sales of one hour, two of them to a file of the log. */
const hour = (n: number): object[] =>
  ['05', '15', '25', '35', '45', '55'].map((minute, i) => ({
    shop: `s${i % 2}`,
    at: new Date(Date.UTC(2001, 0, 1, n, Number(minute))).toISOString(),
    amount: n + i,
  }));

const hourOf = (row: Readonly<Record<string, unknown>>): number =>
  new Date((row['hour'] as { start: string }).start).getUTCHours();
const salesFrom = (from: number, rows: readonly Readonly<Record<string, unknown>>[]): unknown[] =>
  rows.filter((row) => hourOf(row) >= from).map((row) => row['sales']);

let clock = new ManualClock();
afterEach(() => {
  clock = new ManualClock();
});

async function dataOnDisk(disk = new SimDisk()): Promise<DataFolder> {
  const cold = coldFolder(disk, '/cold');
  const log = await DiskLog.open('/log', { disk, cold, clock, segmentBytes: 300 });
  return {
    log,
    rejected: new MemoryLog(clock),
    store: new MemoryStore(),
    trim: (needed, limits) => log.trim(needed, limits),
    roll: (olderThanMs) => log.roll(olderThanMs),
    logUse: () => ({ sizeBytes: log.sizeBytes, coldBytes: 0, oldestAtMs: log.oldestAtMs }),
    close: () => Promise.resolve(),
  };
}

async function open(
  definition: Pipeline,
  architecture: Architecture,
  retention?: object,
  disk?: SimDisk,
): Promise<TestDriver> {
  const data = await dataOnDisk(disk);
  const driver = await TestDriver.open(definition, {
    architecture,
    data,
    clock,
    config: {
      batch: { every: 3_600_000, partition: 3 * 3_600_000 },
      log: {
        partitions: 1,
        commitEvery: 0,
        cold: { after: 0 },
        ...(retention !== undefined && { retention }),
      },
    },
  });
  return driver;
}

/** In small appends, so that the log has files to give away. */
async function send(driver: TestDriver, all: readonly object[]): Promise<void> {
  for (let from = 0; from < all.length; from += 2) await driver.send('sales', all.slice(from, from + 2));
}

const startOf = ({ engine }: TestDriver): number => engine.data.log.start;
const logOf = async ({ engine }: TestDriver) => (await engine.status()).log;

/** The rows of all views after hours of sales, some of them late, with retention or without. */
async function lived(architecture: Architecture, then: Policy, retention?: RetentionPolicy) {
  const driver = await open(sales(then), architecture, retention);
  let removals = 0;
  for (let n = 0; n < 12; n++) {
    await send(driver, hour(n));
    await driver.settle();
    removals += await driver.engine.retention.apply();
    // Late for its window, which is not long over: its partition of three hours is still open.
    if (n % 3 === 1) await send(driver, hour(n - 1).slice(0, 1));
  }
  await driver.settle();
  const rows = [];
  for (const { name } of driver.engine.plan.views) rows.push(await driver.rows(name));
  return { rows, late: (await driver.engine.status()).late, driver, removals };
}

describe.each(ARCHITECTURES)('%s', (architecture) => {
  test.each(['drop', 'side-output'] as const)('%s: the answer is that of all events', async (then) => {
    const whole = await lived(architecture, then);
    const trimmed = await lived(architecture, then, { size: 1 });
    expect([startOf(whole.driver), trimmed.removals > 5]).toEqual([0, true]);
    expect(startOf(trimmed.driver)).toBeGreaterThan(30);
    expect([trimmed.rows, trimmed.late]).toEqual([whole.rows, whole.late]);
  });

  test('correct: what waits for a correction, or may still come to one window that is open, is kept', async () => {
    const whole = await lived(architecture, 'correct');
    const trimmed = await lived(architecture, 'correct', { time: 1000 });
    expect([trimmed.rows, trimmed.late]).toEqual([whole.rows, whole.late]);
  });

  test('an event that is late for a window whose events are gone leaves its row, and is counted and kept', async () => {
    const driver = await open(sales('correct'), architecture, { size: 1 });
    for (let n = 0; n < 12; n++) await send(driver, hour(n));
    await driver.settle();
    await driver.engine.retention.apply();
    expect(startOf(driver)).toBeGreaterThan(30);
    const before = await driver.rows('perHour');
    await driver.send('sales', [{ shop: 's0', at: '2001-01-01T02:30:00Z', amount: 1 }]);
    await driver.settle();
    expect(await driver.rows('perHour')).toEqual(before);
    // Once for each of the views that have windows.
    expect((await driver.engine.status()).late).toMatchObject({ total: 2, waiting: 0, unreachable: 2 });
    expect((await driver.late()).map(({ event }) => event['at'])).toHaveLength(2);
    // A view of single events needs none of the others.
    await driver.send('sales', [{ shop: 's9', at: '2001-01-01T02:31:00Z', amount: 99 }]);
    await driver.settle();
    expect((await driver.rows('large')).filter((row) => row['shop'] === 's9')).toHaveLength(1);
  });

  test('a restart goes on where it was', async () => {
    const driver = await open(sales('drop'), architecture, { size: 1 });
    const other = await open(sales('drop'), architecture);
    for (const each of [driver, other]) {
      for (let n = 0; n < 6; n++) await send(each, hour(n));
      await each.settle();
      await each.engine.retention.apply();
      await each.restart();
      for (let n = 6; n < 9; n++) await send(each, hour(n));
      await each.settle();
    }
    expect(startOf(driver)).toBeGreaterThan(10);
    for (const view of ['perHour', 'perHourOver', 'large'])
      expect(await driver.rows(view)).toEqual(await other.rows(view));
  });
});

describe('what holds the log', () => {
  test('nothing goes before every layer has read it', async () => {
    const driver = await open(sales('drop'), 'streaming', { size: 1 });
    await send(driver, hour(0));
    expect(await driver.engine.retention.apply()).toBe(0);
    expect(await logOf(driver)).toMatchObject({ start: 0, heldBy: '"live" has not read on' });
    await driver.settle();
    expect(await driver.engine.retention.apply()).toBe(2);
    expect(await logOf(driver)).toMatchObject({ start: 4, end: 6, heldBy: null });
  });

  test('Lambda: the batch layer as well', async () => {
    const driver = await open(sales('drop'), 'lambda', { size: 1 });
    const stop = new AbortController();
    await send(driver, [...hour(0), ...hour(1)]);
    await driver.settle();
    await send(driver, [...hour(2), ...hour(3)]);
    const running = driver.engine.arrangement.run(stop.signal);
    while (driver.engine.arrangement.serving.position < 24) await clock.advance(1000);
    stop.abort();
    await clock.advance(1000);
    await running;
    await driver.engine.retention.apply();
    expect(startOf(driver)).toBeLessThanOrEqual(12);
  });

  test('Kappa: every version, also one that only begins', async () => {
    const driver = await open(sales('drop'), 'kappa', { size: 1 });
    for (let n = 0; n < 4; n++) await send(driver, hour(n));
    await driver.settle();
    await driver.engine.command('replay', { plan: sales('drop').plan });
    expect(await driver.engine.retention.apply()).toBe(0);
    expect(await logOf(driver)).toMatchObject({ heldBy: '"kappa-v2" has not read on' });
    await driver.settle();
    expect(await driver.engine.retention.apply()).toBeGreaterThan(5);
  });

  test('batch: partitions with a window that is open, and a view that is computed as a whole', async () => {
    const driver = await open(sales('drop'), 'batch', { size: 1 });
    for (let n = 0; n < 5; n++) await send(driver, hour(n));
    await driver.settle();
    await driver.engine.retention.apply();
    // The hours 3 to 5 are one partition; the stretch with its first event begins with the log.
    expect(await logOf(driver)).toMatchObject({
      heldBy: 'windows of view "perHour" are open',
    });
    const whole = await open(sales('drop', { perShop: perShop('drop') }), 'batch', { size: 1 });
    for (let n = 0; n < 5; n++) await send(whole, hour(n));
    await whole.settle();
    expect(await whole.engine.retention.apply()).toBe(0);
    expect((await logOf(whole))?.heldBy).toBe('view "perShop" is computed again as a whole');
  });

  test('sessions under `correct` are computed again as a whole; under `drop` never', async () => {
    const visits = (then: Policy) =>
      events(then)
        .groupBy((s) => ({ shop: s.shop, visit: session(s.at, '10m') }))
        .aggregate(() => ({ sales: count() }))
        .updates();
    for (const [then, removed] of [
      ['correct', false],
      ['drop', true],
    ] as const) {
      const driver = await open(pipeline('visits', { visits: visits(then) }), 'streaming', { size: 1 });
      for (let n = 0; n < 4; n++) await send(driver, hour(n));
      await driver.settle();
      expect((await driver.engine.retention.apply()) > 0).toBe(removed);
    }
  });

  test('whoever registers', async () => {
    const driver = await open(sales('drop'), 'streaming', { size: 1 });
    for (let n = 0; n < 3; n++) await send(driver, hour(n));
    await driver.settle();
    const release = driver.engine.retention.register(() => [{ position: 5, because: 'a sink waits' }]);
    await driver.engine.retention.apply();
    expect(await logOf(driver)).toMatchObject({ start: 4, heldBy: 'a sink waits' });
    release();
    await driver.engine.retention.apply();
    expect(startOf(driver)).toBe(16);
  });

  test('U9: the state is durable before anything goes', async () => {
    const driver = await open(sales('drop'), 'streaming', { size: 1 });
    for (let n = 0; n < 3; n++) await send(driver, hour(n));
    await driver.settle();
    const { store } = driver.engine.data;
    const startsAtSync: number[] = [];
    const sync = store.sync.bind(store);
    store.sync = () => {
      startsAtSync.push(startOf(driver));
      return sync();
    };
    await driver.engine.retention.apply();
    expect([startsAtSync, startOf(driver)]).toEqual([[0], 16]);
  });
});

describe.each(['apply', 'roll'] as const)('a disk that fails in the middle of %s', (work) => {
  async function failing(code: string, only: 'sync' | 'sync-folder'): Promise<TestDriver> {
    const disk = new SimDisk();
    const driver = await open(sales('drop'), 'streaming', { size: 1 }, disk);
    for (let n = 0; n < 3; n++) await send(driver, hour(n));
    await driver.settle();
    await clock.advance(1000);
    disk.fault = { code, at: 1, only: [only] };
    return driver;
  }

  test.each(['sync', 'sync-folder'] as const)(
    'a failed %s is not tried again: it ends the run',
    async (only) => {
      const { engine } = await failing('EIO', only);
      await expect(engine.retention[work]()).rejects.toMatchObject({
        code: 'LOG_UNAVAILABLE',
        message: expect.stringContaining('EIO') as string,
      });
    },
  );

  test('what it refuses is tried again later, and said meanwhile', async () => {
    const driver = await failing('ENOSPC', 'sync');
    const { retention } = driver.engine;
    await retention[work]();
    expect(await logOf(driver)).toMatchObject({
      start: 0,
      lastFailure: expect.stringContaining('the disk is full') as string,
    });
    await retention[work]();
    expect(await logOf(driver)).toMatchObject({ start: work === 'apply' ? 16 : 0, lastFailure: null });
  });
});

describe('what needs what is gone', () => {
  async function trimmed(architecture: Architecture, definition = sales('drop')): Promise<TestDriver> {
    const driver = await open(definition, architecture, { size: 1 });
    for (let n = 0; n < 12; n++) await send(driver, hour(n));
    await driver.settle();
    await driver.engine.retention.apply();
    expect(startOf(driver)).toBeGreaterThan(30);
    return driver;
  }
  const refused = (remedy: string) => ({
    code: 'LOG_TRIMMED',
    message: expect.stringContaining(remedy) as string,
  });

  test('rebuild is refused and changes nothing; with `partial` it computes what is left', async () => {
    const driver = await trimmed('streaming');
    const before = await driver.rows('perHour');
    await expect(driver.restart(sales('drop'), { rebuild: true })).rejects.toMatchObject(
      refused('`pipeline run --rebuild --partial`'),
    );
    await driver.restart();
    expect(await driver.rows('perHour')).toEqual(before);
    await driver.restart(sales('drop'), { rebuild: true, partial: true });
    await driver.settle();
    expect(await driver.rows('large')).toHaveLength(72 - startOf(driver));
    for (let n = 12; n < 14; n++) await send(driver, hour(n));
    await driver.settle();
    expect(salesFrom(12, await driver.rows('perHour'))).toEqual([3, 3, 3, 3]);
  });

  test('another architecture begins with what is left when that is asked for', async () => {
    const driver = await trimmed('streaming');
    for (const architecture of ARCHITECTURES.filter(
      (each) => each !== 'streaming' && each !== 'micro-batch',
    )) {
      await expect(driver.restart(sales('drop'), { architecture })).rejects.toMatchObject(
        refused('`pipeline run --partial`'),
      );
      await driver.restart(sales('drop'), { architecture, partial: true });
      await driver.settle();
      const there = await driver.rows('large');
      expect(there.length).toBe(72 - startOf(driver));
      // What began later goes on like any other.
      await driver.restart(sales('drop'), { architecture });
    }
  });

  test.each(['streaming', 'batch', 'lambda'] as const)('%s: a new view', async (architecture) => {
    const driver = await trimmed(architecture);
    const more = sales('drop', {
      again: events('drop')
        .groupBy((s) => ({ hour: tumbling(s.at, '1h') }))
        .aggregate(() => ({ sales: count() }))
        .updates(),
      perShop: perShop('drop'),
    });
    const before = await driver.rows('perHour');
    await expect(driver.restart(more)).rejects.toMatchObject(refused('is new and would lack them'));
    await driver.restart(more, { partial: true });
    for (let n = 12; n < 14; n++) await send(driver, hour(n));
    await driver.settle();
    expect(await driver.rows('perHour')).toEqual(expect.arrayContaining(before.slice(0, 20)));
    const counted = (await driver.rows('again')).reduce((all, row) => all + Number(row['sales']), 0);
    expect((await driver.rows('perShop')).reduce((all, row) => all + Number(row['sales']), 0)).toBe(counted);
    expect(counted).toBeGreaterThanOrEqual(12);
    await driver.engine.retention.apply();
  });

  test.each(['batch', 'lambda'] as const)('%s: a backfill says from when on it is possible', async (name) => {
    const driver = await trimmed(name);
    const range = (from: number, to: number) => ({
      fromMs: Date.UTC(2001, 0, 1, from),
      toMs: Date.UTC(2001, 0, 1, to),
    });
    const before = await driver.rows('perHour');
    await expect(driver.engine.command('backfill', range(0, 12))).rejects.toMatchObject(
      refused('All events of view "perHour" are there from 2001-01-01T'),
    );
    await expect(driver.engine.command('backfill', {})).rejects.toMatchObject({ code: 'LOG_TRIMMED' });
    expect(await driver.rows('perHour')).toEqual(before);
    for (let n = 12; n < 15; n++) await send(driver, hour(n));
    await driver.engine.command('backfill', range(12, 15));
    const after = await driver.rows('perHour');
    expect(after).toEqual(expect.arrayContaining(before.filter((row) => hourOf(row) < 9)));
    if (name === 'batch') expect(salesFrom(12, after)).toEqual([3, 3, 3, 3, 3, 3]);
  });

  test('Kappa: a replay is refused; what is left, or what came since, can be replayed and promoted', async () => {
    const driver = await trimmed('kappa');
    const { plan } = sales('drop');
    await expect(driver.engine.command('replay', { plan })).rejects.toMatchObject(
      refused('`pipeline replay --partial`'),
    );
    const started = await driver.engine.command('replay', { plan, partial: true });
    expect(started).toMatchObject({ version: 'v2', from: startOf(driver), events: 72 - startOf(driver) });
    await clock.advance(60_000);
    await send(driver, hour(12));
    const since = await driver.engine.command('replay', { plan, fromMs: clock.nowMs() });
    expect(since).toMatchObject({ version: 'v3', from: 72, events: 6 });
    await driver.restart();
    await driver.settle();
    for (const [version, rows] of [
      ['v2', 78 - startOf(driver)],
      ['v3', 6],
    ] as const) {
      await driver.engine.command('promote', { version });
      expect(await driver.rows('large')).toHaveLength(rows);
    }
  });
});

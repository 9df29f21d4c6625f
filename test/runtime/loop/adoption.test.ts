/**
 * A pipeline that is opened with a changed definition. What is compatible ends as if the new definition had read the whole
 * log; what is not is refused, and the store is as it was.
 */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  avg,
  count,
  countDistinct,
  max,
  pipeline,
  type Pipeline,
  source,
  sum,
  tumbling,
} from 'pipeline-runtime';
import { ManualClock, TestDriver } from 'pipeline-runtime/testing';
import { z } from 'zod';
import { type Architecture, ARCHITECTURES } from '../../../runtime/src/config/project.ts';
import { MemoryLog } from '../../../runtime/src/log/memory-log.ts';
import { MemoryStore } from '../../../runtime/src/state/memory.ts';
import type { Batch } from '../../../runtime/src/state/store.ts';

interface Changing {
  readonly then?: 'correct' | 'drop';
  readonly wide?: boolean;
  readonly least?: number;
  readonly views?: readonly string[];
  readonly more?: boolean;
  readonly needed?: boolean;
  readonly name?: string;
}

/** A source of sales, whose fields and views change. */
function sales(options: Changing = {}): Pipeline {
  const { then = 'correct', wide = false, least = 0, views = ['hours', 'shops'] } = options;
  const { more = false, needed = false, name = 'sales' } = options;
  const from = source('sales', {
    schema: z.object({
      at: z.iso.datetime(),
      shop: z.string(),
      amount: (wide ? z.number().nullable() : z.int()) as z.ZodNumber,
      ...(more && { note: z.string().optional() }),
      ...(needed && { note: z.string() }),
    }),
    eventTime: 'at',
    watermark: { delay: '5m' },
    lateness: { allowed: '0s', then },
  });
  const kept = least === 0 ? from : from.filter((s) => s.amount.gte(least));
  const all = {
    hours: kept
      .groupBy((s) => ({ shop: s.shop, hour: tumbling(s.at, '1h') }))
      .aggregate((s) => ({ sales: count(), total: sum(s.amount), mean: avg(s.amount) }))
      .updates(),
    shops: kept
      .groupBy((s) => ({ shop: s.shop }))
      .aggregate((s) => ({ sales: count(), different: countDistinct(s.amount) }))
      .updates(),
    most: kept
      .groupBy((s) => ({ shop: s.shop }))
      .aggregate((s) => ({ sales: count(), different: countDistinct(s.amount), most: max(s.amount) }))
      .updates(),
    large: from
      .filter((s) => s.amount.gt(5))
      .map((s) => ({ shop: s.shop, amount: s.amount }))
      .updates(),
    last: from
      .dedupe({ keys: ['shop'], keep: 'last', by: 'time' })
      .map((s) => ({ shop: s.shop, amount: s.amount }))
      .updates(),
  };
  const chosen = views.map((view) => [view === 'most' ? 'shops' : view, all[view as keyof typeof all]]);
  return pipeline(name, Object.fromEntries(chosen) as never);
}

/** Minutes after ten, a shop and an amount. */
type Sale = readonly [minute: number, shop: string, amount: number];
const event = ([minute, shop, amount]: Sale): object => ({
  at: new Date(Date.UTC(2001, 0, 1, 10) + minute * 60_000).toISOString(),
  shop,
  amount,
});
const FIRST: readonly Sale[] = [
  [0, 'a', 7],
  [70, 'b', 2],
  [10, 'a', 1],
  [90, 'a', 9],
];
const REST: readonly Sale[] = [
  [95, 'b', 6],
  [20, 'b', 8],
  [200, 'a', 7],
];

async function contentOf(driver: TestDriver, { plan }: Pipeline): Promise<Record<string, unknown>> {
  const views: Record<string, unknown> = {};
  for (const { name } of plan.views) views[name] = await driver.rows(name);
  return views;
}

async function run(driver: TestDriver, sold: readonly Sale[]): Promise<void> {
  if (sold.length > 0) await driver.send('sales', sold.map(event));
  await driver.settle();
}

async function wholeOf(definition: Pipeline, sold: readonly Sale[]): Promise<Record<string, unknown>> {
  const driver = await TestDriver.open(definition);
  await run(driver, sold);
  return contentOf(driver, definition);
}

const COMPATIBLE: readonly (readonly [string, Pipeline])[] = [
  ['another name', sales({ name: 'shops' })],
  ['an optional field', sales({ more: true })],
  ['a wider type that may be null', sales({ wide: true })],
  ['views more, some with a state', sales({ views: ['large', 'hours', 'last', 'shops'] })],
];

const NOT_KAPPA = ARCHITECTURES.filter((each) => each !== 'kappa');
const cases = COMPATIBLE.flatMap(([what, now]) =>
  NOT_KAPPA.map((architecture) => [what, architecture, now] as const),
);

describe('what is compatible', () => {
  it.for(cases)('%s under %s: as if it had read the whole', async ([, architecture, now]) => {
    const driver = await TestDriver.open(sales(), { architecture });
    await run(driver, FIRST);
    await driver.restart(now);
    expect(await contentOf(driver, now)).toEqual(await wholeOf(now, FIRST));
    await run(driver, REST);
    const whole = await wholeOf(now, [...FIRST, ...REST]);
    expect(await contentOf(driver, now)).toEqual(whole);
    await driver.restart(now);
    expect(await contentOf(driver, now)).toEqual(whole);
  });

  it('a late event of one partition waits in a new view too, until the window is over for the others', async () => {
    const append = (driver: TestDriver, partition: number, sold: readonly Sale[]): Promise<void> =>
      driver.engine.data.log.append({
        kind: 'events',
        source: 'sales',
        partition,
        partitions: 2,
        records: sold.map((sale) => JSON.stringify(event(sale))),
      });
    const hours = sales({ views: ['shops', 'hours'] });
    const changed = await TestDriver.open(sales({ views: ['shops'] }), { partitions: 2 });
    const whole = await TestDriver.open(hours, { partitions: 2 });
    for (const driver of [changed, whole]) {
      await append(driver, 0, [
        [0, 'a', 7],
        [200, 'a', 1],
        [10, 'late', 3],
      ]);
      await append(driver, 1, [[20, 'b', 2]]);
      await driver.settle();
    }
    await changed.restart(hours);
    for (const driver of [changed, whole]) {
      await append(driver, 1, [[200, 'b', 2]]);
      await driver.settle();
    }
    expect(await contentOf(whole, hours)).toMatchObject({
      hours: expect.arrayContaining([expect.objectContaining({ shop: 'late' })]),
    });
    expect(await contentOf(changed, hours)).toEqual(await contentOf(whole, hours));
  });

  it('wherever the change comes', async () => {
    const sale = fc.tuple(fc.nat(300), fc.constantFrom('a', 'b', 'c'), fc.nat(12));
    await fc.assert(
      fc.asyncProperty(
        fc.array(sale, { maxLength: 12 }),
        fc.array(sale, { maxLength: 12 }),
        fc.constantFrom(...COMPATIBLE),
        fc.constantFrom<Architecture>('streaming', 'lambda'),
        async (first, rest, [, now], architecture) => {
          const driver = await TestDriver.open(sales(), { architecture, epochRows: 3 });
          await run(driver, first);
          await driver.restart(now);
          await run(driver, rest);
          expect(await contentOf(driver, now)).toEqual(await wholeOf(now, [...first, ...rest]));
        },
      ),
      { numRuns: 40 },
    );
  });
});

/** A store that dies behind so many commits. */
class DyingStore extends MemoryStore {
  commitsLeft = Infinity;

  override commit(batch: Batch): Promise<void> {
    if (this.commitsLeft-- <= 0) return Promise.reject(new Error('killed'));
    return super.commit(batch);
  }

  content(): string {
    return JSON.stringify(
      [...this.entries].map(([key, value]) => `${key}=${value.toString('latin1')}`).sort(),
    );
  }
}

async function opened(definition: Pipeline, architecture: Architecture) {
  const clock = new ManualClock();
  const store = new DyingStore();
  const data = {
    store,
    log: new MemoryLog(clock),
    rejected: new MemoryLog(clock),
    close: () => Promise.resolve(),
  };
  const driver = await TestDriver.open(definition, { architecture, data, clock });
  await run(driver, FIRST);
  return { driver, store };
}

describe('what is not', () => {
  it.for(NOT_KAPPA)('%s: is refused with what differs, and nothing is written', async (architecture) => {
    const { driver, store } = await opened(sales(), architecture);
    const before = store.content();
    for (const [now, where] of [
      [sales({ then: 'drop' }), 'source "sales", lateness, then: correct → drop'],
      [sales({ least: 3 }), 'view "hours", filter: none → gte(amount, 3)'],
      [sales({ views: ['hours'] }), 'view "shops": there → gone'],
      [sales({ needed: true }), 'source "sales", field "note": none → string'],
      [sales({ views: ['hours', 'most'] }), 'view "shops", group, column "most": none → max'],
    ] as const) {
      const error: unknown = await driver.restart(now).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'DEFINITION_CHANGED', exitCode: 2 });
      expect((error as Error).message).toContain(where);
      expect((error as Error).message).toContain('--rebuild');
    }
    expect(store.content()).toBe(before);
    await driver.restart(sales());
    await run(driver, REST);
    expect(await contentOf(driver, sales())).toEqual(await wholeOf(sales(), [...FIRST, ...REST]));
  });

  it.for(['streaming', 'micro-batch'] as const)(
    '%s: from now on, when that is asked for: an aggregate begins, a filter holds for what comes',
    async (architecture) => {
      const { driver } = await opened(sales({ then: 'drop' }), architecture);
      const before = await driver.rows('shops');
      const now = sales({ then: 'drop', views: ['hours', 'most'] });
      await driver.restart(now, { fromNowOn: true });
      expect(await driver.rows('shops')).toEqual(before.map((row) => ({ ...row, most: null })));
      await run(driver, [[300, 'a', 3]]);
      expect(await driver.rows('shops')).toEqual([
        { shop: 'a', sales: 4, different: 4, most: 3 },
        { shop: 'b', sales: 1, different: 1, most: null },
      ]);
      const filtered = sales({ then: 'drop', views: ['hours', 'most'], least: 5 });
      await driver.restart(filtered, { fromNowOn: true });
      await run(driver, [
        [300, 'b', 4],
        [301, 'b', 8],
      ]);
      expect((await driver.rows('shops'))[1]).toEqual({ shop: 'b', sales: 2, different: 2, most: 8 });
      await driver.restart(filtered);
      expect(driver.engine.arrangement.serving.progress.fromNowOn).toMatchObject([
        { position: 4, changes: [expect.stringContaining('"most"'), expect.stringContaining('"most"')] },
        { position: 5, changes: [expect.stringContaining('filter'), expect.stringContaining('filter')] },
      ]);
    },
  );

  it.for(['streaming', 'lambda', 'batch'] as const)(
    '%s: a view is dropped with all it has, when that is asked for',
    async (architecture) => {
      const { driver, store } = await opened(sales(), architecture);
      await driver.restart(sales({ views: ['hours'] }), { drop: ['shops'] });
      expect(store.content()).not.toContain('|shops|');
      await driver.restart(sales());
      expect(await contentOf(driver, sales())).toEqual(await wholeOf(sales(), FIRST));
    },
  );

  it.for(['streaming', 'lambda'] as const)(
    '%s: killed at each step of a takeover, either definition starts',
    async (architecture) => {
      const now = sales({ views: ['hours', 'shops', 'last', 'large'] });
      for (let steps = 0; ; steps++) {
        const { driver, store } = await opened(sales(), architecture);
        const before = store.content();
        store.commitsLeft = steps;
        const isKilled = await driver.restart(now).then(
          () => false,
          () => true,
        );
        if (steps === 0) expect(store.content()).toBe(before);
        store.commitsLeft = Infinity;
        const next = steps % 2 === 0 && isKilled ? sales() : now;
        await driver.restart(next, { drop: ['last', 'large'] });
        await run(driver, REST);
        expect(await contentOf(driver, next)).toEqual(await wholeOf(next, [...FIRST, ...REST]));
        if (!isKilled) break;
      }
    },
  );
});

describe('events of an earlier schema', () => {
  it.for(ARCHITECTURES)(
    '%s: a schema that cannot read the log is refused at start, also when all is computed again',
    async (architecture) => {
      const { driver, store } = await opened(sales(), architecture);
      const before = store.content();
      const now = sales({ needed: true });
      await expect(driver.restart(now, { rebuild: true })).rejects.toThrow(
        'source "sales", field "note": none → string (events in the log do not have it',
      );
      expect(store.content()).toBe(before);
      await driver.restart(now, { rebuild: true, fromNowOn: true });
      await driver.settle();
      expect(await driver.rejected()).toHaveLength(FIRST.length);
    },
  );

  it('stays known when a later one is wider', async () => {
    const { driver } = await opened(sales({ wide: true }), 'streaming');
    await driver.restart(sales({ wide: true, more: true }), { rebuild: true });
    await expect(driver.restart(sales({ more: true }), { rebuild: true })).rejects.toThrow(
      'field "amount": double, may be null → integer',
    );
  });
});

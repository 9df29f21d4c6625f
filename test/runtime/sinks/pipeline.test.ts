/** Sinks behind whole pipelines: every architecture, restarts, changes of the definition, trouble on the way. */
import * as fc from 'fast-check';
import { count, type Pipeline, pipeline, source, sum, tumbling } from 'pipeline-runtime';
import { ManualClock, TestDriver, type TestOptions } from 'pipeline-runtime/testing';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { failure } from '../../../runtime/src/base/errors.ts';
import { ARCHITECTURES } from '../../../runtime/src/config/project.ts';
import type { SinkConfig } from '../../../runtime/src/config/sinks.ts';
import { type Clock, systemClock } from '../../../runtime/src/ports/clock.ts';
import type { JsonRow } from '../../../runtime/src/host/host.ts';
import { MemoryLog } from '../../../runtime/src/log/memory-log.ts';
import { MemoryStore } from '../../../runtime/src/state/memory.ts';
import { Batch, type Store } from '../../../runtime/src/state/store.ts';
import { MemoryPlace, MemorySink } from '../../suites/memory-sink.ts';

const clicks = source('clicks', {
  schema: z.object({ at: z.iso.datetime(), user: z.string(), n: z.int() }),
  eventTime: 'at',
  watermark: { delay: '0s' },
  lateness: { allowed: '1h', then: 'correct' },
});

function definition(atLeast = 0): Pipeline {
  const wanted = clicks.filter((c) => c.n.gte(atLeast));
  return pipeline('clicks', {
    hours: wanted
      .groupBy((c) => ({ user: c.user, hour: tumbling(c.at, '1h') }))
      .aggregate((c) => ({ clicks: count(), n: sum(c.n) }))
      .updates(),
    closed: wanted
      .groupBy((c) => ({ hour: tumbling(c.at, '1h') }))
      .aggregate((c) => ({ clicks: count(), n: sum(c.n) }))
      .final(),
    users: wanted
      .groupBy((c) => ({ user: c.user }))
      .aggregate((c) => ({ clicks: count(), n: sum(c.n) }))
      .updates(),
    large: wanted.filter((c) => c.n.gte(50)).updates(),
  });
}

const VIEWS = ['hours', 'closed', 'users', 'large'] as const;

const config = (view: string): SinkConfig => ({
  view,
  name: `${view}_memory`,
  to: { kind: 'files', folder: view, format: 'jsonl', partition: undefined },
  every: 0,
  buffer: 1_000_000,
  giveUpAfter: 60_000,
});

/** Nobody waits long: what is tried again is tried again at once. */
const quickClock: Clock = {
  ...systemClock,
  sleep: (ms, signal) => (ms < 3_600_000 ? systemClock.turn() : systemClock.sleep(ms, signal)),
};

/** The sinks of a test and what is there. */
class Outside {
  readonly places = new Map(VIEWS.map((view) => [`${view}_memory`, new MemoryPlace()]));
  onDelivery: MemorySink['onDelivery'] = () => Promise.resolve();
  /** Of the definition that runs. */
  atLeast = 0;
  readonly #copies: Pick<MemoryPlace, 'marker' | 'rows'>[][] = [];

  remember(): void {
    this.#copies.push([...this.places.values()].map(({ marker, rows }) => ({ marker, rows })));
  }

  /** Every sink as it was some time ago, as a database that was restored is. */
  setBack(): void {
    const copies = this.#copies.at(-2) ?? [];
    for (const [index, place] of [...this.places.values()].entries())
      Object.assign(place, copies[index] ?? {});
  }

  makeSink = (of: SinkConfig): MemorySink => {
    const sink = new MemorySink(this.place(of.view));
    sink.onDelivery = (when, delivery) => this.onDelivery(when, delivery);
    return sink;
  };

  place(view: string): MemoryPlace {
    const place = this.places.get(`${view}_memory`);
    if (place === undefined) throw new Error(view);
    return place;
  }

  options(architecture: TestOptions['architecture'], views: readonly string[] = VIEWS): TestOptions {
    return {
      ...(architecture !== undefined && { architecture }),
      epochRows: 3,
      clock: quickClock,
      config: { sinks: views.map(config) },
      sinkPorts: { makeSink: this.makeSink },
    };
  }
}

const sorted = (rows: readonly JsonRow[]): string[] => rows.map((row) => JSON.stringify(row)).toSorted();

/** What readers see of each view, and what its sink has. */
async function both(driver: TestDriver, outside: Outside): Promise<[object, object]> {
  const seen: Record<string, string[]> = {};
  const there: Record<string, string[]> = {};
  for (const view of VIEWS) {
    seen[view] = sorted(await driver.rows(view));
    there[view] = sorted(outside.place(view).content());
  }
  return [seen, there];
}

const click = (user: string, hour: number, n: number): object => ({
  at: new Date(Date.UTC(2001, 0, 1, hour, n % 60)).toISOString(),
  user,
  n,
});

describe.each(ARCHITECTURES)('%s', (architecture) => {
  it(
    'delivers what readers see, after random changes, restarts and trouble',
    { timeout: 120_000 },
    async () => {
      const step = fc.oneof(
        {
          weight: 6,
          arbitrary: fc.array(fc.tuple(fc.nat(3), fc.nat(9), fc.nat(99)), { minLength: 1, maxLength: 9 }),
        },
        {
          weight: 3,
          arbitrary: fc.constantFrom(
            'restart',
            'rebuild',
            'lost answer',
            'down',
            'other',
            'backfill',
            'restored',
          ),
        },
      );
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 12 }), async (steps) => {
          const outside = new Outside();
          const driver = await TestDriver.open(definition(), outside.options(architecture));
          for (const each of steps) {
            if (Array.isArray(each)) {
              await driver.send(
                'clicks',
                each.map(([user, hour, n]) => click(`u${user}`, hour, n)),
              );
              // Some restarts find what no sink has heard of.
              if (each.length % 3 === 0) continue;
            } else await suffer(driver, outside, each, architecture);
            await driver.settle();
            {
              const [seen, there] = await both(driver, outside);
              expect(there).toEqual(seen);
            }
            outside.remember();
          }
          await driver.end();
          await driver.settle();
          {
            const [seen, there] = await both(driver, outside);
            expect(there).toEqual(seen);
          }
        }),
        { numRuns: 12 },
      );
    },
  );
});

async function suffer(
  driver: TestDriver,
  outside: Outside,
  what: string,
  architecture: string,
): Promise<void> {
  if (what === 'restart') await driver.restart(definition(outside.atLeast));
  else if (what === 'rebuild') {
    // Another definition has other rows.
    outside.atLeast = 40 - outside.atLeast;
    await driver.restart(definition(outside.atLeast), { rebuild: true });
  } else if (what === 'restored') outside.setBack();
  else if (what === 'lost answer' || what === 'down') {
    let left = 2;
    outside.onDelivery = (when) => {
      if (left === 0 || when !== (what === 'down' ? 'before' : 'after')) return Promise.resolve();
      left--;
      throw failure('SINK_UNAVAILABLE', { place: 'memory', reason: 'ECONNRESET' });
    };
  } else if (what === 'backfill' && (architecture === 'batch' || architecture === 'lambda'))
    await driver.engine.command('backfill', {});
  else if (what === 'other' && architecture === 'kappa') await moveVersions(driver);
  if (what === 'restored') await driver.restart(definition(outside.atLeast));
}

async function moveVersions(driver: TestDriver): Promise<void> {
  const versions = (await driver.engine.command('versions', {})) as { name: string; role: string }[];
  const other = versions.find(({ role }) => role !== 'live');
  if (other === undefined) {
    await driver.engine.command('replay', { plan: definition(30).plan });
    return;
  }
  await driver.engine.command(other.role === 'previous' ? 'rollback' : 'promote', {
    ...(other.role !== 'previous' && { version: other.name }),
  });
}

describe('kappa', () => {
  it('a version that is promoted replaces the content, one that is rolled back to as well', async () => {
    const outside = new Outside();
    const driver = await TestDriver.open(definition(), outside.options('kappa'));
    await driver.send('clicks', [click('a', 1, 10), click('a', 2, 60), click('b', 1, 70)]);
    await driver.settle();
    const before = sorted(outside.place('users').content());
    await driver.engine.command('replay', { plan: definition(30).plan });
    await driver.settle();
    expect(sorted(outside.place('users').content())).toEqual(before);
    await driver.engine.command('promote', { version: 'v2' });
    await driver.settle();
    {
      const [seen, there] = await both(driver, outside);
      expect(there).toEqual(seen);
    }
    expect(sorted(outside.place('users').content())).not.toEqual(before);
    await driver.engine.command('rollback', {});
    await driver.settle();
    expect(sorted(outside.place('users').content())).toEqual(before);
  });
});

describe('what a sink has is known', () => {
  it('a restart delivers nothing again; only what changed is sent', async () => {
    const outside = new Outside();
    const driver = await TestDriver.open(definition(), outside.options('streaming'));
    await driver.send('clicks', [click('a', 1, 60), click('b', 1, 70)]);
    await driver.settle();
    const deliveries = outside.place('users').deliveries;
    await driver.restart();
    await driver.settle();
    expect(outside.place('users').deliveries).toBe(deliveries);
    const seen: unknown[] = [];
    outside.onDelivery = async (when, delivery) => {
      const { layout, isWhole } = delivery;
      if (when === 'before' && layout.view.name === 'users')
        for await (const piece of delivery.changes()) seen.push([isWhole, piece.map(({ row }) => row)]);
    };
    await driver.send('clicks', [click('b', 1, 1)]);
    await driver.settle();
    expect(seen).toEqual([[false, [['b', 2, 71]]]]);
  });

  it('another architecture over the same log, a sink that is new, one that was away: all rows', async () => {
    const outside = new Outside();
    const driver = await TestDriver.open(definition(), outside.options('streaming', ['users']));
    await driver.send('clicks', [click('a', 1, 60)]);
    await driver.settle();
    await driver.restart(definition(), outside.options('lambda'));
    await driver.settle();
    {
      const [seen, there] = await both(driver, outside);
      expect(there).toEqual(seen);
    }
    await driver.restart(definition(), outside.options('lambda', []));
    await driver.send('clicks', [click('a', 2, 61), click('b', 1, 70)]);
    await driver.settle();
    expect(outside.place('users').content()).toHaveLength(1);
    await driver.restart(definition(), outside.options('lambda'));
    await driver.settle();
    {
      const [seen, there] = await both(driver, outside);
      expect(there).toEqual(seen);
    }
  });

  it('a power cut that took commits away which a sink has seen: all rows', async () => {
    // A user with one click shows; with two he does not.
    const single = pipeline('clicks', {
      users: clicks
        .groupBy((c) => ({ user: c.user }))
        .aggregate((c) => ({ clicks: count(), n: sum(c.n) }))
        .filter((u) => u.clicks.lt(2))
        .updates(),
    });
    const outside = new Outside();
    const log = new MemoryLog(quickClock);
    const open = (store: Store): Promise<TestDriver> => {
      const rejected = new MemoryLog(quickClock);
      const data = { log, rejected, store, close: () => Promise.resolve() };
      return TestDriver.open(single, { ...outside.options('streaming', ['users']), epochRows: 9, data });
    };
    const store = new MemoryStore();
    const driver = await open(store);
    await driver.send('clicks', [click('a', 1, 1)]);
    await driver.settle();
    const durable = await copyOf(store);
    await driver.send('clicks', [click('b', 1, 1)]);
    await driver.settle();
    expect(outside.place('users').content()).toHaveLength(2);
    // The log has both clicks of b: read at once, they show nothing that could be noted.
    const after = await open(durable);
    await after.send('clicks', [click('b', 1, 1)]);
    await after.settle();
    expect(sorted(outside.place('users').content())).toEqual(sorted(await after.rows('users')));
    expect(outside.place('users').content()).toHaveLength(1);
  });

  it('status says where each sink stands, and what it promises', async () => {
    const outside = new Outside();
    const driver = await TestDriver.open(definition(), outside.options('streaming', ['users']));
    await driver.send('clicks', [click('a', 1, 60), click('a', 1, 61)]);
    await driver.settle();
    const { sinks } = await driver.engine.status();
    expect(sinks).toMatchObject([
      {
        name: 'users_memory',
        view: 'users',
        guarantee: 'exactly-once',
        position: 2,
        lagEvents: 0,
        lagSeconds: 0,
        waitingBytes: 0,
        failures: 0,
        failing: false,
      },
    ]);
  });

  it('a sink of a view that is not there names the nearest', async () => {
    const outside = new Outside();
    const wrong = { ...outside.options('streaming'), config: { sinks: [{ ...config('userss') }] } };
    await expect(TestDriver.open(definition(), wrong)).rejects.toThrow('Did you mean "users"?');
  });
});

async function copyOf(store: Store): Promise<Store> {
  const copy = new MemoryStore();
  const batch = new Batch();
  for await (const { key, value } of store.scan({ gte: Buffer.alloc(0), lt: Buffer.from([0xff]) }))
    batch.put(key, value);
  await copy.commit(batch);
  return copy;
}

describe('a sink that is slow or away', () => {
  /** Runs a pipeline until a test has seen enough. */
  async function running(
    outside: Outside,
    sink: Partial<SinkConfig>,
    work: (driver: TestDriver, clock: ManualClock, failed: Promise<unknown>) => Promise<void>,
  ): Promise<void> {
    const clock = new ManualClock(Date.UTC(2001, 0, 1));
    const options = outside.options('streaming', ['users']);
    const driver = await TestDriver.open(definition(), {
      ...options,
      clock,
      config: { sinks: [{ ...config('users'), ...sink }] },
      epochRows: 1,
    });
    const stop = new AbortController();
    const ended = driver.engine.run(stop.signal).then(
      () => null,
      (error: unknown) => error,
    );
    try {
      await work(driver, clock, ended);
    } finally {
      stop.abort();
      await ended;
    }
  }

  const positionOf = async (driver: TestDriver): Promise<number> =>
    (await driver.engine.status()).epochs.committed;

  it('slows the source: epochs wait when more waits than the buffer holds', async () => {
    const outside = new Outside();
    let release: () => void = () => {};
    let held = 0;
    outside.onDelivery = (when) =>
      when === 'after'
        ? Promise.resolve()
        : new Promise((resolve) => {
            held++;
            release = resolve;
          });
    await running(outside, { buffer: 200 }, async (driver, clock) => {
      await driver.send(
        'clicks',
        Array.from({ length: 60 }, (_, n) => click(`user${n}`, 1, n)),
      );
      // Until nothing moves any more while the sink stands still.
      await clock.advance(60_000);
      const stuck = await positionOf(driver);
      expect(held).toBe(1);
      expect(stuck).toBeGreaterThan(0);
      expect(stuck).toBeLessThan(20);
      await clock.advance(600_000);
      expect(await positionOf(driver)).toBe(stuck);
      expect((await driver.engine.status()).sinks?.[0]?.waitingBytes).toBeLessThan(600);
      outside.onDelivery = () => Promise.resolve();
      release();
      await clock.advance(60_000);
      expect(await positionOf(driver)).toBe(60);
      expect(outside.place('users').content()).toHaveLength(60);
    });
  });

  it('is tried again while it is down, with its lag in the status, and catches up', async () => {
    const outside = new Outside();
    let isDown = true;
    let attempts = 0;
    outside.onDelivery = (when) => {
      if (when === 'before') attempts++;
      if (isDown) throw failure('SINK_UNAVAILABLE', { place: 'memory', reason: 'ECONNREFUSED' });
      return Promise.resolve();
    };
    await running(outside, { giveUpAfter: 3_600_000 }, async (driver, clock) => {
      await driver.send('clicks', [click('a', 1, 1), click('b', 1, 2)]);
      await clock.advance(300_000);
      const [sink] = (await driver.engine.status()).sinks ?? [];
      expect(sink).toMatchObject({ failing: true, lagEvents: 2 });
      expect(sink?.lastFailure).toContain('ECONNREFUSED');
      expect(sink?.lagSeconds).toBeGreaterThan(200);
      expect(sink?.failures).toBe(attempts);
      // It goes on computing, and asks ever less often.
      expect(await positionOf(driver)).toBe(2);
      expect(attempts).toBeGreaterThan(5);
      expect(attempts).toBeLessThan(40);
      isDown = false;
      await clock.advance(60_000);
      expect(outside.place('users').content()).toHaveLength(2);
      expect((await driver.engine.status()).sinks).toMatchObject([
        { failing: false, lagEvents: 0, lagSeconds: 0 },
      ]);
    });
  });

  it('that does not come back in time ends the pipeline with a coded error', async () => {
    const outside = new Outside();
    outside.onDelivery = () => {
      throw failure('SINK_UNAVAILABLE', { place: 'memory', reason: 'ECONNREFUSED' });
    };
    await running(outside, { giveUpAfter: 60_000 }, async (_, clock, ended) => {
      await clock.advance(200_000);
      expect(await ended).toMatchObject({ code: 'SINK_GIVEN_UP', exitCode: 1 });
    });
  });

  it('that refuses for good ends it at once', async () => {
    const outside = new Outside();
    outside.onDelivery = () => {
      throw failure('SINK_FAILED', { place: 'memory', reason: 'permission denied' });
    };
    await running(outside, {}, async (_, clock, ended) => {
      await clock.advance(1000);
      expect(await ended).toMatchObject({ code: 'SINK_FAILED' });
    });
  });
});

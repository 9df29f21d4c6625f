/** When a courier may go on from what a sink has, and when all rows must be sent again. Each was a loss that a simulated job found. */
import { count, pipeline, source, sum } from 'pipeline-runtime';
import { TestDriver } from 'pipeline-runtime/testing';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { failure } from '../../../runtime/src/base/errors.ts';
import type { SinkConfig } from '../../../runtime/src/config/sinks.ts';
import { MemoryLog } from '../../../runtime/src/log/memory-log.ts';
import { type Clock, systemClock } from '../../../runtime/src/ports/clock.ts';
import { MemoryStore } from '../../../runtime/src/state/memory.ts';
import { Batch, type Store } from '../../../runtime/src/state/store.ts';
import { MemoryPlace, MemorySink } from '../../suites/memory-sink.ts';

const clicks = source('clicks', {
  schema: z.object({ at: z.iso.datetime(), user: z.string(), n: z.int() }),
  eventTime: 'at',
  watermark: { delay: '0s' },
  lateness: { allowed: '1h', then: 'correct' },
});

const definition = pipeline('clicks', {
  users: clicks
    .groupBy((c) => ({ user: c.user }))
    .aggregate((c) => ({ clicks: count(), n: sum(c.n) }))
    .updates(),
});

const SINK: SinkConfig = {
  view: 'users',
  name: 'users',
  to: { kind: 'files', folder: 'users', format: 'jsonl', partition: undefined },
  every: 0,
  buffer: 1_000_000,
  giveUpAfter: 60_000,
};

const click = (user: string): object => ({ at: '2001-01-01T00:00:00.000Z', user, n: 1 });

async function copyOf(store: Store): Promise<MemoryStore> {
  const copy = new MemoryStore();
  const batch = new Batch();
  const all = { gte: Buffer.alloc(0), lt: Buffer.alloc(1, 0xff) };
  for await (const { key, value } of store.scan(all)) batch.put(key, value);
  await copy.commit(batch);
  return copy;
}

/** One log and one place outside, through processes that come one after the other with some store. */
class World {
  readonly place = new MemoryPlace();
  readonly #log = new MemoryLog(systemClock);
  #generation = 0;
  clock: Clock = systemClock;

  open(store: Store, onDelivery: MemorySink['onDelivery'], shape = 'rows'): Promise<TestDriver> {
    const owner = {
      generation: ++this.#generation,
      data: 'these',
      parents: [],
      lost: new Promise<never>(() => {}),
      check: () => Promise.resolve(),
      close: () => Promise.resolve(),
    };
    const rejected = new MemoryLog(systemClock);
    const data = { log: this.#log, rejected, store, owner, close: () => Promise.resolve() };
    const makeSink = (): MemorySink => Object.assign(new MemorySink(this.place, shape), { onDelivery });
    return TestDriver.open(definition, {
      architecture: 'streaming',
      clock: this.clock,
      config: { sinks: [SINK] },
      sinkPorts: { makeSink },
      data,
    });
  }
}

const nothing = (): Promise<void> => Promise.resolve();

test('a process died after a delivery with other settings and before it noted it: all rows', async () => {
  const world = new World();
  const store = new MemoryStore();
  const first = await world.open(store, nothing);
  await first.send('clicks', [click('a')]);
  await first.settle();
  let atDeath = new MemoryStore();
  const other = await world.open(
    store,
    async (when) => {
      if (when === 'after') atDeath = await copyOf(store);
    },
    'columns',
  );
  await other.settle();
  const whole: boolean[] = [];
  const again = await world.open(atDeath, async (when, { isWhole }) => {
    if (when === 'before') whole.push(isWhole);
  });
  await again.send('clicks', [click('b')]);
  await again.settle();
  expect(whole[0]).toBe(true);
});

test('a sink was set back, and claimed by a process that died before it noted that: all rows', async () => {
  const world = new World();
  const { place } = world;
  const store = new MemoryStore();
  const driver = await world.open(store, nothing);
  const users = ['a', 'b', 'c'];
  const copies = [];
  for (const user of users) {
    await driver.send('clicks', [click(user)]);
    await driver.settle();
    const { marker, rows } = place;
    copies.push({ marker, rows });
  }
  const atDeath = await copyOf(store);
  // Two deliveries ago: as far back as a claim goes forward.
  Object.assign(place, copies[0]);
  const died = await world.open(store, () => Promise.reject(new Error('dies')));
  await expect(died.settle()).rejects.toThrow('dies');
  expect(place.marker?.sequence).toBe(copies[2]?.marker?.sequence);
  const after = await world.open(atDeath, nothing);
  await after.settle();
  expect(place.content().map(({ user }) => user)).toEqual(users);
});

test('a sink is not given up because the wall clock was set', async () => {
  const world = new World();
  let aheadMs = 0;
  world.clock = {
    ...systemClock,
    nowMs: () => systemClock.nowMs() + aheadMs,
    sleep: (ms, signal) => (ms < 60_000 ? systemClock.turn() : systemClock.sleep(ms, signal)),
  };
  const driver = await world.open(new MemoryStore(), async (when) => {
    if (when === 'after' || aheadMs > 0) return;
    aheadMs = 31_536_000_000;
    throw failure('SINK_UNAVAILABLE', { place: 'memory', reason: 'ECONNRESET' });
  });
  await driver.send('clicks', [click('a')]);
  await driver.settle();
  expect(world.place.content()).toHaveLength(1);
});

/** Remembers what it held after each commit. */
class RememberingStore extends MemoryStore {
  readonly copies: MemoryStore[] = [];

  override async commit(batch: Batch): Promise<void> {
    await super.commit(batch);
    this.copies.push(await copyOf(this));
  }
}

test('whatever commit is the last that is left, and whichever content of the sink somebody restores: no row is lost', async () => {
  const world = new World();
  const { place } = world;
  const store = new RememberingStore();
  const contents: Pick<MemoryPlace, 'marker' | 'rows'>[] = [];
  const remember: MemorySink['onDelivery'] = (when) => {
    if (when === 'after') contents.push({ marker: place.marker, rows: place.rows });
    return Promise.resolve();
  };
  const users = ['a', 'b', 'c', 'd'];
  for (const two of [users.slice(0, 2), users.slice(2)]) {
    const driver = await world.open(store, remember);
    for (const user of two) {
      await driver.send('clicks', [click(user)]);
      await driver.settle();
    }
  }
  expect(store.copies.length).toBeGreaterThan(10);
  for (const [index, left] of store.copies.entries())
    for (const content of contents) {
      Object.assign(place, content);
      const after = await world.open(await copyOf(left), nothing);
      await after.settle();
      const found = place.content().map(({ user }) => user);
      expect(found, `commit ${index}, sequence ${content.marker?.sequence}`).toEqual(users);
    }
});

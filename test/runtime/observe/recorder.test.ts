/** What a pipeline notes of each day: counted once, added to after a restart, lost without harm. */
import { ManualClock, TestDriver } from 'pipeline-runtime/testing';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultConfig } from '../../../runtime/src/config/project.ts';
import { openDataFolder } from '../../../runtime/src/engine/data-folder.ts';
import { Engine } from '../../../runtime/src/engine/engine.ts';
import { BinCounter, quantileOf, shareWithin } from '../../../runtime/src/observe/bins.ts';
import { readDays } from '../../../runtime/src/observe/days.ts';
import { MemoryStore } from '../../../runtime/src/state/memory.ts';
import { SimDisk } from '../../suites/sim-disk.ts';
import { sale, sales } from '../architectures/sample.ts';

const PLACE = '/data/observed';
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** One machine: what survives a restart is its disk, its store and its clock. */
class Machine {
  readonly disk = new SimDisk();
  readonly clock = new ManualClock(Date.UTC(2026, 10, 30, 23, 0));
  readonly store = new MemoryStore();

  async start(options: { readonly rebuild?: boolean } = {}) {
    // A store that is closed and opened again, which the memory of a test has no need of.
    const store = Object.assign(Object.create(this.store) as MemoryStore, {
      close: () => Promise.resolve(),
    });
    const data = await openDataFolder('/data', this.clock, this.disk, {
      openStore: () => Promise.resolve(store),
    });
    const config = defaultConfig('streaming', { freshness: 5000 });
    const { plan } = sales('correct');
    const engine = await Engine.open({ plan, config, data, clock: this.clock, ...options });
    const send = async (...events: readonly object[]): Promise<void> => {
      const lines = Buffer.from(events.map((event) => `${JSON.stringify(event)}\n`).join(''));
      await engine.ingest(
        'sales',
        (async function* () {
          yield await Promise.resolve(lines);
        })(),
      );
    };
    return { engine, send };
  }

  days() {
    return readDays({ disk: this.disk, folder: PLACE });
  }
}

describe('bins', () => {
  it('a quantile is at most two per cent too high, and never too low', () => {
    const ms = fc.double({ min: 1, max: 1e9, noNaN: true });
    fc.assert(
      fc.property(
        fc.array(ms, { minLength: 1, maxLength: 50 }),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        (all, share) => {
          const counter = new BinCounter();
          for (const each of all) counter.add(each, 1);
          const exact = all.toSorted((a, b) => a - b)[Math.ceil(share * all.length - 1e-9) - 1] ?? 0;
          const found = quantileOf(counter.bins, share) ?? 0;
          expect(found).toBeGreaterThanOrEqual(exact * (1 - 1e-9));
          expect(found).toBeLessThanOrEqual(exact * 1.02 * (1 + 1e-9));
        },
      ),
    );
  });

  it('nothing has no quantile; below a millisecond is none', () => {
    expect(quantileOf([], 0.5)).toBeNull();
    expect(shareWithin([], 1)).toBeNull();
    const counter = new BinCounter();
    counter.add(0.2, 3);
    counter.add(100, 1);
    expect(quantileOf(counter.bins, 0.5)).toBe(0);
    expect(shareWithin(counter.bins, 50)).toBe(0.75);
    expect(shareWithin(counter.bins, 100)).toBe(1);
  });
});

describe('the days of a pipeline', () => {
  it('have what was appended on them, how long it took to be visible, how far it was behind, and what was late', async () => {
    const machine = new Machine();
    const { engine, send } = await machine.start();
    await send(sale('a', '10:00', 1), sale('a', '10:30', 1), sale('a', '10:10', 1));
    await machine.clock.advance(2000);
    await engine.settle();
    // The hour is over, so this one is late.
    await send(sale('a', '12:00', 1), sale('a', '10:20', 1));
    await engine.settle();
    await machine.clock.advance(2 * 60 * MINUTE_MS);
    await send(sale('a', '12:30', 1));
    await engine.settle();
    await engine.close();
    const { days, unreadable } = await machine.days();
    expect(unreadable).toEqual([]);
    expect(days.map(({ day, events, late }) => [day, events, late])).toEqual([
      ['2026-11-30', 5, 0],
      ['2026-12-01', 1, 1],
    ]);
    const [first] = days;
    expect(first).toMatchObject({ architecture: 'streaming', slaSeconds: 5, sampled: { events: 5 } });
    expect(quantileOf(first?.visibleMs ?? [], 0.5)).toBeCloseTo(2000, -2);
    // 12:00 is newest when 10:20 comes; 10:30 when 10:10 does.
    expect(quantileOf(first?.behindMs ?? [], 0.6)).toBe(0);
    expect(quantileOf(first?.behindMs ?? [], 0.8)).toBeCloseTo(20 * MINUTE_MS, -5);
    expect((quantileOf(first?.behindMs ?? [], 1) ?? 0) / (100 * MINUTE_MS)).toBeCloseTo(1, 1);
  });

  it('are added to after a restart, and are not counted again by a rebuild', async () => {
    const machine = new Machine();
    const first = await machine.start();
    await first.send(sale('a', '10:00', 1));
    await first.engine.settle();
    await first.engine.close();
    const second = await machine.start();
    await second.send(sale('a', '10:01', 1), sale('a', '10:02', 1));
    await second.engine.settle();
    await second.engine.close();
    expect((await machine.days()).days.map(({ events }) => events)).toEqual([3]);
    await machine.clock.advance(DAY_MS);
    const third = await machine.start({ rebuild: true });
    await third.engine.settle();
    await third.send(sale('a', '10:03', 1));
    await third.engine.settle();
    await third.engine.close();
    const { days } = await machine.days();
    expect(days.map(({ day, events }) => [day, events])).toEqual([
      ['2026-11-30', 3],
      ['2026-12-01', 1],
    ]);
    for (const { visibleMs } of days) expect(quantileOf(visibleMs, 1)).toBe(0);
  });

  it('are written while the pipeline runs, a minute after the last time', async () => {
    const machine = new Machine();
    const { engine, send } = await machine.start();
    await send(sale('a', '10:00', 1));
    await engine.settle();
    expect((await machine.days()).days).toEqual([]);
    await machine.clock.advance(MINUTE_MS);
    await send(sale('a', '10:01', 1));
    await engine.settle();
    await expect.poll(async () => (await machine.days()).days.map(({ events }) => events)).toEqual([2]);
    await engine.close();
  });

  it('of a log of many blocks are a sample', async () => {
    const machine = new Machine();
    const { engine, send } = await machine.start();
    for (let minute = 10; minute < 60; minute++) await send(sale('a', `10:${minute}`, 1));
    for (let minute = 10; minute < 60; minute++) await send(sale('a', `11:${minute}`, 1));
    await engine.settle();
    await engine.close();
    const [day] = (await machine.days()).days;
    expect(day?.events).toBe(100);
    expect(day?.sampled.events).toBeGreaterThan(10);
    expect(day?.sampled.events).toBeLessThanOrEqual(32);
    expect((day?.sampled.bytes ?? 0) / (day?.sampled.events ?? 1)).toBe(51);
  });

  it('that cannot be read are told and begun anew; that cannot be written are left out', async () => {
    const machine = new Machine();
    const first = await machine.start();
    await first.send(sale('a', '10:00', 1));
    await first.engine.settle();
    await first.engine.close();
    const file = await machine.disk.open(`${PLACE}/2026-11-30.json`, { create: false });
    await file.write(Buffer.from('{"version":1,"day":7'), 0);
    await file.close();
    expect(await machine.days()).toEqual({ days: [], unreadable: [`${PLACE}/2026-11-30.json`] });
    const second = await machine.start();
    await second.send(sale('a', '10:01', 1));
    await second.engine.settle();
    await second.engine.close();
    expect((await machine.days()).days.map(({ events }) => events)).toEqual([1]);
    const third = await machine.start();
    await third.send(sale('a', '10:02', 1));
    await third.engine.settle();
    machine.disk.fault = { at: 1, code: 'EIO', only: ['write'] };
    await third.engine.close();
    expect((await machine.days()).days.map(({ events }) => events)).toEqual([1]);
  });
});

it('a test driver, whose data is in memory, notes nothing', async () => {
  const driver = await TestDriver.open(sales());
  await driver.send('sales', [sale('a', '10:00', 1)]);
  await driver.settle();
  expect(driver.engine.data.observed).toBeUndefined();
});

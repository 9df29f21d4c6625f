/**
 * Wall clocks are set: by two hours when somebody corrects them, by years when a battery is empty. What waits waits by the
 * time that passes, so nothing stands still for as long as a clock went back, and nobody falls asleep because it went on.
 */
import { ManualClock, TestDriver, type TestOptions } from 'pipeline-runtime/testing';
import process from 'node:process';
import { afterEach, describe, expect, it } from 'vitest';
import { ARCHITECTURES, type Architecture, defaultConfig } from '../../runtime/src/config/project.ts';
import { sale, sales, short } from '../runtime/architectures/sample.ts';

const HOUR_MS = 3_600_000;
const YEARS_MS = 3 * 365 * 24 * HOUR_MS;

/** A clock whose hands are moved while time passes as ever. */
class SetClock extends ManualClock {
  movedMs = 0;

  override nowMs(): number {
    return super.nowMs() + this.movedMs;
  }

  elapsedMs(): number {
    return super.nowMs();
  }
}

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function running(
  architecture: Architecture,
  options: TestOptions & { readonly startMs?: number; readonly everyMs?: number } = {},
) {
  const { startMs = Date.UTC(2001, 0, 2), everyMs = 60_000 } = options;
  const clock = new SetClock(startMs);
  const base = defaultConfig(architecture);
  const config = {
    ...base,
    trigger: { ...base.trigger, every: everyMs },
    corrections: { every: HOUR_MS },
    batch: { every: 4 * HOUR_MS, partition: 24 * HOUR_MS },
  };
  const driver = await TestDriver.open(sales(), { architecture, clock, config, ...options });
  const controller = new AbortController();
  const work = driver.engine.run(controller.signal);
  stops.push(async () => {
    controller.abort();
    await clock.advance(0);
    await work;
  });
  await clock.advance(1);
  return { clock, driver };
}

describe.each([
  ['back by two hours', -2 * HOUR_MS],
  ['on by three years', YEARS_MS],
  ['back by three years', -YEARS_MS],
])('a clock that is set %s', (_, movedMs) => {
  it.for(ARCHITECTURES)('%s shows what comes no later than before', async (architecture) => {
    const { clock, driver } = await running(architecture);
    await driver.send('sales', [sale('a', '10:00', 1)]);
    clock.movedMs += movedMs;
    await clock.advance(4 * HOUR_MS + 60_000);
    expect(short(await driver.rows('perHour'))).toEqual(['a 10h: 1 sales, 1']);
  });

  it.for(['streaming', 'kappa', 'micro-batch'] as const)(
    '%s corrects no later than before',
    async (architecture) => {
      const { clock, driver } = await running(architecture);
      await driver.send('sales', [sale('a', '10:00', 1), sale('a', '11:00', 1), sale('a', '10:30', 5)]);
      await clock.advance(60_000);
      clock.movedMs += movedMs;
      await clock.advance(HOUR_MS);
      expect(short(await driver.rows('perHour'))).toEqual(['a 10h: 2 sales, 6', 'a 11h: 1 sales, 1']);
    },
  );
});

describe('a clock that was years ahead, and is right again', () => {
  it.for(['batch', 'lambda'] as const)('%s runs on its schedule', async (architecture) => {
    const { clock, driver } = await running(architecture);
    clock.movedMs = YEARS_MS;
    await clock.advance(4 * HOUR_MS);
    clock.movedMs = 0;
    await clock.advance(4 * HOUR_MS);
    const runs = (await driver.engine.status()).corrections.runs;
    await clock.advance(8 * HOUR_MS);
    expect((await driver.engine.status()).corrections.runs - runs).toBe(2);
  });
});

describe('a run that was noted years ahead', () => {
  it.for(['batch', 'lambda'] as const)(
    '%s: after a restart the next one comes on its schedule',
    async (name) => {
      const clock = new SetClock();
      clock.movedMs = YEARS_MS;
      const config = { ...defaultConfig(name), batch: { every: 4 * HOUR_MS, partition: 24 * HOUR_MS } };
      const driver = await TestDriver.open(sales(), { architecture: name, clock, config });
      await driver.send('sales', [sale('a', '10:00', 1)]);
      await driver.settle();
      clock.movedMs = 0;
      await driver.restart();
      const stop = new AbortController();
      const work = driver.engine.run(stop.signal);
      await clock.advance(4 * HOUR_MS + 1);
      expect((await driver.engine.status()).corrections.runs).toBe(2);
      stop.abort();
      await clock.advance(0);
      await work;
    },
  );
});

describe('a clock that moves on while time does not', () => {
  it('puts no partition to sleep', async () => {
    const { clock, driver } = await running('streaming', { partitions: 2, everyMs: 100 });
    const events = Array.from({ length: 8 }, (_, amount) => sale('a', '10:00', amount));
    await driver.send('sales', events);
    await clock.advance(1_000);
    await driver.send('sales', events.slice(0, 1));
    clock.movedMs = YEARS_MS;
    await clock.advance(5_000);
    const { partitions } = (await driver.engine.status()).sources[0] ?? { partitions: [] };
    expect(partitions.map(({ idle }) => idle)).toEqual([false, false]);
  });

  it('a clock that is set every second makes no run more', async () => {
    const { clock, driver } = await running('batch');
    for (let second = 0; second < 60; second++) {
      clock.movedMs = second % 2 === 0 ? 0 : 1_000;
      await clock.advance(1_000);
    }
    expect((await driver.engine.status()).corrections.runs).toBe(1);
  });
});

describe('summer time', () => {
  const zone = process.env['TZ'];
  afterEach(() => {
    if (zone === undefined) delete process.env['TZ'];
    else process.env['TZ'] = zone;
  });

  // Each begins at 0:00 UTC of a day in which the clocks of the zone are changed: a gap, then a fold.
  it.for([
    ['Europe/Berlin', Date.UTC(2001, 2, 25), Date.UTC(2001, 9, 28)],
    ['America/New_York', Date.UTC(2001, 3, 1), Date.UTC(2001, 9, 28)],
    ['Australia/Lord_Howe', Date.UTC(2001, 9, 27), Date.UTC(2001, 2, 24)],
  ] as const)(
    '%s: intervals are of time that passes, so a day of a change has as many runs',
    async ([name, ...days]) => {
      process.env['TZ'] = name;
      for (const day of days) {
        const offsets = [0, 24].map((hour) => new Date(day + hour * HOUR_MS).getTimezoneOffset());
        expect(offsets[0], 'the clocks are changed').not.toBe(offsets[1]);
        const { clock, driver } = await running('batch', { startMs: day });
        const before = (await driver.engine.status()).corrections.runs;
        await clock.advance(24 * HOUR_MS);
        expect((await driver.engine.status()).corrections.runs - before).toBe(6);
      }
    },
  );
});

/** What a simulated pipeline stands on: its clock, its store, what counts its reads, what draws its events, its costs. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { MemoryLog } from '../../../runtime/src/log/memory-log.ts';
import { systemClock } from '../../../runtime/src/ports/clock.ts';
import { Ages } from '../../../runtime/src/prove/ages.ts';
import { COSTS } from '../../../runtime/src/prove/costs.ts';
import { OrderedStore } from '../../../runtime/src/prove/ordered-store.ts';
import { ReadMeter } from '../../../runtime/src/prove/read-meter.ts';
import { Sight } from '../../../runtime/src/prove/sight.ts';
import { VirtualClock } from '../../../runtime/src/prove/virtual-clock.ts';
import {
  busiest,
  type Description,
  drawStretches,
  drawWorkload,
  thinned,
  within,
  type Workload,
} from '../../../runtime/src/prove/workload.ts';
import { batch, storeSuite } from '../../suites/store.suite.ts';

storeSuite('the store of a simulated pipeline', () => Promise.resolve(new OrderedStore()));

test('the store knows how many bytes lie under each kind of key', async () => {
  const store = new OrderedStore();
  await store.commit(batch('v|a=123', 'v|b=1', 's|a=1', 'v|a=12', '-v|b'));
  expect([store.bytesOf('v'), store.bytesOf('s'), store.bytesOf('l')]).toEqual([5, 4, 0]);
  const keys = Array.from({ length: 3000 }, (_, index) => `v|${(index * 7919) % 3000}=`);
  await store.commit(batch('-v..w', ...keys));
  await store.commit(batch('-v|1..v|2'));
  let found = 0;
  for await (const { key } of store.scan({ gte: Buffer.from('v'), lt: Buffer.from('w') }))
    found += key.length > 0 ? 1 : 0;
  expect(found).toBe(3000 - 1111);
});

describe('the virtual clock', () => {
  test('sleepers wake in the order of their times, and time is theirs', async () => {
    const clock = new VirtualClock(1000);
    const woken: [string, number][] = [];
    const sleeper = async (name: string, ms: number): Promise<void> => {
      await clock.sleep(ms);
      woken.push([name, clock.exactMs]);
    };
    await clock.run(
      Promise.all([sleeper('c', 30), sleeper('a', 10.5), sleeper('b', 10.5), sleeper('day', 86_400_000)]),
    );
    expect(woken).toEqual([
      ['a', 1010.5],
      ['b', 1010.5],
      ['c', 1030],
      ['day', 86_401_000],
    ]);
    expect(clock.nowMs()).toBe(86_401_000);
  });

  test('a signal wakes a sleeper at once, and for ever is only until then', async () => {
    const clock = new VirtualClock(0);
    const stop = new AbortController();
    const slept = clock.sleep(Infinity, stop.signal);
    await clock.run(clock.sleep(5).then(() => stop.abort()));
    await clock.run(slept);
    expect(clock.nowMs()).toBe(5);
  });
});

describe('ages of what readers see', () => {
  test('grow from when the first event arrived that is not shown, and are zero while nothing is missing', () => {
    const ages = new Ages(Float64Array.of(10, 20, 60), [[0, 100]]);
    // 0–10 nothing is missing; 10–30 the age grows from 0 to 20.
    ages.commit(30, 1);
    // 30–40: from when the second event arrived, 10 to 20; then nothing is missing until 60.
    ages.commit(40, 2);
    ages.commit(100, 3);
    // Zero for 30 of 100 ms: 10 and 40–60. Ages 0–20, 10–20, 0–40.
    expect(ages.quantiles([0.3, 0.5, 0.8, 0.99])).toEqual([0, 10, 20, 39]);
    const curve = ages.curve();
    expect(curve.at(-1)).toMatchObject({ atSeconds: 0.1, maxSeconds: 0.04 });
    expect(curve.reduce((sum, { meanSeconds }) => sum + meanSeconds, 0) / curve.length).toBeCloseTo(
      (200 + 150 + 800) / 100 / 1000,
    );
  });

  test('a run at every interval gives an interval at most, and half of it as a rule', () => {
    const ages = new Ages(
      Float64Array.from({ length: 1001 }, (_, index) => index),
      [[0, 1000]],
    );
    for (let atMs = 100; atMs <= 1000; atMs += 100) ages.commit(atMs, atMs);
    const [half = 0, most = 0] = ages.quantiles([0.5, 0.99]);
    expect(half).toBeCloseTo(50);
    expect(most).toBeCloseTo(99);
  });
});

test('of a time that nobody looks at nothing is counted', () => {
  const ages = new Ages(Float64Array.of(10, 20, 60), [
    [20, 30],
    [50, 80],
  ]);
  ages.commit(25, 1);
  ages.commit(40, 2);
  ages.commit(100, 3);
  // 20–25 the first is missing, 10 to 15 old; 25–30 the second, 5 to 10 old; 50–60 nothing; 60–80 the third, 0 to 20 old.
  expect(ages.quantiles([0.25, 0.5, 1])).toEqual([0, 7.5, 20]);
});

describe('what readers see of each event', () => {
  const HOUR = 3_600_000;
  const computation = {
    windowMs: HOUR,
    watermarkDelayMs: 0,
    allowedLatenessMs: 0,
    policy: 'correct',
    distinct: false,
  } as const;
  // The third comes when its window is over.
  const eventMs = Float64Array.of(0.5 * HOUR, 1.5 * HOUR, 0.75 * HOUR);
  const workload = { eventMs, arrivalMs: eventMs, keys: new Uint32Array(3), bytesPerEvent: 1 };
  const sentAtMs = Float64Array.of(0.5 * HOUR, 1.5 * HOUR, 1.6 * HOUR);

  test('is there from the commit that read it on; what was late from the correction on', () => {
    const sight = new Sight(workload, computation, sentAtMs);
    expect(sight.late).toBe(1);
    sight.commit(0.6 * HOUR, 1);
    sight.commit(1.7 * HOUR, 3);
    expect(sight.seen).toBe(2);
    sight.correct(2 * HOUR, 3);
    expect(sight.seen).toBe(3);
    const { correctionDelaysMs, read } = sight.figures(HOUR, 0);
    expect(correctionDelaysMs).toEqual([0.4 * HOUR]);
    // Of the hours that an event may fall into, those that end after it was seen: 0.9, 0.8 and none of them.
    expect(read).toBeCloseTo((0.9 + 0.8 + 0) / 3);
    expect(sight.figures(HOUR, 2 * HOUR).read).toBe(1);
  });

  test('is never there when late events are not taken', () => {
    const sight = new Sight(workload, { ...computation, policy: 'drop' }, sentAtMs);
    sight.commit(3 * HOUR, 3);
    expect(sight.figures(HOUR, 24 * HOUR).read).toBeCloseTo(2 / 3);
  });
});

test('what is read of a log is counted once for each time that it is read, also by who stops within a block', async () => {
  const log = new MemoryLog(systemClock);
  const records = Array.from({ length: 10 }, () => '{}');
  for (let block = 0; block < 3; block++)
    await log.append({ kind: 'events', source: 'a', partition: 0, records });
  const meter = new ReadMeter(log);
  const read = async (from: number, to: number): Promise<void> => {
    for await (const block of log.read(from)) if (block.position + block.count >= to) break;
  };
  await read(0, 15);
  await read(15, 30);
  expect([meter.first, meter.again]).toEqual([30, 0]);
  await read(10, 20);
  expect([meter.first, meter.again]).toEqual([30, 10]);
  meter.beginAnew();
  await read(0, 30);
  expect([meter.first, meter.again, meter.events]).toEqual([60, 10, 70]);
});

const GIVEN: Description = {
  startMs: Date.UTC(2001, 0, 1),
  lengthMs: 86_400_000,
  eventsPerSecond: 0.5,
  arrival: 'continuous',
  arrivalEveryMs: 0,
  typicalMs: 2000,
  latestMs: 600_000,
  keys: 50,
  bytesPerEvent: 100,
};

function delaysOf({ arrivalMs, eventMs }: Workload): number[] {
  return Array.from(arrivalMs, (atMs, index) => atMs - (eventMs[index] as number)).sort((a, b) => a - b);
}

describe('events that are drawn', () => {
  test('the same seed draws the same, another one another', () => {
    const [one, same, other] = [1, 1, 2].map((seed) => drawWorkload(GIVEN, seed));
    expect(one).toEqual(same);
    expect(one).not.toEqual(other);
  });

  test('have the rate, the delays and the keys that were asked for, in the order of arrival', () => {
    const workload = drawWorkload(GIVEN, 3);
    const delays = delaysOf(workload);
    expect(delays.length).toBe(43_200);
    const at = (share: number): number => delays[Math.floor(share * delays.length)] as number;
    expect(at(0.5) / GIVEN.typicalMs).toBeCloseTo(1, 1);
    expect(at(0.999) / GIVEN.latestMs).toBeGreaterThan(0.75);
    expect(at(0.999) / GIVEN.latestMs).toBeLessThan(1.35);
    expect(new Set(workload.keys).size).toBe(50);
    expect(
      workload.arrivalMs.every((atMs, index) => index === 0 || atMs >= (workload.arrivalMs[index - 1] ?? 0)),
    ).toBe(true);
  });

  test('come in bursts of four times the mean, or when files are dropped', () => {
    const inBurst = (timeMs: number): boolean => (timeMs - GIVEN.startMs) % 3_708_000 < 370_800;
    const bursty = drawWorkload({ ...GIVEN, arrival: 'bursty' }, 1);
    expect(bursty.arrivalMs.filter(inBurst).length / bursty.arrivalMs.length).toBeCloseTo(0.4, 2);
    const lateNow = drawWorkload({ ...GIVEN, arrival: 'bursty', typicalMs: 600_000, latestMs: 7_200_000 }, 1);
    expect(lateNow.arrivalMs.filter(inBurst).length / lateNow.arrivalMs.length).toBeCloseTo(0.4, 2);
    const files = drawWorkload({ ...GIVEN, arrival: 'files', arrivalEveryMs: 3_600_000 }, 1);
    expect(files.arrivalMs.every((atMs) => atMs % 3_600_000 === 0)).toBe(true);
  });

  test('are thinned by keys, each with all of its events; of one key by events', () => {
    const workload = drawWorkload({ ...GIVEN, keys: 1000 }, 1);
    const thin = thinned(workload, 10);
    const kept = new Set(thin.keys);
    expect(kept.size).toBeGreaterThan(70);
    expect(kept.size).toBeLessThan(130);
    expect(thin.keys.length).toBe(workload.keys.filter((key) => kept.has(key)).length);
    const one = thinned(drawWorkload({ ...GIVEN, keys: 1 }, 1), 10);
    expect(one.keys.length / 4320).toBeCloseTo(1, 1);
  });

  test('are cut where most of them arrive', () => {
    const arrivalMs = Float64Array.of(0, 10, 20, 100, 101, 102, 103, 200);
    const workload = { arrivalMs, eventMs: arrivalMs, keys: new Uint32Array(8), bytesPerEvent: 1 };
    const cut = (most: number): number[] => [...within(workload, [busiest(workload, 5, most)]).arrivalMs];
    expect(cut(100)).toEqual([100, 101, 102, 103]);
    expect(cut(2)).toEqual([100, 101]);
    const parts = within(workload, [
      [5, 21],
      [102, 200],
    ]);
    expect([...parts.arrivalMs]).toEqual([10, 20, 102, 103]);
  });

  test('of stretches come at the full rate of each, whatever is on its way, in their order', () => {
    const stretches = Array.from(
      { length: 24 },
      (_, hour) => [hour * 3_600_000, hour * 3_600_000 + 600_000] as const,
    );
    const given = { ...GIVEN, startMs: 0, typicalMs: 600_000, latestMs: 36_000_000 };
    const { arrivalMs, eventMs } = drawStretches(given, stretches, 1);
    const inHour = (hour: number): number =>
      arrivalMs.filter((atMs) => Math.floor(atMs / 3_600_000) === hour).length;
    expect(arrivalMs.length / (24 * 600 * 0.5)).toBeCloseTo(1, 1);
    // Three times as much at noon as at midnight.
    expect((inHour(11) + inHour(12)) / (inHour(0) + inHour(23))).toBeGreaterThan(2);
    expect(arrivalMs.every((atMs, index) => index === 0 || atMs >= (arrivalMs[index - 1] ?? 0))).toBe(true);
    expect(arrivalMs.every((atMs, index) => atMs > (eventMs[index] ?? 0))).toBe(true);
    const gaps = Array.from(arrivalMs.slice(1), (atMs, index) => atMs - (arrivalMs[index] ?? 0)).filter(
      (gap) => gap < 60_000,
    );
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
    // By chance: the gaps are as different as they are long.
    const spread = Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length);
    expect(spread / mean).toBeGreaterThan(0.8);
  });
});

test('what work costs is what was measured, to two digits', () => {
  const results = (file: string): unknown =>
    JSON.parse(
      readFileSync(join(import.meta.dirname, '..', '..', '..', 'bench', 'results', `${file}.json`), 'utf8'),
    );
  const { costs } = results('costs') as { costs: Record<string, number> };
  const { runs } = results('log') as { runs: { every: string; senders: number; p50Ms: number }[] };
  const few = runs.find(({ every, senders }) => every === '0s' && senders === 4);
  const measured = { ...costs, syncUs: 1000 * (few?.p50Ms ?? NaN) };
  const rounded = Object.entries(measured).map(([name, us]) => [name, Number(us.toPrecision(2))] as const);
  expect(COSTS).toEqual(Object.fromEntries(rounded));
});

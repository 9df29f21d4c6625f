/** A whole pipeline in virtual time: the law, the same figures again, figures that can be worked out by hand. */
import { beforeAll, describe, expect, test } from 'vitest';
import { ARCHITECTURES, type Architecture } from '../../../runtime/src/config/project.ts';
import type { Computation } from '../../../runtime/src/prove/definition.ts';
import { type Simulated, simulate, type Simulation } from '../../../runtime/src/prove/simulate.ts';
import { drawWorkload, type Workload } from '../../../runtime/src/prove/workload.ts';

const HOUR_MS = 3_600_000;
const COMPUTATION: Computation = {
  windowMs: HOUR_MS / 4,
  watermarkDelayMs: 2000,
  allowedLatenessMs: 60_000,
  policy: 'correct',
  distinct: true,
};

function drawn(seed: number): Workload {
  return drawWorkload(
    {
      startMs: Date.UTC(2001, 0, 1, 9),
      lengthMs: 3 * HOUR_MS,
      eventsPerSecond: 0.1,
      arrival: 'continuous',
      arrivalEveryMs: 0,
      typicalMs: 2000,
      latestMs: HOUR_MS,
      keys: 7,
      bytesPerEvent: 120,
    },
    seed,
  );
}

function of(
  architecture: Architecture,
  workload: Workload,
  more: Partial<Simulation> = {},
): Promise<Simulated> {
  return simulate({
    workload,
    computation: COMPUTATION,
    settings: {
      architecture,
      triggerEveryMs: architecture === 'micro-batch' ? 300_000 : 1000,
      batchEveryMs: HOUR_MS / 2,
      partitionMs: 24 * HOUR_MS,
      correctionsEveryMs: HOUR_MS,
    },
    promiseMs: 600_000,
    tickMs: 1,
    reprocess: true,
    ...more,
  });
}

/** Events, windows of a key, and events that are in time, the naive way. */
function naively({ eventMs, keys }: Workload): { readonly rows: number; readonly late: number } {
  const rows = new Set<string>();
  let [newestMs, late] = [-Infinity, 0];
  for (const [index, timeMs] of eventMs.entries()) {
    const startMs = Math.floor(timeMs / COMPUTATION.windowMs) * COMPUTATION.windowMs;
    const endMs = startMs + COMPUTATION.windowMs;
    rows.add(`${startMs} ${keys[index]}`);
    if (endMs - 1 + COMPUTATION.allowedLatenessMs <= newestMs - COMPUTATION.watermarkDelayMs) late++;
    newestMs = Math.max(newestMs, timeMs);
  }
  return { rows: rows.size, late };
}

describe('the five architectures over the same events', () => {
  const workload = drawn(5);
  const all = new Map<Architecture, Simulated>();
  beforeAll(async () => {
    for (const architecture of ARCHITECTURES) all.set(architecture, await of(architecture, workload));
  }, 120_000);
  const each = (): Simulated[] => [...all.values()];
  const get = (architecture: Architecture): Simulated => all.get(architecture) as Simulated;

  test('end with the same rows, each event once, also when their history is processed again', () => {
    expect(new Set(each().map(({ rows }) => rows.digest)).size).toBe(1);
    expect(new Set(each().map(({ rows }) => rows.count))).toEqual(new Set([naively(workload).rows]));
    for (const { windows, reprocess, rejected } of each()) {
      expect(windows.inTheEnd).toBe(workload.keys.length);
      expect(reprocess?.sameRows).toBe(true);
      expect(rejected).toBe(0);
    }
  });

  test('judge the same events late', () => {
    expect(naively(workload).late).toBeGreaterThan(3);
    expect(new Set(each().map(({ late }) => late))).toEqual(new Set([naively(workload).late]));
  });

  test('fold every late event in: at the next run or correction, at the latest an hour and a run later', () => {
    const late = naively(workload).late;
    for (const [architecture, { sight }] of all) {
      expect(sight.correctionDelaysMs).toHaveLength(late);
      const longestMs = Math.max(...sight.correctionDelaysMs);
      expect([architecture, longestMs < (HOUR_MS * 3) / 2]).toEqual([architecture, true]);
      expect(Math.min(...sight.correctionDelaysMs)).toBeGreaterThan(0);
    }
  });

  test('are as fresh as their interval: half of it as a rule, all of it at most', () => {
    const inShareOf = (age: number, intervalMs: number): number => age / intervalMs;
    const [batch, micro] = [get('batch'), get('micro-batch')];
    expect(inShareOf(batch.ageP50Ms, HOUR_MS / 2)).toBeCloseTo(0.5, 1);
    expect(inShareOf(batch.ageP99Ms, HOUR_MS / 2)).toBeCloseTo(0.99, 1);
    expect(inShareOf(micro.ageP50Ms, 300_000)).toBeCloseTo(0.49, 1);
    expect(inShareOf(micro.ageP99Ms, 300_000)).toBeCloseTo(0.99, 1);
    // One event in ten seconds, shown after a second: most of the time nothing is missing.
    for (const architecture of ['streaming', 'lambda', 'kappa'] as const) {
      expect(get(architecture).ageP50Ms).toBe(0);
      expect(get(architecture).ageP99Ms).toBeGreaterThan(800);
      expect(get(architecture).ageP99Ms).toBeLessThan(1100);
    }
  });

  test('a reader who comes before the batch finds less', () => {
    const completeness = ({ windows }: Simulated): number => windows.read / windows.events;
    expect(completeness(get('streaming'))).toBeGreaterThan(0.97);
    expect(completeness(get('batch'))).toBeLessThan(0.8);
    expect(get('streaming').windows.corrected).toBeGreaterThan(0);
  });

  test('a batch reads again what it overwrites; a stream reads each event once but for corrections', () => {
    const reads = ({ eventsRead, events }: Simulated): number => eventsRead / events;
    expect(reads(get('batch'))).toBeGreaterThan(3);
    expect(reads(get('lambda'))).toBeGreaterThan(reads(get('streaming')));
    for (const { reprocess, events } of each()) expect(reprocess?.eventsRead).toBeGreaterThanOrEqual(events);
    expect(get('batch').reprocess?.ms).toBeGreaterThan(0);
  });

  test('keep the log, and each what it needs beside it', () => {
    for (const { logBytes, viewBytes } of each()) {
      expect(logBytes).toBeGreaterThan(40 * workload.keys.length);
      expect(viewBytes).toBeGreaterThan(0);
    }
    expect(get('batch').stateBytes).toBe(0);
    expect(get('streaming').stateBytes).toBeGreaterThan(0);
  });
});

test('the same workload and settings give the same figures, bit for bit', async () => {
  const [one, again] = [await of('lambda', drawn(2)), await of('lambda', drawn(2))];
  expect(one).toEqual(again);
});

test('events that are dropped when they are late are missing in the end, however the input is cut', async () => {
  const workload = drawn(5);
  const computation = { ...COMPUTATION, policy: 'drop', distinct: false } as const;
  const digests = new Set<string>();
  for (const architecture of ['batch', 'micro-batch', 'lambda'] as const) {
    const { windows, late, rows } = await of(architecture, workload, { computation, reprocess: false });
    expect(windows.inTheEnd).toBe(workload.keys.length - late);
    digests.add(rows.digest);
  }
  expect(digests.size).toBe(1);
});

test('work takes time: a run that takes a minute is seen a minute later', async () => {
  const workload = drawn(5);
  const free = { eventUs: 0, againUs: 0, entryUs: 0, commitUs: 0, syncUs: 0 };
  const [fast, slow] = [
    await of('batch', workload, { costs: free, reprocess: false }),
    await of('batch', workload, { costs: { ...free, commitUs: 60_000_000 }, reprocess: false }),
  ];
  expect((slow.ageP99Ms - fast.ageP99Ms) / 60_000).toBeCloseTo(1, 0);
  expect((slow.ageP50Ms - fast.ageP50Ms) / 60_000).toBeCloseTo(1, 0);
});

test('who aborts gets the reason of the signal', async () => {
  const stop = new AbortController();
  stop.abort(new Error('enough'));
  await expect(of('streaming', drawn(1), { signal: stop.signal })).rejects.toThrow('enough');
});

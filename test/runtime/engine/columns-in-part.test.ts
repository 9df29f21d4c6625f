/** A job reads of large blocks the columns that its views look at, and finds the whole event where it has to keep one. */
import { count, pipeline, source, sum, tumbling } from 'pipeline-runtime';
import { ManualClock, TestDriver } from 'pipeline-runtime/testing';
import { expect, test } from 'vitest';
import { z } from 'zod';
import type { Architecture } from '../../../runtime/src/config/project.ts';
import { DiskLog } from '../../../runtime/src/log/disk-log.ts';
import { MemoryLog } from '../../../runtime/src/log/memory-log.ts';
import { MemoryStore } from '../../../runtime/src/state/memory.ts';
import { counting } from '../../suites/counting-disk.ts';
import { SimDisk } from '../../suites/sim-disk.ts';

const EVENTS = 6000;
const EVENTS_PER_BLOCK = 1000;
const LATE_EVERY = 2250;
const START_MS = Date.UTC(2001, 0, 1);

function definition(then: 'correct' | 'side-output') {
  const visits = source('visits', {
    schema: z.object({
      note: z.string(),
      at: z.iso.datetime(),
      page: z.string(),
      bytes: z.int(),
      tags: z.array(z.string()),
    }),
    eventTime: 'at',
    watermark: { delay: '1s', idleAfter: '10s' },
    lateness: { allowed: '0s', then },
  });
  return pipeline('visits', {
    perMinute: visits
      .groupBy((v) => ({ page: v.page, window: tumbling(v.at, '1m') }))
      .aggregate((v) => ({ visits: count(), total: sum(v.bytes) }))
      .final(),
  });
}

/** Notes take most of the bytes, and no view looks at them; a few events come an hour late. */
const events = Array.from({ length: EVENTS }, (_, n) => ({
  note: `${n} ${'long '.repeat(100)}`,
  at: new Date(START_MS + n * 1000 - (n % LATE_EVERY === LATE_EVERY - 1 ? 3_600_000 : 0)).toISOString(),
  page: `page ${n % 5}`,
  bytes: n,
  tags: [`t${n % 3}`],
}));

async function outcome(architecture: Architecture, then: 'correct' | 'side-output', jit: 'on' | 'off') {
  const clock = new ManualClock(START_MS);
  const { disk, read } = counting(new SimDisk());
  const log = await DiskLog.open('/log', { disk, clock });
  const data = {
    log,
    rejected: new MemoryLog(clock),
    store: new MemoryStore(),
    close: () => Promise.resolve(),
  };
  const driver = await TestDriver.open(definition(then), {
    architecture,
    data,
    clock,
    config: { runtime: { jit }, batch: { every: 1000, partition: 3_600_000 } },
  });
  for (let from = 0; from < EVENTS; from += EVENTS_PER_BLOCK)
    await driver.send('visits', events.slice(from, from + EVENTS_PER_BLOCK));
  read.clear();
  await driver.settle();
  const late = await driver.engine.late(100);
  const rows = await driver.rows('perMinute');
  const bytes = [...read.values()].reduce((total, each) => total + each, 0);
  return { rows, late, share: bytes / log.sizeBytes };
}

test.each([
  ['streaming', 'side-output'],
  ['kappa', 'correct'],
  ['micro-batch', 'correct'],
  ['batch', 'correct'],
  ['lambda', 'side-output'],
] as const)(
  '%s, %s: the rows and the late events are those of the interpreter, which reads all',
  async (architecture, then) => {
    const generated = await outcome(architecture, then, 'on');
    const interpreted = await outcome(architecture, then, 'off');
    expect(generated.rows).toEqual(interpreted.rows);
    expect(generated.rows.length).toBeGreaterThan(100);
    expect(generated.late).toEqual(interpreted.late);
  },
);

test('streaming: what no view looks at is not read', async () => {
  const part = await outcome('streaming', 'side-output', 'on');
  expect(part.late.length).toBe(2);
  expect(part.late.every(({ event }) => String(event['note']).endsWith('long '))).toBe(true);
  const all = await outcome('streaming', 'side-output', 'off');
  expect(all.share).toBeGreaterThan(0.99);
  // The first run of 2 MB, and the whole block behind it that holds a late event.
  expect(part.share).toBeLessThan(0.95);
});

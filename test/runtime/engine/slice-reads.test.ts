/**
 * What is computed again is read from where its events are: a correction, a backfill and a batch run open the files of the log that
 * hold them, and no other.
 */
import { ManualClock, TestDriver } from 'pipeline-runtime/testing';
import { expect, test } from 'vitest';
import type { Architecture } from '../../../runtime/src/config/project.ts';
import { DiskLog } from '../../../runtime/src/log/disk-log.ts';
import { MemoryLog } from '../../../runtime/src/log/memory-log.ts';
import type { Disk } from '../../../runtime/src/ports/disk.ts';
import { MemoryStore } from '../../../runtime/src/state/memory.ts';
import { SimDisk } from '../../suites/sim-disk.ts';
import { sale, sales, short } from '../architectures/sample.ts';

const clock = new ManualClock();

/** A log of many files, and the first positions of those that were opened since the last call. */
async function opened(architecture: Architecture) {
  const disk = new SimDisk();
  const files: number[] = [];
  const watched = new Proxy<Disk>(disk, {
    get(target, name) {
      if (name === 'open')
        return (file: string, options: { create: boolean }) => {
          if (file.endsWith('.log')) files.push(Number(/\d+/.exec(file)?.[0]));
          return disk.open(file, options);
        };
      const member: unknown = Reflect.get(target, name);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
  const data = {
    log: await DiskLog.open('/log', { disk: watched, clock, segmentBytes: 300 }),
    rejected: new MemoryLog(clock),
    store: new MemoryStore(),
    close: () => Promise.resolve(),
  };
  const driver = await TestDriver.open(sales('correct'), {
    architecture,
    data,
    clock,
    config: { batch: { every: 1000, partition: 3_600_000 } },
  });
  for (let hour = 0; hour < 20; hour++)
    for (const half of [0, 1]) {
      const time = (n: number): string => `${String(hour).padStart(2, '0')}:${half}${n}`;
      await driver.send('sales', [sale('a', time(1), hour), sale('b', time(2), 1)]);
    }
  await driver.settle();
  return { driver, filesOf: () => [...new Set(files.splice(0))].sort((a, b) => a - b) };
}

test.each(['streaming', 'kappa', 'micro-batch', 'batch', 'lambda'] as const)(
  '%s: a late event has its window read, not the log',
  async (architecture) => {
    const { driver, filesOf } = await opened(architecture);
    expect(filesOf().length).toBeGreaterThan(20);
    const { end } = driver.engine.data.log;
    await driver.send('sales', [sale('a', '10:30', 1000)]);
    await driver.settle();
    const read = filesOf().filter((position) => position < end - 4);
    // Four events of each hour, two to a file; the partition of Lambda and batch is its hour, and an hour beside it is looked at.
    expect(read.length).toBeGreaterThan(0);
    expect(Math.min(...read)).toBeGreaterThanOrEqual(40 - 4);
    expect(Math.max(...read)).toBeLessThanOrEqual(48);
    expect(short(await driver.rows('perHour'))).toContain('a 10h: 3 sales, 1020');
  },
);

test('batch: a backfill reads its partitions', async () => {
  const { driver, filesOf } = await opened('batch');
  filesOf();
  const range = { fromMs: Date.UTC(2001, 0, 1, 4), toMs: Date.UTC(2001, 0, 1, 6) };
  await driver.engine.command('backfill', range);
  const read = filesOf();
  expect([Math.min(...read), Math.max(...read)]).toEqual([16, 26]);
});

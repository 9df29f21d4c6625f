/** A failed fsync stops the pipeline: what the kernel kept of it is only known after the log is opened again. */
import { CodedError } from 'pipeline-runtime/kit';
import { TestDriver } from 'pipeline-runtime/testing';
import { describe, expect, it } from 'vitest';
import { DiskLog } from '../../../runtime/src/log/disk-log.ts';
import { MemoryLog } from '../../../runtime/src/log/memory-log.ts';
import { systemClock } from '../../../runtime/src/ports/clock.ts';
import { MemoryStore } from '../../../runtime/src/state/memory.ts';
import { SimDisk } from '../../suites/sim-disk.ts';
import { sale, sales } from '../architectures/sample.ts';

async function openOn(disk: SimDisk) {
  const data = {
    log: await DiskLog.open('/log', { disk, clock: systemClock }),
    rejected: new MemoryLog(systemClock),
    store: new MemoryStore(),
    close: () => Promise.resolve(),
  };
  return TestDriver.open(sales(), { data });
}

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'no error',
    (error: unknown) => (error instanceof CodedError ? error.code : String(error)),
  );

describe('the disk under a running pipeline', () => {
  it('a failed fsync is no acknowledgement, and ends the run', async () => {
    const disk = new SimDisk();
    const driver = await openOn(disk);
    const stop = new AbortController();
    const running = codeOf(driver.engine.run(stop.signal));
    await driver.send('sales', [sale('a', '10:00', 1)]);
    disk.fault = { at: 1, code: 'EIO', only: ['sync'] };
    expect(await codeOf(driver.send('sales', [sale('a', '10:01', 1)]))).toBe('LOG_WRITE_FAILED');
    expect(await running).toBe('LOG_WRITE_FAILED');
  });

  it('a full disk refuses the events and nothing else: the run goes on, and takes them once there is space', async () => {
    const disk = new SimDisk();
    const driver = await openOn(disk);
    await driver.send('sales', [sale('a', '10:00', 1)]);
    const stop = new AbortController();
    const running = codeOf(driver.engine.run(stop.signal));
    disk.spaceBytes = [...disk.files.values()].reduce((sum, file) => sum + file.pages.length, 0) + 10;
    expect(await codeOf(driver.send('sales', [sale('a', '10:01', 1)]))).toBe('LOG_WRITE_FAILED');
    disk.spaceBytes = Infinity;
    await driver.send('sales', [sale('a', '10:01', 1)]);
    stop.abort();
    expect(await running).toBe('no error');
    await driver.settle();
    expect((await driver.rows('perHour')).map((row) => row['sales'])).toEqual([2]);
  });
});

/** What is rejected is kept up to a size; the oldest goes first, is counted, and nobody who reads it finds a hole. */
import { TestDriver } from 'pipeline-runtime/testing';
import { expect, test } from 'vitest';
import { openDataFolder } from '../../../runtime/src/engine/data-folder.ts';
import type { DataFolder } from '../../../runtime/src/engine/data-folder.ts';
import { systemClock } from '../../../runtime/src/ports/clock.ts';
import { MemoryStore } from '../../../runtime/src/state/memory.ts';
import { SimDisk } from '../../suites/sim-disk.ts';
import { sale, sales } from '../architectures/sample.ts';

const LIMIT = 6_000;
const SEGMENT = 1_000;
const bad = (n: number): string => `nonsense ${String(n).padStart(4, '0')} ${'x'.repeat(80)}`;

function open(disk: SimDisk): Promise<DataFolder> {
  const openStore = (): Promise<MemoryStore> => Promise.resolve(new MemoryStore());
  return openDataFolder('/data', systemClock, disk, { openStore, segmentBytes: SEGMENT });
}

function driverOf(data: DataFolder): Promise<TestDriver> {
  return TestDriver.open(sales(), { data, config: { rejected: { size: LIMIT } } });
}

test('it never is much more than its limit, however much comes at once; the newest stay', async () => {
  const data = await open(new SimDisk());
  const driver = await driverOf(data);
  for (let n = 0; n < 200; n++) {
    await driver.send('sales', [bad(n), sale('s', '10:00', n)]);
    expect(data.rejectedBytes?.()).toBeLessThan(LIMIT + 2 * SEGMENT);
  }
  const { rejected, rejectedLog } = await driver.engine.status();
  expect(rejected).toBe(200);
  expect(rejectedLog).toMatchObject({ limitBytes: LIMIT, sizeBytes: data.rejectedBytes?.() });
  expect((rejectedLog?.kept ?? 0) + (rejectedLog?.removed ?? 0)).toBe(200);
  expect(rejectedLog?.removed).toBeGreaterThan(100);
  const rows = await driver.rejected();
  expect(rows).toHaveLength(rejectedLog?.kept ?? -1);
  expect(rows.map(({ text }) => Number(text.slice(9, 13))).toSorted((a, b) => b - a)[0]).toBe(199);
  // Not one event that is whole went with them.
  await driver.settle();
  expect((await driver.engine.status()).sources[0]?.eventsIn).toBe(200);
});

test('lines that a producer sends again are known, also when what was rejected of them is gone', async () => {
  const data = await open(new SimDisk());
  const driver = await driverOf(data);
  const lines = Array.from({ length: 100 }, (_, n) => bad(n)).join('\n');
  async function* all(): AsyncIterable<Uint8Array> {
    for (const line of lines.split('\n')) yield await Promise.resolve(Buffer.from(`${line}\n`));
  }
  expect(await driver.engine.ingest('sales', all(), 'somebody')).toMatchObject({ rejected: 100 });
  for (let n = 0; n < 40; n++) await driver.send('sales', [bad(n)]);
  expect(data.rejected.start).toBeGreaterThanOrEqual(100);
  const { end } = data.rejected;
  expect(await driver.engine.ingest('sales', all(), 'somebody')).toMatchObject({ rejected: 0, known: 100 });
  expect(data.rejected.end).toBe(end);
});

test('what is read stays until it was read; a replay offers what is left', async () => {
  const data = await open(new SimDisk());
  const driver = await driverOf(data);
  for (let n = 0; n < 100; n++) await driver.send('sales', [bad(n)]);
  const { start } = data.rejected;
  expect(start).toBeGreaterThan(0);
  const release = data.holdRejected?.();
  for (let n = 0; n < 100; n++) await driver.send('sales', [bad(n)]);
  expect(data.rejected.start).toBe(start);
  release?.();
  await driver.send('sales', [bad(0)]);
  expect(data.rejected.start).toBeGreaterThan(start);
  const kept = data.rejected.end - data.rejected.start;
  expect(await driver.engine.command('replay-rejected', {})).toEqual({ accepted: 0, rejected: kept });
});

test('a limit that was made smaller counts from the next start', async () => {
  const data = await open(new SimDisk());
  const large = await TestDriver.open(sales(), { data });
  for (let n = 0; n < 100; n++) await large.send('sales', [bad(n)]);
  expect(data.rejected.start).toBe(0);
  const small = await driverOf(data);
  const stop = new AbortController();
  const running = small.engine.run(stop.signal);
  await small.engine.retention.trimRejected();
  expect(data.rejected.start).toBeGreaterThan(0);
  stop.abort();
  await running;
});

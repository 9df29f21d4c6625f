import { mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { DiskLog } from '../../../runtime/src/log/disk-log.ts';
import { realDisk } from '../../../runtime/src/ports/disk.ts';
import { ManualClock } from '../../../runtime/src/testing/manual-clock.ts';
import { blocksOf, events, logSuite, recordsOf } from '../../suites/log.suite.ts';
import { SimDisk } from '../../suites/sim-disk.ts';

const root = mkdtempSync(join(tmpdir(), 'disk-log-'));
afterAll(() => rmSync(root, { recursive: true }));

let folders = 0;
const newFolder = (): string => join(root, String(++folders), 'log');
const openReal = (folder = newFolder(), segmentBytes?: number): Promise<DiskLog> =>
  DiskLog.open(folder, {
    disk: realDisk,
    clock: new ManualClock(),
    ...(segmentBytes !== undefined && { segmentBytes }),
  });
const openSim = (disk: SimDisk, segmentBytes?: number): Promise<DiskLog> =>
  DiskLog.open('/log', {
    disk,
    clock: new ManualClock(),
    ...(segmentBytes !== undefined && { segmentBytes }),
  });

logSuite('DiskLog', () => openReal());

describe('what is on disk', () => {
  test('L1: reopening finds everything, over many files', async () => {
    const folder = newFolder();
    const log = await openReal(folder, 400);
    const texts = Array.from({ length: 20 }, (_, i) => `record ${i}`);
    for (const [i, text] of texts.entries())
      await log.append({ ...events(text), partition: i % 2, producer: 'p', sequence: i + 1 });
    await log.close();
    expect(readdirSync(folder).filter((name) => name.endsWith('.log')).length).toBeGreaterThan(3);
    const again = await openReal(folder, 400);
    expect(await recordsOf(again)).toEqual(texts);
    expect([again.end, again.endOffset('clicks', 0), again.lastSequence('p')]).toEqual([20, 10, 20]);
    await again.append({ ...events('next'), producer: 'p', sequence: 21 });
    expect((await blocksOf(again)).at(-1)).toMatchObject({ position: 20, offset: 10 });
    await again.close();
  });

  test('group commit: appends that wait together share one write and one fsync', async () => {
    const disk = new SimDisk();
    const log = await openSim(disk);
    await log.append(events('first'));
    const before = [disk.count('write'), disk.count('sync')];
    await Promise.all(Array.from({ length: 500 }, (_, i) => log.append(events(String(i)))));
    expect([disk.count('write'), disk.count('sync')]).toEqual([before[0]! + 1, before[1]! + 1]);
  });

  test('a new file is synced and its name too, before an append returns', async () => {
    const disk = new SimDisk();
    const log = await openSim(disk);
    await log.append(events('a'));
    expect(disk.operations).toEqual([
      'make-folder',
      'list',
      'list',
      'open',
      'write',
      'sync',
      'sync-folder',
      'write',
      'sync',
    ]);
  });

  test('writes that take a few bytes at a time change nothing', async () => {
    const disk = new SimDisk();
    disk.writeBytesMax = 7;
    const log = await openSim(disk);
    await log.append(events('a long enough record'));
    expect(await recordsOf(await openSim(disk))).toEqual(['a long enough record']);
  });

  test('a foreign file in the folder is named, and left alone', async () => {
    const folder = newFolder();
    await (await openReal(folder)).close();
    writeFileSync(join(folder, 'notes.txt'), 'mine');
    await expect(openReal(folder)).rejects.toMatchObject({
      code: 'DATA_FOREIGN',
      message: expect.stringContaining('it holds "notes.txt"'),
    });
  });

  test('a symbolic link in the folder is refused', async () => {
    const folder = newFolder();
    await (await openReal(folder)).close();
    symlinkSync('/etc/hostname', join(folder, `${'0'.repeat(20)}.log`));
    await expect(openReal(folder)).rejects.toMatchObject({ code: 'DATA_FOREIGN' });
  });

  test('a missing file in the middle is an error that names where the gap begins', async () => {
    const disk = new SimDisk();
    const log = await openSim(disk, 200);
    for (let i = 0; i < 6; i++) await log.append(events(`record ${i}`));
    const names = [...disk.files.keys()].filter((name) => name.endsWith('.log')).sort();
    expect(names.length).toBeGreaterThan(2);
    disk.files.delete(names[1]!);
    await expect(openSim(disk, 200)).rejects.toMatchObject({
      code: 'LOG_CORRUPT',
      message: expect.stringContaining('is missing'),
    });
  });

  test('a record too large for a block is our mistake and is never written', async () => {
    const disk = new SimDisk();
    const log = await openSim(disk);
    await expect(log.append(events('x'.repeat(64 * 1024 * 1024 + 1)))).rejects.toThrow('keeps its limits');
    await log.append(events('a'));
    expect(await recordsOf(await openSim(disk))).toEqual(['a']);
  });
});

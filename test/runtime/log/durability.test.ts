/**
 * L1 under every failure of the disk: the n-th operation fails, once or for ever, for every n; then the power goes, and
 * what no fsync had reached is lost, kept or torn. Whatever happens, what was acknowledged is there afterwards, what was
 * not is there whole or not at all, and sending it again leaves every record exactly once.
 */
import { describe, expect, test } from 'vitest';
import { DiskLog } from '../../../runtime/src/log/disk-log.ts';
import type { Log, TextAppend } from '../../../runtime/src/log/log.ts';
import { ManualClock } from '../../../runtime/src/testing/manual-clock.ts';
import { blocksOf, events, recordsOf } from '../../suites/log.suite.ts';
import { EVERYTHING, type Fault, NOTHING, pages, prefix, SimDisk } from '../../suites/sim-disk.ts';

const SEGMENT_BYTES = 700;
const open = (disk: SimDisk): Promise<DiskLog> =>
  DiskLog.open('/log', { disk, clock: new ManualClock(), segmentBytes: SEGMENT_BYTES });

/** Appends in three commits of one, three and two blocks, and one that needs a second file. */
const COMMITS: readonly (readonly TextAppend[])[] = [[1], [2, 3, 4], [5, 6], [7]].map((commit) =>
  commit.map((n) => ({ ...events(`record ${n}a`, `record ${n}b`), producer: 'p', sequence: n })),
);
const ALL = COMMITS.flat();

/** Sends commits one after the other until one fails, as a producer does; returns which appends were acknowledged. */
async function send(log: Log): Promise<TextAppend[]> {
  const acknowledged: TextAppend[] = [];
  for (const commit of COMMITS) {
    const sent = await Promise.allSettled(commit.map((append) => log.append(append)));
    acknowledged.push(...commit.filter((_, index) => sent[index]?.status === 'fulfilled'));
    if (sent.some(({ status }) => status === 'rejected')) break;
  }
  return acknowledged;
}

async function sendTo(disk: SimDisk): Promise<TextAppend[]> {
  const log = await open(disk).catch(() => null);
  return log === null ? [] : send(log);
}

/** L1 and L2 after a power cut, and that sending everything again completes the log, also after a second one. */
async function expectSound(disk: SimDisk, acknowledged: readonly TextAppend[]): Promise<void> {
  const log = await open(disk);
  const blocks = await blocksOf(log);
  let end = 0;
  for (const block of blocks) {
    expect(block.position).toBe(end);
    expect(block.records).toEqual(ALL.find(({ sequence }) => sequence === block.sequence)?.records);
    end += block.count;
  }
  expect(log.end).toBe(end);
  const sequences = blocks.map((block) => block.sequence);
  expect(sequences).toEqual(ALL.slice(0, sequences.length).map(({ sequence }) => sequence));
  expect(sequences.length).toBeGreaterThanOrEqual(acknowledged.length);
  expect(await send(log)).toHaveLength(ALL.length);
  disk.crash(NOTHING);
  expect(await recordsOf(await open(disk))).toEqual(ALL.flatMap(({ records }) => records));
}

describe('L1: the n-th operation of the disk fails, for every n', () => {
  const faults: Omit<Fault, 'at'>[] = ['ENOSPC', 'EIO'].flatMap((code) => [
    { code, forEver: false },
    { code, forEver: true },
    { code, forEver: true, only: ['sync', 'truncate'] },
  ]);
  const survivors = { NOTHING, EVERYTHING, 'half of a write': prefix(150) };

  for (const fault of faults)
    for (const [kept, survive] of Object.entries(survivors))
      test(`${JSON.stringify(fault)}, then a power cut that keeps ${kept}`, async () => {
        let at = 0;
        let isReached = true;
        while (isReached) {
          const disk = new SimDisk();
          disk.fault = { ...fault, at: ++at };
          const acknowledged = await sendTo(disk);
          isReached = disk.isFaultReached;
          disk.crash(survive);
          await expectSound(disk, acknowledged);
        }
        expect(at).toBeGreaterThan(5);
      });

  test('and again while the log is opened after that: opening fails with a code or is sound', async () => {
    for (let first = 1; first < 20; first++) {
      for (let second = 1; second < 12; second++) {
        const disk = new SimDisk();
        disk.fault = { code: 'EIO', at: first };
        const acknowledged = await sendTo(disk);
        disk.crash(prefix(100));
        disk.fault = { code: 'EIO', at: second };
        await open(disk).catch((error: unknown) => expect(error).toMatchObject({ code: 'LOG_UNAVAILABLE' }));
        disk.crash(EVERYTHING);
        await expectSound(disk, acknowledged);
      }
    }
  });
});

describe('after a failure', () => {
  test('of an fsync every append fails until the log is opened again', async () => {
    for (const code of ['EIO', 'ENOSPC']) {
      const disk = new SimDisk();
      const log = await open(disk);
      await log.append(events('a'));
      disk.fault = { code, at: 1, only: ['sync'] };
      await expect(log.append(events('b'))).rejects.toMatchObject({ code: 'LOG_WRITE_FAILED', retry: true });
      await expect(log.append(events('c'))).rejects.toMatchObject({ code: 'LOG_WRITE_FAILED' });
      const again = await open(disk);
      await again.append(events('d'));
      expect(await recordsOf(again)).toEqual(['a', 'd']);
    }
  });

  test('what a full disk refused does not come back by a power cut, not even its first, whole block', async () => {
    for (let space = 0; space < 1600; space += 7) {
      const disk = new SimDisk();
      disk.spaceBytes = space;
      const log = await open(disk).catch(() => null);
      const acknowledged = log === null ? [] : await send(log);
      disk.spaceBytes = Infinity;
      // What was written is kept; what was cut off again by then is so only if that was synced.
      disk.crash((unsynced) => unsynced.filter((change) => 'bytes' in change));
      expect(await recordsOf(await open(disk))).toEqual(acknowledged.flatMap(({ records }) => records));
    }
  });

  test('a full disk takes appends again once there is space, however full it was', async () => {
    for (let space = 0; space < 1600; space += 7) {
      const disk = new SimDisk();
      disk.spaceBytes = space;
      const log = await open(disk);
      const acknowledged = await send(log);
      disk.spaceBytes = Infinity;
      expect(await recordsOf(log)).toEqual(acknowledged.flatMap(({ records }) => records));
      expect(await send(log)).toEqual(ALL);
      disk.crash(NOTHING);
      expect(await recordsOf(await open(disk))).toEqual(ALL.flatMap(({ records }) => records));
    }
  });

  test('the message says that nothing was accepted, and what to do', async () => {
    const disk = new SimDisk();
    const log = await open(disk);
    disk.spaceBytes = 0;
    await expect(log.append(events('a'))).rejects.toThrow(
      'could not be made durable (ENOSPC, the disk is full). Nothing of them was accepted; free space',
    );
  });
});

describe('a process that dies without a power cut', () => {
  test('leaves blocks that no fsync had reached: opening makes them durable before they count as known', async () => {
    const disk = new SimDisk();
    const log = await open(disk);
    await log.append(ALL[0]!);
    disk.fault = { code: 'EIO', at: 1, only: ['sync', 'truncate'], forEver: true };
    await expect(log.append(ALL[1]!)).rejects.toThrow('EIO');
    disk.heal();
    const again = await open(disk);
    await again.append(ALL[1]!);
    disk.crash(NOTHING);
    expect(await recordsOf(await open(disk))).toEqual([...ALL[0]!.records, ...ALL[1]!.records]);
  });

  test('leaves a new file whose name is not durable: opening makes it so', async () => {
    const disk = new SimDisk();
    const log = await open(disk);
    disk.fault = { code: 'EIO', at: 1, only: ['sync-folder'] };
    await expect(log.append(ALL[0]!)).rejects.toThrow('EIO');
    const again = await open(disk);
    await again.append(ALL[0]!);
    disk.crash(NOTHING);
    expect(await recordsOf(await open(disk))).toEqual(ALL[0]!.records);
  });
});

test('a commit whose pages reached the disk in any order is cut to whole blocks, whatever is missing', async () => {
  const disk = new SimDisk();
  const log = await open(disk);
  await log.append(ALL[0]!);
  const cuts: SimDisk[] = [];
  disk.beforeSync = () => cuts.push(disk.clone());
  await Promise.all(COMMITS[1]!.map((append) => log.append(append)));
  expect(cuts).toHaveLength(1);
  for (let subset = 0; subset < 2 ** 10; subset++) {
    const after = cuts[0]!.clone();
    after.crash(pages(64, (page) => (subset & (1 << page)) !== 0));
    await expectSound(after, [ALL[0]!]);
  }
});

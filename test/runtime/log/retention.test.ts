/**
 * L5 and L4 of a log whose oldest files were removed: what is left is read, goes on and is checked as before, wherever the
 * removal was cut off; what was removed is said to be, never skipped.
 */
import { describe, expect, test } from 'vitest';
import type { CodedError } from '../../../runtime/src/base/coded-error.ts';
import { DiskLog } from '../../../runtime/src/log/disk-log.ts';
import type { TextAppend } from '../../../runtime/src/log/log.ts';
import { removable } from '../../../runtime/src/log/retention.ts';
import { ManualClock } from '../../../runtime/src/testing/manual-clock.ts';
import { blocksOf, events, recordsOf } from '../../suites/log.suite.ts';
import { EVERYTHING, NOTHING, prefix, SimDisk } from '../../suites/sim-disk.ts';

const START = '/log/start';
const open = (disk: SimDisk, clock = new ManualClock()): Promise<DiskLog> =>
  DiskLog.open('/log', { disk, clock, segmentBytes: 250 });

/** Each fills a file; every producer is named in one of them alone. */
const appends: readonly TextAppend[] = [0, 1, 2, 3, 4].map((n) => ({
  ...events(`${n}`.repeat(100), `${n} `),
  partition: n % 2,
  producer: `p${n}`,
  sequence: n + 10,
}));
const RECORDS = appends.flatMap(({ records }) => records);
const NO_LIMIT = { sizeBytesMax: 0 };

/** Five files of two records. */
async function written(): Promise<{ disk: SimDisk; log: DiskLog }> {
  const disk = new SimDisk();
  const log = await open(disk);
  for (const append of appends) await log.append(append);
  return { disk, log };
}

const filesOf = (disk: SimDisk): string[] =>
  [...disk.files.keys()].map((path) => path.replace(/^\/log\/0*(?=\d)/, '')).sort();

async function known(log: DiskLog): Promise<unknown> {
  return {
    start: log.start,
    end: log.end,
    offsets: [0, 1].map((partition) => log.endOffset('clicks', partition)),
    sequences: appends.map(({ producer = '' }) => log.lastSequence(producer)),
    records: await blocksOf(log, log.start).then((blocks) => blocks.flatMap(({ records }) => records)),
  };
}

const after = (start: number): unknown => ({
  start,
  end: 10,
  offsets: [6, 4],
  sequences: [10, 11, 12, 13, 14],
  records: RECORDS.slice(start),
});

describe('which files go', () => {
  const file = (end: number, lastAppendedAtMs: number) => ({ end, lastAppendedAtMs, sizeBytes: 10 });
  const files = [file(5, 100), file(9, 200), file(12, 300), file(13, 400)];
  test.each([
    ['without a limit none', 13, {}, 0],
    ['older ones, whole', 13, { olderThanMs: 201 }, 2],
    ['none that is as young as the limit', 13, { olderThanMs: 200 }, 1],
    ['the oldest while all together are too large', 13, { sizeBytesMax: 29 }, 2],
    ['as many as the limit that asks for more', 13, { olderThanMs: 150, sizeBytesMax: 15 }, 3],
    ['never the one that is written to', 13, { olderThanMs: 1000, sizeBytesMax: 0 }, 3],
    ['none of which anybody needs a record', 8, { sizeBytesMax: 0 }, 1],
    ['one whose last record nobody needs', 9, { sizeBytesMax: 0 }, 2],
  ] as const)('%s', (_, needed, limits, count) => {
    expect(removable(files, needed, limits)).toBe(count);
  });
  test('none behind one that is young enough, whatever their own times say', () => {
    expect(removable([file(5, 900), file(9, 100), file(10, 900)], 10, { olderThanMs: 500 })).toBe(0);
  });
});

describe('a log whose first files were removed', () => {
  test('L5: begins behind them, goes on, and is found so again', async () => {
    const { disk, log } = await written();
    expect(await log.trim(6, NO_LIMIT)).toEqual({ files: 3, isHeld: true });
    expect(await known(log)).toEqual(after(6));
    expect(filesOf(disk)).toEqual(['/log/start', '6.index', '6.log', '8.log']);
    await log.append({ ...events('next'), producer: 'p0', sequence: 11 });
    const again = await open(disk);
    expect(again.start).toBe(6);
    expect((await blocksOf(again, 6)).at(-1)).toMatchObject({ position: 10, offset: 6, records: ['next'] });
  });

  test('L4: knows what producers sent whose events are gone', async () => {
    const { disk, log } = await written();
    await log.trim(8, NO_LIMIT);
    for (const each of [log, await open(disk)]) {
      for (const append of appends) await each.append(append);
      expect(await known(each)).toEqual(after(8));
    }
  });

  test('L5: says from where on it is there when more is asked for', async () => {
    const { disk, log } = await written();
    await log.trim(4, NO_LIMIT);
    for (const each of [log, await open(disk)]) {
      const error = (await recordsOf(each).catch((thrown: unknown) => thrown)) as CodedError;
      expect([error.code, error.message]).toEqual([
        'LOG_TRIMMED',
        'The log begins at position 4: what was appended until 2001-01-01T00:00:00.000Z was removed, as `log.retention` says, and position 0 is needed. Read from its start.',
      ]);
    }
  });

  test('is trimmed again and again, and checked as a whole', async () => {
    const { disk } = await written();
    for (const [needed, start] of [
      [3, 2],
      [3, 2],
      [7, 6],
      [99, 8],
    ] as const) {
      const log = await open(disk);
      await log.trim(needed, NO_LIMIT);
      expect(await known(log)).toEqual(after(start));
      const damages = [];
      for await (const { damage } of log.verify()) damages.push(damage);
      expect(damages.every((damage) => damage === null)).toBe(true);
      expect(log.files.named.map(({ file }) => file)).toContain(START);
    }
  });

  test('the first file that is left must be the one that came behind those that are gone', async () => {
    const { disk, log } = await written();
    await log.trim(4, NO_LIMIT);
    const other = new SimDisk();
    const otherLog = await open(other);
    for (const append of appends) await otherLog.append({ ...append, producer: 'else' });
    const name = `/log/${'0'.repeat(19)}4.log`;
    disk.files.set(name, other.files.get(name)!);
    disk.files.delete(name.replace('log', 'index'));
    await expect(open(disk)).rejects.toMatchObject({
      code: 'LOG_CORRUPT',
      message: expect.stringContaining('another time of this one'),
    });
  });

  test('nothing goes while somebody holds the files', async () => {
    const { log } = await written();
    const release = log.hold();
    expect(await log.trim(10, NO_LIMIT)).toEqual({ files: 0, isHeld: true });
    release();
    expect(await log.trim(10, NO_LIMIT)).toEqual({ files: 4, isHeld: false });
  });

  test('the file that is written to is closed once its first record is too old, and can go then', async () => {
    const clock = new ManualClock();
    const disk = new SimDisk();
    const log = await open(disk, clock);
    await log.append(events('old'));
    await clock.advance(1000);
    await log.trim(1, { olderThanMs: clock.nowMs() });
    await log.append(events('new'));
    expect(await log.trim(1, { olderThanMs: clock.nowMs() })).toMatchObject({ files: 1 });
    expect(await blocksOf(log, log.start).then((blocks) => blocks.map(({ position }) => position))).toEqual([
      1,
    ]);
  });
});

describe('a removal that is cut off', () => {
  const survivors = { NOTHING, EVERYTHING, 'half of a write': prefix(60) };
  for (const [kept, survive] of Object.entries(survivors))
    test(`at any operation, by a power cut that keeps ${kept}, leaves the log before or after it`, async () => {
      const starts = new Set<number>();
      for (let at = 1, isReached = true; isReached; at++) {
        const { disk, log } = await written();
        disk.fault = { code: 'EIO', at, forEver: true };
        await log.trim(6, NO_LIMIT).catch((error: unknown) => {
          expect(error).toMatchObject({ code: 'LOG_UNAVAILABLE' });
        });
        isReached = disk.isFaultReached;
        disk.crash(survive);
        const again = await open(disk);
        starts.add(again.start);
        expect(await known(again)).toEqual(after(again.start));
        expect(filesOf(disk).filter((name) => /^[0-5]\./.test(name) && again.start > 0)).toEqual([]);
        expect(filesOf(disk)).not.toContain('/log/start.next');
      }
      expect(starts).toEqual(new Set([0, 6]));
    });

  test('goes on when it is tried again without a restart', async () => {
    for (let at = 1, isReached = true; isReached; at++) {
      const { disk, log } = await written();
      disk.fault = { code: 'ENOSPC', at };
      await log.trim(6, NO_LIMIT).catch(() => {});
      isReached = disk.isFaultReached;
      disk.heal();
      await log.append({ ...events('x'.repeat(200)), producer: 'p9', sequence: 1 });
      await log.trim(6, NO_LIMIT);
      expect(log.start).toBe(6);
      expect((await blocksOf(await open(disk), 6)).map(({ position }) => position)).toEqual([6, 8, 10]);
    }
  });
});

describe('the file that says where the log begins', () => {
  test('of which any bit is flipped, or that is cut anywhere, is an error', async () => {
    const { disk, log } = await written();
    await log.trim(4, NO_LIMIT);
    const { pages } = disk.files.get(START)!;
    const codes = new Set<string>();
    for (let bit = 0; bit < pages.length * 8; bit++) {
      const flipped = Buffer.from(pages);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      const copy = disk.clone();
      const content = bit % 2 === 0 ? flipped : flipped.subarray(0, bit >> 3);
      copy.files.set(START, { pages: content });
      const error = (await open(copy).catch((thrown: unknown) => thrown)) as CodedError;
      expect(error.message, `bit ${bit}`).toMatch(/^\/log\/start[: ]/);
      codes.add(error.code);
    }
    expect([...codes].sort()).toEqual(['DATA_NEWER', 'LOG_CORRUPT']);
  });

  test('is missed, and so is everything behind it', async () => {
    const { disk, log } = await written();
    await log.trim(4, NO_LIMIT);
    const without = disk.clone();
    without.files.delete(START);
    await expect(open(without)).rejects.toMatchObject({ code: 'LOG_CORRUPT' });
    const names = Array.from(disk.files.keys());
    for (const name of names) if (name !== START) disk.files.delete(name);
    await expect(open(disk)).rejects.toMatchObject({
      code: 'LOG_CORRUPT',
      message: expect.stringContaining('the file from position 4 is missing'),
    });
  });

  test('of another log is refused', async () => {
    const { disk, log } = await written();
    await log.trim(4, NO_LIMIT);
    const files = Array.from(disk.files);
    for (const [name, file] of files) disk.files.set(name.replace('/log', '/rejected'), file);
    await expect(
      DiskLog.open('/rejected', { disk, clock: new ManualClock(), segmentBytes: 250 }),
    ).rejects.toMatchObject({ code: 'LOG_CORRUPT', message: expect.stringContaining('another log') });
  });
});

test('a position is found by the time of its append', async () => {
  const clock = new ManualClock();
  const disk = new SimDisk();
  const log = await open(disk, clock);
  const beganMs = clock.nowMs();
  for (const append of appends) {
    await log.append(append);
    await clock.advance(10);
  }
  const found = [];
  for (const each of [log, await open(disk)])
    for (const atMs of [-1, 0, 1, 10, 39, 40, 41]) found.push(await each.positionAtTime(beganMs + atMs));
  expect(found).toEqual([0, 0, 2, 2, 8, 8, 10, 0, 0, 2, 2, 8, 8, 10]);
  await log.trim(4, NO_LIMIT);
  expect(await log.positionAtTime(beganMs)).toBe(4);
});

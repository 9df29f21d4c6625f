/**
 * L3: damage is found, wherever it is. Every single bit of a log of two files is flipped, and its last file is cut at every
 * length: a record never changes. What was written with the last fsync may be cut off, as after a power cut; damage to
 * anything before is an error with its file and byte.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import type { CodedError } from '../../../runtime/src/base/coded-error.ts';
import { DiskLog } from '../../../runtime/src/log/disk-log.ts';
import { ManualClock } from '../../../runtime/src/testing/manual-clock.ts';
import { events, recordsOf } from '../../suites/log.suite.ts';
import { SimDisk } from '../../suites/sim-disk.ts';

const FIRST = `/log/${'0'.repeat(20)}.log`;
const LAST = `/log/${'0'.repeat(18)}04.log`;
const FILE_HEADER_BYTES = 40;
const RECORDS = ['a1', 'a2', 'b1', 'b2', 'c1', 'c2', 'd1', 'd2', 'd3', 'd4'];
const open = (disk: SimDisk): Promise<DiskLog> =>
  DiskLog.open('/log', { disk, clock: new ManualClock(), segmentBytes: 250 });

const healthy = new SimDisk();
/** Where the last commit begins in the last file. */
let lastCommitAt = 0;

beforeAll(async () => {
  const log = await open(healthy);
  await log.append(events('a1', 'a2'));
  await log.append(events('b1', 'b2'));
  await log.append(events('c1', 'c2'));
  lastCommitAt = healthy.files.get(LAST)!.pages.length;
  await Promise.all([log.append(events('d1', 'd2')), log.append(events('d3', 'd4'))]);
});

function withFlip(file: string, bit: number): SimDisk {
  const disk = healthy.clone();
  const pages = Buffer.from(disk.files.get(file)!.pages);
  pages[bit >> 3]! ^= 1 << (bit & 7);
  disk.files.set(file, { pages });
  return disk;
}

/** The records that are found, or the code of the error and where it says it is. */
async function outcome(disk: SimDisk): Promise<string[] | string> {
  try {
    return await recordsOf(await open(disk));
  } catch (error) {
    const { code, message } = error as CodedError;
    return `${code} ${/(damaged at byte \d+|is missing)/.exec(message)?.[1] ?? message}`;
  }
}

/** The flipped bits of a part of a file after which the outcome is not as it should be. */
async function unexpected(
  file: string,
  [from, to]: readonly [number, number],
  isRight: (found: string[] | string) => boolean,
): Promise<number[]> {
  const bits: number[] = [];
  for (let bit = from * 8; bit < to * 8; bit++)
    if (!isRight(await outcome(withFlip(file, bit)))) bits.push(bit);
  return bits;
}

const isCorrupt = (found: string[] | string): boolean =>
  /^LOG_CORRUPT (damaged at|is missing)/.test(String(found));
const sizeOf = (file: string): number => healthy.files.get(file)!.pages.length;

describe('L3: one flipped bit', () => {
  test('in a file that is not the last is an error that names the place', async () => {
    expect(await unexpected(FIRST, [0, sizeOf(FIRST)], isCorrupt)).toEqual([]);
  });

  test('in the last file, before the last commit, is an error', async () => {
    expect(await unexpected(LAST, [0, lastCommitAt], isCorrupt)).toEqual([]);
  });

  test('in the last commit cuts it to the whole blocks before the damage', async () => {
    const allowed = [RECORDS.slice(0, 6), RECORDS.slice(0, 8)].map(String);
    const isCut = (found: string[] | string): boolean => allowed.includes(String(found));
    expect(await unexpected(LAST, [lastCommitAt, sizeOf(LAST)], isCut)).toEqual([]);
  });

  test('that appears after the log was opened is found by the read', async () => {
    for (const file of [FIRST, LAST]) {
      const disk = healthy.clone();
      const log = await open(disk);
      const { pages } = disk.files.get(file)!;
      const unseen: number[] = [];
      for (let bit = FILE_HEADER_BYTES * 8; bit < pages.length * 8; bit++) {
        pages[bit >> 3]! ^= 1 << (bit & 7);
        const found = await recordsOf(log).catch((error: CodedError) => error.code);
        if (found !== 'LOG_CORRUPT') unseen.push(bit);
        pages[bit >> 3]! ^= 1 << (bit & 7);
      }
      expect(unseen).toEqual([]);
      expect(await recordsOf(log)).toEqual(RECORDS);
    }
  });
});

describe('L3: a file that is too short', () => {
  const cutTo = (file: string, length: number): SimDisk => {
    const disk = healthy.clone();
    const pages = disk.files.get(file)!.pages.subarray(0, length);
    disk.files.set(file, { pages });
    return disk;
  };

  test('is cut to its whole blocks when it is the last one, at every length', async () => {
    let longest = 4;
    for (let length = 0; length < sizeOf(LAST); length++) {
      const found = (await outcome(cutTo(LAST, length))) as string[];
      expect(found, `length ${length}`).toEqual(RECORDS.slice(0, found.length));
      expect(found.length % 2, 'blocks of two records').toBe(0);
      expect(found.length, 'a longer file never holds less').toBeGreaterThanOrEqual(longest);
      longest = found.length;
    }
    expect(longest).toBe(8);
  });

  test('is an error when another follows, at every length', async () => {
    for (let length = 0; length < sizeOf(FIRST); length++)
      expect(await outcome(cutTo(FIRST, length)), `length ${length}`).toMatch(/^LOG_CORRUPT/);
  });
});

test('L3: a block that was written twice, or moved, is an error', async () => {
  const disk = healthy.clone();
  const { pages } = disk.files.get(LAST)!;
  const doubled = Buffer.concat([pages, pages.subarray(FILE_HEADER_BYTES, lastCommitAt)]);
  disk.files.set(LAST, { pages: doubled });
  await expect(open(disk)).rejects.toThrow('position 4 where 10 is due');
});

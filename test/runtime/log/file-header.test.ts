/** Which files are this log's own: everything else is an error with a code, and stays as it is. */
import { describe, expect, test } from 'vitest';
import type { CodedError } from '../../../runtime/src/base/coded-error.ts';
import { DiskLog } from '../../../runtime/src/log/disk-log.ts';
import { ManualClock } from '../../../runtime/src/testing/manual-clock.ts';
import { events, recordsOf } from '../../suites/log.suite.ts';
import { SimDisk } from '../../suites/sim-disk.ts';

const nameOf = (position: number): string => `${String(position).padStart(20, '0')}.log`;
const open = (disk: SimDisk, folder = '/data/log'): Promise<DiskLog> =>
  DiskLog.open(folder, { disk, clock: new ManualClock(), segmentBytes: 200 });

/** A log of three files, of two records each. */
async function written(
  disk: SimDisk,
  folder = '/data/log',
  text = 'a long enough record',
): Promise<string[]> {
  const log = await open(disk, folder);
  for (let i = 0; i < 3; i++) await log.append(events(`${text} ${i}`, `${text} ${i}`));
  await log.close();
  return [0, 2, 4].map((position) => `${folder}/${nameOf(position)}`);
}

function put(disk: SimDisk, file: string, pages: Buffer): void {
  disk.files.set(file, { pages });
}

const bytesOf = (disk: SimDisk): Map<string, Buffer> =>
  new Map([...disk.files].map(([file, { pages }]) => [file, Buffer.from(pages)]));

/** The error of opening, and whether every byte of every file is as before. */
async function refusal(disk: SimDisk): Promise<string> {
  const before = bytesOf(disk);
  const { code, message } = (await open(disk).catch((error: unknown) => error)) as CodedError;
  const isUntouched = [...bytesOf(disk)].every(([file, bytes]) => before.get(file)?.equals(bytes));
  return `${code} ${isUntouched ? 'nothing touched' : 'TOUCHED'} ${message}`;
}

const refused = (code: string, message: string): unknown =>
  expect.stringMatching(new RegExp(`^${code} nothing touched .*${message.replace(/[(]/g, '\\(')}`));

describe('a file that is not of this log', () => {
  test('a file of a later format is refused with a code of its own', async () => {
    const disk = new SimDisk();
    for (const file of await written(disk)) {
      const { pages } = disk.files.get(file)!;
      const later = Buffer.concat([Buffer.from('PIPELOG4'), Buffer.alloc(80, 7)]);
      put(disk, file, later);
      expect(await refusal(disk)).toEqual(refused('DATA_NEWER', 'newer version'));
      put(disk, file, pages);
    }
    expect(await recordsOf(await open(disk))).toHaveLength(6);
  });

  test('a file of the same name from another log is refused, in the middle and at the end', async () => {
    for (const [index, position] of [0, 2, 4].entries()) {
      const disk = new SimDisk();
      const files = await written(disk);
      const others = await written(disk, '/data/rejected');
      put(disk, files[index]!, disk.files.get(others[index]!)!.pages);
      const message = `${nameOf(position)}: damaged at byte 0 (it belongs to another log`;
      expect(await refusal(disk)).toEqual(refused('LOG_CORRUPT', message));
    }
  });

  test('a file of the same name from another time of the same log is refused', async () => {
    for (const index of [1, 2]) {
      const disk = new SimDisk();
      const files = await written(disk);
      const another = new SimDisk();
      await written(another, '/data/log', 'other records of length');
      put(disk, files[index]!, another.files.get(files[index]!)!.pages);
      expect(await refusal(disk)).toEqual(refused('LOG_CORRUPT', 'another time of this one'));
    }
  });

  test('two files that were swapped are refused', async () => {
    const disk = new SimDisk();
    const [first, second] = await written(disk);
    const [a, b] = [first!, second!].map((file) => disk.files.get(file)!);
    disk.files.set(first!, b!).set(second!, a!);
    expect(await refusal(disk)).toEqual(refused('LOG_CORRUPT', 'damaged at byte 0'));
  });

  test('a file that is empty, zeros or something else: only an unfinished last one is made anew', async () => {
    const contents = [Buffer.alloc(0), Buffer.alloc(40), Buffer.alloc(4096), Buffer.from('my notes')];
    for (const [index, content] of contents.entries()) {
      const disk = new SimDisk();
      const files = await written(disk);
      put(disk, files[1]!, content);
      expect(await refusal(disk)).toEqual(refused('LOG_CORRUPT', 'damaged at byte 0'));

      const other = new SimDisk();
      const last = (await written(other))[2]!;
      put(other, last, content);
      if (index >= 2) expect(await refusal(other)).toEqual(refused('LOG_CORRUPT', 'damaged at byte 0'));
      else expect(await recordsOf(await open(other))).toHaveLength(4);
    }
  });
});

/**
 * Opening reads indexes and the last file, not the log. An index is never trusted over the file: whichever is missing, damaged
 * or of another file, what is read is what was written or an error, and every byte is checked by `verify`.
 */
import { describe, expect, test } from 'vitest';
import { DiskLog } from '../../../runtime/src/log/disk-log.ts';
import type { Disk } from '../../../runtime/src/ports/disk.ts';
import { ManualClock } from '../../../runtime/src/testing/manual-clock.ts';
import { blocksOf, events, recordsOf } from '../../suites/log.suite.ts';
import { counting } from '../../suites/counting-disk.ts';
import { NOTHING, SimDisk } from '../../suites/sim-disk.ts';

const nameOf = (position: number, ending: string): string =>
  `/log/${String(position).padStart(20, '0')}.${ending}`;
const open = (disk: Disk, commitEveryMs = 0, clock = new ManualClock()): Promise<DiskLog> =>
  DiskLog.open('/log', { disk, clock, commitEveryMs, segmentBytes: 250 });

/** Four files of two records each but for the last. */
async function written(): Promise<{ disk: SimDisk; records: string[] }> {
  const disk = new SimDisk();
  const log = await open(disk);
  const records = ['a', 'b', 'c', 'd'].flatMap((text) => [text.repeat(100), `${text}2`]);
  for (let i = 0; i < 4; i++)
    await log.append({
      ...events(...records.slice(2 * i, 2 * i + 2)),
      partition: i % 2,
      producer: `p${i}`,
      sequence: i + 1,
      times: { minMs: i, maxMs: i + 10 },
    });
  await log.close();
  return { disk, records };
}

function put(disk: SimDisk, file: string, pages: Buffer): void {
  disk.files.set(file, { pages });
}

async function known(log: DiskLog): Promise<unknown> {
  return [
    log.end,
    [0, 1].map((partition) => log.endOffset('clicks', partition)),
    [0, 1, 2, 3].map((i) => log.lastSequence(`p${i}`)),
    (await blocksOf(log)).map(({ position, offset, times, records }) => [position, offset, times, records]),
  ];
}

describe('opening', () => {
  test('reads of a sealed file its first bytes, its last block’s and its index', async () => {
    const { disk, records } = await written();
    const { disk: counted, read } = counting(disk);
    const log = await open(counted);
    expect([0, 2, 4].map((position) => read.get(nameOf(position, 'log')))).toEqual([72, 72, 72]);
    expect(log.end).toBe(8);
    expect(await recordsOf(log)).toEqual(records);
  });

  test('finds the same without indexes, and makes them again', async () => {
    const { disk } = await written();
    const expected = await known(await open(disk.clone()));
    const indexes = [0, 2, 4].map((position) => nameOf(position, 'index'));
    const before = indexes.map((file) => disk.files.get(file)!.pages);
    for (const file of indexes) disk.files.delete(file);
    expect(await known(await open(disk))).toEqual(expected);
    expect(indexes.map((file) => disk.files.get(file)?.pages)).toEqual(before);
  });

  test('an index of which any bit is flipped, or that is cut anywhere, changes nothing', async () => {
    const { disk } = await written();
    const expected = await known(await open(disk.clone()));
    const file = nameOf(2, 'index');
    const { pages } = disk.files.get(file)!;
    for (let bit = 0; bit < pages.length * 8; bit++) {
      const flipped = Buffer.from(pages);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      const copy = disk.clone();
      put(copy, file, bit % 2 === 0 ? flipped : flipped.subarray(0, bit >> 3));
      expect(await known(await open(copy)), `bit ${bit}`).toEqual(expected);
    }
  });

  test('a whole index of another file is not believed', async () => {
    const { disk } = await written();
    const expected = await known(await open(disk.clone()));
    put(disk, nameOf(2, 'index'), disk.files.get(nameOf(4, 'index'))!.pages);
    expect(await known(await open(disk))).toEqual(expected);
  });

  test('an index is not believed when the last block of its file is another', async () => {
    const { disk } = await written();
    const pages = Buffer.from(disk.files.get(nameOf(0, 'log'))!.pages);
    pages[pages.length - 1]! ^= 1;
    put(disk, nameOf(0, 'log'), pages);
    const log = await open(disk);
    await expect(recordsOf(log)).rejects.toMatchObject({ code: 'LOG_CORRUPT' });
    pages[44]! ^= 1;
    put(disk, nameOf(0, 'log'), pages);
    await expect(open(disk)).rejects.toMatchObject({
      code: 'LOG_CORRUPT',
      message: expect.stringContaining(`${nameOf(0, 'log')}: damaged at byte 40`),
    });
  });

  test('an index is not believed when its file is longer', async () => {
    const { disk } = await written();
    const { pages } = disk.files.get(nameOf(2, 'log'))!;
    put(disk, nameOf(2, 'log'), Buffer.concat([pages, pages.subarray(40)]));
    await expect(open(disk)).rejects.toMatchObject({
      code: 'LOG_CORRUPT',
      message: expect.stringContaining(`${nameOf(2, 'log')}: damaged at byte ${pages.length}`),
    });
  });

  test('an index that cannot be written costs nothing but the next opening', async () => {
    const { disk, records } = await written();
    const log = await open(disk);
    disk.fault = { code: 'ENOSPC', at: 1, only: ['remove'] };
    await log.append(events('e'.repeat(250)));
    await log.append(events('f'));
    disk.crash(NOTHING);
    expect(await recordsOf(await open(disk))).toEqual([...records, 'e'.repeat(250), 'f']);
  });
});

test('verify finds every flipped bit of a sealed file and of its blocks, with file and byte', async () => {
  const { disk } = await written();
  const file = nameOf(2, 'log');
  const { pages } = disk.files.get(file)!;
  const log = await open(disk);
  const damages = async (): Promise<string[]> => {
    const messages: string[] = [];
    for await (const { damage } of log.verify()) if (damage !== null) messages.push(damage.message);
    return messages;
  };
  expect(await damages()).toEqual([]);
  const unseen: number[] = [];
  for (let bit = 0; bit < pages.length * 8; bit++) {
    pages[bit >> 3]! ^= 1 << (bit & 7);
    const found = await damages();
    if (found.length !== 1 || !found[0]?.startsWith(`${file}: damaged at byte`)) unseen.push(bit);
    pages[bit >> 3]! ^= 1 << (bit & 7);
  }
  expect(unseen).toEqual([]);
});

describe('commitEvery', () => {
  test('appends of the interval share one fsync and return after it', async () => {
    const disk = new SimDisk();
    const clock = new ManualClock();
    const log = await open(disk, 10, clock);
    const returned: string[] = [];
    const send = (text: string): Promise<void> =>
      log.append(events(text)).then(() => void returned.push(text));
    const sent = [send('a')];
    await clock.advance(9);
    sent.push(send('b'));
    await clock.advance(0);
    expect([returned, disk.count('sync')]).toEqual([[], 0]);
    await clock.advance(1);
    await Promise.all(sent);
    // One for the first bytes of the file, one for both appends.
    expect([returned, disk.count('sync')]).toEqual([['a', 'b'], 2]);
  });

  test('nobody waits for the interval once there is a full commit', async () => {
    const log = await open(new SimDisk(), 60_000);
    const text = 'x'.repeat(1024 * 1024);
    await Promise.all(Array.from({ length: 8 }, () => log.append(events(text))));
    expect(log.end).toBe(8);
  });
});

/**
 * Files of the log that went cold: the same blocks for every reader, wherever the change was cut off; damage in them is found and
 * placed (L3); nothing but the log itself says what is in it (L1, L2, L4).
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { CodedError } from '../../../runtime/src/base/coded-error.ts';
import type { Field } from '../../../runtime/src/data/decode.ts';
import { coldFolder } from '../../../runtime/src/log/cold/place.ts';
import { DiskLog } from '../../../runtime/src/log/disk-log.ts';
import type { Append, Block } from '../../../runtime/src/log/log.ts';
import { type Disk, realDisk } from '../../../runtime/src/ports/disk.ts';
import { ManualClock } from '../../../runtime/src/testing/manual-clock.ts';
import { blocksOf, events } from '../../suites/log.suite.ts';
import { EVERYTHING, NOTHING, prefix, SimDisk } from '../../suites/sim-disk.ts';
import { columnAppend } from './columns/any-columns.ts';

const root = mkdtempSync(join(tmpdir(), 'cold-'));
afterAll(() => rmSync(root, { recursive: true }));

const FIELDS: readonly Field[] = [
  { name: 'n', type: 'integer', nullable: false },
  { name: 'text', type: 'string', nullable: true },
];
const fieldsOf = (source: string): readonly Field[] => (source === 'clicks' ? FIELDS : []);

const open = (disk: Disk, folder = '/data', clock = new ManualClock()): Promise<DiskLog> =>
  DiskLog.open(join(folder, 'log'), {
    disk,
    clock,
    segmentBytes: 500,
    cold: coldFolder(disk, join(folder, 'cold')),
  });

const APPENDS: readonly Append[] = [
  { ...events('{"n":1,"text":"a"}', '{"n":2}'), producer: 'p', sequence: 1, times: { minMs: 1, maxMs: 2 } },
  { kind: 'idle', source: 'clicks', partition: 3, records: ['{}'] },
  { ...events('{ "n": 3, "text": "é😀", "more": [1] }'), partition: 1, partitions: 4 },
  { ...events('not json', '{"n":"no integer"}'), producer: 'q', sequence: 7 },
  { kind: 'admit', source: 'clicks', partition: 0, records: ['[[0,1]]'] },
  { ...events('x'.repeat(400)), source: 'orders' },
  columnAppend('clicks', FIELDS, [
    [4, 'd'],
    [5, null],
  ]),
  { ...events('{"n":6}'), source: 'a/b' },
  { kind: 'end', source: 'clicks', partition: 0, records: ['{}'] },
  { ...events('{"n":7}'), producer: 'p', sequence: 2 },
];

async function written(disk: Disk, folder?: string): Promise<DiskLog> {
  const clock = new ManualClock();
  const log = await open(disk, folder, clock);
  for (const append of APPENDS) {
    await log.append(append);
    await clock.advance(1000);
  }
  // The last file stays hot.
  for (const text of ['{"n":8}', '{"n":9}']) await log.append(events(text.padEnd(500)));
  return log;
}

async function rollAll(log: DiskLog): Promise<number> {
  let files = 0;
  while (await log.roll(Infinity, fieldsOf)) files++;
  return files;
}

const shown = ({ records, columns, sizeBytes, ...block }: Block): unknown => ({
  ...block,
  sizeBytes,
  records: Array.from(records),
  bytes: columns === undefined ? null : Buffer.from(columns.bytes).toString('hex'),
});

async function known(log: DiskLog): Promise<unknown> {
  const times = [];
  for (const second of [0, 3, 9, 99])
    times.push(await log.positionAtTime(Date.UTC(2001, 0, 1, 0, 0, second)));
  return {
    end: log.end,
    offsets: ['clicks/0', 'clicks/1', 'orders/0', 'a/b/0'].map((name) =>
      log.endOffset(name.replace(/\/\d$/, ''), Number(name.at(-1))),
    ),
    sequences: ['p', 'q'].map((producer) => log.lastSequence(producer)),
    times,
    blocks: (await blocksOf(log, log.start)).map(shown),
  };
}

describe('a file that went cold', () => {
  test('gives every reader the same blocks, before and after a restart, from every position', async () => {
    const disk = new SimDisk();
    const log = await written(disk);
    const before = await known(log);
    const from = [];
    for (let position = 0; position <= log.end; position++)
      from.push((await blocksOf(log, position)).map(shown));
    expect(await rollAll(log)).toBeGreaterThan(2);
    for (const each of [log, await open(disk)]) {
      expect(await known(each)).toEqual(before);
      for (const [position, blocks] of from.entries())
        expect((await blocksOf(each, position)).map(shown), `from ${position}`).toEqual(blocks);
      for (const append of APPENDS.filter(({ producer }) => producer !== undefined))
        await each.append(append);
      expect(await known(each), 'L4').toEqual(before);
      for await (const { damage } of each.verify()) expect(damage).toBeNull();
    }
    const names = [...disk.files.keys()].filter((path) => path.startsWith('/data/log'));
    expect(names.filter((name) => name.endsWith('.cold')).length).toBeGreaterThan(2);
    expect([...disk.files.keys()].filter((path) => path.startsWith('/data/cold/events'))).toEqual(
      expect.arrayContaining([expect.stringMatching(/clicks\/0{20}\.parquet$/)]),
    );
    const again = await open(disk);
    await again.append(events('{"n":10}'));
    expect((await blocksOf(again)).at(-1)?.records).toEqual(['{"n":10}']);
  });

  test('is the oldest whose events are all old enough, one at a time, never the last', async () => {
    const disk = new SimDisk();
    const log = await written(disk);
    const began = Date.UTC(2001, 0, 1);
    expect(await log.roll(began + 1000, fieldsOf)).toBe(false);
    expect(await log.roll(began + 5000, fieldsOf)).toBe(true);
    expect(await log.roll(began + 5000, fieldsOf)).toBe(false);
    await rollAll(log);
    expect((await blocksOf(log)).length).toBe(APPENDS.length + 2);
  });

  test('a reader that began before goes on', async () => {
    const log = await written(new SimDisk());
    const expected = (await blocksOf(log)).map(shown);
    const reading = log.read(0)[Symbol.asyncIterator]();
    const found = [shown((await reading.next()).value as Block)];
    await rollAll(log);
    for (let next = await reading.next(); next.done !== true; next = await reading.next())
      found.push(shown(next.value));
    expect(found).toEqual(expected);
  });

  test('goes by retention like any other, with all its files', async () => {
    const disk = new SimDisk();
    const log = await written(disk);
    await rollAll(log);
    const before = (await blocksOf(log)).map(shown);
    await log.trim(4, { sizeBytesMax: 0 });
    expect(log.start).toBeGreaterThan(0);
    expect(log.start).toBeLessThanOrEqual(4);
    const again = await open(disk);
    expect((await blocksOf(again, log.start)).map(shown)).toEqual(
      before.filter((block) => (block as Block).position >= log.start),
    );
    await again.trim(again.end, { sizeBytesMax: 0 });
    expect([...disk.files.keys()].filter((path) => path.startsWith('/data/cold'))).toEqual([]);
  });

  test('of format 1 as well', async () => {
    const folder = join(root, 'v1');
    cpSync(join(import.meta.dirname, '../../fixtures/log-v1'), folder, { recursive: true });
    const log = await open(realDisk, folder);
    const before = (await blocksOf(log)).map(shown);
    await log.append(events('{"n":1}'));
    expect(await rollAll(log)).toBeGreaterThan(0);
    await log.close();
    const again = await open(realDisk, folder);
    expect((await blocksOf(again)).slice(0, -1).map(shown)).toEqual(before);
    await again.close();
  });
});

describe('a change that is cut off', () => {
  const survivors = { NOTHING, EVERYTHING, 'a part': prefix(200) };
  for (const [kept, survive] of Object.entries(survivors))
    test(`at any operation, by a power cut that keeps ${kept}, leaves the file hot or cold and the log as it was`, async () => {
      const expected = await known(await written(new SimDisk()));
      const found = new Set<number>();
      for (let at = 1, isReached = true; isReached; at++) {
        const disk = new SimDisk();
        const log = await written(disk);
        disk.fault = { code: 'EIO', at, forEver: true };
        await log.roll(Infinity, fieldsOf).catch((error: unknown) => {
          expect(error).toMatchObject({ code: 'LOG_UNAVAILABLE' });
        });
        isReached = disk.isFaultReached;
        disk.crash(survive);
        const again = await open(disk);
        expect(await known(again), `operation ${at}`).toEqual(expected);
        found.add(again.files.cold.length);
        const left = [...disk.files.keys()].filter((path) => path.startsWith('/data/cold'));
        expect(left, 'nothing that nobody names').toHaveLength(again.files.cold.length);
        expect([...disk.files.keys()].filter((path) => path.endsWith('.next'))).toEqual([]);
        await rollAll(again);
        expect(await known(await open(disk))).toEqual(expected);
      }
      expect(found.size).toBe(2);
    });
});

describe('L3: damage of a cold file', () => {
  test('of any byte is found by a check of every byte, with its file; a read gives what was written or an error', async () => {
    const disk = new SimDisk();
    const log = await written(disk);
    const expected = (await blocksOf(log)).map(shown);
    await log.roll(Infinity, fieldsOf);
    for (const { name } of log.files.cold) {
      const file = `/data/cold/${name}`;
      const { pages } = disk.files.get(file)!;
      for (let byte = 0; byte < pages.length; byte++) {
        const bit = 1 << (byte % 8);
        pages[byte]! ^= bit;
        const damages: string[] = [];
        for await (const { damage } of log.verify()) if (damage !== null) damages.push(damage.message);
        expect(damages, `byte ${byte}`).toEqual([expect.stringContaining(`${file}: damaged at byte 0`)]);
        if (byte % 7 === 0) {
          const found = await blocksOf(log).then(
            (blocks) => blocks.map(shown),
            (error: CodedError) => error.code,
          );
          if (found !== 'LOG_CORRUPT') expect(found).toEqual(expected);
        }
        pages[byte]! ^= bit;
      }
    }
  });

  test('a file that is missing, or shorter, is named when the log is opened, and when it is read', async () => {
    const disk = new SimDisk();
    const log = await written(disk);
    await log.roll(Infinity, fieldsOf);
    for (const { name, sizeBytes } of log.files.cold) {
      const file = `/data/cold/${name}`;
      const without = disk.clone();
      without.files.delete(file);
      await expect(open(without)).rejects.toMatchObject({
        code: 'LOG_CORRUPT',
        message: expect.stringContaining(`${file}: damaged at byte 0 (the file is missing)`),
      });
      const shorter = disk.clone();
      const pages = disk.files.get(file)!.pages.subarray(0, -1);
      shorter.files.set(file, { pages });
      await expect(open(shorter)).rejects.toMatchObject({
        message: expect.stringContaining(`${file}: damaged at byte ${sizeBytes - 1}`),
      });
    }
    disk.files.delete(`/data/cold/${log.files.cold[0]!.name}`);
    await expect(blocksOf(log)).rejects.toMatchObject({
      code: 'LOG_CORRUPT',
      message: expect.stringContaining('the file is missing'),
    });
  });

  test('of what the log keeps of it: any bit flipped is an error, and the hot file is not missed before', async () => {
    const disk = new SimDisk();
    const log = await written(disk);
    await log.roll(Infinity, fieldsOf);
    const file = [...disk.files.keys()].find((path) => path.endsWith('.cold'))!;
    const { pages } = disk.files.get(file)!;
    for (let bit = 0; bit < pages.length * 8; bit += 3) {
      const copy = disk.clone();
      const flipped = Buffer.from(pages);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      copy.files.set(file, { pages: flipped });
      await expect(open(copy), `bit ${bit}`).rejects.toMatchObject({
        code: expect.stringMatching(/LOG_CORRUPT|DATA_NEWER/),
      });
    }
  });
});

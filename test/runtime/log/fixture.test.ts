/**
 * Files of every format stay readable for ever: `test/fixtures/log-v1` was written by version 0.1.0, the others as the formats
 * came; none is ever written again.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { coldFolder } from '../../../runtime/src/log/cold/place.ts';
import { DiskLog } from '../../../runtime/src/log/disk-log.ts';
import type { Block } from '../../../runtime/src/log/log.ts';
import { realDisk } from '../../../runtime/src/ports/disk.ts';
import { ManualClock } from '../../../runtime/src/testing/manual-clock.ts';
import { blocksOf, events } from '../../suites/log.suite.ts';

const FIXTURE = join(import.meta.dirname, '../../fixtures/log-v1');
const { blocks } = JSON.parse(readFileSync(join(FIXTURE, 'expected.json'), 'utf8')) as { blocks: Block[] };
const folder = mkdtempSync(join(tmpdir(), 'fixture-'));
afterAll(() => rmSync(folder, { recursive: true }));
cpSync(FIXTURE, folder, { recursive: true });
const open = (): Promise<DiskLog> =>
  DiskLog.open(join(folder, 'log'), { disk: realDisk, clock: new ManualClock() });

const shown = (each: Block): object => ({ ...each, records: [...each.records] });

test('a log of version 1 is read as it was written, goes on, and is read again', async () => {
  const log = await open();
  expect((await blocksOf(log)).map(shown)).toMatchObject(blocks);
  expect(log.end).toBe(21);
  expect([0, 1].map((partition) => log.endOffset('clicks', partition))).toEqual([10, 8]);
  expect(['file/0', 'file/1', 'other-3'].map((producer) => log.lastSequence(producer))).toEqual([7, 8, 30]);
  await log.append({ ...events('{}'), producer: 'other-3', sequence: 30 });
  await log.append({ ...events('{"new":1}'), producer: 'other-3', sequence: 31 });
  await log.close();

  const again = await open();
  const all = await blocksOf(again);
  expect(all.slice(0, -1).map(shown)).toMatchObject(blocks);
  expect(all.at(-1)).toMatchObject({ position: 21, offset: 10, records: ['{"new":1}'], sequence: 31 });
  await again.close();
});

test.each([
  ['2', 'log-v2'],
  // Some of its columns have checksums of their own.
  ['3', 'log-v3'],
])(
  'a log of format %s without its beginning, with a cold file and columns, is read as it was written and goes on',
  async (_, name) => {
    const fixture = join(import.meta.dirname, '../../fixtures', name);
    const copy = join(folder, name);
    cpSync(fixture, copy, { recursive: true });
    const expected = JSON.parse(readFileSync(join(fixture, 'expected.json'), 'utf8')) as Expected;
    const openCopy = (): Promise<DiskLog> =>
      DiskLog.open(join(copy, 'log'), {
        disk: realDisk,
        clock: new ManualClock(),
        cold: coldFolder(realDisk, join(copy, 'cold')),
      });
    const inFull = (block: Block): object => {
      const { columns, ...rest } = block;
      const hex = columns === undefined ? {} : { columns: Buffer.from(columns.bytes).toString('hex') };
      return { ...rest, ...hex, records: Array.from(block.records) };
    };
    const log = await openCopy();
    expect((await blocksOf(log, log.start)).map(inFull)).toMatchObject(expected.blocks);
    expect({
      start: log.start,
      end: log.end,
      removedUntilMs: log.removedUntilMs,
      offsets: [log.endOffset('clicks', 0), log.endOffset('orders', 0)],
      sequences: expected.sequences.map(([producer]) => [producer, log.lastSequence(producer)]),
      cold: log.files.cold.map((file) => file.name),
    }).toEqual({ ...expected, blocks: undefined });
    for await (const { damage } of log.verify()) expect(damage).toBeNull();
    const [, [producer, sequence]] = expected.sequences as [unknown, readonly [string, number]];
    await log.append({ ...events('{}'), producer, sequence });
    await log.append(events('{"new":1}'));
    await log.close();
    const again = await openCopy();
    expect((await blocksOf(again, again.start)).at(-1)).toMatchObject({
      position: expected.end,
      offset: expected.offsets[0],
      records: ['{"new":1}'],
    });
    await again.close();
  },
);

interface Expected {
  readonly end: number;
  readonly offsets: readonly number[];
  readonly sequences: readonly (readonly [string, number])[];
  readonly blocks: object[];
}

/**
 * Columns with checksums of their own (`log/columns/sums.ts`): each bit of a file is covered, whoever reads some columns meets
 * the damage of these, and reads no more of a large block than that.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import type { CodedError } from '../../../runtime/src/base/coded-error.ts';
import { columnBatch, valueAt } from '../../../runtime/src/data/columns.ts';
import type { Field } from '../../../runtime/src/data/decode.ts';
import type { Row } from '../../../runtime/src/data/value.ts';
import { decodeLengths, decodeSummed, type StoredBlock } from '../../../runtime/src/log/block.ts';
import { EventColumns } from '../../../runtime/src/log/columns/decode.ts';
import { sumOf } from '../../../runtime/src/log/columns/sums.ts';
import { DiskLog } from '../../../runtime/src/log/disk-log.ts';
import type { ColumnBody } from '../../../runtime/src/log/log.ts';
import { ManualClock } from '../../../runtime/src/testing/manual-clock.ts';
import { blocksOf, recordsOf } from '../../suites/log.suite.ts';
import { counting } from '../../suites/counting-disk.ts';
import { SimDisk } from '../../suites/sim-disk.ts';
import { columnAppend } from './columns/any-columns.ts';

const field = (name: string, type: Field['type'], nullable = false): Field => ({ name, type, nullable });
const FIELDS = [
  field('text', 'string'),
  field('n', 'integer'),
  field('city', 'string', true),
  field('on', 'boolean'),
];
const [TEXT, N, CITY, ON] = [0, 1, 2, 3];
const FILE_HEADER_BYTES = 40;
/** Two blocks fit into a file. */
const SMALL_FILES = 1200;

function rowsOf(block: number, count: number, text = 'some text that differs'): Row[] {
  return Array.from({ length: count }, (_, row) => [
    `${text} ${block}.${row}`,
    block * 100 + row,
    row % 3 === 0 ? null : `city ${row % 2}`,
    row % 2 === 0,
  ]);
}

const open = (disk: SimDisk, segmentBytes: number, columnSumsFromBytes = 0): Promise<DiskLog> =>
  DiskLog.open('/log', { disk, clock: new ManualClock(), segmentBytes, columnSumsFromBytes });
const nameOf = (position: number): string => `/log/${String(position).padStart(20, '0')}.log`;

function put(disk: SimDisk, file: string, pages: Buffer): void {
  disk.files.set(file, { pages });
}

/** Where the blocks of a file begin, and what they are. */
function layout(pages: Buffer): { at: number; bodyAt: number; block: StoredBlock }[] {
  const blocks: { at: number; bodyAt: number; block: StoredBlock }[] = [];
  for (let at = FILE_HEADER_BYTES; at < pages.length;) {
    const lengths = decodeLengths(pages.subarray(at))!;
    const block = decodeSummed(pages.subarray(at, at + lengths.totalBytes), lengths)!;
    blocks.push({ at, bodyAt: at + lengths.bodyAt, block });
    at += lengths.totalBytes;
  }
  return blocks;
}

/** What a reader finds that means to look at one column, and then does so: its first value of each block. */
async function numbersOf(log: DiskLog, column = N): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const { columns } of log.read(0, { isPassing: true, wants: () => [column] }))
    found.push(valueOf(columns!, column));
  return found;
}

/** The first value of a column; no other is looked at. */
function valueOf(body: ColumnBody, column: number): unknown {
  const columns = new EventColumns(body);
  const batch = columnBatch([FIELDS[column]!], 1);
  return valueAt({ ...batch, bytes: columns.bytes }, columns.column(column, 0, 1, batch.columns[0]!), 0);
}

const healthy = new SimDisk();
const FIRST = nameOf(0);
const LAST = nameOf(4);
let records: string[] = [];

beforeAll(async () => {
  const log = await open(healthy, SMALL_FILES);
  for (let block = 0; block < 4; block++) await log.append(columnAppend('clicks', FIELDS, rowsOf(block, 2)));
  records = await recordsOf(log);
});

const codeOf = (error: CodedError): string => `${error.code} ${/byte \d+/.exec(error.message)?.[0] ?? ''}`;

test('two blocks lie in a file, each with four columns', () => {
  expect(records).toHaveLength(8);
  expect(layout(healthy.files.get(FIRST)!.pages).map(({ block }) => block.parts?.parts.length)).toEqual([
    4, 4,
  ]);
});

describe('L3: one flipped bit of columns with checksums of their own', () => {
  test('in a sealed file is met by whoever reads all of it, and by the deep check', async () => {
    const { pages } = healthy.files.get(FIRST)!;
    const log = await open(healthy, SMALL_FILES);
    const unseen: number[] = [];
    // A bit of each byte.
    for (let bit = FILE_HEADER_BYTES * 8; bit < pages.length * 8; bit += 9) {
      pages[bit >> 3]! ^= 1 << (bit & 7);
      const found = await recordsOf(log).catch((error: CodedError) => error.code);
      const damages: unknown[] = [];
      for await (const { damage } of log.verify()) damages.push(damage?.code ?? null);
      if (found !== 'LOG_CORRUPT' || damages[0] !== 'LOG_CORRUPT') unseen.push(bit);
      pages[bit >> 3]! ^= 1 << (bit & 7);
    }
    expect(unseen).toEqual([]);
    expect(await recordsOf(log)).toEqual(records);
  });

  test('in the last commit cuts it off, before it is an error', async () => {
    const { pages } = healthy.files.get(LAST)!;
    const [, second] = layout(pages);
    const wrong: number[] = [];
    // A bit of each byte.
    for (let bit = FILE_HEADER_BYTES * 8; bit < pages.length * 8; bit += 9) {
      const disk = healthy.clone();
      const flipped = Buffer.from(pages);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      put(disk, LAST, flipped);
      const found = await open(disk, SMALL_FILES).then(recordsOf, (error: CodedError) => error.code);
      const isRight =
        bit < second!.at * 8 ? found === 'LOG_CORRUPT' : String(found) === String(records.slice(0, 6));
      if (!isRight) wrong.push(bit);
    }
    expect(wrong).toEqual([]);
  });

  test('is met by a reader of that column, by its place, and by no reader of another', async () => {
    const { pages } = healthy.files.get(FIRST)!;
    const { bodyAt, block } = layout(pages)[1]!;
    const log = await open(healthy, SMALL_FILES);
    for (const [index, { from, to }] of block.parts!.parts.entries()) {
      for (let at = bodyAt + from; at < bodyAt + to; at++) {
        pages[at]! ^= 4;
        const found = await numbersOf(log).catch(codeOf);
        const expected = index === N ? `LOG_CORRUPT byte ${bodyAt + from}` : [0, 100, 200, 300];
        expect(found, `column ${index}, byte ${at}`).toEqual(expected);
        await expect(numbersOf(log, index), `column ${index}, byte ${at}`).rejects.toThrow('checksum');
        pages[at]! ^= 4;
      }
    }
    expect(await numbersOf(log, CITY)).toEqual([null, null, null, null]);
    expect(await numbersOf(log, ON)).toEqual([true, true, true, true]);
  });

  test('that was not read is met when it is asked for after all', async () => {
    const disk = healthy.clone();
    const pages = Buffer.from(disk.files.get(FIRST)!.pages);
    const { bodyAt, block } = layout(pages)[0]!;
    pages[bodyAt + block.parts!.parts[TEXT]!.from]! ^= 1;
    put(disk, FIRST, pages);
    const log = await open(disk, SMALL_FILES);
    for await (const each of log.read(0, { isPassing: true, wants: () => [N] })) {
      expect(valueOf(each.columns!, N)).toBe(0);
      expect(() => each.records).toThrow('the checksum does not match');
      break;
    }
  });
});

describe('columns that are not where they belong', () => {
  test('those of two blocks that were exchanged, zeros, and those of a block before are found', async () => {
    const { pages } = healthy.files.get(FIRST)!;
    const [a, b] = layout(pages);
    const { from, to } = a!.block.parts!.parts[TEXT]!;
    const exchanged = Buffer.from(pages);
    pages.copy(exchanged, a!.bodyAt + from, b!.bodyAt + from, b!.bodyAt + to);
    pages.copy(exchanged, b!.bodyAt + from, a!.bodyAt + from, a!.bodyAt + to);
    const zeros = Buffer.from(pages).fill(0, b!.bodyAt + from, b!.bodyAt + to);
    const directory = Buffer.from(pages);
    // With the directory that belongs to it: then the checksum of the block says so.
    pages.copy(directory, b!.bodyAt, a!.bodyAt, a!.bodyAt + from);
    for (const damaged of [exchanged, zeros, directory]) {
      const disk = healthy.clone();
      put(disk, FIRST, damaged);
      const log = await open(disk, SMALL_FILES);
      await expect(recordsOf(log)).rejects.toThrow('damaged at byte');
      for await (const { damage } of log.verify()) {
        expect(damage?.code).toBe('LOG_CORRUPT');
        break;
      }
    }
  });

  test('the same bytes have another checksum in another block and as another column', () => {
    const bytes = Buffer.from('the same');
    const sums = [0, 1, 2 ** 40 + 7].flatMap((position) =>
      [0, 1, 2].map((index) => sumOf(bytes, position, index)),
    );
    expect(new Set(sums).size).toBe(9);
  });

  test('a last block whose columns did not all reach the disk is torn, whichever they were', async () => {
    const { pages } = healthy.files.get(LAST)!;
    const { bodyAt, block } = layout(pages)[1]!;
    for (const { from, to } of block.parts!.parts) {
      const disk = healthy.clone();
      put(disk, LAST, Buffer.from(pages).fill(0, bodyAt + from, bodyAt + to));
      expect(await recordsOf(await open(disk, SMALL_FILES))).toEqual(records.slice(0, 6));
    }
  });
});

describe('a large block', () => {
  const ROWS = 4000;
  const BLOCKS = 6;
  const disk = new SimDisk();
  beforeAll(async () => {
    const log = await open(disk, 1_500_000, 16 * 1024);
    for (let block = 0; block < BLOCKS; block++)
      await log.append(columnAppend('clicks', FIELDS, rowsOf(block, ROWS, 'x'.repeat(100))));
    await log.close();
  });

  test('is read up to the last column that is wanted, and the rest when it is asked for', async () => {
    const { disk: counted, read } = counting(disk);
    const log = await DiskLog.open('/log', { disk: counted, clock: new ManualClock() });
    const expected = Array.from({ length: BLOCKS }, (_, block) => block * 100);
    const bytesOf = async (column: number): Promise<number> => {
      read.clear();
      await numbersOf(log, column);
      return [...read.values()].reduce((sum, bytes) => sum + bytes, 0);
    };
    expect(await numbersOf(log)).toEqual(expected);
    const all = [...disk.files].filter(([file]) => file.endsWith('.log'));
    const allBytes = all.reduce((sum, [, { pages }]) => sum + pages.length, 0);
    const [ofNumbers, ofTexts] = [await bytesOf(N), await bytesOf(TEXT)];
    expect([ofNumbers < allBytes / 4, ofTexts >= allBytes * 0.9], `${ofNumbers}, ${ofTexts}`).toEqual([
      true,
      true,
    ]);
    const whole = (await blocksOf(log)).map((block) => block.records);
    let block = 0;
    for await (const each of log.read(0, { isPassing: true, wants: () => [N] })) {
      expect(valueOf(each.columns!, N)).toBe(expected[block]);
      if (block % 2 === 1) expect(each.records).toEqual(whole[block]);
      block++;
    }
    expect(block).toBe(BLOCKS);
    await log.close();
  });

  test('is not summed where a reader does not look, and small ones have one checksum', async () => {
    const { pages } = disk.files.get(nameOf(0))!;
    const [first] = layout(pages);
    const at = first!.bodyAt + first!.block.parts!.parts[TEXT]!.from;
    const log = await open(disk, 1_500_000);
    pages[at]! ^= 1;
    expect(await numbersOf(log)).toHaveLength(BLOCKS);
    await expect(recordsOf(log)).rejects.toThrow(`damaged at byte`);
    pages[at]! ^= 1;
    const small = new SimDisk();
    const other = await open(small, 1_500_000, 16 * 1024);
    await other.append(columnAppend('clicks', FIELDS, rowsOf(0, 10)));
    expect(layout(small.files.get(FIRST)!.pages)[0]!.block.parts).toBeNull();
    await log.close();
  });
});

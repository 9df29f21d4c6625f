import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { Field } from '../../../runtime/src/data/decode.ts';
import { fileLines } from '../../../runtime/src/ingest/files.ts';
import type { Line } from '../../../runtime/src/ingest/lines.ts';

const root = mkdtempSync(join(tmpdir(), 'event-files-'));
afterAll(() => rmSync(root, { recursive: true }));

const FIELDS: readonly Field[] = [
  { name: 'origin', type: 'string', nullable: false },
  { name: 'delay', type: 'integer', nullable: true },
  { name: 'ratio', type: 'double', nullable: true },
  { name: 'cancelled', type: 'boolean', nullable: true },
];

async function linesOf(name: string, content: string | Uint8Array, limit = Infinity): Promise<Line[]> {
  const file = join(root, name);
  writeFileSync(file, content);
  return read(file, limit);
}

async function read(file: string, limit = Infinity): Promise<Line[]> {
  const lines: Line[] = [];
  for await (const line of fileLines(file, FIELDS)) {
    lines.push(line);
    if (lines.length >= limit) break;
  }
  return lines;
}

const eventsOf = (lines: readonly Line[]): unknown[] => lines.map(({ text }) => JSON.parse(text));

describe('a file that is none of events is refused by name', () => {
  test.each([
    ['nothing.jsonl', 'there is no such file', 'FILE_UNREADABLE'],
    ['.', 'it is not a file', 'FILE_UNREADABLE'],
  ])('%s', (name, message, code) => {
    expect(() => fileLines(join(root, name), FIELDS)).toThrow(message);
    expect(() => fileLines(join(root, name), FIELDS)).toThrow(expect.objectContaining({ code, exitCode: 2 }));
  });

  test('an ending that we do not read', async () => {
    await expect(linesOf('events.xlsx', 'x')).rejects.toThrow(
      'events are read from .jsonl, .ndjson, .csv, .parquet',
    );
  });
});

describe('JSON lines', () => {
  test('come as they are, whatever the case of the ending', async () => {
    expect(await linesOf('A.JSONL', '{"a":1}\r\n\nno\n')).toEqual([
      { number: 1, text: '{"a":1}' },
      { number: 3, text: 'no' },
    ]);
  });
});

describe('CSV', () => {
  test('is read as the fields want it; what cannot be stays text', async () => {
    const csv = 'origin,delay,ratio,cancelled,other\nATL,-3,1.5,TRUE,7\n12,,1e3,no,\n"a,\n""b""",x,1e999,,\n';
    expect(eventsOf(await linesOf('a.csv', csv))).toEqual([
      { origin: 'ATL', delay: -3, ratio: 1.5, cancelled: true, other: '7' },
      { origin: '12', delay: null, ratio: 1000, cancelled: 'no', other: '' },
      { origin: 'a,\n"b"', delay: 'x', ratio: '1e999', cancelled: null, other: '' },
    ]);
  });

  test('may begin with a byte order mark, end lines with CR LF, hold empty lines and be short of columns', async () => {
    const lines = await linesOf('b.csv', '\ufefforigin,delay\r\nATL,1\r\n\r\nDFW\r\n');
    expect(lines.map(({ number, text }) => [number, text])).toEqual([
      [1, '{"origin":"ATL","delay":1}'],
      [2, '{"origin":"DFW"}'],
    ]);
  });

  test('with an open quote is refused with the file and the line', async () => {
    await expect(linesOf('c.csv', 'origin\n"ATL\n')).rejects.toMatchObject({
      code: 'FILE_INVALID',
      message: expect.stringMatching(/c\.csv: Quote Not Closed.*line 2/),
    });
  });

  test('that is not UTF-8 is refused, never guessed', async () => {
    await expect(linesOf('d.csv', Buffer.from('origin\nMünchen\n', 'latin1'))).rejects.toMatchObject({
      code: 'FILE_INVALID',
      message: expect.stringContaining('d.csv: '),
    });
  });
});

describe('Parquet', () => {
  const flights = resolve(import.meta.dirname, '../../../node_modules/vega-datasets/data/flights-3m.parquet');

  test('real rows come as events, times as ISO 8601', async () => {
    const lines = await read(flights, 3);
    expect(lines.map(({ number }) => number)).toEqual([1, 2, 3]);
    expect(eventsOf(lines)[0]).toMatchObject({ origin: expect.stringMatching(/^[A-Z]{3}$/) });
    expect(lines[0]?.text).toMatch(/"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"/);
  });

  test('bytes that are none are refused with the file', async () => {
    await expect(linesOf('a.parquet', 'PAR1 but not really PAR1')).rejects.toMatchObject({
      code: 'FILE_INVALID',
      message: expect.stringContaining('a.parquet: not a Parquet file that can be read'),
    });
    await expect(linesOf('b.parquet', '')).rejects.toMatchObject({ code: 'FILE_INVALID' });
  });
});

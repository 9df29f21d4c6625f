import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EVENT_BYTES_MAX } from '../../../runtime/src/data/line.ts';
import { bytesOf, type Line, linesOf } from '../../../runtime/src/ingest/lines.ts';

async function* chunks(parts: Iterable<Uint8Array>): AsyncIterable<Uint8Array> {
  for (const part of parts) yield await Promise.resolve(part);
}

async function linesIn(...parts: (string | Uint8Array)[]): Promise<Line[]> {
  const lines: Line[] = [];
  for await (const line of linesOf(chunks(parts.map((part) => Buffer.from(part as string)))))
    lines.push(line);
  return lines;
}

describe('lines', () => {
  test.each<[string, string, [number, string][]]>([
    [
      'the last one needs no end',
      'a\nb',
      [
        [1, 'a'],
        [2, 'b'],
      ],
    ],
    [
      'empty ones are skipped and counted',
      '\n\na\n \n\r\nb\n',
      [
        [3, 'a'],
        [6, 'b'],
      ],
    ],
    [
      'may end in CR LF',
      'a\r\nb\r\n',
      [
        [1, 'a'],
        [2, 'b'],
      ],
    ],
    [
      'may begin with a byte order mark',
      '\ufeffa\nb',
      [
        [1, 'a'],
        [2, 'b'],
      ],
    ],
    ['may hold what other languages take for a line break', 'a\u2028b\u0085c', [[1, 'a\u2028b\u0085c']]],
    ['of nothing are none', '', []],
  ])('%s', async (_, text, expected) => {
    expect((await linesIn(text)).map(({ number, text: line }) => [number, line])).toEqual(expected);
  });

  test('that are not UTF-8 come with the problem, their bytes as Latin-1; the next is whole', async () => {
    expect(await linesIn(Uint8Array.of(0x61, 0xff, 0xc3), '\nb\n')).toEqual([
      { number: 1, text: 'aÿÃ', problem: 'the line is not UTF-8 text' },
      { number: 2, text: 'b' },
    ]);
  });

  test('over a megabyte come cut, with their length; one of exactly a megabyte is whole', async () => {
    const [fits, long, next] = await linesIn(
      'x'.repeat(EVENT_BYTES_MAX),
      '\n',
      'é'.repeat(EVENT_BYTES_MAX),
      '\nb',
    );
    expect(fits).toMatchObject({ number: 1, text: 'x'.repeat(EVENT_BYTES_MAX) });
    expect(fits?.problem).toBeUndefined();
    expect(long?.problem).toBe('the event has 2000000 bytes, over the 1 MB that one may have');
    expect(long?.text).toBe('é'.repeat(EVENT_BYTES_MAX / 2));
    expect(next).toEqual({ number: 3, text: 'b' });
  });

  test('are the same however the bytes come', async () => {
    const bytes = fc
      .array(fc.constantFrom('a', '\n', '\n', '\r\n', 'é', '😀', '\ufeff', ' ', '\0', Uint8Array.of(0xff)), {
        maxLength: 40,
      })
      .map((parts) => Buffer.concat(parts.map((part) => Buffer.from(part as string))));
    await fc.assert(
      fc.asyncProperty(bytes, fc.array(fc.nat(12), { maxLength: 20 }), async (all, sizes) => {
        const parts: Uint8Array[] = [];
        let at = 0;
        for (const size of sizes) parts.push(all.subarray(at, (at += size)));
        parts.push(all.subarray(at));
        const found: Line[] = [];
        for await (const line of linesOf(chunks(parts))) found.push(line);
        expect(found).toEqual(split(all));
      }),
      { numRuns: 1000 },
    );
  });
});

/** The same by splitting all bytes at once. */
function split(all: Buffer): Line[] {
  const rows = all
    .toString('latin1')
    .split('\n')
    .map((row) => Buffer.from(row, 'latin1'));
  return rows.flatMap((row, index): Line[] => {
    const number = index + 1;
    try {
      const text = new TextDecoder('utf-8', { fatal: true }).decode(row).trim();
      return text === '' ? [] : [{ number, text }];
    } catch {
      return [{ number, text: row.toString('latin1'), problem: 'the line is not UTF-8 text' }];
    }
  });
}

test('a line sent on to another process is judged there as it was here', async () => {
  const tooLong = `"${'ä'.repeat(EVENT_BYTES_MAX / 2)}"`;
  const before = await linesIn(Buffer.from([0x7b, 0xff, 0xfe, 0x7d, 0x0a]), `${tooLong}\n`, '{"a":1}\n');
  const after = await linesIn(...before.flatMap((line) => [bytesOf(line), '\n']));
  expect(before.map(({ problem }) => problem !== undefined)).toEqual([true, true, false]);
  expect(after.map(({ problem }) => problem !== undefined)).toEqual([true, true, false]);
  expect(after[0]).toEqual(before[0]);
});

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Scanner, type ScannerOptions, scannerFor } from '../../../runtime/src/compile/jit/scanner.ts';
import { lineAt, rowAt } from '../../../runtime/src/data/columns.ts';
import type { Field } from '../../../runtime/src/data/decode.ts';
import { EVENT_TIME, FIELDS, lines, linesOfOneField, type Read, readSlowly } from './scanner-lines.ts';

const SOURCE = { fields: FIELDS, eventTime: EVENT_TIME };
const NO_TIME = 'none of bid_when, seen says when the event happened';
const ALL = FIELDS.map(({ name }) => name);

/** Everything that a scanner reads from some bytes, in pieces that end at lines. */
function readAll(scanner: Scanner, input: Buffer, pieceBytes = input.length): Read {
  const rows: Read['rows'] = [];
  const problems: Read['problems'] = [];
  for (let from = 0; from < input.length;) {
    const feed = input.indexOf(10, Math.min(from + pieceBytes, input.length) - 1);
    const to = feed < 0 ? input.length : feed + 1;
    while (from < to) {
      from = scanner.scan(input, from, to);
      const { batch } = scanner;
      for (let row = 0; row < batch.n; row++) {
        rows.push({
          row: rowAt(batch, row),
          ordinal: batch.ordinals[row] as number,
          timeMs: batch.times[row] as number,
          maxBefore: batch.maxTimesBefore[row] as number,
        });
      }
      problems.push(...scanner.problems.map(({ ordinal, problem }) => ({ ordinal, problem })));
    }
  }
  return { rows, problems, events: scanner.events, maxTimeMs: scanner.maxTimeMs };
}

const scan = (
  needed: readonly string[],
  input: Buffer | string,
  options: ScannerOptions = {},
): Read & { judged: number } => {
  const scanner = scannerFor(SOURCE, needed, options);
  return { ...readAll(scanner, Buffer.from(input)), judged: scanner.judged };
};

const joined = (all: readonly Buffer[], ending: string): Buffer =>
  Buffer.concat(
    all
      .flatMap((line, index) => (index === 0 ? [line] : [Buffer.from('\n'), line]))
      .concat(Buffer.from(ending)),
  );

describe('F1: what the machine code reads is what JSON.parse and decodeEvent read', () => {
  const needed = fc.oneof(fc.constant(ALL), fc.subarray(ALL), fc.shuffledSubarray(ALL, { minLength: 1 }));
  const gates = fc.constantFrom(
    undefined,
    { field: 'kind', values: [2] },
    { field: 'kind', values: [0, 7] },
    { field: 'bid_channel', values: ['web', 'a "quoted" one'] },
    { field: 'flag', values: [true] },
    { field: 'bid_price', values: [0.1, 1000] },
  );

  test('values in every spelling', async () => {
    await fc.assert(
      fc.asyncProperty(linesOfOneField, async (all) => {
        const input = Buffer.from(all.join('\n'));
        const { judged: _, ...read } = scan(ALL, input);
        expect(read).toEqual(await readSlowly(input, ALL));
      }),
      { numRuns: 400 },
    );
  });

  test.each(['on', 'off'] as const)('random lines, jit %s', async (jit) => {
    await fc.assert(
      fc.asyncProperty(
        lines,
        needed,
        gates,
        fc.constantFrom('', '\n', '\r\n'),
        fc.integer({ min: 1, max: 5000 }),
        fc.integer({ min: 1, max: 9 }),
        async (all, columns, only, ending, pieceBytes, rowsMax) => {
          const input = joined(all, ending);
          const options = { jit, rowsMax, ...(only !== undefined && { only }) };
          const scanner = scannerFor(SOURCE, columns, options);
          expect(readAll(scanner, input, pieceBytes)).toEqual(await readSlowly(input, columns, only));
        },
      ),
      { numRuns: jit === 'on' ? 600 : 100 },
    );
  });
});

const bid = (more = '', price: number | string = 7): string =>
  `{"kind":2,"bid":{"price":${price},"when":"2015-07-15 00:00:00.000","channel":"web"${more},"inner":{"id":1}},"tags":null}`;

describe('no surprise: what producers write every day is read without JSON.parse', () => {
  test.each([
    ['the same shape again and again', [bid(), bid(), bid()]],
    [
      'escapes in texts that are read and in others',
      [
        '{"kind":1,"note":"a\\\\b \\"c\\" \\u00e9 \\ud83e\\udd8a /","x":"\\\\","seen":"2015-07-15T00:00:00Z"}',
      ],
    ],
    [
      'texts beyond ASCII',
      ['{"kind":1,"note":"Zürich 東京都 🦊","ü":"ß","seen":"2015-07-15T00:00:00.123Z"}'],
    ],
    [
      'spaces behind commas and colons, tabs',
      [
        '{"kind": 1, "note": "a",\t"seen": "2015-07-15T00:00:00Z" } ',
        '{ "kind": 1, "seen":"2015-07-15T00:00:00Z"}\r',
      ],
    ],
    [
      'other orders, other shapes, parents that are null',
      [
        bid(),
        '{"bid":null,"seen":"2015-07-15T00:00:00Z","kind":1}',
        '{"seen":"2015-07-15T00:00:00Z","bid":{"inner":{}},"kind":0}',
        bid(),
      ],
    ],
    [
      'one name in several objects',
      [
        '{"kind":1,"price":"none","bid":{"kind":9,"price":5,"inner":{"price":0,"id":3}},"seen":"2015-07-15T00:00:00Z"}',
        '{"kind":1,"bid":{"inner":{"id":3,"kind":0},"price":5},"price":"none","seen":"2015-07-15T00:00:00Z"}',
      ],
    ],
    [
      'nested values that nobody reads',
      [bid(',"more":{"a":[1,-2.5e3,{"b":[]}],"c":{}, "d":[true,false,null,"]"]}'), bid(',"more":[ ]')],
    ],
    [
      'numbers in all notations',
      [bid('', '-0'), bid('', 1e21), bid('', '12345.678'), bid('', '0.30000000000000004'), bid('', '1E+2')],
    ],
    ['decimals and lists', [bid(',"amount":"12.34"').replace('"tags":null', '"tags":["a","b"]')]],
    [
      'other ways to write a time',
      ['{"kind":1,"seen":"2015-07-15T00:00+02:00"}', '{"kind":1,"seen":"1969-12-31T23:59:59.999999Z"}'],
    ],
  ])('%s', async (_, all) => {
    const input = Buffer.from(all.join('\n'));
    const { judged, ...read } = scan(ALL, input);
    expect(read).toEqual(await readSlowly(input, ALL));
    expect(read.problems).toEqual([]);
    expect(judged).toBe(0);
  });
});

describe('a surprise: the judge says what is wrong', () => {
  test.each([
    ['a key twice', bid(',"price":8'), undefined],
    ['a parent twice', bid().replace('"tags"', '"bid":null,"tags"'), NO_TIME],
    ['an escape in a key', bid().replace('"kind"', '"k\\u0069nd"'), undefined],
    ['a missing field', '{"seen":"2015-07-15T00:00:00Z"}', 'field "kind" is missing'],
    ['null where none may be', bid().replace('2', 'null'), 'field "kind" is null'],
    ['a fraction', bid().replace('2', '2.5'), 'field "kind" is 2.5, not a whole number up to 2^53 - 1'],
    ['too large a number', bid('', '1e300'), 'field "bid.price" is 1e+300, not a number up to 2^970'],
    [
      'a value that is not one of those allowed',
      bid().replace('web', 'tv'),
      'field "bid.channel" is "tv", not one of web, phone, a "quoted" one',
    ],
    [
      'half a surrogate pair',
      bid().replace('"tags"', '"note":"\\ud800","tags"'),
      'field "note" is "\\ud800", not a string',
    ],
    [
      'two second halves of surrogate pairs',
      bid().replace('"tags"', '"note":"\\udc00\\udc00","tags"'),
      'field "note" is "\\udc00\\udc00", not a string',
    ],
    [
      'a parent that is no object',
      bid().replace(/"bid":\{.*\}\}/, '"bid":5'),
      'field "bid" is 5, not an object',
    ],
    ['no time', '{"kind":1}', NO_TIME],
    ['bytes that are not UTF-8', '{"kind":1,"x":"\u0080"}', 'the line is not UTF-8 text'],
    ['something behind the end', `${bid()}x`, /^not JSON: /],
    ['a control character', bid().replace('web', 'w\u0001b'), /^not JSON: /],
    ['a comma too many', bid().replace(':null', ':null,'), /^not JSON: /],
    ['a number with a zero before', bid('', '07'), /^not JSON: /],
    ['not an object', '[1]', 'the event is an array, not a JSON object'],
  ])('%s', async (_, line, problem) => {
    // Between two others, so that it comes as a surprise.
    const input = Buffer.from([bid(), line, bid(), ''].join('\n'), 'latin1');
    const { judged, ...read } = scan(ALL, input);
    expect(read).toEqual(await readSlowly(input, ALL));
    expect(judged).toBe(1);
    expect(read.problems.map((each) => each.problem)).toEqual(
      problem === undefined ? [] : [problem instanceof RegExp ? expect.stringMatching(problem) : problem],
    );
    expect(read.problems.map((each) => each.ordinal)).toEqual(problem === undefined ? [] : [1]);
  });

  test.each([
    'c080',
    'c3',
    'e08080',
    'eda080',
    'f0808080',
    'f4908080',
    'f5808080',
    'ff',
    '80',
    'e282',
    'f09f98',
  ])('bytes %s are not UTF-8, in texts that are read and in others', (hex) => {
    const lineOf = (key: string): string =>
      `{"kind":1,"seen":"2015-07-15T00:00:00Z","${key}":"${Buffer.from(hex, 'hex').toString('latin1')}"}`;
    const input = Buffer.from([bid(), lineOf('note'), lineOf('other'), bid()].join('\n'), 'latin1');
    const { problems } = scan(ALL, input);
    expect(problems.map(({ problem }) => problem)).toEqual(Array(2).fill('the line is not UTF-8 text'));
  });

  test('a line over a megabyte is a problem, one of a megabyte is not', async () => {
    const empty = Buffer.byteLength(bid(',"channel2":""'));
    const long = [1_000_000, 1_000_001, 3_000_000].map((bytes) =>
      bid(`,"channel2":"${'x'.repeat(bytes - empty)}"`),
    );
    const input = Buffer.from([bid(), ...long, bid()].join('\n'));
    const { judged, ...read } = scan(ALL, input);
    expect(read).toEqual(await readSlowly(input, ALL));
    expect(read.problems.map(({ problem }) => problem)).toEqual(
      [1_000_001, 3_000_000].map((bytes) => `the event has ${bytes} bytes, over the 1 MB that one may have`),
    );
    expect(judged).toBe(2);
  });

  test('a time that cannot be right', () => {
    const plausible = {
      fromMs: 0,
      toMs: Date.UTC(2015, 6, 15),
      problem: (timeMs: number) => `${timeMs} is too late`,
    };
    const input = [bid(), bid().replace('00:00:00.000', '00:00:00.001'), bid()].join('\n');
    const { rows, problems, maxTimeMs } = scan(['kind'], input, { plausible });
    expect(rows.map(({ ordinal }) => ordinal)).toEqual([0, 2]);
    expect(problems).toEqual([{ ordinal: 1, problem: `${Date.UTC(2015, 6, 15) + 1} is too late` }]);
    expect(maxTimeMs).toBe(Date.UTC(2015, 6, 15));
  });
});

describe('lines that are not wanted', () => {
  const only = { field: 'kind', values: [2] };

  test('give no row, but count and have a time', () => {
    const other = '{"kind":1,"bid":{"price":"free","when":"2015-07-15 00:00:09"}}';
    const { rows, problems, events, maxTimeMs, judged } = scan(ALL, [bid(), other, bid()].join('\n'), {
      only,
    });
    expect(rows.map(({ ordinal, maxBefore }) => [ordinal, new Date(maxBefore).getUTCSeconds()])).toEqual([
      [0, NaN],
      [2, 9],
    ]);
    expect({ problems, events, maxTimeMs, judged }).toEqual({
      problems: [],
      events: 3,
      maxTimeMs: Date.UTC(2015, 6, 15, 0, 0, 9),
      judged: 0,
    });
  });

  test('must be JSON with a time all the same', () => {
    const { problems } = scan(ALL, ['{"kind":1,"x":tru}', '{"kind":1}', '{"kind":"2"}'].join('\n'), { only });
    expect(problems.map(({ problem }) => problem)).toEqual([
      expect.stringMatching(/^not JSON: /),
      'none of bid_when, seen says when the event happened',
      'field "kind" is "2", not a whole number up to 2^53 - 1',
    ]);
  });

  test('leave no trace in the row that follows', async () => {
    const other = '{"note":"a","flag":true,"seen":"2015-07-15T00:00:00Z","kind":1}';
    const input = Buffer.from([other, '{"kind":2,"seen":"2015-07-15T00:00:00Z"}'].join('\n'));
    const { judged, ...read } = scan(ALL, input, { only });
    expect(read).toEqual(await readSlowly(input, ALL, only));
    expect(judged).toBe(0);
  });
});

describe('limits', () => {
  test.each([
    ['is full', `{"kind":1,"note":"${'\\n'.repeat(200_000)}","seen":"2015-07-15T00:00:00Z"}`],
    [
      'has no more room for decoded strings',
      `{"kind":1,"note":"\\n${'x'.repeat(300_000)}","seen":"2015-07-15T00:00:00Z"}`,
    ],
  ])('a batch ends when it %s; nothing is lost', async (_, long) => {
    const input = Buffer.from(Array.from({ length: 40 }, () => [bid(), long].join('\n')).join('\n'));
    const { judged, ...read } = scan(ALL, input, { rowsMax: 64 });
    expect(read).toEqual(await readSlowly(input, ALL));
    expect(judged).toBe(0);
  });

  test('more shapes than are remembered', async () => {
    const all = Array.from(
      { length: 6000 },
      (_, index) => `{"kind":${index},"k${index}":{},"seen":"2015-07-15T00:00:00Z","tags":["a"]}`,
    );
    const input = Buffer.from(all.join('\n'));
    const { judged, ...read } = scan(['kind', 'tags'], input);
    expect(read).toEqual(await readSlowly(input, ['kind', 'tags']));
    expect(judged).toBe(0);
  });

  test('containers as deep as JSON.parse can', async () => {
    const deep = (depth: number): string => bid(`,"more":${'['.repeat(depth)}${']'.repeat(depth)}`);
    const input = Buffer.from([deep(31), deep(32), deep(1000)].join('\n'));
    const { judged, ...read } = scan(ALL, input);
    expect(read).toEqual(await readSlowly(input, ALL));
    expect([judged, read.rows.length]).toEqual([2, 3]);
  });

  test('fields that lie inside of another one are left to the judge', () => {
    const fields = [...FIELDS, { name: 'bid', type: 'list', item: 'string', nullable: true } as const];
    const scanner = scannerFor({ fields, eventTime: EVENT_TIME }, ['bid', 'kind']);
    const { rows } = readAll(scanner, Buffer.from('{"kind":3,"seen":"2015-07-15T00:00:00Z"}'));
    expect(rows.map(({ row }) => row)).toEqual([[null, 3]]);
  });

  test('a row knows its line', () => {
    const scanner = scannerFor(SOURCE, ['kind']);
    const all = [bid(), `${bid('', 8)}\r`, bid().replace('"kind"', '"k\\u0069nd"')];
    scanner.scan(Buffer.from(all.join('\n')), 0, all.join('\n').length);
    expect([0, 1, 2].map((row) => lineAt(scanner.batch, row))).toEqual([all[0], all[1]?.trimEnd(), all[2]]);
  });

  test('many fields in deep places, and many texts allowed', () => {
    const fields = Array.from({ length: 300 }, (_, index): Field => {
      const path = [...Array.from({ length: 20 }, (__, depth) => `level ${depth}`), `f${index}`];
      return {
        name: `f${index}`,
        type: 'string',
        nullable: true,
        path,
        oneOf: Array.from({ length: 300 }, (__, each) => `text ${each}`),
      };
    });
    const scanner = scannerFor(
      { fields, eventTime: [] },
      fields.map(({ name }) => name),
    );
    const line = `${Array.from({ length: 20 }, (_, depth) => `{"level ${depth}":`).join('')}{"f299":"text 299"}${'}'.repeat(20)}`;
    const { rows } = readAll(scanner, Buffer.from(line));
    expect(rows.map(({ row }) => [row.length, row.indexOf('text 299')])).toEqual([[300, 299]]);
    expect(scanner.judged).toBe(0);
  });
});

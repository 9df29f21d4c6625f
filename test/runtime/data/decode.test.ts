/** Events as rows and rows as JSON: nested fields, times of databases, decimals, lists. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeEvent, type Field } from '../../../runtime/src/data/decode.ts';
import { rowToJson } from '../../../runtime/src/data/json.ts';
import { compareValues, encodeKey, nameOfKey } from '../../../runtime/src/data/key.ts';
import { formatSqlTimestamp, parseSqlTimestamp } from '../../../runtime/src/data/timestamp.ts';
import type { Value } from '../../../runtime/src/data/value.ts';

const FIELDS: readonly Field[] = [
  { name: 'kind', type: 'integer', nullable: false },
  { name: 'bid_price', path: ['bid', 'price'], type: 'integer', nullable: true },
  { name: 'bid_by_name', path: ['bid', 'by', 'name'], type: 'string', nullable: true },
  { name: 'at', type: 'timestamp', format: 'sql', nullable: true },
  { name: 'rate', type: 'decimal', scale: 3, nullable: true },
  { name: 'tags', type: 'list', item: 'string', nullable: true },
  { name: 'times', type: 'list', item: 'timestamp', nullable: true },
];
const row = (event: unknown): unknown => {
  const decoded = decodeEvent(FIELDS, event);
  return 'row' in decoded ? decoded.row : decoded.problem;
};

describe('an event', () => {
  test.each([
    [{ kind: 1 }, [1, null, null, null, null, null, null]],
    [{ kind: 1, bid: null }, [1, null, null, null, null, null, null]],
    [{ kind: 1, bid: { price: 5 } }, [1, 5, null, null, null, null, null]],
    [{ kind: 1, bid: { price: 5, by: { name: 'x' } } }, [1, 5, 'x', null, null, null, null]],
    [
      { kind: 1, at: '2015-07-15 00:00:01.234' },
      [1, null, null, Date.UTC(2015, 6, 15, 0, 0, 1, 234), null, null, null],
    ],
    [{ kind: 1, rate: '-0.9' }, [1, null, null, null, -900, null, null]],
    [{ kind: 1, tags: ['a', ''] }, [1, null, null, null, null, { items: ['a', ''] }, null]],
    [{ kind: 1, times: ['1970-01-01T00:00:01Z'] }, [1, null, null, null, null, null, { items: [1000] }]],
    [{ kind: 1, tags: [] }, [1, null, null, null, null, { items: [] }, null]],
  ])('%j is a row', (event, expected) => {
    expect(row(event)).toEqual(expected);
  });

  test.each([
    [{ kind: 1, bid: 7 }, 'field "bid" is 7, not an object'],
    [{ kind: 1, bid: [] }, 'field "bid" is an array, not an object'],
    [{ kind: 1, bid: { by: 'x' } }, 'field "bid.by" is "x", not an object'],
    [{ kind: 1, bid: { price: 1.5 } }, 'field "bid.price" is 1.5, not a whole number up to 2^53 - 1'],
    [
      { kind: 1, at: '2015-07-15T00:00:01Z' },
      'field "at" is "2015-07-15T00:00:01Z", not a time such as 2001-01-31 06:00:00.000',
    ],
    [
      { kind: 1, rate: 0.9 },
      'field "rate" is 0.9, not a string with a decimal of at most 3 digits behind the point',
    ],
    [{ kind: 1, rate: '0.9001' }, 'field "rate" is "0.9001", not a string with a decimal'],
    [{ kind: 1, tags: 'a' }, 'field "tags" is "a", not an array in which everything is a string'],
    [
      { kind: 1, tags: ['a', null] },
      'field "tags" is an array, not an array in which everything is a string',
    ],
    [
      { kind: 1, times: ['1970-01-01 00:00:01'] },
      'field "times" is an array, not an array in which everything is an ISO',
    ],
    [{ bid: {} }, 'field "kind" is missing'],
    [{ kind: null }, 'field "kind" is null'],
  ])('%j is none', (event, problem) => {
    expect(row(event)).toContain(problem);
  });

  test('has only its own properties, at every level', () => {
    const bid = Object.create({ price: 5 }) as object;
    expect(row({ kind: 1, bid })).toEqual([1, null, null, null, null, null, null]);
    const fields: Field[] = [{ name: 'a', path: ['constructor', 'name'], type: 'string', nullable: false }];
    expect(decodeEvent(fields, {})).toEqual({ problem: 'field "constructor.name" is missing' });
  });
});

test('a row is JSON again: decimals with all their digits, lists as arrays', () => {
  const decoded = decodeEvent(FIELDS, { kind: 1, rate: '1.5', tags: ['a'], times: ['1970-01-01T00:00:01Z'] });
  expect('row' in decoded && rowToJson(FIELDS, decoded.row)).toEqual({
    kind: 1,
    bid_price: null,
    bid_by_name: null,
    at: null,
    rate: '1.500',
    tags: ['a'],
    times: ['1970-01-01T00:00:01.000Z'],
  });
});

describe('times as databases write them', () => {
  test('are read back as they were written', () => {
    fc.assert(
      fc.property(fc.integer({ min: -62_167_219_200_000, max: 253_402_300_799_999 }), (ms) => {
        expect(parseSqlTimestamp(formatSqlTimestamp(ms))).toBe(ms);
      }),
    );
  });

  test('may have no or up to nine digits behind the second', () => {
    expect(parseSqlTimestamp('1970-01-01 00:00:01')).toBe(1000);
    expect(parseSqlTimestamp('1970-01-01 00:00:01.2')).toBe(1200);
    expect(parseSqlTimestamp('1970-01-01 00:00:01.123999999')).toBe(1123);
  });

  test.each([
    '1970-01-01T00:00:01',
    '1970-01-01 00:00',
    '1970-01-01 00:00:01Z',
    '1970-01-01 00:00:01.',
    '1970-02-30 00:00:01',
    '1970-01-01 24:00:00',
    '1970-01-01  00:00:01',
    '',
  ])('%j is none', (text) => {
    expect(parseSqlTimestamp(text)).toBeUndefined();
  });
});

describe('lists as keys', () => {
  const item = fc.oneof(fc.constant(null), fc.integer({ min: -3, max: 3 }));
  const list = fc.array(item, { maxLength: 4 }).map((items): Value => ({ items }));

  test('come in the order of their items, the shorter first', () => {
    fc.assert(
      fc.property(list, list, (a, b) => {
        const [left, right] = [a, b].map((each) => (each as { items: (number | null)[] }).items) as [
          (number | null)[],
          (number | null)[],
        ];
        const at = left.findIndex((value, index) => index >= right.length || value !== right[index]);
        const order =
          at < 0
            ? left.length - right.length
            : at >= right.length
              ? 1
              : (left[at] ?? -99) - (right[at] ?? -99);
        expect(Math.sign(Buffer.compare(encodeKey([a]), encodeKey([b])))).toBe(Math.sign(order) + 0);
        expect(Math.sign(compareValues(a, b))).toBe(Math.sign(order) + 0);
        expect(nameOfKey([a]) === nameOfKey([b])).toBe(order === 0);
      }),
      { numRuns: 1000 },
    );
  });

  test('are not taken for others, or for what stands beside them', () => {
    const tricky: Value[][] = [
      [{ items: [] }, 'a'],
      [{ items: ['a'] }, null],
      [{ items: ['a', 'b'] }],
      [{ items: ['a'] }, 'b'],
      [{ items: ['as1:b'] }],
      [{ items: [null] }],
      [{ items: [] }, null],
      [null],
      [{ items: [1, 2] }],
      [[1, 2]],
      [{ items: [] }],
    ];
    for (const [index, a] of tricky.entries()) {
      for (const [other, b] of tricky.entries()) {
        expect(nameOfKey(a) === nameOfKey(b)).toBe(index === other);
        expect(encodeKey(a).equals(encodeKey(b))).toBe(index === other);
      }
    }
  });
});

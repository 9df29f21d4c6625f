/** Rows as process functions see them, and what they may emit. */
import { describe, expect, test } from 'vitest';
import type { Column, Row, Value } from '../../../runtime/src/data/value.ts';
import { emittedRows, plainRows } from '../../../runtime/src/operators/process-values.ts';

const column = (type: Column['type'], more: Partial<Column> = {}): Column => ({
  name: 'x',
  type,
  nullable: false,
  ...more,
});

/** What a row holds, and what the function sees of it; both ways. */
const PAIRS: readonly (readonly [Column, Value, unknown])[] = [
  [column('string'), 'text', 'text'],
  [column('integer'), -3, -3],
  [column('double'), 0.1, 0.1],
  [column('boolean'), false, false],
  [column('timestamp'), 978_307_200_000, 978_307_200_000],
  [column('window'), [0, 10], { startMs: 0, endMs: 10 }],
  [column('decimal', { scale: 3 }), 12_345, '12.345'],
  [column('decimal', { scale: 3 }), -5, '-0.005'],
  [column('decimal', { scale: 3 }), 0, '0.000'],
  [column('decimal', { scale: 0 }), -12, '-12'],
  [column('decimal', { scale: 2 }), Number.MAX_SAFE_INTEGER, '90071992547409.91'],
  [column('list', { item: 'string' }), { items: ['a', 'b'] }, ['a', 'b']],
  [column('list', { item: 'integer' }), { items: [] }, []],
  [column('string', { nullable: true }), null, null],
];

test.each(PAIRS)('%o: %o is %o for a function', (of, value, plain) => {
  expect(plainRows([of])([value])).toEqual({ x: plain });
  expect(emittedRows([of])({ x: plain })).toEqual([value]);
});

test('every row is an object of its own', () => {
  const row: Row = [{ items: ['a'] }];
  const plain = plainRows([column('list', { item: 'string' })])(row) as unknown as { x: string[] };
  plain.x.push('b');
  expect(row).toEqual([{ items: ['a'] }]);
});

test.each<readonly [Column, unknown, Value]>([
  [column('decimal', { scale: 3 }), '7', 7000],
  [column('decimal', { scale: 3 }), '-0', 0],
  [column('double'), -0, 0],
  [column('list', { item: 'double' }), [-0], { items: [0] }],
  [column('string', { nullable: true }), undefined, null],
])('%o takes %o, as %o', (of, emitted, value) => {
  expect(emittedRows([of])({ x: emitted })).toStrictEqual([value]);
});

describe('refused', () => {
  test.each<readonly [Column, unknown, string]>([
    [column('string'), 1, 'emitted 1 as "x", not a well-formed string'],
    [column('string'), '\ud800', 'not a well-formed string'],
    [column('integer'), 1.5, 'emitted 1.5 as "x", not a whole number'],
    [column('integer'), 2 ** 53, 'not a whole number'],
    [column('integer'), '1', 'emitted "1" as "x"'],
    [column('double'), NaN, 'emitted NaN'],
    [column('double'), 2 ** 971, 'not a number up to'],
    [column('boolean'), 1, 'not true or false'],
    [column('timestamp'), '2001-01-01T00:00:00Z', 'not whole epoch milliseconds'],
    [column('timestamp'), 1.5, 'not whole epoch milliseconds'],
    [column('timestamp'), new Date(0), 'emitted an object as "x"'],
    [column('window'), { startMs: 5, endMs: 5 }, 'not { startMs, endMs }'],
    [column('window'), { startMs: 5 }, 'not { startMs, endMs }'],
    [column('window'), 5, 'not { startMs, endMs }'],
    [column('decimal', { scale: 1 }), '1.25', 'at most 1 digits behind the point'],
    [column('decimal', { scale: 1 }), 1.5, 'the text of a decimal'],
    [column('decimal', { scale: 1 }), '1e5', 'the text of a decimal'],
    [column('decimal', { scale: 3 }), '9007199254740992', 'the text of a decimal'],
    [column('list', { item: 'string' }), ['a', 1], 'an array of values of type string'],
    [column('list', { item: 'string' }), ['a', null], 'an array of values of type string'],
    [column('list', { item: 'string' }), Array(1), 'an array of values of type string'],
    [column('list', { item: 'string' }), 'a', 'an array of values of type string'],
    [column('string'), null, 'emitted no "x", which is never null'],
    [column('string'), undefined, 'emitted no "x", which is never null'],
    [column('string'), () => 1, 'emitted a value of type function'],
  ])('%o does not take %o', (of, emitted, message) => {
    expect(() => emittedRows([of])({ x: emitted })).toThrow(message);
  });

  test.each<readonly [unknown, string]>([
    [undefined, 'emitted a value of type undefined, not an object'],
    [null, 'emitted null, not an object'],
    [['text'], 'emitted an array, not an object'],
    [{ x: 'text', y: 1 }, 'emitted "y"; its columns are x'],
    [Object.create({ x: 'inherited' }), 'emitted no "x"'],
  ])('%o is no row', (emitted, message) => {
    expect(() => emittedRows([column('string')])(emitted)).toThrow(message);
  });
});

/** Each function by examples: values, nulls, errors of the row, and what is refused before any row. */
import { describe, expect, test } from 'vitest';
import type { Value } from '../../../runtime/src/data/value.ts';
import { FUNCTIONS } from '../../../runtime/src/expr/functions.ts';
import type { Expr, ExprType, FunctionName } from '../../../runtime/src/expr/node.ts';
import { bool, call, dec, double, field, int, str, time, typeOf, valueOf } from './calls.ts';

type Example = readonly [args: readonly Expr[], value: Value];

const MAX = Number.MAX_SAFE_INTEGER;
const T = '2024-03-31T00:30:15.250Z';
const ms = Date.parse;

/** Every function with arguments, and what comes of them. Nulls are tried below, for all alike. */
const EXAMPLES: { readonly [F in FunctionName]: readonly Example[] } = {
  eq: [
    [[dec(150, 2), dec(15, 1)], true],
    [[dec(150, 2), int(2)], false],
    [[dec(150, 2), double(1.5)], true],
    [[bool(true), bool(true)], true],
    [[time(T), time(T)], true],
  ],
  ne: [
    [[str('a'), str('b')], true],
    [[dec(10, 1), int(1)], false],
  ],
  gt: [[[int(2), dec(19, 1)], true]],
  gte: [[[double(1.5), dec(15, 1)], true]],
  // Neither side fits into the other's scale.
  lt: [[[dec(MAX, 0), dec(MAX, 15)], false]],
  lte: [[[dec(MAX, 15), dec(MAX, 0)], true]],
  and: [[[bool(true), bool(false)], false]],
  or: [[[bool(true), bool(false)], true]],
  not: [[[bool(true)], false]],
  isNull: [[[int(1)], false]],
  coalesce: [
    [[int(null), dec(15, 1)], 15],
    [[int(2), dec(15, 1)], 20],
    [[dec(15, 1), double(2)], 1.5],
    [[field('none'), field('tags')], { items: ['a', 'b'] }],
  ],
  nullIf: [
    [[int(1), int(1)], null],
    [[int(1), int(2)], 1],
    [[dec(15, 1), dec(150, 2)], null],
  ],
  least: [
    [[int(3), int(1), int(2)], 1],
    [[str('b'), str('a')], 'a'],
    [[dec(15, 1), int(1)], 10],
  ],
  greatest: [
    [[int(3), double(3.5)], 3.5],
    [[str('\uffff'), str('😀')], '😀'],
  ],
  caseWhen: [
    [[bool(true), int(1), int(2)], 1],
    [[bool(null), int(1), int(2)], 2],
    [[bool(false), int(1), bool(true), int(2), int(3)], 2],
    [[bool(false), int(1), bool(null), int(2), int(3)], 3],
    [[bool(true), int(1), dec(25, 1)], 10],
    // Only the value that is chosen is computed.
    [[bool(false), call('dividedBy', int(1), int(0)), double(2)], 2],
    [[bool(true), double(2), call('dividedBy', int(1), int(0))], 2],
  ],
  required: [
    [[int(1)], 1],
    [[str(null)], 'error: null is null, but it is required'],
  ],
  plus: [
    [[int(1), dec(5, 1)], 15],
    [[dec(1, 2), dec(1, 1)], 11],
    [[dec(5, 1), double(0.25)], 0.75],
    // The integer alone would leave the range in this scale; the result does not.
    [[int(10_000_000_000_000), dec(-5_000_000_000_000_000, 3)], 5_000_000_000_000_000],
    [[dec(MAX, 2), dec(1, 2)], 'error: 90071992547409.91 + 0.01 overflows decimal(2)'],
  ],
  minus: [[[dec(15, 1), int(2)], -5]],
  times: [
    [[int(200), dec(908, 3)], 181_600],
    [[dec(15, 1), dec(15, 1)], 225],
    [[dec(MAX, 1), int(2)], 'error: 900719925474099.1 * 2 overflows decimal(1)'],
  ],
  dividedBy: [
    [[dec(15, 1), int(2)], 0.75],
    [[int(1), dec(0, 2)], 'error: division of 1 by zero'],
  ],
  integerDividedBy: [
    [[int(7), int(2)], 3],
    [[int(-7), int(2)], -3],
    [[int(MAX), int(-1)], -MAX],
    [[int(1), int(0)], 'error: division of 1 by zero'],
  ],
  mod: [
    [[int(7), int(3)], 1],
    [[int(-7), int(3)], -1],
    [[int(-6), int(3)], 0],
    [[double(5.5), int(2)], 1.5],
    [[dec(55, 1), dec(200, 2)], 150],
    [[int(MAX), dec(2, 1)], 0],
    [[int(MAX), dec(0, 1)], 'error: remainder of a division by zero'],
    [[int(1), int(0)], 'error: remainder of a division by zero'],
  ],
  abs: [
    [[int(-1)], 1],
    [[double(-0.5)], 0.5],
    [[dec(-15, 1)], 15],
  ],
  round: [
    [[double(2.5)], 3],
    [[double(-2.5)], -3],
    [[double(-0.4)], 0],
    [[double(1.005), int(2)], 1],
    [[double(1234.5), int(-2)], 1200],
    [[double(2 ** 960), int(15)], 2 ** 960],
    [[int(1250), int(-2)], 1300],
    [[int(-1250), int(-2)], -1300],
    [[int(7), int(3)], 7],
    [[int(MAX), int(-1)], 9_007_199_254_740_990],
    [[int(MAX), int(-2)], 'error: round(9007199254740991, -2) overflows integer'],
    [[dec(2345, 3), int(2)], 235],
    [[dec(-2345, 3), int(2)], -235],
    [[dec(2345, 3), int(5)], 2345],
    [[dec(25, 1)], 3],
  ],
  floor: [
    [[double(-1.5)], -2],
    [[dec(-15, 1)], -2],
    [[dec(15, 1)], 1],
    [[int(3)], 3],
  ],
  ceil: [
    [[double(-0.5)], 0],
    [[dec(-15, 1)], -1],
    [[dec(11, 1)], 2],
  ],
  toInteger: [
    [[double(-2.7)], -2],
    [[dec(29, 1)], 2],
    [[dec(-29, 1)], -2],
    [[str('-12')], -12],
    [[str('-0')], 0],
    [[str('12.5')], 'error: "12.5" is not an integer'],
    [[str('')], 'error: "" is not an integer'],
    [[double(1e17)], 'error: 100000000000000000 is not an integer'],
  ],
  toDouble: [
    [[dec(908, 3)], 0.908],
    [[int(2)], 2],
    [[str('1e3')], 1000],
    [[str('.5')], 0.5],
    [[str('1e999')], 'error: "1e999" is not a double'],
    [[str(' 1')], 'error: " 1" is not a double'],
    [[str('NaN')], 'error: "NaN" is not a double'],
  ],
  toDecimal: [
    [[int(2), int(3)], 2000],
    [[double(0.125), int(2)], 13],
    [[double(-0.125), int(2)], -13],
    [[dec(2345, 3), int(1)], 23],
    [[dec(2350, 3), int(1)], 24],
    [[str('-1.255'), int(2)], -126],
    [[str('7'), int(2)], 700],
    [[int(MAX), int(1)], 'error: 9007199254740991 overflows decimal(1)'],
    [[str('1e3'), int(2)], 'error: "1e3" is not a decimal(2)'],
    [[double(1e290), int(2)], 'error: 1e+290 is not a decimal(2)'],
  ],
  toText: [
    [[int(-1)], '-1'],
    [[double(1)], '1.0'],
    [[double(-1.5e-7)], '-1.5e-07'],
    [[double(0.0001)], '0.0001'],
    [[double(1e16)], '1e+16'],
    [[dec(-5, 3)], '-0.005'],
    [[bool(true)], 'true'],
    [[str('a')], 'a'],
  ],
  lower: [
    [[str('ÀΣ-İ')], 'àσ-i'],
    [[str('ABC')], 'abc'],
  ],
  // One code point stays one.
  upper: [
    [[str('straße ŉ ᾳ')], 'STRAẞE ŉ ᾼ'],
    [[str('abc')], 'ABC'],
  ],
  length: [
    [[str('a😀e\u0301')], 4],
    [[str('')], 0],
  ],
  concat: [
    [[str('a'), str('b'), str('')], 'ab'],
    [[str('a'), str(null), str('b')], null],
  ],
  substring: [
    [[str('abc'), int(2)], 'bc'],
    [[str('abc'), int(2), int(1)], 'b'],
    [[str('abc'), int(0), int(2)], 'a'],
    [[str('abc'), int(-1), int(2)], ''],
    [[str('abc'), int(-5)], 'abc'],
    [[str('abc'), int(9), int(2)], ''],
    [[str('a😀b'), int(2), int(1)], '😀'],
    [[str('abc'), int(1), int(MAX)], 'abc'],
    [[str('abc'), int(1), int(-1)], 'error: substring of length -1'],
  ],
  contains: [
    [[str('abc'), str('bc')], true],
    [[str('abc'), str('')], true],
    [[str('abc'), str('d')], false],
  ],
  startsWith: [[[str('abc'), str('ab')], true]],
  endsWith: [[[str('abc'), str('ab')], false]],
  trim: [
    [[str('  a b  ')], 'a b'],
    [[str('\ta\n')], '\ta\n'],
    [[str('   ')], ''],
  ],
  replace: [
    [[str('aXbX'), str('X'), str('$&')], 'a$&b$&'],
    [[str('abc'), str(''), str('X')], 'abc'],
  ],
  like: [
    [[str('abc'), str('a%')], true],
    [[str('abc'), str('%c')], true],
    [[str('abc'), str('%b%')], true],
    [[str('abc'), str('abc')], true],
    [[str('abc'), str('ab')], false],
    [[str('a😀c'), str('a_c')], true],
    [[str('aXbXc'), str('a%b%_c')], true],
    [[str('aXbX'), str('a%b%_c')], false],
    [[str('a.c'), str('a.c')], true],
    [[str('abc'), str('a.c')], false],
    [[str(''), str('%')], true],
  ],
  matches: [
    [[str('channel_id=7'), str('id=\\d')], true],
    [[str('channel_id=x'), str('id=\\d')], false],
  ],
  regexpExtract: [
    [[str('x?a=1&channel_id=22&b'), str('(&|^)channel_id=([^&]*)'), int(2)], '22'],
    [[str('x'), str('(&|^)channel_id=([^&]*)'), int(2)], null],
    [[str('abc'), str('b')], 'b'],
    [[str('a'), str('a(b)?'), int(1)], null],
  ],
  splitPart: [
    [[str('a/b/c'), str('/'), int(1)], 'a'],
    [[str('a/b/c'), str('/'), int(3)], 'c'],
    [[str('a/b/c'), str('/'), int(4)], null],
    [[str('a/b/c'), str('/'), int(0)], null],
    [[str('a--b'), str('--'), int(2)], 'b'],
    [[str('a/'), str('/'), int(2)], ''],
    [[str('a😀'), str(''), int(2)], '😀'],
  ],
  year: [[[time(T)], 2024]],
  month: [[[time(T)], 3]],
  day: [
    [[time(T)], 31],
    [[time(T), str('America/New_York')], 30],
  ],
  hour: [
    [[time(T)], 0],
    [[time(T), str('Europe/Berlin')], 1],
    [[time('2024-03-31T01:30:00Z'), str('Europe/Berlin')], 3],
    [[time('1969-12-31T23:59:59.999Z')], 23],
  ],
  minute: [[[time(T), str('Asia/Kolkata')], 0]],
  second: [
    [[time(T)], 15],
    [[time('1969-12-31T23:59:59.999Z')], 59],
  ],
  dayOfWeek: [
    [[time(T)], 7],
    [[time('2024-04-01T00:00:00Z')], 1],
    [[time('1969-12-31T00:00:00Z')], 3],
  ],
  formatTime: [
    [[time(T), str('yyyy-MM-dd HH:mm:ss.SSS')], '2024-03-31 00:30:15.250'],
    [[time(T), str("dd.MM.yyyy'T'HH'''h'"), str('Europe/Berlin')], "31.03.2024T01'h"],
    [[time('0001-01-01T00:00:00Z'), str('yyyy')], '0001'],
    [
      [{ kind: 'literal', type: 'timestamp', value: 8.64e15 }, str('yyyy')],
      'error: the year 275760 cannot be formatted with four digits',
    ],
  ],
  plusMs: [
    [[time(T), int(1000)], ms(T) + 1000],
    [[time(T), int(MAX)], `error: ${ms(T) + MAX} ms is beyond what a time can be`],
  ],
  minusMs: [[[time(T), int(1000)], ms(T) - 1000]],
  timestampDiffMs: [[[time(T), time('2024-03-31T00:30:00Z')], 15_250]],
  toMillis: [[[time(T)], ms(T)]],
  fromMillis: [
    [[int(5)], 5],
    [[int(MAX)], 'error: 9007199254740991 ms is beyond what a time can be'],
  ],
  windowStart: [[[field('window')], Date.UTC(2024, 0, 1)]],
  windowEnd: [[[field('window')], Date.UTC(2024, 0, 2)]],
  listLength: [
    [[field('tags')], 2],
    [[field('none')], null],
  ],
  listContains: [
    [[field('tags'), str('b')], true],
    [[field('tags'), str('c')], false],
    [[field('ids'), double(2)], true],
    [[field('none'), str('b')], null],
    [[field('tags'), str(null)], null],
  ],
};

describe.each(Object.entries(EXAMPLES))('%s', (fn, examples) => {
  test.each(examples)('%j is %j', (args, value) => {
    expect(valueOf(call(fn as FunctionName, ...args))).toEqual(value);
  });
});

/** Their result may be there although an argument is null. */
const SEE_NULLS = new Set(['and', 'or', 'isNull', 'coalesce', 'nullIf', 'caseWhen', 'required']);

test('every other function is null when one of its arguments is', () => {
  for (const [fn, examples] of Object.entries(EXAMPLES)) {
    if (SEE_NULLS.has(fn)) continue;
    for (const [args] of examples) {
      for (const [index, arg] of args.entries()) {
        if (arg.kind !== 'literal' || isPattern(fn, index)) continue;
        const nulled = call(fn as FunctionName, ...args.with(index, { ...arg, value: null }));
        expect([fn, index, valueOf(nulled)]).toEqual([fn, index, null]);
        expect(typeOf(nulled)).toMatchObject({ nullable: true });
      }
    }
  }
});

/** Arguments that are read once, before any row. */
function isPattern(fn: string, index: number): boolean {
  const { sign } = FUNCTIONS[fn as FunctionName];
  const patterns = ['round', 'toDecimal', 'like', 'matches', 'regexpExtract', 'formatTime'];
  return (
    index > 0 &&
    (patterns.includes(fn) ||
      sign === 'isodow' ||
      ['year', 'month', 'day', 'hour', 'minute', 'second'].includes(fn))
  );
}

test('no result is -0', () => {
  for (const [fn, examples] of Object.entries(EXAMPLES))
    for (const [args] of examples)
      expect(Object.is(valueOf(call(fn as FunctionName, ...args)), -0)).toBe(false);
});

const refused: readonly (readonly [string, Expr, string])[] = [
  [
    'a scale beyond 15',
    call('times', dec(1, 8), dec(1, 8)),
    'of decimal(8) and decimal(8) would need 16 digits',
  ],
  [
    'a scale that is no literal',
    call('toDecimal', int(1), call('plus', int(1), int(1))),
    'a whole number from 0',
  ],
  ['a negative scale', call('toDecimal', int(1), int(-1)), 'needs as scale a whole number from 0 to 15'],
  ['digits beyond 15', call('round', double(1), int(16)), 'needs as digits a whole number from -15 to 15'],
  ['negative digits of a decimal', call('round', dec(1, 1), int(-1)), 'needs, for a decimal, digits from 0'],
  ['doubles', call('integerDividedBy', double(1), int(1)), 'integerDividedBy needs two integers'],
  ['a time as text', call('toText', time(T)), 'use formatTime'],
  [
    'a pattern that is no literal',
    call('like', str('a'), field('tags')),
    'a pattern that is written as a literal',
  ],
  ['a regex that is null', call('matches', str('a'), str(null)), 'a pattern that is written as a literal'],
  ['a regex that is none', call('matches', str('a'), str('(a')), 'cannot use /(a/: it has a ( without a )'],
  [
    'a group that is not there',
    call('regexpExtract', str('a'), str('(a)'), int(2)),
    'a whole number from 0 to 1',
  ],
  ['an unknown zone', call('hour', time(T), str('Mars/Olympus')), '"Mars/Olympus" is not a time zone'],
  ['a zone that is null', call('hour', time(T), str(null)), 'a zone that is written as a literal'],
  ['an unknown pattern', call('formatTime', time(T), str('yyyy-DD')), 'cannot use the pattern "yyyy-DD"'],
  ['a quote left open', call('formatTime', time(T), str("yyyy'T")), 'cannot use the pattern'],
  [
    'cases without an otherwise',
    call('caseWhen', bool(true), int(1), bool(true), int(1)),
    'then another value',
  ],
  [
    'a case of two types',
    call('caseWhen', bool(true), int(1), str('a')),
    'values of one type, not integer and string',
  ],
  ['a case of a number', call('caseWhen', int(1), int(1), int(2)), 'needs boolean conditions'],
  ['two types in least', call('least', int(1), str('a')), 'not integer and string'],
  ['lists in least', call('least', field('tags'), field('tags')), 'one type that has an order'],
  [
    'lists compared',
    call('eq', field('tags'), field('tags')),
    'cannot compare list of string with list of string',
  ],
  [
    'an item of another type',
    call('listContains', field('tags'), int(1)),
    'needs a value of type string, not integer',
  ],
  ['a list as text', call('length', field('tags')), 'length needs a string'],
  ['a window of a time', call('windowStart', time(T)), 'needs a window'],
  [
    'a decimal without a scale',
    { kind: 'literal', type: 'decimal', value: 1 },
    'is not a value of type decimal',
  ],
  ['a scale too large', dec(1, 16), 'is not a value of type decimal'],
  ['an integer with a scale', { kind: 'literal', type: 'integer', value: 1, scale: 1 }, 'is not a value'],
  ['a literal list', { kind: 'literal', type: 'list', value: null }, 'is not a value of type list'],
];
test.each(refused)('%s is refused', (_, expr, message) => {
  expect(typeOf(expr)).toContain(message);
});

const typed: readonly (readonly [Expr, ExprType])[] = [
  [call('plus', dec(1, 2), dec(1, 3)), { type: 'decimal', nullable: false, scale: 3 }],
  [call('times', dec(1, 2), dec(1, 3)), { type: 'decimal', nullable: false, scale: 5 }],
  [call('times', int(1), dec(null, 3)), { type: 'decimal', nullable: true, scale: 3 }],
  [call('dividedBy', dec(1, 2), int(1)), { type: 'double', nullable: false }],
  [call('plus', dec(1, 2), double(1)), { type: 'double', nullable: false }],
  [call('round', dec(1, 3), int(1)), { type: 'decimal', nullable: false, scale: 1 }],
  [call('round', dec(1, 3), int(9)), { type: 'decimal', nullable: false, scale: 3 }],
  [call('floor', dec(1, 3)), { type: 'decimal', nullable: false, scale: 0 }],
  [call('coalesce', int(null), dec(1, 2)), { type: 'decimal', nullable: false, scale: 2 }],
  [call('nullIf', dec(1, 2), int(1)), { type: 'decimal', nullable: true, scale: 2 }],
  [call('caseWhen', bool(true), int(1), dec(null, 2)), { type: 'decimal', nullable: true, scale: 2 }],
  [call('required', dec(null, 2)), { type: 'decimal', nullable: false, scale: 2 }],
  [call('required', field('ids')), { type: 'list', nullable: false, item: 'integer' }],
  [call('splitPart', str('a'), str('b'), int(1)), { type: 'string', nullable: true }],
];
test.each(typed)('%j has its type', (expr, type) => {
  expect(typeOf(expr)).toEqual(type);
});

test('a text cannot grow without end', () => {
  const long = call('replace', str('a'.repeat(5000)), str('a'), str('a'.repeat(5000)));
  expect(valueOf(long)).toContain('error: replace makes a text of more than');
  const half = call('replace', str('a'.repeat(3000)), str('a'), str('a'.repeat(3000)));
  expect(valueOf(call('concat', half, half))).toContain('error: concat makes a text of more than');
});

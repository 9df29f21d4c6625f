import { describe, expect, test } from 'vitest';
import type { Column, Value } from '../../../runtime/src/data/value.ts';
import { evaluatorOf, explainExpr, inferExpr } from '../../../runtime/src/expr/evaluate.ts';
import type { Expr, FunctionName } from '../../../runtime/src/expr/node.ts';

const COLUMNS: readonly Column[] = [
  { name: 'i', type: 'integer', nullable: true },
  { name: 'd', type: 'double', nullable: true },
  { name: 's', type: 'string', nullable: true },
  { name: 'b', type: 'boolean', nullable: true },
  { name: 't', type: 'timestamp', nullable: false },
  { name: 'w', type: 'window', nullable: false },
];

const call = (fn: FunctionName, ...args: Expr[]): Expr => ({ kind: 'call', fn, args });
const field = (name: string): Expr => ({ kind: 'field', name });
const bool = (value: boolean | null): Expr => ({ kind: 'literal', type: 'boolean', value });
const int = (value: number | null): Expr => ({ kind: 'literal', type: 'integer', value });
const double = (value: number | null): Expr => ({ kind: 'literal', type: 'double', value });
const str = (value: string | null): Expr => ({ kind: 'literal', type: 'string', value });
const evaluate = (expr: Expr): Value => evaluatorOf(expr, COLUMNS)([]);

describe('three-valued logic', () => {
  const T = true;
  const F = false;
  const N = null;

  test.each([
    [T, T, T, T],
    [T, F, F, T],
    [T, N, N, T],
    [F, T, F, T],
    [F, F, F, F],
    [F, N, F, N],
    [N, T, N, T],
    [N, F, F, N],
    [N, N, N, N],
  ])('%s and, or %s is %s, %s', (a, b, and, or) => {
    expect(evaluate(call('and', bool(a), bool(b)))).toBe(and);
    expect(evaluate(call('or', bool(a), bool(b)))).toBe(or);
  });

  test('not null is null', () => {
    expect([T, F, N].map((value) => evaluate(call('not', bool(value))))).toEqual([F, T, N]);
  });

  test('isNull and coalesce see nulls; everything else with a null is null', () => {
    expect([evaluate(call('isNull', int(null))), evaluate(call('isNull', int(0)))]).toEqual([true, false]);
    expect([
      evaluate(call('coalesce', int(null), int(2))),
      evaluate(call('coalesce', int(0), int(2))),
    ]).toEqual([2, 0]);
    for (const fn of ['eq', 'ne', 'lt', 'lte', 'gt', 'gte', 'plus', 'minus', 'times', 'dividedBy'] as const) {
      expect(evaluate(call(fn, int(null), int(1)))).toBeNull();
      expect(evaluate(call(fn, int(1), int(null)))).toBeNull();
    }
    expect([evaluate(call('lower', str(null))), evaluate(call('upper', str(null)))]).toEqual([null, null]);
  });
});

describe('comparison', () => {
  test.each([
    [int(1), int(2)],
    [int(1), double(1.5)],
    [str('a'), str('b')],
    [str('a'), str('aa')],
    // By code point, as other engines order UTF-8; UTF-16 would say the opposite.
    [str('\uffff'), str('😀')],
    [bool(false), bool(true)],
  ])('%j is less than %j', (a, b) => {
    const results = (['lt', 'lte', 'gt', 'gte', 'eq', 'ne'] as const).map((fn) => evaluate(call(fn, a, b)));
    expect(results).toEqual([true, true, false, false, false, true]);
    const same = (['lt', 'lte', 'gt', 'gte', 'eq', 'ne'] as const).map((fn) => evaluate(call(fn, a, a)));
    expect(same).toEqual([false, true, false, true, true, false]);
  });
});

describe('arithmetic', () => {
  test('of integers stays exact, or is an error of the row', () => {
    const max = Number.MAX_SAFE_INTEGER;
    expect(evaluate(call('plus', int(max - 1), int(1)))).toBe(max);
    expect(() => evaluate(call('plus', int(max), int(1)))).toThrow('9007199254740991 + 1 overflows integer');
    expect(() => evaluate(call('times', int(max), int(-2)))).toThrow('overflows integer');
  });

  test('of doubles overflows where a sum could no longer be exact', () => {
    expect(() => evaluate(call('times', double(2 ** 970), double(2)))).toThrow('overflows double');
    expect(() => evaluate(call('dividedBy', double(1), double(5e-324)))).toThrow('overflows double');
  });

  test('a division is a double, and by zero an error of the row', () => {
    expect(evaluate(call('dividedBy', int(1), int(2)))).toBe(0.5);
    expect(() => evaluate(call('dividedBy', int(1), int(0)))).toThrow('division of 1 by zero');
  });

  test('never gives -0', () => {
    expect(evaluate(call('times', int(0), int(-1)))).toBe(0);
    expect(evaluate(call('dividedBy', int(0), int(-1)))).toBe(0);
  });
});

describe('the type of an expression', () => {
  test.each<[string, Expr, string]>([
    ['an unknown column', field('nope'), 'there is no column "nope"; there are i, d, s, b, t, w'],
    ['a string against a number', call('eq', field('s'), int(1)), 'cannot compare string with integer'],
    ['a time against a number', call('gt', field('t'), int(1)), 'cannot compare timestamp with integer'],
    ['windows', call('eq', field('w'), field('w')), 'cannot compare window with window'],
    ['arithmetic with a string', call('plus', field('s'), int(1)), 's + 1: plus needs two numbers'],
    ['logic with a number', call('and', field('b'), field('i')), 'b and i: and needs two booleans'],
    ['not of a number', call('not', field('i')), 'not(i): not needs a boolean'],
    ['upper of a number', call('upper', field('i')), 'upper(i): upper needs a string'],
    ['two types in coalesce', call('coalesce', field('s'), int(1)), 'needs two values of one type'],
    ['too many arguments', call('eq', field('i'), int(1), int(2)), 'eq needs 2 arguments, not 3'],
    ['too few arguments', call('plus', field('i')), 'plus needs 2 arguments, not 1'],
    ['no argument', call('not'), 'not needs 1 argument, not 0'],
    [
      'a text as a number',
      { kind: 'literal', type: 'integer', value: '1' },
      '"1" is not a value of type integer',
    ],
    ['a fraction as an integer', int(1.5), '1.5 is not a value of type integer'],
    ['an integer that is not exact', int(2 ** 53), 'is not a value of type integer'],
    ['a double beyond sums', double(1e300), 'is not a value of type double'],
    [
      'a time beyond time',
      { kind: 'literal', type: 'timestamp', value: 9e15 },
      'is not a value of type timestamp',
    ],
    ['half a surrogate', str('\ud800'), 'is not a value of type string'],
  ])('%s is refused, by name', (_, expr, message) => {
    expect(inferExpr(expr, COLUMNS)).toContain(message);
  });

  test.each<[Expr, string, boolean]>([
    [call('plus', field('i'), int(1)), 'integer', true],
    [call('plus', field('i'), double(1.5)), 'double', true],
    [call('dividedBy', int(4), int(2)), 'double', false],
    [call('coalesce', field('i'), int(0)), 'integer', false],
    [call('coalesce', field('i'), double(0.5)), 'double', false],
    [call('isNull', field('s')), 'boolean', false],
    [call('and', field('b'), bool(true)), 'boolean', true],
  ])('%j is %s, null: %s', (expr, type, nullable) => {
    expect(inferExpr(expr, COLUMNS)).toEqual({ type, nullable });
  });
});

test('an expression reads as a person writes it', () => {
  const late = call('and', call('gt', field('d'), double(0.5)), call('not', call('isNull', field('s'))));
  expect(explainExpr(late)).toBe('(d > 0.5) and (not(s is null))');
  expect(explainExpr(str("it's"))).toBe("'it''s'");
  expect(explainExpr({ kind: 'literal', type: 'timestamp', value: 0 })).toBe('1970-01-01T00:00:00.000Z');
  expect(explainExpr({ kind: 'literal', type: 'timestamp', value: null })).toBe('null');
});

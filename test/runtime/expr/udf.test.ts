/** Functions of a definition: what they see, and what becomes of what they do wrong. */
import { describe, expect, test } from 'vitest';
import type { Column, Value } from '../../../runtime/src/data/value.ts';
import { evaluatorOf, explainExpr, inferExpr } from '../../../runtime/src/expr/evaluate.ts';
import type { ExprType, UdfExpr } from '../../../runtime/src/expr/node.ts';

const COLUMNS: readonly Column[] = [
  { name: 's', type: 'string', nullable: true },
  { name: 'd', type: 'decimal', scale: 2, nullable: false },
  { name: 't', type: 'timestamp', nullable: false },
  { name: 'l', type: 'list', item: 'integer', nullable: false },
  { name: 'w', type: 'window', nullable: false },
];
const ROW: readonly Value[] = ['x', -150, 5, { items: [1, 2] }, [0, 60_000]];

function udf(result: ExprType, ...args: readonly string[]): UdfExpr {
  return { kind: 'udf', name: 'f', result, args: args.map((name) => ({ kind: 'field', name })) };
}

function run(expr: UdfExpr, code: (...args: never[]) => unknown, row = ROW): Value {
  return evaluatorOf(expr, COLUMNS, new Map([['f', code]]))(row);
}

const STRING: ExprType = { type: 'string', nullable: false };

test('values are plain: decimals as text, times as milliseconds, lists as arrays', () => {
  const seen: unknown[] = [];
  const expr = udf(STRING, 's', 'd', 't', 'l', 'w');
  expect(run(expr, (...args: never[]) => (seen.push(...args), 'ok'))).toBe('ok');
  expect(seen).toEqual(['x', '-1.50', 5, [1, 2], { startMs: 0, endMs: 60_000 }]);
});

test('a list that a function changes is its own', () => {
  run(udf(STRING, 'l'), (list: number[]) => String(list.push(3)));
  expect(ROW[3]).toEqual({ items: [1, 2] });
});

test('null in, null out: it is not called', () => {
  const expr = udf(STRING, 's', 'd');
  expect(run(expr, () => 'never', [null, ...ROW.slice(1)])).toBeNull();
  expect(inferExpr(expr, COLUMNS)).toEqual({ type: 'string', nullable: true });
  expect(inferExpr(udf(STRING, 'd'), COLUMNS)).toEqual(STRING);
});

test.each<[ExprType, unknown, Value]>([
  [{ type: 'double', nullable: false }, -0, 0],
  [{ type: 'integer', nullable: true }, null, null],
  [{ type: 'decimal', nullable: false, scale: 3 }, '1.5', 1500],
  [{ type: 'list', nullable: false, item: 'double' }, [1.5, -0], { items: [1.5, 0] }],
  [{ type: 'timestamp', nullable: false }, 7, 7],
])('a result of type %j: %j is %j', (type, given, value) => {
  expect(run(udf(type, 'd'), () => given)).toEqual(value);
});

describe('what is wrong is an error of the row that names the function', () => {
  test.each<[ExprType, unknown, string]>([
    [STRING, 1, 'function "f" returned 1, not a well-formed string'],
    [STRING, undefined, 'function "f" returned a value of type undefined, not a well-formed string'],
    [STRING, null, 'function "f" returned null, not a well-formed string'],
    [STRING, Promise.resolve('x'), 'function "f" returned an object'],
    [STRING, '\ud800', 'function "f" returned "\\ud800"'],
    [{ type: 'integer', nullable: false }, 1.5, 'function "f" returned 1.5, not a whole number'],
    [{ type: 'double', nullable: false }, NaN, 'function "f" returned NaN, not a number up to 2^970'],
    [
      { type: 'decimal', nullable: false, scale: 1 },
      '1.55',
      'returned "1.55", not the text of a decimal with at most 1',
    ],
    [
      { type: 'list', nullable: false, item: 'string' },
      ['a', null],
      'returned an array, not an array of values of type string',
    ],
    [{ type: 'list', nullable: false, item: 'string' }, Array(2), 'returned an array'],
    [{ type: 'timestamp', nullable: false }, 9e15, 'returned 9000000000000000, not whole epoch milliseconds'],
    [{ type: 'window', nullable: false }, null, 'returned null, not { startMs, endMs }'],
  ])('%j, returning %j', (type, given, message) => {
    expect(() => run(udf(type, 'd'), () => given)).toThrow(expect.objectContaining({ name: 'RowError' }));
    expect(() => run(udf(type, 'd'), () => given)).toThrow(message);
  });

  test('what it throws, whatever that is', () => {
    const hostile = {
      toString(): string {
        throw new Error('again');
      },
    };
    for (const [thrown, message] of [
      [new TypeError('no'), 'function "f" threw: no'],
      ['text', 'function "f" threw: text'],
      [new Error('x'.repeat(999)), `function "f" threw: ${'x'.repeat(200)}`],
      [hostile, 'function "f" threw: something that cannot be shown'],
    ] as const) {
      const code = (): never => {
        throw thrown;
      };
      expect(() => run(udf(STRING, 'd'), code)).toThrow(message);
      expect(() => run(udf(STRING, 'd'), code)).toThrow(expect.objectContaining({ name: 'RowError' }));
    }
  });
});

test('a result type that cannot be is refused', () => {
  for (const type of [
    { type: 'decimal', nullable: false },
    { type: 'decimal', nullable: false, scale: 16 },
    { type: 'integer', nullable: false, scale: 2 },
    { type: 'list', nullable: false },
    { type: 'string', nullable: false, item: 'string' },
  ] as const) {
    expect(inferExpr(udf(type, 'd'), COLUMNS)).toContain(
      'f: the result of a function is a decimal with a scale',
    );
  }
});

test('it is explained by its name', () => {
  expect(explainExpr(udf(STRING, 's', 'd'))).toBe('f(s, d)');
});

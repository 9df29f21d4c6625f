/** Aggregates in SQL: results by hand, from DuckDB and from the engine. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AggregateCall, AggregateName } from '../../../runtime/src/plan/node.ts';
import { exported, streamed } from './duckdb.ts';
import { call, event, events, f, group, int, planOf } from './plans.ts';

const at = (ms: number): string => new Date(ms).toISOString();

/** Over t: 1 2 3, k: b a a, n: 5 2 2, m: 1.00 2.50 null, x: 1.5 2.5 null. */
const THREE = [
  event({ t: 1, k: 'b', n: 5, m: 100, x: 1.5 }),
  event({ t: 2, k: 'a', n: 2, m: 250, x: 2.5 }),
  event({ t: 3, k: 'a', n: 2 }),
];
const AGGREGATES: {
  readonly [A in Exclude<AggregateName, 'approxCountDistinct'>]: readonly (readonly [
    Omit<AggregateCall, 'name' | 'fn'>,
    unknown,
  ])[];
} = {
  count: [
    [{ arg: null }, 3],
    [{ arg: f('x') }, 2],
    [{ arg: null, where: call('gt', f('n'), int(2)) }, 1],
  ],
  sum: [
    [{ arg: f('n') }, 9],
    [{ arg: f('m') }, '3.50'],
    [{ arg: f('x') }, 4],
    [{ arg: f('x'), where: call('gt', f('n'), int(9)) }, null],
  ],
  avg: [
    [{ arg: f('n') }, 3],
    [{ arg: f('m') }, 1.75],
    [{ arg: f('x') }, 2],
  ],
  min: [
    [{ arg: f('k') }, 'a'],
    [{ arg: f('m') }, '1.00'],
  ],
  max: [
    [{ arg: f('k') }, 'b'],
    [{ arg: f('t') }, at(3)],
  ],
  first: [
    [{ arg: f('x'), by: f('t') }, 1.5],
    [
      { arg: f('k'), by: f('t'), where: call('eq', f('k'), { kind: 'literal', type: 'string', value: 'a' }) },
      'a',
    ],
  ],
  last: [[{ arg: f('x'), by: f('t') }, 2.5]],
  argMin: [[{ arg: f('t'), by: f('n') }, at(2)]],
  argMax: [
    [{ arg: f('t'), by: f('k') }, at(1)],
    [{ arg: f('t'), by: f('u') }, null],
  ],
  countDistinct: [
    [{ arg: f('n') }, 2],
    [{ arg: f('u') }, 0],
  ],
  percentile: [
    [{ arg: f('n'), fraction: 0.5 }, 2],
    [{ arg: f('m'), fraction: 0.25 }, 1.375],
  ],
  collect: [
    [{ arg: f('n') }, [5, 2, 2]],
    [{ arg: f('u') }, []],
  ],
};

describe.each(Object.keys(AGGREGATES) as (keyof typeof AGGREGATES)[])('%s', (fn) => {
  test.each(AGGREGATES[fn].map(([of, expected]) => ({ of, expected })))(
    'example %#',
    async ({ of, expected }) => {
      const { plan, view } = planOf(group(events, [], [{ name: 'a', fn, ...of }]));
      const rows = [JSON.stringify([expected])];
      expect(await exported(plan, view, THREE)).toEqual(rows);
      expect(streamed(plan, view, THREE)).toEqual(rows);
    },
  );
});

/** Two rows of one time, and then the same two the other way around. */
const TWO = [event({ t: 1, n: 2 }), event({ t: 1, n: 1 })];
const TIES: readonly (readonly [AggregateName, inOrder: number, turned: number])[] = [
  ['first', 2, 1],
  ['last', 1, 2],
  ['argMin', 2, 1],
  ['argMax', 2, 1],
];

test.each(TIES)('%s of equal rows goes by arrival', async (fn, inOrder, turned) => {
  const { plan, view } = planOf(group(events, [], [{ name: 'a', fn, arg: f('n'), by: f('t') }]));
  expect(await exported(plan, view, TWO)).toEqual([`[${inOrder}]`]);
  expect(await exported(plan, view, TWO.toReversed())).toEqual([`[${turned}]`]);
  expect(streamed(plan, view, TWO)).toEqual([`[${inOrder}]`]);
});

test('sums of doubles agree but for the last bits', async () => {
  const anyDouble = fc.double({ min: -1e12, max: 1e12, noNaN: true });
  await fc.assert(
    fc.asyncProperty(fc.array(anyDouble, { minLength: 1, maxLength: 200 }), async (doubles) => {
      const log = doubles.map((x) => event({ x }));
      const calls = (['sum', 'avg'] as const).map((fn) => ({ name: fn, fn, arg: f('x') }));
      const { plan, view } = planOf(group(events, [], calls));
      const [sql, engine] = [await exported(plan, view, log), streamed(plan, view, log)].map(
        ([row]) => JSON.parse(row ?? '[]') as number[],
      );
      const largest = Math.max(...doubles.map(Math.abs));
      for (const [index, value] of (engine ?? []).entries())
        expect(Math.abs((sql?.[index] ?? NaN) - value)).toBeLessThanOrEqual(largest * 1e-13);
    }),
    { numRuns: 20 },
  );
});

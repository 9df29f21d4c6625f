/** Functions in SQL: examples with results by hand, then the engine's own over random values. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Value } from '../../../runtime/src/data/value.ts';
import type { Expr, FunctionName } from '../../../runtime/src/expr/node.ts';
import { exportDuckDb } from '../../../runtime/src/export/sql/duckdb.ts';
import { anyCallOf, anyEvents, anyExpression } from './any-expression.ts';
import { inferColumns } from '../../../runtime/src/plan/infer.ts';
import { exported, loadTables, type LoggedEvent, queried, streamed } from './duckdb.ts';
import { call, dbl, dec, event, events, f, group, int, map, planOf, text } from './plans.ts';

const TIME = Date.parse('2024-03-31T03:04:05.678Z');
const ROW = event({ t: TIME, n: 7, x: -2.5, m: 150, s: 'a,Bß', b: true, l: { items: [1, 2] }, k: null });
const MAX = Number.MAX_SAFE_INTEGER;
const yes: Expr = { kind: 'literal', type: 'boolean', value: true };
const no: Expr = { kind: 'literal', type: 'boolean', value: false };
const zone = text('America/New_York');
const byZero = call('integerDividedBy', int(1), int(0));
/** The row is left out. */
const ERROR = Symbol('error');

type Example = readonly [Expr[], unknown];

/** Arguments and results, over `ROW`: k is null. */
const EXAMPLES: { readonly [F in FunctionName]: readonly Example[] } = {
  eq: [
    [[f('n'), int(7)], true],
    [[f('x'), dec(-25, 1)], true],
    [[f('k'), f('k')], null],
  ],
  ne: [[[f('s'), text('a')], true]],
  gt: [
    [[f('n'), f('x')], true],
    [[text('é'), text('z')], true],
  ],
  gte: [[[f('m'), dbl(1.5)], true]],
  lt: [[[no, yes], true]],
  lte: [[[f('m'), dec(1500, 3)], true]],
  and: [
    [[f('b'), call('isNull', f('s'))], false],
    [[no, call('eq', byZero, int(1))], ERROR],
  ],
  or: [
    [[yes, call('gt', f('k'), text(''))], true],
    [[yes, call('eq', byZero, int(1))], ERROR],
  ],
  not: [[[f('b')], false]],
  isNull: [[[f('k')], true]],
  coalesce: [
    [[f('k'), text('z')], 'z'],
    [[f('n'), f('x')], 7],
    [[f('n'), f('m')], '7.00'],
    [[f('n'), byZero], ERROR],
  ],
  nullIf: [
    [[f('n'), int(7)], null],
    [[f('n'), f('x')], 7],
  ],
  least: [
    [[f('n'), f('m')], '1.50'],
    [[f('s'), f('k')], null],
  ],
  greatest: [[[f('n'), int(3), int(9)], 9]],
  caseWhen: [
    [[f('b'), int(1), byZero], 1],
    [[no, byZero, int(2)], 2],
    [[no, int(1), yes, byZero, int(2)], ERROR],
  ],
  required: [
    [[f('n')], 7],
    [[f('k')], ERROR],
  ],
  plus: [
    [[f('n'), int(1)], 8],
    [[f('m'), dec(5, 3)], '1.505'],
    [[int(MAX), int(1)], ERROR],
    [[f('x'), int(1)], -1.5],
  ],
  minus: [
    [[int(-MAX), int(1)], ERROR],
    [[f('m'), int(2)], '-0.50'],
  ],
  times: [
    [[f('m'), dec(5, 1)], '0.750'],
    [[int(2 ** 52), int(2)], ERROR],
    [[dbl(1e200), dbl(1e200)], ERROR],
  ],
  dividedBy: [
    [[f('n'), int(2)], 3.5],
    [[f('n'), int(0)], ERROR],
    [[f('x'), dbl(0)], ERROR],
    [[f('m'), int(2)], 0.75],
  ],
  integerDividedBy: [
    [[int(-7), int(2)], -3],
    [[f('n'), int(0)], ERROR],
  ],
  mod: [
    [[int(-7), int(2)], -1],
    [[f('m'), int(1)], '0.50'],
    [[f('n'), int(0)], ERROR],
    [[f('x'), int(2)], -0.5],
  ],
  abs: [
    [[f('x')], 2.5],
    [[dec(-5, 1)], '0.5'],
  ],
  round: [
    [[f('x')], -3],
    [[f('m')], '2'],
    [[int(1250), int(-2)], 1300],
    [[dbl(1.005), int(2)], 1],
  ],
  floor: [
    [[f('x')], -3],
    [[f('m')], '1'],
  ],
  ceil: [
    [[f('x')], -2],
    [[f('m')], '2'],
    [[f('n')], 7],
  ],
  toInteger: [
    [[f('x')], -2],
    [[text('+12')], 12],
    [[text('0x1')], ERROR],
    [[text('1.5')], ERROR],
    [[text(String(MAX + 1))], ERROR],
  ],
  toDouble: [
    [[f('m')], 1.5],
    [[text('.5e1')], 5],
    [[text('x')], ERROR],
    [[text('1e400')], ERROR],
  ],
  toDecimal: [
    [[dbl(1.0005), int(3)], '1.001'],
    [[f('m'), int(1)], '1.5'],
    [[text('2.345'), int(2)], '2.35'],
    [[int(MAX), int(1)], ERROR],
  ],
  toText: [
    [[f('x')], '-2.5'],
    [[dbl(1e16)], '1e+16'],
    [[f('m')], '1.50'],
    [[f('b')], 'true'],
    [[call('times', dbl(0), dbl(-1))], '0.0'],
  ],
  lower: [[[text('AÉİ')], 'aéi']],
  upper: [[[f('s')], 'A,Bẞ']],
  length: [[[text('🤦b')], 2]],
  concat: [
    [[f('s'), text('!')], 'a,Bß!'],
    [[f('s'), f('k')], null],
  ],
  substring: [
    [[f('s'), int(3), int(1)], 'B'],
    [[f('s'), int(-1), int(3)], 'a'],
    [[f('s'), int(1), int(-1)], ERROR],
  ],
  contains: [[[f('s'), text('')], true]],
  startsWith: [[[f('s'), text('a,')], true]],
  endsWith: [[[f('s'), text('B')], false]],
  trim: [[[text('  a\t ')], 'a\t']],
  replace: [
    [[f('s'), text(','), text('')], 'aBß'],
    [[f('s'), text(''), text('x')], 'a,Bß'],
  ],
  like: [
    [[f('s'), text('a,_ß')], true],
    [[text('a\\b'), text('a\\%')], true],
  ],
  matches: [
    [[f('s'), text('^[a-z],')], true],
    [[text('x\ny'), text('x.y')], false],
  ],
  regexpExtract: [
    [[f('s'), text('([a-z]),(.)'), int(2)], 'B'],
    [[f('s'), text('(z+)|,'), int(1)], null],
    [[f('s'), text('q')], null],
  ],
  splitPart: [
    [[f('s'), text(','), int(2)], 'Bß'],
    [[f('s'), text(','), int(3)], null],
    [[f('s'), text(','), int(-1)], null],
  ],
  year: [[[f('t')], 2024]],
  month: [[[f('t')], 3]],
  day: [
    [[f('t')], 31],
    [[f('t'), zone], 30],
  ],
  hour: [
    [[f('t')], 3],
    [[f('t'), zone], 23],
  ],
  minute: [[[f('t')], 4]],
  second: [[[f('t')], 5]],
  dayOfWeek: [[[f('t')], 7]],
  formatTime: [
    [[f('t'), text("yyyy-MM-dd'T'HH:mm:ss.SSS%")], '2024-03-31T03:04:05.678%'],
    [[f('t'), text('HH'), zone], '23'],
  ],
  plusMs: [
    [[f('t'), int(1000)], '2024-03-31T03:04:06.678Z'],
    [[f('t'), int(MAX)], ERROR],
  ],
  minusMs: [[[f('t'), int(678)], '2024-03-31T03:04:05.000Z']],
  timestampDiffMs: [[[f('t'), call('minusMs', f('t'), int(5))], 5]],
  toMillis: [[[f('t')], TIME]],
  fromMillis: [
    [[int(-1)], '1969-12-31T23:59:59.999Z'],
    [[int(MAX)], ERROR],
  ],
  windowStart: [[[f('w')], '2024-03-31T03:00:00.000Z']],
  windowEnd: [[[f('w')], '2024-03-31T04:00:00.000Z']],
  listLength: [[[f('l')], 2]],
  listContains: [
    [[f('l'), int(2)], true],
    [[f('l'), f('n')], false],
  ],
};

/** The row itself, or its group of an hour. */
const hourly = group(
  events,
  [{ name: 'w', window: { kind: 'tumbling', time: f('t'), sizeMs: 3_600_000, offsetMs: 0, zone: null } }],
  [{ name: 'c', fn: 'count', arg: null }],
);

describe.each(Object.keys(EXAMPLES) as FunctionName[])('%s', (fn) => {
  test.each(EXAMPLES[fn].map(([args, expected]) => ({ args, expected })))(
    'example %#',
    async ({ args, expected }) => {
      const input = fn.startsWith('window') ? hourly : events;
      const { plan, view } = planOf(map(input, { value: call(fn, ...args) }));
      const rows = expected === ERROR ? [] : [JSON.stringify([expected])];
      expect(await exported(plan, view, [ROW])).toEqual(rows);
      expect(streamed(plan, view, [ROW])).toEqual(rows);
    },
  );
});

/** Rows of random values through random expressions, from the SQL and from the engine: also on errors they agree. */
async function runsOf(any: fc.Arbitrary<Expr>, numRuns: number) {
  const anyColumns = fc.array(any, { minLength: 1, maxLength: 2 });
  const property = fc.asyncProperty(anyColumns, anyEvents, async (exprs, log: LoggedEvent[]) => {
    const columns = Object.fromEntries(exprs.map((expr, index) => [`e${index}`, expr]));
    const { plan, view } = planOf(map(events, { n: f('n'), ...columns }));
    const query = exportDuckDb(plan, view, await loadTables(plan, log));
    if ('sql' in query)
      expect(await queried(query.sql, inferColumns(plan, view.node))).toEqual(streamed(plan, view, log));
    else expect(query.unsupported).toMatchObject([{ what: 'regexpExtract' }]);
  });
  return fc.check(property, { numRuns });
}

/** Windows come from groups alone. */
const RANDOM = (Object.keys(EXAMPLES) as FunctionName[]).filter((fn) => !fn.startsWith('window'));

describe('as the engine computes', () => {
  test.each(RANDOM)('%s', async (fn) => {
    const details = await runsOf(anyCallOf(fn), 8);
    expect(details.failed ? fc.defaultReportMessage(details) : 'equal').toBe('equal');
  });
  test('expressions in each other', async () => {
    const details = await runsOf(anyExpression, 100);
    expect(details.failed ? fc.defaultReportMessage(details) : 'equal').toBe('equal');
  });
});

test('a value that several columns compute fails for its row, not for the query', async () => {
  // DuckDB computes a common part once, outside of the TRY of each column.
  const square = call('times', f('n'), f('n'));
  const { plan, view } = planOf(map(events, { a: square, b: call('plus', square, int(1)) }));
  const log = [event({ n: MAX }), event({ n: 3 })];
  expect(await exported(plan, view, log)).toEqual(['[9,10]']);
});

test('literals and names are never read as SQL', async () => {
  const hostile: Value[] = [
    "'; DROP TABLE x; --",
    '"',
    '\\',
    "a''b",
    'x\0y',
    'line\n  line',
    '%',
    '$1',
    '{}',
    '𝒳',
  ];
  const { plan, view } = planOf(
    map(events, Object.fromEntries(hostile.map((value, index) => [`c${index}`, text(value as string)]))),
  );
  expect(await exported(plan, view, [event({})])).toEqual([JSON.stringify(hostile)]);
});

/** Over-windows against a scan of all rows for each row, however the input is cut (V1, V2, B1, B2, O2). */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Row, Value } from '../../../runtime/src/data/value.ts';
import { RowError } from '../../../runtime/src/expr/functions.ts';
import type { AggregateSpec } from '../../../runtime/src/operators/accumulators.ts';
import { OverOperator, type OverSpec } from '../../../runtime/src/operators/over.ts';
import type { Frame } from '../../../runtime/src/plan/node.ts';
import {
  alone,
  anyCuts,
  type Cuts,
  folded,
  type RunOptions,
  runScript,
  scriptOf,
  type Step,
  type Surroundings,
} from '../../suites/operator.suite.ts';
import { anyTimedRows, byKey, judge, timedRow, type TimedRow, timedRows } from './timed-rows.ts';

const value = (row: Row): Value => row[2] ?? null;
const time = (row: Row): Value => row[1] ?? null;

const AGGREGATES: readonly AggregateSpec[] = [
  { fn: 'count', arg: null, type: null },
  { fn: 'sum', arg: value, type: 'double' },
  { fn: 'min', arg: value, type: 'double' },
  { fn: 'max', arg: value, type: 'double' },
  { fn: 'first', arg: value, type: 'double', by: time },
  { fn: 'last', arg: value, type: 'double', by: time },
  { fn: 'countDistinct', arg: value, type: 'double' },
  { fn: 'count', arg: null, type: null, where: (row) => row[2] !== null && (row[2] as number) > 0 },
];

const overWith =
  (frame: Frame, more: Partial<OverSpec> = {}) =>
  ({ next, late, onError, prefix }: Surroundings) => {
    const spec = { time, partition: [0], frame, aggregates: AGGREGATES, late, onError, prefix, ...more };
    return alone(new OverOperator(spec, next));
  };

function isIn(frame: Frame, rows: readonly TimedRow[], of: number, candidate: number): boolean {
  const age = (rows[of]?.[1] ?? 0) - (rows[candidate]?.[1] ?? 0);
  if (frame.kind === 'rows') return candidate <= of && of - candidate <= frame.preceding;
  return age >= 0 && (frame.kind === 'unbounded' || age <= frame.precedingMs);
}

function naive(script: readonly Step[], frame: Frame, allowedMs: number): Row[] {
  return byKey(judge(script, allowedMs).inTime).flatMap((rows) =>
    rows.map((row, index): Row => {
      const inFrame = rows.filter((_, candidate) => isIn(frame, rows, index, candidate));
      return [...row, ...aggregatesOf(inFrame)];
    }),
  );
}

/** Values are multiples of 1/8, so plain addition is exact here. */
function aggregatesOf(rows: readonly TimedRow[]): Value[] {
  const values = rows.map(([, , each]) => each).filter((each) => each !== null);
  const inOrder = rows
    .flatMap(([, timeMs, each]) => (each === null ? [] : [[timeMs, each] as const]))
    .sort(([t1, v1], [t2, v2]) => t1 - t2 || v1 - v2);
  return [
    rows.length,
    values.length === 0 ? null : values.reduce((sum, each) => sum + each, 0),
    values.length === 0 ? null : Math.min(...values),
    values.length === 0 ? null : Math.max(...values),
    inOrder[0]?.[1] ?? null,
    inOrder.at(-1)?.[1] ?? null,
    new Set(values).size,
    values.filter((each) => each > 0).length,
  ];
}

const anyFrame: fc.Arbitrary<Frame> = fc.oneof(
  fc.record({ kind: fc.constant('rows' as const), preceding: fc.nat(4) }),
  fc.record({ kind: fc.constant('range' as const), precedingMs: fc.nat(12) }),
  fc.constant({ kind: 'unbounded' } as const),
);

test('each row has the aggregates of its frame, however the input is cut', async () => {
  const property = fc.asyncProperty(
    anyTimedRows,
    anyCuts,
    anyFrame,
    fc.record({ delayMs: fc.nat(8), allowedMs: fc.nat(5) }),
    async (rows, cuts, frame, { delayMs, allowedMs }) => {
      const script = scriptOf(rows, { delayMs });
      const run = await runScript(overWith(frame), script, { cuts, allowedMs });
      expect(run.rows).toEqual(folded(naive(script, frame, allowedMs)));
      expect(run.late).toEqual(judge(script, allowedMs).late);
      expect(run.changes.every((change) => change.startsWith('+'))).toBe(true);
      if (frame.kind === 'range') expect([run.size, run.storedKeys]).toEqual([0, 0]);
    },
  );
  await fc.assert(property, { numRuns: 400 });
});

/** The counts and the sums that are handed on, in order. */
async function shown(text: string, frame: Frame, options: RunOptions & { delayMs?: number } = {}) {
  const script = scriptOf(timedRows(text), options);
  const run = await runScript(overWith(frame, { aggregates: AGGREGATES.slice(0, 2) }), script, options);
  return run.changes.map((change) => {
    const [key, at, , count, sum] = JSON.parse(change.slice(1)) as (string | number)[];
    return `${key}@${at}: ${count} rows, ${sum}`;
  });
}

describe('frames', () => {
  test('rows: so many before, and the row itself', async () => {
    expect(
      await shown('a@1=1 a@2=2 b@2=50 a@3=4 a@4=8', { kind: 'rows', preceding: 2 }, { delayMs: 1 }),
    ).toEqual(['a@1: 1 rows, 1', 'a@2: 2 rows, 3', 'b@2: 1 rows, 50', 'a@3: 3 rows, 7', 'a@4: 3 rows, 14']);
  });

  test('rows: those of one time follow each other in the order of their positions', async () => {
    expect(await shown('a@1=1 a@1=2 a@1=4', { kind: 'rows', preceding: 1 }, { delayMs: 1 })).toEqual([
      'a@1: 1 rows, 1',
      'a@1: 2 rows, 3',
      'a@1: 2 rows, 6',
    ]);
  });

  test('range: both ends are included, and rows of one time see each other', async () => {
    const range = { kind: 'range', precedingMs: 10 } as const;
    expect(await shown('a@0=1 a@10=2 a@10=4 a@11=8', range, { delayMs: 1 })).toEqual([
      'a@0: 1 rows, 1',
      'a@10: 3 rows, 7',
      'a@10: 3 rows, 7',
      'a@11: 3 rows, 14',
    ]);
  });

  test('unbounded: everything before, and rows of one time see each other', async () => {
    expect(await shown('a@0=1 a@100=2 a@100=4', { kind: 'unbounded' }, { delayMs: 1 })).toEqual([
      'a@0: 1 rows, 1',
      'a@100: 3 rows, 7',
      'a@100: 3 rows, 7',
    ]);
  });

  test('rows out of order are put into order before they are counted', async () => {
    expect(await shown('a@5=5 a@3=3 a@4=4', { kind: 'rows', preceding: 9 }, { delayMs: 5 })).toEqual([
      'a@3: 1 rows, 3',
      'a@4: 2 rows, 7',
      'a@5: 3 rows, 12',
    ]);
  });
});

describe('time', () => {
  const rows = { kind: 'rows', preceding: 9 } as const;
  const run = (text: string, options: RunOptions) =>
    runScript(overWith(rows), scriptOf(timedRows(text)), options);

  test('a row of the time that the watermark has reached is late, and the allowed lateness moves that', async () => {
    expect((await run('a@5 a@5 a@6', { allowedMs: 0 })).late).toEqual([[1, 5, 6]]);
    expect((await run('a@5 a@5 a@6', { allowedMs: 1 })).late).toEqual([]);
  });

  test('a row is handed on when the watermark has passed its time, and not before', async () => {
    const ended = { end: false, cuts: Array.from({ length: 9 }, () => 'restart' as const) };
    expect((await run('a@5', { ...ended, allowedMs: 0 })).rows).toHaveLength(1);
    expect((await run('a@5', { ...ended, allowedMs: 1 })).rows).toHaveLength(0);
    expect((await run('a@5 a@6', { ...ended, allowedMs: 1 })).rows).toHaveLength(1);
  });
});

describe('state', () => {
  const many = Array.from({ length: 300 }, (_, index) => timedRow([`k${index}`, index, 1]));
  const everyRow: Cuts = many.map(() => 'restart');

  test('V2: of a range, rows and partitions that are too old are forgotten though none of their own follows', async () => {
    const run = await runScript(overWith({ kind: 'range', precedingMs: 10 }), scriptOf(many), {
      cuts: everyRow,
    });
    expect(run.sizeMax).toBe(10);
    expect(run.storedKeys).toBe(0);
  });

  test('V2: of rows, each partition keeps what the next row needs', async () => {
    const oneKey = many.map(({ row }) => timedRow(['a', row[1] as number, 1]));
    const run = await runScript(overWith({ kind: 'rows', preceding: 4 }), scriptOf(oneKey), {
      cuts: everyRow,
    });
    expect([run.sizeMax, run.storedKeys]).toEqual([5, 5]);
  });
});

describe('errors of a row', () => {
  const failing = (row: Row): Value => {
    if (row[2] === 13) throw new RowError('13 is not computed');
    return value(row);
  };
  const run = (text: string, more: Partial<OverSpec>) =>
    runScript(overWith({ kind: 'unbounded' }, more), scriptOf(timedRows(text), { delayMs: 9 }));

  test('a row that cannot be computed is reported when it comes, and is in no frame', async () => {
    const aggregates: AggregateSpec[] = [
      { fn: 'count', arg: null, type: null },
      { fn: 'sum', arg: failing, type: 'double' },
    ];
    const { rows, errors } = await run('a@1=1 a@2=13 a@3=2', { aggregates });
    expect(rows).toEqual(
      folded([
        ['a', 1, 1, 1, 1],
        ['a', 3, 2, 2, 3],
      ]),
    );
    expect(errors).toEqual(['13 is not computed']);
  });

  test('a row without a time is an error', async () => {
    const { errors } = await run('a@1', { time: () => null });
    expect(errors).toEqual(['the row has no event time']);
  });

  test('an aggregate that overflows is an error of the row that shows it; the next row is computed', async () => {
    const aggregates: AggregateSpec[] = [{ fn: 'sum', arg: value, type: 'integer' }];
    const { rows, errors } = await run('a@1=9007199254740991 a@2=1 a@3=-2', { aggregates });
    expect(rows).toEqual(
      folded([
        ['a', 1, 9007199254740991, 9007199254740991],
        ['a', 3, -2, 9007199254740990],
      ]),
    );
    expect(errors).toEqual(['a sum of about 9007199254740992 overflows integer']);
  });
});

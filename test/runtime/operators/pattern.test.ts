/** Patterns against a search from every row, however the input is cut (M1, M2, O2). */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Row, Value } from '../../../runtime/src/data/value.ts';
import { RowError } from '../../../runtime/src/expr/functions.ts';
import { PatternOperator, type PatternSpec } from '../../../runtime/src/operators/pattern.ts';
import {
  alone,
  anyCuts,
  folded,
  type RunOptions,
  runScript,
  scriptOf,
  type Step,
  type Surroundings,
} from '../../suites/operator.suite.ts';
import { anyTimedRows, byKey, judge, timedRow, type TimedRow, timedRows } from './timed-rows.ts';

const time = (row: Row): Value => row[1] ?? null;
const valueIs =
  (...accepted: readonly number[]) =>
  (row: Row): Value =>
    row[2] === null ? null : accepted.includes(row[2] as number);

type Shape = Pick<PatternSpec, 'steps' | 'withinMs'>;

/** The time of each step's row leaves, the last step's first. */
const columnsOf = (steps: number): PatternSpec['columns'] =>
  Array.from({ length: steps }, (_, index) => ({ step: steps - 1 - index, value: time }));

const patternWith =
  (shape: Shape, more: Partial<PatternSpec> = {}) =>
  ({ next, late, onError, prefix }: Surroundings) => {
    const columns = columnsOf(shape.steps.length);
    return alone(
      new PatternOperator({ time, partition: [0], columns, late, onError, prefix, ...shape, ...more }, next),
    );
  };

/** The first match at or behind a place: from each row in turn, each step takes the next row that it accepts. */
function search(rows: readonly TimedRow[], from: number, { steps, withinMs }: Shape): number[] | undefined {
  for (let first = from; first < rows.length; first++) {
    if (steps[0]?.(rows[first] ?? []) !== true) continue;
    const taken = [first];
    for (const step of steps.slice(1)) {
      const behind = (taken.at(-1) ?? 0) + 1;
      const next = rows.findIndex((row, index) => index >= behind && step(row) === true);
      if (next < 0) break;
      taken.push(next);
    }
    const lastsMs = (rows[taken.at(-1) ?? 0]?.[1] ?? 0) - (rows[first]?.[1] ?? 0);
    if (taken.length === steps.length && lastsMs <= withinMs) return taken;
  }
  return undefined;
}

function naive(script: readonly Step[], shape: Shape, allowedMs: number): Row[] {
  return byKey(judge(script, allowedMs).inTime).flatMap((rows) => {
    const matches: Row[] = [];
    for (let from = 0; ;) {
      const taken = search(rows, from, shape);
      if (taken === undefined) return matches;
      matches.push([rows[0]?.[0] ?? null, ...taken.map((index) => rows[index]?.[1] ?? null).toReversed()]);
      from = (taken.at(-1) ?? 0) + 1;
    }
  });
}

const anyShape: fc.Arbitrary<Shape> = fc.record({
  steps: fc
    .array(fc.subarray([0, 1, 2, 3], { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 4 })
    .map((all) => all.map((accepted) => valueIs(...accepted))),
  withinMs: fc.nat(20),
});
/** Few partitions and values, so that there are matches. */
const anyRows = anyTimedRows.map((rows) =>
  rows.map((each) => {
    const [key = null, timeMs = 0, value = null] = each.row;
    const small = value === null ? null : Math.abs((value as number) * 8) % 4;
    return { ...each, row: [key === 'a\0' ? null : 'a', timeMs, small] };
  }),
);

test('the matches are those of a search from every row, however the input is cut', async () => {
  let found = 0;
  const property = fc.asyncProperty(
    anyRows,
    anyCuts,
    anyShape,
    fc.record({ delayMs: fc.nat(8), allowedMs: fc.nat(5) }),
    async (rows, cuts, shape, { delayMs, allowedMs }) => {
      const script = scriptOf(rows, { delayMs });
      const run = await runScript(patternWith(shape), script, { cuts, allowedMs });
      expect(run.rows).toEqual(folded(naive(script, shape, allowedMs)));
      expect(run.late).toEqual(judge(script, allowedMs).late);
      expect(run.changes.every((change) => change.startsWith('+'))).toBe(true);
      expect([run.size, run.storedKeys]).toEqual([0, 0]);
      found += run.rows.length;
    },
  );
  await fc.assert(property, { numRuns: 600 });
  // So that the property is not about inputs without any.
  expect(found).toBeGreaterThan(100);
});

/** Each match as `key time time …`, in the order of the steps. */
async function matchesOf(text: string, shape: Shape, options: RunOptions & { delayMs?: number } = {}) {
  const run = await runScript(
    patternWith(shape),
    scriptOf(timedRows(text), { delayMs: 50, ...options }),
    options,
  );
  return run.changes.map((change) => {
    const [key, ...times] = JSON.parse(change.slice(1)) as string[];
    return [key, ...times.toReversed()].join(' ');
  });
}

const oneTwo: Shape = { steps: [valueIs(1), valueIs(2)], withinMs: 10 };
const oneTwoThree: Shape = { steps: [valueIs(1), valueIs(2), valueIs(3)], withinMs: 10 };

describe('a match', () => {
  test('skips rows that do not fit, and belongs to one partition', async () => {
    expect(await matchesOf('a@1=1 a@2=9 b@3=2 a@4=2', oneTwo)).toEqual(['a 1 4']);
  });

  test('may take exactly as long as is said, and no longer', async () => {
    expect(await matchesOf('a@1=1 a@11=2', oneTwo)).toEqual(['a 1 11']);
    expect(await matchesOf('a@1=1 a@12=2', oneTwo)).toEqual([]);
  });

  test('begins with the earliest row from which there is one', async () => {
    expect(await matchesOf('a@1=1 a@2=1 a@3=2', oneTwo)).toEqual(['a 1 3']);
  });

  test('is found from a later row when the time of an earlier one has run out', async () => {
    expect(await matchesOf('a@1=1 a@5=1 a@12=2', oneTwo)).toEqual(['a 5 12']);
    expect(await matchesOf('a@1=1 a@2=2 a@5=1 a@6=2 a@12=3', oneTwoThree)).toEqual(['a 5 6 12']);
  });

  test('shares no row with the next one (M2)', async () => {
    const any: Shape = { steps: [valueIs(1), valueIs(1)], withinMs: 10 };
    expect(await matchesOf('a@1=1 a@2=1 a@3=1 a@4=1 a@5=1', any)).toEqual(['a 1 2', 'a 3 4']);
  });

  test('takes rows of one time in the order of their positions', async () => {
    expect(await matchesOf('a@5=2 a@5=1', oneTwo)).toEqual([]);
    expect(await matchesOf('a@5=1 a@5=2', oneTwo)).toEqual(['a 5 5']);
  });

  test('is found when its rows came out of order', async () => {
    expect(await matchesOf('a@4=2 a@9=3 a@2=1', oneTwoThree)).toEqual(['a 2 4 9']);
  });

  test('goes on after a restart behind each of its rows', async () => {
    const cuts = ['restart', 'restart', 'restart'] as const;
    expect(await matchesOf('a@1=1 a@2=2 a@5=3', oneTwoThree, { cuts, delayMs: 0 })).toEqual(['a 1 2 5']);
  });

  test('of one step is every row that fits', async () => {
    expect(await matchesOf('a@1=1 a@2=2 a@3=1', { steps: [valueIs(1)], withinMs: 0 })).toEqual([
      'a 1',
      'a 3',
    ]);
  });
});

describe('state', () => {
  test('attempts and rows that can be in no match any more are forgotten though nothing follows', async () => {
    const rows = Array.from({ length: 300 }, (_, index) =>
      timedRow([`k${index}`, index, index % 3 === 0 ? 1 : 7]),
    );
    const cuts = rows.map(() => 'restart' as const);
    const run = await runScript(patternWith(oneTwo), scriptOf(rows), { cuts, end: false });
    // Those that began within the last 10 ms.
    expect(run.sizeMax).toBe(4);
    expect(run.storedKeys).toBeLessThanOrEqual(4);
  });

  test('rows that no step accepts are not kept', async () => {
    const rows = Array.from({ length: 50 }, (_, index) => timedRow(['a', index, 7]));
    const run = await runScript(patternWith(oneTwo), scriptOf(rows), { allowedMs: 1000, end: false });
    expect(run.sizeMax).toBe(0);
  });
});

describe('rows', () => {
  test('a row for which a condition cannot be computed is rejected, whichever step it might be', async () => {
    const failing = (row: Row): Value => {
      if (row[2] === 13) throw new RowError('13 is not compared');
      return row[2] === 3;
    };
    const shape = { steps: [valueIs(1, 13), valueIs(2), failing], withinMs: 10 };
    const script = scriptOf(timedRows('a@1=13 a@2=1 a@3=2 a@4=3'));
    const run = await runScript(patternWith(shape), script, {});
    expect(run.errors).toEqual(['13 is not compared']);
    expect(run.rows).toEqual(folded([['a', 4, 3, 2]]));
  });

  test('a value is only computed for rows that its step accepts', async () => {
    const value = (row: Row): Value => {
      if (row[2] !== 2) throw new RowError('this is not the row of the second step');
      return row[2];
    };
    const more = {
      columns: [
        { step: 1, value },
        { step: 0, value: time },
        { step: 1, value: time },
      ],
    };
    const run = await runScript(patternWith(oneTwo, more), scriptOf(timedRows('a@1=1 a@2=9 a@4=2')), {});
    expect(run.errors).toEqual([]);
    expect(run.rows).toEqual(folded([['a', 2, 1, 4]]));
  });

  test('a late row is counted whether it fits or not', async () => {
    const run = await runScript(patternWith(oneTwo), scriptOf(timedRows('a@9=1 a@3=1 a@4=9')), {});
    expect(run.late).toEqual([
      [1, 3, 4],
      [2, 4, 5],
    ]);
  });
});

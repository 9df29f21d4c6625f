/** The interval join against a naive recomputation, however its input is cut (O1, O2, Y6, Y7). */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Row } from '../../../runtime/src/data/value.ts';
import { heldBackMs, IntervalJoin } from '../../../runtime/src/operators/interval-join.ts';
import {
  anyCuts,
  folded,
  positionOf,
  runScript,
  scriptOf,
  type ScriptRow,
  type Step,
  type Subject,
  type Surroundings,
} from '../../suites/operator.suite.ts';
import {
  anyDelays,
  anyEvents,
  both,
  isError,
  isLate,
  JOIN_TYPES,
  joinAll,
  type JoinType,
  LEFT,
  RIGHT,
  sideOf,
  specOf,
  subject,
  timeOf,
} from './joins.ts';

interface Bounds {
  readonly lowerMs: number;
  readonly upperMs: number;
}

const side = { keys: [0], time: timeOf };
const joinOf =
  (type: JoinType, bounds: Bounds) =>
  (given: Surroundings): IntervalJoin =>
    new IntervalJoin(
      { ...specOf(type, given), ...bounds, left: side, right: side, late: given.late, mayWait: true },
      given.next,
    );

const make =
  (type: JoinType, bounds: Bounds) =>
  (given: Surroundings): Subject =>
    subject(joinOf(type, bounds)(given));

function naive(
  type: JoinType,
  { lowerMs, upperMs }: Bounds,
  script: readonly Step[],
  allowedMs: number,
): object {
  const meet = (left: Step, right: Step): boolean => {
    const distance = timeOf(right.row) - timeOf(left.row);
    return lowerMs <= distance && distance <= upperMs;
  };
  const inTime = script.filter((step) => !isLate(step, allowedMs));
  const [lefts, rights] = [sideOf(inTime, LEFT), sideOf(inTime, RIGHT)];
  const late = script.filter((step) => isLate(step, allowedMs));
  const errors = lefts.flatMap((left) =>
    rights.filter((right) => meet(left, right) && isError(left.row, right.row)),
  );
  return {
    rows: folded(joinAll(type, lefts, rights, meet)),
    late: late.map(({ at, row }) => [at?.position, timeOf(row), timeOf(row) + 1]),
    errors: errors.length,
  };
}

const anyBounds: fc.Arbitrary<Bounds> = fc
  .tuple(fc.integer({ min: -8, max: 8 }), fc.nat(10))
  .map(([lowerMs, widthMs]) => ({ lowerMs, upperMs: lowerMs + widthMs }));

test.each(JOIN_TYPES)(
  'O1, O2: %s, in any order, any epochs and restarts, is what a recomputation gives',
  async (type) => {
    await fc.assert(
      fc.asyncProperty(anyEvents, anyBounds, anyDelays, anyCuts, async (events, bounds, delays, cuts) => {
        const script = scriptOf(events, delays);
        const run = await runScript(make(type, bounds), script, { cuts, ...delays });
        const byPosition = (late: readonly unknown[][]): unknown[][] =>
          late.toSorted((a, b) => Number(a[0]) - Number(b[0]) || Number(a[1]) - Number(b[1]));
        const expected = naive(type, bounds, script, delays.allowedMs) as { late: unknown[][] };
        expect({ rows: run.rows, late: run.late, errors: run.errors.length }).toEqual({
          ...expected,
          late: byPosition(expected.late),
        });
        // Y6, Y7
        expect(run.changes.filter((change) => change.startsWith('-'))).toEqual([]);
        expect([run.size, run.storedKeys]).toEqual([0, 0]);
      }),
      { numRuns: 500 },
    );
  },
);

describe('a left join on [left - 2, left + 5]', () => {
  const bounds = { lowerMs: -2, upperMs: 5 };
  const left = (timeMs: number, value = 1): ScriptRow => ({ row: ['a', timeMs, value], timeMs, input: LEFT });
  const right = (timeMs: number, value = 1): ScriptRow => ({
    row: ['a', timeMs, value],
    timeMs,
    input: RIGHT,
  });
  const other = (timeMs: number): ScriptRow => ({ row: ['z', timeMs, 1], timeMs, input: RIGHT });
  const changesOf = async (rows: readonly ScriptRow[], delayMs = 100): Promise<readonly string[]> =>
    (await runScript(make('left', bounds), scriptOf(rows, { delayMs }), { cuts: rows.map(() => 'restart') }))
      .changes;

  test('both bounds are inclusive', async () => {
    const changes = await changesOf([left(10), right(7), right(8), right(15), right(16)]);
    expect(changes).toEqual(['+["a",10,1,8,1]', '+["a",10,1,15,1]']);
  });

  test('Y6: shows no null early: not while the partner may still come', async () => {
    expect(await changesOf([left(10), other(14), right(15)], 0)).toEqual(['+["a",10,1,15,1]']);
  });

  test('Y6: shows the null once, as soon as no partner can come, without waiting for the end', async () => {
    const rows = [left(10), other(15), other(60)];
    const run = await runScript(make('left', bounds), scriptOf(rows), {
      cuts: ['epoch', 'epoch', 'epoch'],
      end: false,
    });
    expect(run.changes).toEqual(['+["a",10,1,null,null]']);
  });

  test('a null in the key, or no time, has no partner: its null is no surprise later', async () => {
    const rows: ScriptRow[] = [
      { row: [null, 10, 1], timeMs: 10, input: LEFT },
      { row: [null, 10, 1], timeMs: 10, input: RIGHT },
      { row: ['a', null, 1], timeMs: 10, input: LEFT },
    ];
    expect(await changesOf(rows)).toEqual(['+[null,10,1,null,null]', '+["a",null,1,null,null]']);
  });

  const given: Surroundings = {
    next: { push: () => {} },
    late: { allowedMs: 3, isOverFor: () => false, isClosedFor: () => false, late: () => {} },
    onError: () => {},
    prefix: Buffer.from('x'),
  };

  test.each([
    ['left', 10 + 5],
    ['right', 10 + 2],
  ] as const)(
    'Y7: a row of the %s is held until its interval and the lateness are over, no longer',
    (input, lastMs) => {
      const join = joinOf('left', bounds)(given);
      join[input].push(['a', 10, 1], 1, positionOf(0, 10, 0));
      join.advance(lastMs + 3 - 1);
      expect(join.size).toBe(1);
      join.advance(lastMs + 3);
      expect(join.size).toBe(0);
    },
  );

  test('rows that come later than their times come at most so much later', () => {
    expect(heldBackMs(bounds)).toBe(5);
    expect(heldBackMs({ lowerMs: -9, upperMs: -4 })).toBe(9);
    expect(heldBackMs({ lowerMs: 0, upperMs: 0 })).toBe(0);
  });

  test('a row is taken back by nobody: the input is append-only', () => {
    const join = joinOf('left', bounds)(given);
    expect(() => join.left.push(['a', 10, 1], -1, null)).toThrow('append-only');
  });

  test('pairs of one row come in the order of time, then of arrival, also after a restart', async () => {
    const rows = [right(12, 9), right(9, 4), right(12, 2), left(10)];
    expect(await changesOf(rows)).toEqual(
      [
        ['a', 9, 4],
        ['a', 12, 9],
        ['a', 12, 2],
      ].map((row: Row) => `+${JSON.stringify(both(['a', 10, 1], row))}`),
    );
  });
});

/** The regular join against a naive recomputation, however its input is cut (O1, O2, Y1–Y3). */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Row } from '../../../runtime/src/data/value.ts';
import { RegularJoin } from '../../../runtime/src/operators/regular-join.ts';
import {
  anyCuts,
  type Cuts,
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
  isPair,
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
import { brief, remaining } from './rows.ts';

interface Options {
  readonly retracts?: readonly [left: boolean, right: boolean];
  readonly ttlMs?: number | null;
}

const joinOf =
  (type: JoinType, { retracts = [false, false], ttlMs = null }: Options = {}) =>
  (given: Surroundings): RegularJoin => {
    const [left, right] = retracts.map((each) => ({ keys: [0], retracts: each, time: timeOf, held: null }));
    const sides = { left: left as NonNullable<typeof left>, right: right as NonNullable<typeof right> };
    const { allowedMs } = given.late;
    return new RegularJoin({ ...specOf(type, given), ...sides, ttlMs, allowedMs, mayWait: true }, given.next);
  };
const make =
  (type: JoinType, options: Options = {}) =>
  (given: Surroundings): Subject =>
    subject(joinOf(type, options)(given));

/** Rows that come, and rows that were there and go, on the sides that take rows back; the others are appended to. */
const anyChanges = (retracts: readonly [boolean, boolean], isPlaced: boolean): fc.Arbitrary<ScriptRow[]> =>
  fc
    .array(
      fc.record({
        input: fc.constantFrom(LEFT, RIGHT),
        key: fc.constantFrom('a', 'a', 'b', null),
        value: fc.constantFrom(1, 2, 3),
        goes: fc.option(fc.nat(), { freq: 2 }),
      }),
      { maxLength: 30 },
    )
    .map((drafts) => {
      const there: [Row[], Row[]] = [[], []];
      return drafts.map(({ input, key, value, goes }, timeMs) => {
        const rows = there[input];
        const at = isPlaced ? { timeMs } : { timeMs: null };
        if (goes !== null && rows.length > 0 && retracts[input]) {
          const [row = []] = rows.splice(goes % rows.length, 1);
          return { row, weight: -1, input, ...at };
        }
        const row = [key, 0, value];
        rows.push(row);
        return { row, input, ...at };
      });
    });

for (const retracts of [
  [true, true],
  [true, false],
  [false, true],
  [false, false],
] as const) {
  for (const isPlaced of [true, false]) {
    const what = `left ${retracts[0] ? 'changes' : 'grows'}, right ${retracts[1] ? 'changes' : 'grows'}`;
    test.each(JOIN_TYPES)(
      `O1, O2, Y2: %s, ${what}, ${isPlaced ? 'events' : 'caused by time'}`,
      async (type) => {
        await fc.assert(
          fc.asyncProperty(anyChanges(retracts, isPlaced), anyCuts, async (changes, cuts) => {
            const script = scriptOf(changes);
            const run = await runScript(make(type, { retracts }), script, { cuts });
            const left = remaining(script);
            expect(run.rows).toEqual(
              folded(joinAll(type, sideOf(left, LEFT), sideOf(left, RIGHT), () => true)),
            );
          }),
          { numRuns: 150 },
        );
      },
    );
  }
}

describe('with a time-to-live', () => {
  const timeOfStep = ({ row, at }: Step): number => at?.eventTimeMs ?? timeOf(row);

  function naive(
    type: JoinType,
    script: readonly Step[],
    { ttlMs, allowedMs = 0 }: { ttlMs: number; allowedMs?: number },
  ): { rows: Row[]; errors: number } {
    const order = new Map(script.map((step, index) => [step, index]));
    const isExpired = (held: Step, coming: Step): boolean =>
      (coming.at?.watermarkMs ?? timeOf(coming.row) + allowedMs) > timeOfStep(held) + ttlMs;
    const meet = (left: Step, right: Step): boolean => {
      const isLeftFirst = (order.get(left) ?? 0) < (order.get(right) ?? 0);
      const [first, second] = isLeftFirst ? [left, right] : [right, left];
      const isInLog = left.at !== null && right.at !== null;
      return !isExpired(first, second) && (isInLog || !isExpired(second, first));
    };
    const [lefts, rights] = [sideOf(script, LEFT), sideOf(script, RIGHT)];
    const errors = lefts.flatMap((left) =>
      rights.filter((right) => isError(left.row, right.row) && meet(left, right)),
    );
    return { rows: joinAll(type, lefts, rights, meet), errors: errors.length };
  }

  test.each(JOIN_TYPES)('O1, O2, Y3: %s, in any order, any epochs and restarts', async (type) => {
    const anyTtl = fc.constantFrom(0, 3, 12);
    await fc.assert(
      fc.asyncProperty(anyEvents, anyTtl, anyDelays, anyCuts, async (events, ttlMs, { delayMs }, cuts) => {
        const script = scriptOf(events, { delayMs });
        const run = await runScript(make(type, { ttlMs }), script, { cuts });
        const { rows, errors } = naive(type, script, { ttlMs });
        expect({ rows: run.rows, errors: run.errors.length }).toEqual({ rows: folded(rows), errors });
      }),
      { numRuns: 500 },
    );
  });

  test('Y3: state does not grow with the stream: what is expired for everybody is gone', async () => {
    const rows = Array.from({ length: 200 }, (_, index): ScriptRow => ({
      row: [`k${index}`, index, 1],
      timeMs: index,
      input: index % 2,
    }));
    for (const cut of ['epoch', 'restart'] as const) {
      const cuts: Cuts = rows.map(() => cut);
      const run = await runScript(make('left', { ttlMs: 10 }), scriptOf(rows), { cuts });
      expect(run.sizeMax).toBe(11);
      expect(run.rows.length).toBe(100);
    }
  });

  test('a row is expired one millisecond after its time-to-live, whether it is still held or not', async () => {
    const rows = (watermarkMs: number): ScriptRow[] => [
      { row: ['a', 10, 1], timeMs: 10, input: LEFT },
      { row: ['z', watermarkMs, 1], timeMs: watermarkMs, input: RIGHT },
      { row: ['a', 5, 1], timeMs: 5, input: RIGHT },
    ];
    for (const cuts of [[], ['no', 'epoch'], ['restart', 'restart']] as Cuts[]) {
      const run = (watermarkMs: number): Promise<{ rows: readonly string[] }> =>
        runScript(make('inner', { ttlMs: 20 }), scriptOf(rows(watermarkMs)), { cuts });
      expect((await run(30)).rows).toEqual(['["a",10,1,5,1]']);
      expect((await run(31)).rows).toEqual([]);
    }
  });

  test('a row that expires in the epoch in which it came still has its nulls', async () => {
    const rows: ScriptRow[] = [
      { row: ['a', 10, 1], timeMs: 10, input: LEFT },
      { row: ['z', 90, 1], timeMs: 90, input: RIGHT },
    ];
    const run = await runScript(make('left', { ttlMs: 20 }), scriptOf(rows));
    expect(run.rows).toEqual(['["a",10,1,null,null]']);
  });

  test('the first row, which knew no watermark, expires nothing after a restart either', async () => {
    const rows: ScriptRow[] = [
      { row: ['a', 5, 1], timeMs: 5, input: LEFT },
      { row: ['z', 80, 1], timeMs: 80, input: LEFT },
      { row: ['a', -30, 1], timeMs: null, input: RIGHT },
    ];
    const options = { cuts: ['restart'], causedBy: 'advance' } as const;
    const run = await runScript(make('inner', { ttlMs: 20 }), scriptOf(rows, { delayMs: 100 }), options);
    expect(run.rows).toEqual(['["a",5,1,-30,1]']);
  });

  test('at the end of the input nothing expires', async () => {
    const rows: ScriptRow[] = [{ row: ['a', 10, 1], timeMs: 10, input: LEFT }];
    const run = await runScript(make('left', { ttlMs: 20 }), scriptOf(rows));
    expect(run.size).toBe(1);
  });

  test.each(JOIN_TYPES)('O1, O2, Y3: %s, also with rows that time caused', async (type) => {
    const anyCaused = fc.array(fc.tuple(fc.constantFrom(LEFT, RIGHT), fc.nat(40), fc.constantFrom(1, 2, 4)), {
      maxLength: 10,
    });
    const anyTtl = fc.constantFrom(0, 3, 12);
    await fc.assert(
      fc.asyncProperty(
        anyEvents,
        anyCaused,
        anyTtl,
        anyDelays,
        anyCuts,
        async (events, caused, ttlMs, delays, cuts) => {
          const { allowedMs } = delays;
          const rows = withCaused(
            events,
            caused.map(([input, timeMs, value]) => ({ row: ['a', timeMs, value], timeMs: null, input })),
            delays,
          );
          const script = scriptOf(rows, delays);
          const run = await runScript(make(type, { ttlMs }), script, {
            cuts,
            allowedMs,
            causedBy: 'advance',
          });
          const { rows: expected, errors } = naive(type, script, { ttlMs, allowedMs });
          expect({ rows: run.rows, errors: run.errors.length }).toEqual({ rows: folded(expected), errors });
        },
      ),
      { numRuns: 500 },
    );
  });

  test('needs append-only inputs', () => {
    expect(() => make('inner', { ttlMs: 1, retracts: [true, false] })(given)).toThrow('append-only');
  });
});

const given: Surroundings = {
  next: { push: () => {} },
  late: { allowedMs: 0, isOverFor: () => false, isClosedFor: () => false, late: () => {} },
  onError: () => {},
  prefix: Buffer.from('x'),
};

describe('a left join, row by row', () => {
  const log: string[] = [];
  const newJoin = (): RegularJoin => {
    log.length = 0;
    const next = {
      push: (row: Row, weight: number) => void log.push(`${weight > 0 ? '+' : '-'}${brief(row.slice(2))}`),
    };
    return joinOf('left', { retracts: [true, true] })({ ...given, next });
  };
  const left: Row = ['a', 0, 1];
  const right: Row = ['a', 0, 2];

  test('Y1: shows no null for a row whose partner comes in the same epoch', () => {
    const join = newJoin();
    join.left.push(left, 1, positionOf(0, 0, 0));
    join.right.push(right, 1, positionOf(1, 0, 0));
    join.flush();
    expect(log).toEqual(['+1,0,2']);
  });

  test('Y1: takes the null back before the first pair, and shows it again when the last partner is gone', () => {
    const join = newJoin();
    join.left.push(left, 1, null);
    join.flush();
    join.right.push(right, 1, null);
    join.right.push(right, 1, null);
    join.flush();
    join.right.push(right, -1, null);
    join.flush();
    join.right.push(right, -1, null);
    join.flush();
    join.left.push(left, -1, null);
    join.flush();
    expect(log).toEqual(['+1,,', '-1,,', '+1,0,2', '+1,0,2', '-1,0,2', '-1,0,2', '+1,,', '-1,,']);
    expect(join.size).toBe(0);
  });

  test('a partner that is replaced within an epoch shows no null between', () => {
    const join = newJoin();
    join.left.push(left, 1, null);
    join.right.push(right, 1, null);
    join.flush();
    join.right.push(right, -1, null);
    join.right.push(['a', 0, 9], 1, null);
    join.flush();
    expect(log).toEqual(['+1,0,2', '-1,0,2', '+1,0,9']);
  });

  test('a null in the key meets nothing, not even a null', () => {
    const join = newJoin();
    join.right.push([null, 0, 2], 1, null);
    join.left.push([null, 0, 1], 1, null);
    join.left.push([null, 0, 1], -1, null);
    join.flush();
    expect(log).toEqual(['+1,,', '-1,,']);
    expect(join.size).toBe(0);
  });

  test('equal rows count: two of the left and two of the right are four pairs', () => {
    const join = newJoin();
    for (const row of [left, left]) join.left.push(row, 1, null);
    for (const row of [right, right]) join.right.push(row, 1, null);
    join.left.push(left, -1, null);
    expect(log).toEqual(['+1,0,2', '+1,0,2', '+1,0,2', '+1,0,2', '-1,0,2', '-1,0,2']);
    expect(join.size).toBe(2);
  });

  test('Y1: equal rows of the left have their nulls again when their one partner is gone', () => {
    const join = newJoin();
    join.right.push(right, 1, null);
    for (const row of [left, left, left]) join.left.push(row, 1, null);
    join.left.push(left, -1, null);
    log.length = 0;
    join.right.push(right, -1, null);
    join.flush();
    expect(log).toEqual(['-1,0,2', '-1,0,2', '+1,,', '+1,,']);
  });

  test('a pair that cannot be computed is reported when it comes, not when it goes, and is no pair', () => {
    const errors: string[] = [];
    const join = joinOf('left', { retracts: [true, true] })({
      ...given,
      next: { push: (row, weight) => void errors.push(`${weight}:${brief(row.slice(2))}`) },
      onError: (error, _, row) => void errors.push(`${error.message}: ${brief(row)}`),
    });
    join.left.push(['a', 0, 3], 1, null);
    join.right.push(['a', 0, 3], 1, null);
    join.flush();
    join.right.push(['a', 0, 3], -1, null);
    join.flush();
    expect(errors).toEqual(['3 and 3: a,0,3,0,3', '1:3,,']);
  });
});

test('isPair of these tests is what the condition says', () => {
  expect([isPair(['a', 0, 1], ['a', 0, 2]), isPair(['a', 0, 2], ['a', 0, 1])]).toEqual([true, false]);
  expect(both(['a', 0, 1], null)).toEqual(['a', 0, 1, null, null]);
});

/** Each caused row behind the first event with which the watermark reaches its time and the lateness. */
function withCaused(
  events: readonly ScriptRow[],
  caused: readonly ScriptRow[],
  { delayMs, allowedMs }: { delayMs: number; allowedMs: number },
): ScriptRow[] {
  const script = scriptOf(events, { delayMs });
  const at = (row: Row): number => {
    const index = script.findIndex((step, i) => {
      const isLastOfEvent = step.at !== script[i + 1]?.at;
      return isLastOfEvent && step.watermarkMs >= timeOf(row) + allowedMs;
    });
    return index < 0 ? events.length - 1 : index;
  };
  return [
    ...events.flatMap((event, index) => [event, ...caused.filter(({ row }) => at(row) === index)]),
    ...(events.length === 0 ? caused : []),
  ];
}

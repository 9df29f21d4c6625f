/** The temporal join against a naive recomputation, however its input is cut (O1, O2, Y8, Y9). */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Row } from '../../../runtime/src/data/value.ts';
import { TemporalJoin } from '../../../runtime/src/operators/temporal-join.ts';
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
  isPair,
  JOIN_TYPES,
  type JoinType,
  LEFT,
  RIGHT,
  sideOf,
  specOf,
  subject,
  timeOf,
} from './joins.ts';

const side = { keys: [0], time: timeOf };
const make =
  (type: JoinType) =>
  (given: Surroundings): Subject =>
    subject(
      new TemporalJoin({ ...specOf(type, given), left: side, right: side, late: given.late }, given.next),
    );

/** The last right row in the order of time, then of arrival, among those at or before a time. */
function versionAt(rights: readonly Step[], key: unknown, timeMs: number): Row | undefined {
  return rights
    .filter(({ row }) => key !== null && row[0] === key && timeOf(row) <= timeMs)
    .toSorted((a, b) => timeOf(a.row) - timeOf(b.row))
    .at(-1)?.row;
}

function naive(type: JoinType, script: readonly Step[], allowedMs: number): { rows: Row[]; errors: number } {
  const inTime = script.filter((step) => !isLate(step, allowedMs));
  const rights = sideOf(inTime, RIGHT);
  let errors = 0;
  const rows = sideOf(inTime, LEFT).flatMap(({ row }) => {
    const version = versionAt(rights, row[0], timeOf(row));
    if (version !== undefined && isPair(row, version)) return [both(row, version)];
    if (version !== undefined && isError(row, version)) errors++;
    return type === 'left' ? [both(row, null)] : [];
  });
  return { rows, errors };
}

test.each(JOIN_TYPES)(
  'O1, O2: %s, in any order, any epochs and restarts, is what a recomputation gives',
  async (type) => {
    await fc.assert(
      fc.asyncProperty(anyEvents, anyDelays, anyCuts, async (events, delays, cuts) => {
        const script = scriptOf(events, delays);
        const run = await runScript(make(type), script, { cuts, ...delays });
        const { rows, errors } = naive(type, script, delays.allowedMs);
        expect({ rows: run.rows, errors: run.errors.length }).toEqual({ rows: folded(rows), errors });
        const late = script.filter((step) => isLate(step, delays.allowedMs));
        expect(run.late.map(([position]) => position)).toEqual(late.map(({ at }) => at?.position));
        expect(run.changes.filter((change) => change.startsWith('-'))).toEqual([]);
        // Y9: at the end of the input one version of each key is left.
        const keys = new Set(
          sideOf(script, RIGHT).flatMap((step) =>
            isLate(step, delays.allowedMs) || step.row[0] === null ? [] : [step.row[0]],
          ),
        );
        expect([run.size, run.storedKeys]).toEqual([keys.size, keys.size]);
      }),
      { numRuns: 500 },
    );
  },
);

test('O1: rows that time caused, at equal times, are ordered by content in every cut', async () => {
  const anyCaused = fc.array(
    fc.record({ input: fc.constantFrom(LEFT, RIGHT), timeMs: fc.nat(3), value: fc.constantFrom(1, 2) }),
  );
  await fc.assert(
    fc.asyncProperty(anyCaused, anyCuts, async (caused, cuts) => {
      const rows = caused.map(({ input, timeMs, value }) => ({
        row: ['a', timeMs, value],
        timeMs: null,
        input,
      }));
      const first: ScriptRow = { row: ['z', 0, 0], timeMs: 0, input: RIGHT };
      const script = scriptOf([first, ...rows], { delayMs: 1 });
      const run = await runScript(make('left'), script, { cuts });
      const byContent = script.toSorted((a, b) => (a.row[2] as number) - (b.row[2] as number));
      expect(run.rows).toEqual(folded(naive('left', byContent, 0).rows));
    }),
  );
});

describe('a left join', () => {
  const left = (timeMs: number): ScriptRow => ({ row: ['a', timeMs, 0], timeMs, input: LEFT });
  const right = (timeMs: number, value: number): ScriptRow => ({
    row: ['a', timeMs, value],
    timeMs,
    input: RIGHT,
  });
  const rowsOf = async (rows: readonly ScriptRow[], delayMs = 100): Promise<readonly string[]> =>
    (await runScript(make('left'), scriptOf(rows, { delayMs }), { cuts: rows.map(() => 'restart') })).changes;

  test('meets the version of its time, not the newest, and one of exactly its time', async () => {
    expect(await rowsOf([right(5, 1), right(10, 2), right(11, 3), left(10)])).toEqual(['+["a",10,0,10,2]']);
  });

  test('waits for versions that are on their way: no null early', async () => {
    expect(await rowsOf([left(10), right(9, 1)])).toEqual(['+["a",10,0,9,1]']);
  });

  test('of versions of one time meets the one that came later', async () => {
    expect(await rowsOf([right(9, 2), right(9, 1), left(10)])).toEqual(['+["a",10,0,9,1]']);
  });

  test('without a version, or with null in its key, has nulls when its time is over', async () => {
    const rows: ScriptRow[] = [left(10), right(11, 1), { row: [null, 10, 0], timeMs: 10, input: LEFT }];
    expect(await rowsOf(rows)).toEqual(['+["a",10,0,null,null]', '+[null,10,0,null,null]']);
  });

  test('Y9: versions that no row can need are forgotten, the valid one and later ones are not', () => {
    const given: Surroundings = {
      next: { push: () => {} },
      late: { allowedMs: 3, isOverFor: () => false, isClosedFor: () => false, late: () => {} },
      onError: () => {},
      prefix: Buffer.from('x'),
    };
    const spec = { ...specOf('left', given), left: side, right: side, late: given.late };
    const join = new TemporalJoin(spec, given.next);
    for (const timeMs of [5, 10, 20, 30]) join.right.push(['a', timeMs, 1], 1, positionOf(timeMs, timeMs, 0));
    const sizes = [12, 13, 22, 23, 1000].map((watermarkMs) => {
      join.advance(watermarkMs);
      return join.size;
    });
    expect(sizes).toEqual([4, 3, 3, 2, 1]);
  });
});

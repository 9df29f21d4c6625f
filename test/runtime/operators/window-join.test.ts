/** The window join against a naive recomputation, however its input is cut (O1, O2, Y2, Y4, Y5). */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Row, WindowValue } from '../../../runtime/src/data/value.ts';
import { WindowJoin } from '../../../runtime/src/operators/window-join.ts';
import {
  anyCuts,
  folded,
  runScript,
  scriptOf,
  type ScriptRow,
  type Step,
  type Subject,
  type Surroundings,
} from '../../suites/operator.suite.ts';
import {
  anyDelays,
  JOIN_TYPES,
  joinAll,
  type JoinType,
  LEFT,
  RIGHT,
  sideOf,
  specOf,
  subject,
} from './joins.ts';
import { remaining } from './rows.ts';

/** A row is [key, window, value]. */
const windowOf = (timeMs: number): WindowValue => {
  const startMs = Math.floor(timeMs / 10) * 10;
  return [startMs, startMs + 10];
};

const make =
  (type: JoinType, retracts: boolean) =>
  (given: Surroundings): Subject => {
    const side = { keys: [0, 1], window: 1, retracts };
    return subject(
      new WindowJoin(
        { ...specOf(type, given), left: side, right: side, late: given.late, mayWait: true },
        given.next,
      ),
    );
  };

const isLate = ({ row, at }: Step, allowedMs: number): boolean =>
  at !== null && row[1] !== null && (row[1] as WindowValue)[1] - 1 + allowedMs <= at.watermarkMs;

const sameWindow = (left: Step, right: Step): boolean =>
  left.row[1] !== null &&
  right.row[1] !== null &&
  JSON.stringify(left.row[1]) === JSON.stringify(right.row[1]);

const anyEvent = fc.record({
  input: fc.constantFrom(LEFT, RIGHT),
  key: fc.constantFrom('a', 'a', 'b', null),
  timeMs: fc.nat(40),
  hasWindow: fc.constantFrom(true, true, true, false),
  value: fc.constantFrom(1, 2, 3),
  partition: fc.constantFrom(0, 0, 1),
});

const anyEvents: fc.Arbitrary<ScriptRow[]> = fc.array(anyEvent, { maxLength: 30 }).map((drafts) =>
  drafts.map(({ input, key, timeMs, hasWindow, value, partition }) => ({
    row: [key, hasWindow ? windowOf(timeMs) : null, value],
    timeMs,
    input,
    partition,
  })),
);

test.each(JOIN_TYPES)(
  'O1, O2, Y2: %s, in any order, any epochs and restarts, is what a recomputation gives',
  async (type) => {
    await fc.assert(
      fc.asyncProperty(anyEvents, anyDelays, anyCuts, async (events, delays, cuts) => {
        const script = scriptOf(events, delays);
        const run = await runScript(make(type, false), script, { cuts, ...delays });
        const inTime = script.filter((step) => !isLate(step, delays.allowedMs));
        const expected = joinAll(type, sideOf(inTime, LEFT), sideOf(inTime, RIGHT), sameWindow);
        expect(run.rows).toEqual(folded(expected));
        const late = script.filter((step) => isLate(step, delays.allowedMs));
        expect(run.late).toEqual(late.map(({ at, row }) => [at?.position, ...(row[1] as WindowValue)]));
        // Y4, Y5
        expect(run.changes.filter((change) => change.startsWith('-'))).toEqual([]);
        expect([run.size, run.storedKeys]).toEqual([0, 0]);
      }),
      { numRuns: 400 },
    );
  },
);

test.each(JOIN_TYPES)('O1, O2, Y2: %s of inputs that take rows back', async (type) => {
  const anyGoing = fc.tuple(anyEvents, fc.array(fc.option(fc.nat(), { freq: 2 }), { maxLength: 30 }));
  await fc.assert(
    fc.asyncProperty(anyGoing, anyDelays, anyCuts, async ([events, goes], delays, cuts) => {
      const script = scriptOf(takeSomeBack(events, goes, delays), delays);
      const run = await runScript(make(type, true), script, { cuts, ...delays });
      const left = remaining(script.filter((step) => !isLate(step, delays.allowedMs)));
      const late = script.filter((step) => step.weight === 1 && isLate(step, delays.allowedMs));
      expect(run.late.length).toBe(late.length);
      expect(run.rows).toEqual(folded(joinAll(type, sideOf(left, LEFT), sideOf(left, RIGHT), sameWindow)));
      expect([run.size, run.storedKeys]).toEqual([0, 0]);
    }),
    { numRuns: 400 },
  );
});

/** Behind some events an earlier one is taken back, if it was not late. The watermark does not move by that. */
function takeSomeBack(
  events: readonly ScriptRow[],
  goes: readonly (number | null)[],
  delays: { delayMs: number; allowedMs: number },
): ScriptRow[] {
  const one = events.map((event) => ({ ...event, partition: 0 }));
  const script = scriptOf(one, delays);
  const there: ScriptRow[] = [];
  return one.flatMap((event, index) => {
    if (!isLate(script[index] as Step, delays.allowedMs)) there.push(event);
    const which = goes[index] ?? null;
    if (which === null || there.length === 0) return [event];
    const [gone] = there.splice(which % there.length, 1);
    return [event, { ...(gone as ScriptRow), weight: -1 as const, timeMs: -1000 }];
  });
}

describe('a left join', () => {
  const row = (timeMs: number, input: number, key = 'a'): ScriptRow => ({
    row: [key, windowOf(timeMs), 1],
    timeMs,
    input,
  });
  const caused = (timeMs: number, input: number, weight: 1 | -1 = 1): ScriptRow => ({
    row: ['a', windowOf(timeMs), 1],
    timeMs: null,
    input,
    weight,
  });

  test('Y4: shows no null while a partner may still come, in however many epochs', async () => {
    const script = scriptOf([row(1, LEFT), row(8, LEFT, 'z'), row(9, RIGHT)]);
    const run = await runScript(make('left', false), script, {
      cuts: ['restart', 'restart', 'epoch'],
      end: false,
    });
    expect(run.changes).toEqual(['+["a",[0,10],1,[0,10],1]', '+["z",[0,10],1,null,null]']);
    const open = await runScript(make('left', false), script.slice(0, 2), { cuts: ['epoch'], end: false });
    expect(open.changes).toEqual([]);
  });

  test('Y4: a partner that is taken back before the end leaves the null to the end', async () => {
    const script = scriptOf([
      row(1, LEFT, 'z'),
      caused(1, LEFT),
      caused(1, RIGHT),
      caused(1, RIGHT, -1),
      row(30, RIGHT, 'z'),
    ]);
    const cuts = ['no', 'epoch', 'epoch', 'epoch'] as const;
    const run = await runScript(make('left', true), script, { cuts });
    expect(run.changes).toEqual([
      '+["a",[0,10],1,[0,10],1]',
      '-["a",[0,10],1,[0,10],1]',
      '+["z",[0,10],1,null,null]',
      '+["a",[0,10],1,null,null]',
    ]);
  });

  test('Y5: state is held for windows that are open, not for those of the whole stream', async () => {
    const rows = Array.from({ length: 300 }, (_, index) => row(index, index % 2, `k${index % 7}`));
    const run = await runScript(make('left', false), scriptOf(rows), { cuts: rows.map(() => 'epoch') });
    // The last row of a window is the one that closes it.
    expect(run.sizeMax).toBe(9);
    expect([run.size, run.storedKeys]).toEqual([0, 0]);
  });

  test('is held until the allowed lateness is over, and closes at exactly that watermark', async () => {
    const close = async (lastMs: number): Promise<readonly string[]> => {
      const script = scriptOf([row(1, LEFT), row(lastMs, LEFT, 'z')]);
      return (await runScript(make('left', false), script, { allowedMs: 5, end: false })).changes;
    };
    expect(await close(13)).toEqual([]);
    expect(await close(14)).toEqual(['+["a",[0,10],1,null,null]']);
  });

  test('a row of no window has no partner', async () => {
    const none = (input: number): ScriptRow => ({ row: ['a', null, 1] satisfies Row, timeMs: 1, input });
    const run = await runScript(make('left', false), scriptOf([none(LEFT), none(RIGHT)]));
    expect(run.rows).toEqual(['["a",null,1,null,null]']);
  });
});

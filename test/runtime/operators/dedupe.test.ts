/** Dedupe against a naive recomputation, however its input is cut (O1, O2, D1, D2). */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Row, WindowValue } from '../../../runtime/src/data/value.ts';
import { dedupe, type DedupeSpec } from '../../../runtime/src/operators/dedupe.ts';
import type { Position } from '../../../runtime/src/operators/operator.ts';
import {
  alone,
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
import { groupedBy } from './rows.ts';

/** A row is [key, time, value]. */
const timeOf = (row: Row): number => row[1] as number;

type Options = Pick<DedupeSpec, 'keep' | 'by'> &
  Partial<Pick<DedupeSpec, 'retracts' | 'ttlMs' | 'window' | 'mode'>>;

const make =
  (options: Options) =>
  ({ next, ...given }: Surroundings): Subject => {
    const usual = {
      time: timeOf,
      retracts: false,
      ttlMs: null,
      window: null,
      mode: 'updates',
      mayWait: true,
    } as const;
    const keys = (options.window ?? null) === null ? [0] : [0, options.window as number];
    return alone(dedupe({ keys, ...usual, ...given, ...options }, next));
  };

const ALL: readonly Options[] = [
  { keep: 'first', by: 'time' },
  { keep: 'last', by: 'time' },
  { keep: 'first', by: 'arrival' },
  { keep: 'last', by: 'arrival' },
];
const nameOf = ({ keep, by }: Options): string => `the ${keep} by ${by}`;

/** The row of one key. REQUIRES rows in the order that decides between equal ones, the earliest first. */
function bestOf(rows: readonly Row[], { keep, by }: Options): Row {
  const ordered = by === 'time' ? rows.toSorted((a, b) => timeOf(a) - timeOf(b)) : rows;
  return (keep === 'first' ? ordered[0] : ordered.at(-1)) as Row;
}

const naive = (rows: readonly Row[], options: Options): string[] =>
  folded([...groupedBy(rows, (row) => row[0])].map((own) => bestOf(own, options)));

const anyRow: fc.Arbitrary<Row> = fc.tuple(
  fc.constantFrom('a', 'a', 'b', null),
  fc.nat(6),
  fc.constantFrom(1, 2, 3),
);
const byContent = (a: Row, b: Row): number => timeOf(a) - timeOf(b) || (a[2] as number) - (b[2] as number);

describe.each(ALL.map((options) => [nameOf(options), options] as const))('%s', (_, options) => {
  test('O1, O2: of events in any order, equal times by arrival', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyRow, { maxLength: 30 }), anyCuts, async (rows, cuts) => {
        const script = scriptOf(rows.map((row) => ({ row, timeMs: timeOf(row) })));
        const run = await runScript(make(options), script, { cuts });
        expect(run.rows).toEqual(naive(rows, options));
        expect(run.storedKeys).toBe(run.rows.length);
      }),
      { numRuns: 200 },
    );
  });

  test('O1, O2: of rows that time caused, equal ones by content', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyRow, { maxLength: 30 }), anyCuts, async (rows, cuts) => {
        const script = scriptOf(rows.map((row) => ({ row, timeMs: null })));
        const run = await runScript(make(options), script, { cuts });
        expect(run.rows).toEqual(naive(rows.toSorted(byContent), options));
      }),
      { numRuns: 200 },
    );
  });

  test('O1, O2: of an input that takes rows back', async () => {
    const anyChange = fc.tuple(anyRow, fc.option(fc.nat(), { freq: 2 }));
    await fc.assert(
      fc.asyncProperty(fc.array(anyChange, { maxLength: 40 }), anyCuts, async (drafts, cuts) => {
        const there: Row[] = [];
        const changes = drafts.map(([row, goes]): ScriptRow => {
          if (goes === null || there.length === 0) {
            there.push(row);
            return { row, timeMs: null };
          }
          const [gone] = there.splice(goes % there.length, 1);
          return { row: gone as Row, weight: -1, timeMs: null };
        });
        const run = await runScript(make({ ...options, retracts: true }), scriptOf(changes), { cuts });
        expect(run.rows).toEqual(naive(there.toSorted(byContent), options));
      }),
      { numRuns: 200 },
    );
  });

  test('O1, O2, D1: a key that was silent for its time-to-live begins anew, in any cut', async () => {
    const anyEvents = fc.array(
      fc.record({
        key: fc.constantFrom('a', 'a', 'b'),
        timeMs: fc.nat(40),
        value: fc.nat(3),
        partition: fc.constantFrom(0, 0, 1),
      }),
      { maxLength: 30 },
    );
    await fc.assert(
      fc.asyncProperty(anyEvents, fc.constantFrom(0, 3, 12), anyCuts, async (events, ttlMs, cuts) => {
        const rows = events.map(({ key, timeMs, value, partition }) => ({
          row: [key, timeMs, value],
          timeMs,
          partition,
        }));
        const script = scriptOf(rows, { delayMs: 2 });
        const run = await runScript(make({ ...options, ttlMs }), script, { cuts });
        expect(run.rows).toEqual(folded(livesOf(script, ttlMs).map((life) => bestOf(life, options))));
      }),
      { numRuns: 300 },
    );
  });

  test.each(['updates', 'final'] as const)('O1, O2: of windows, %s', async (mode) => {
    const windowOf = (timeMs: number): WindowValue => [timeMs - (timeMs % 10), timeMs - (timeMs % 10) + 10];
    const anyEvents = fc.array(fc.tuple(fc.constantFrom('a', 'b'), fc.nat(40), fc.nat(3)), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(anyEvents, anyCuts, async (events, cuts) => {
        const rows = events.map((row) => ({ row: [...row, windowOf(row[1])], timeMs: row[1] }));
        const script = scriptOf(rows, { delayMs: 3 });
        const run = await runScript(make({ ...options, mode, window: 3 }), script, { cuts });
        const inTime = script.filter(
          ({ row, at }) => (row[3] as WindowValue)[1] - 1 > (at as Position).watermarkMs,
        );
        const keys = groupedBy(inTime, ({ row }) => `${row[0] as string}${JSON.stringify(row[3])}`);
        const expected = keys.map((own) =>
          bestOf(
            own.map(({ row }) => row),
            options,
          ),
        );
        expect(run.rows).toEqual(folded(expected));
        expect(run.late.length).toBe(script.length - inTime.length);
        expect([run.size, run.storedKeys]).toEqual([0, 0]);
        if (mode === 'final') expect(run.changes.length).toBe(run.rows.length);
      }),
      { numRuns: 200 },
    );
  });
});

/** The rows of each key from one beginning to the next. */
function livesOf(script: readonly Step[], ttlMs: number): Row[][] {
  const lives = new Map<unknown, { rows: Row[]; touchedMs: number }>();
  const all: Row[][] = [];
  for (const { row, at } of script) {
    const { watermarkMs, eventTimeMs } = at as Position;
    const life = lives.get(row[0]);
    if (life !== undefined && watermarkMs <= life.touchedMs + ttlMs) {
      life.rows.push(row);
      life.touchedMs = Math.max(life.touchedMs, eventTimeMs);
      continue;
    }
    const rows = [row];
    lives.set(row[0], { rows, touchedMs: eventTimeMs });
    all.push(rows);
  }
  return all;
}

describe('row by row', () => {
  const event = (timeMs: number, value: number, key = 'a'): ScriptRow => ({
    row: [key, timeMs, value],
    timeMs,
  });

  test('of equal times the last keeps the later arrival and the first the earlier one', async () => {
    const script = scriptOf([event(5, 2), event(5, 1), event(5, 3), event(5, 2)]);
    const rowsOf = async (keep: 'first' | 'last', cuts: Cuts): Promise<unknown> =>
      (await runScript(make({ keep, by: 'time' }), script, { cuts })).rows;
    for (const cuts of [[], script.map(() => 'restart' as const)]) {
      expect(await rowsOf('last', cuts)).toEqual(['["a",5,2]']);
      expect(await rowsOf('first', cuts)).toEqual(['["a",5,2]']);
    }
    expect(await rowsOf('last', [])).not.toEqual(['["a",5,3]']);
  });

  test('D2: the first by arrival is handed on at once with its place in the log, so it may still be late elsewhere', () => {
    const handed: (readonly [Row, number, Position | null])[] = [];
    const { operator, inputs } = make({ keep: 'first', by: 'arrival' })({
      next: { push: (row, weight, at) => void handed.push([row, weight, at]) },
      late: { allowedMs: 0, isOverFor: () => false, isClosedFor: () => false, late: () => {} },
      onError: () => {},
      prefix: Buffer.from('x'),
    });
    const at = positionOf(7, 5, 3);
    inputs[0]?.push(['a', 5, 1], 1, at);
    inputs[0]?.push(['a', 4, 2], 1, positionOf(8, 4, 3));
    operator.flush();
    expect(handed).toEqual([[['a', 5, 1], 1, at]]);
  });

  test('a row that replaces an equal one is handed on by nobody', async () => {
    const script = scriptOf([event(5, 2), event(5, 2), event(5, 2)]);
    const run = await runScript(make({ keep: 'last', by: 'time' }), script, { cuts: ['epoch', 'restart'] });
    expect(run.changes).toEqual(['+["a",5,2]']);
  });

  test('of windows: a key is held to exactly the end of its window and the lateness', async () => {
    const sizeAt = async (lastMs: number): Promise<number> => {
      const rows: ScriptRow[] = [
        { row: ['a', 1, 1, [0, 10]], timeMs: 1 },
        { row: ['a', lastMs, 1, [0, 100]], timeMs: lastMs },
      ];
      const options = { keep: 'first', by: 'time', window: 3 } as const;
      return (await runScript(make(options), scriptOf(rows), { allowedMs: 5, end: false })).size;
    };
    expect([await sizeAt(13), await sizeAt(14)]).toEqual([2, 1]);
  });

  test('D1: with a time-to-live the state does not grow with the stream', async () => {
    const script = scriptOf(Array.from({ length: 200 }, (_, index) => event(index, 1, `k${index}`)));
    const options = { keep: 'first', by: 'time', ttlMs: 10 } as const;
    for (const cut of ['epoch', 'restart'] as const) {
      const run = await runScript(make(options), script, { cuts: script.map(() => cut) });
      expect(run.sizeMax).toBe(11);
      expect(run.rows.length).toBe(200);
    }
  });

  test('a row with a null key is a row of that key', async () => {
    const script = scriptOf([null, null].map((key, index) => ({ row: [key, index, 1], timeMs: index })));
    expect((await runScript(make({ keep: 'last', by: 'time' }), script)).rows).toEqual(['[null,1,1]']);
  });

  test('a time-to-live needs an append-only input', () => {
    const options = { keep: 'first', by: 'time', ttlMs: 1, retracts: true } as const;
    expect(() => make(options)({} as Surroundings)).toThrow('append-only');
  });
});

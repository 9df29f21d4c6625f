/** Top against a naive recomputation, however its input is cut (O1, O2, X1, X2). */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareValues } from '../../../runtime/src/data/key.ts';
import type { Row, Value, WindowValue } from '../../../runtime/src/data/value.ts';
import { RowError } from '../../../runtime/src/expr/functions.ts';
import { TopOperator, type TopSpec } from '../../../runtime/src/operators/top.ts';
import {
  alone,
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
import { brief, groupedBy } from './rows.ts';

/** A row is [partition, price, name]. A price of 13 cannot be computed. */
const price = (row: Row): Value => {
  if (row[1] === 13) throw new RowError('no 13');
  return row[1] ?? null;
};

type Options = Partial<
  Pick<TopSpec, 'rank' | 'retracts' | 'limit' | 'ties' | 'window' | 'mode' | 'partition'>
>;

const topOf =
  (options: Options = {}) =>
  ({ next, ...given }: Surroundings): TopOperator => {
    const order = [{ by: price, descending: true }];
    const usual = { partition: [0], order, ties: 'earlier', limit: 3, rank: false } as const;
    return new TopOperator(
      { ...usual, retracts: false, window: null, mode: 'updates', ...given, ...options },
      next,
    );
  };
const make =
  (options: Options = {}) =>
  (given: Surroundings): Subject =>
    alone(topOf(options)(given));

const anyRow: fc.Arbitrary<Row> = fc.tuple(
  fc.constantFrom('a', 'a', 'b', null),
  fc.constantFrom(1, 2, 3, 13, null),
  fc.constantFrom('x', 'y', 'z'),
);

const compareTexts = (a: Value, b: Value): number => ((a as string) < (b as string) ? -1 : Number(a !== b));

/** Descending by price, null last; equal ones as they are. */
const byPrice = (a: Row, b: Row): number => ((b[1] as number) ?? -1) - ((a[1] as number) ?? -1);

/** The first rows of each partition. REQUIRES rows in the order that decides between equal ones. */
function naive(rows: readonly Row[], { rank = false, limit = 3 }: Options): string[] {
  const partitions = groupedBy(
    rows.filter((row) => row[1] !== 13),
    (row) => row[0],
  );
  const top = partitions.flatMap((own) =>
    own
      .toSorted(byPrice)
      .slice(0, limit)
      .map((row, index) => (rank ? [...row, index + 1] : row)),
  );
  return folded(top);
}

for (const rank of [true, false]) {
  const what = rank ? 'with the rank' : 'without the rank';

  test(`O1, O2: of events, ${what}, equal ones by arrival`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyRow, { maxLength: 30 }), anyCuts, async (rows, cuts) => {
        const script = scriptOf(rows.map((row) => ({ row, timeMs: 0 })));
        const run = await runScript(make({ rank }), script, { cuts });
        expect(run.rows).toEqual(naive(rows, { rank }));
        expect(run.errors.length).toBe(rows.filter((row) => row[1] === 13).length);
        // X1
        expect(run.storedKeys).toBe(run.rows.length);
      }),
      { numRuns: 300 },
    );
  });

  test(`O1, O2: of an input that takes rows back, ${what}, equal ones by content`, async () => {
    const anyChange = fc.tuple(anyRow, fc.option(fc.nat(), { freq: 2 }), fc.boolean());
    await fc.assert(
      fc.asyncProperty(fc.array(anyChange, { maxLength: 40 }), anyCuts, async (drafts, cuts) => {
        const there: Row[] = [];
        const changes = drafts.map(([row, goes, isPlaced]): ScriptRow => {
          // All by time, or all by a flush: in an epoch the latter come behind the former.
          const timeMs = (drafts[0]?.[2] ?? isPlaced) ? 0 : null;
          if (goes === null || there.length === 0) {
            there.push(row);
            return { row, timeMs };
          }
          const [gone] = there.splice(goes % there.length, 1);
          return { row: gone as Row, weight: -1, timeMs };
        });
        const run = await runScript(make({ rank, retracts: true }), scriptOf(changes), { cuts });
        expect(run.rows).toEqual(
          naive(
            there.toSorted((a, b) => compareTexts(a[2] ?? null, b[2] ?? null)),
            { rank },
          ),
        );
        expect(run.storedKeys).toBe(there.filter((row) => row[1] !== 13).length);
      }),
      { numRuns: 300 },
    );
  });
}

test('O1: rows that time caused are ordered by content among equals, behind those of the log', async () => {
  const anyMixed = fc.array(fc.tuple(anyRow, fc.boolean()), { maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(anyMixed, anyCuts, async (mixed, cuts) => {
      const script = scriptOf(mixed.map(([row, isPlaced]) => ({ row, timeMs: isPlaced ? 0 : null })));
      const run = await runScript(make({ rank: true }), script, { cuts, causedBy: 'advance' });
      const rows = mixed.filter(([, isPlaced]) => isPlaced).map(([row]) => row);
      const caused = mixed.filter(([, isPlaced]) => !isPlaced).map(([row]) => row);
      const ordered = [...rows, ...caused.toSorted((a, b) => compareTexts(a[2] ?? null, b[2] ?? null))];
      expect(run.rows).toEqual(naive(ordered, { rank: true }));
    }),
    { numRuns: 300 },
  );
});

const windowOf = (timeMs: number): WindowValue => {
  const startMs = Math.floor(timeMs / 10) * 10;
  return [startMs, startMs + 10];
};

describe.each(['updates', 'final'] as const)('of windows, %s', (mode) => {
  const options: Options = { mode, window: 3, partition: [0, 3] };
  const isLate = ({ row, at }: Step, allowedMs: number): boolean =>
    at !== null && (row[3] as WindowValue)[1] - 1 + allowedMs <= at.watermarkMs;

  test('O1, O2: late rows are counted, and nothing is held of windows that are over', async () => {
    const anyEvents = fc.array(fc.tuple(anyRow, fc.nat(40)), { maxLength: 30 });
    const anyAllowed = fc.constantFrom(0, 4);
    await fc.assert(
      fc.asyncProperty(anyEvents, anyAllowed, anyCuts, async (events, allowedMs, cuts) => {
        const rows = events.map(([row, timeMs]) => ({ row: [...row, windowOf(timeMs)], timeMs }));
        const script = scriptOf(rows, { delayMs: 3 });
        const run = await runScript(make(options), script, { cuts, allowedMs });
        const inTime = script.filter((step) => !isLate(step, allowedMs)).map(({ row }) => row);
        const windows = groupedBy(inTime, (row) => JSON.stringify(row[3]));
        expect(run.rows).toEqual(windows.flatMap((own) => naive(own, {})).sort());
        expect(run.late.length).toBe(script.length - inTime.length);
        expect([run.size, run.storedKeys]).toEqual([0, 0]);
        if (mode === 'final') expect(run.changes.length).toBe(run.rows.length);
      }),
      { numRuns: 300 },
    );
  });
});

test('of windows: a partition is held to exactly the end of its window and the lateness', async () => {
  const sizeAt = async (lastMs: number): Promise<number> => {
    const rows: ScriptRow[] = [
      { row: ['a', 1, 'x', [0, 10]], timeMs: 1 },
      { row: ['a', 1, 'x', [0, 100]], timeMs: lastMs },
    ];
    const options: Options = { window: 3, partition: [0, 3] };
    return (await runScript(make(options), scriptOf(rows), { allowedMs: 5, end: false })).size;
  };
  expect([await sizeAt(13), await sizeAt(14)]).toEqual([2, 1]);
});

test('only a window makes rows final', () => {
  expect(() => make({ mode: 'final' })(silent)).toThrow('window');
});

const silent: Surroundings = {
  next: { push: () => {} },
  late: { allowedMs: 0, isOverFor: () => false, isClosedFor: () => false, late: () => {} },
  onError: () => {},
  prefix: Buffer.from('x'),
};

describe('the ten best', () => {
  const changesOf = (
    options: Options,
    epochs: readonly (readonly Row[])[],
    weights: readonly (1 | -1)[] = [],
  ): string[][] => {
    const log: string[] = [];
    const next = {
      push: (row: Row, weight: number) => void log.push(`${weight > 0 ? '+' : '-'}${brief(row.slice(1))}`),
    };
    const top = topOf(options)({ ...silent, next });
    let position = 0;
    return epochs.map((rows, epoch) => {
      for (const row of rows) top.push(row, weights[epoch] ?? 1, positionOf(position++, 0, 0));
      top.flush();
      return log.splice(0);
    });
  };

  test('of equal prices the earlier arrival ranks first, and a full ten is not displaced by an equal price', () => {
    const same = (name: string): Row => ['a', 5, name];
    const changes = changesOf({ rank: true, limit: 2 }, [
      [same('z'), same('y')],
      [same('x')],
      [['a', 6, 'w']],
    ]);
    expect(changes).toEqual([['+5,z,1', '+5,y,2'], [], ['-5,z,1', '-5,y,2', '+6,w,1', '+5,z,2']]);
  });

  test('X2: with the rank only places whose row is another are handed on', () => {
    const changes = changesOf({ rank: true, limit: 3 }, [
      [
        ['a', 9, 'x'],
        ['a', 5, 'x'],
      ],
      [['a', 7, 'x']],
      [['a', 6, 'x']],
    ]);
    expect(changes).toEqual([
      ['+9,x,1', '+5,x,2'],
      ['-5,x,2', '+7,x,2', '+5,x,3'],
      ['-5,x,3', '+6,x,3'],
    ]);
  });

  test('X2: without the rank only what fell out and what came in is handed on', () => {
    const changes = changesOf({ limit: 2 }, [
      [
        ['a', 1, 'x'],
        ['a', 2, 'x'],
      ],
      [['a', 3, 'x']],
      [['a', 1, 'x']],
    ]);
    expect(changes).toEqual([['+2,x', '+1,x'], ['-1,x', '+3,x'], []]);
  });

  test('X2: a row that goes and comes back within an epoch is handed on by nobody', () => {
    const changes = changesOf(
      { limit: 1, retracts: true },
      [
        [
          ['a', 1, 'x'],
          ['a', 1, 'x'],
        ],
        [['a', 1, 'x']],
      ],
      [1, -1],
    );
    expect(changes).toEqual([['+1,x'], []]);
  });

  test('when one of them is taken back the next best moves up', () => {
    const rows: Row[] = [
      ['a', 3, 'x'],
      ['a', 2, 'x'],
      ['a', 1, 'x'],
    ];
    const ranked = changesOf({ limit: 2, retracts: true, rank: true }, [rows, [rows[0] as Row]], [1, -1]);
    expect(ranked[1]).toEqual(['-3,x,1', '-2,x,2', '+2,x,1', '+1,x,2']);
    const plain = changesOf({ limit: 2, retracts: true }, [rows, [rows[0] as Row]], [1, -1]);
    expect(plain[1]).toEqual(['-3,x', '+1,x']);
  });

  test('ties can also go to the later arrival', () => {
    const changes = changesOf({ limit: 1, ties: 'later' }, [
      [
        ['a', 1, 'x'],
        ['a', 1, 'y'],
      ],
      [['a', 1, 'x']],
    ]);
    expect(changes).toEqual([['+1,y'], ['-1,y', '+1,x']]);
  });
});

test('the order of these tests is that of values', () => {
  expect([compareTexts('x', 'y'), compareTexts('y', 'x'), compareTexts('x', 'x')]).toEqual(
    [compareValues('x', 'y'), compareValues('y', 'x'), compareValues('x', 'x')].map(Math.sign),
  );
});

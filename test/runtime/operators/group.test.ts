/** The group operator against a naive recomputation, however its input is cut into epochs (O1, O2, G1 to G4). */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Row, WindowValue } from '../../../runtime/src/data/value.ts';
import { RowError } from '../../../runtime/src/expr/functions.ts';
import { GroupOperator, type GroupSpec } from '../../../runtime/src/operators/group.ts';
import { isOver, type Position } from '../../../runtime/src/operators/operator.ts';
import { type GridWindow, windowAssigner } from '../../../runtime/src/operators/window.ts';
import {
  alone,
  anyCuts,
  folded,
  positionOf,
  PREFIX,
  runScript,
  type ScriptRow,
  scriptOf,
  type Step,
  type Subject,
  type Surroundings,
} from '../../suites/operator.suite.ts';
import {
  anyRow,
  column,
  everyAggregate,
  INTEGER,
  KEY,
  naiveAggregates,
  naiveGroups,
  type Placed,
  TIME,
  WINDOW,
} from './naive-group.ts';

const ALLOWED = 5;
const UTC = { offsetMs: 0, zone: null };
const WINDOWS: readonly GridWindow[] = [
  { kind: 'tumbling', sizeMs: 10, ...UTC },
  { kind: 'hopping', sizeMs: 10, slideMs: 4, ...UTC },
  { kind: 'cumulating', sizeMs: 12, stepMs: 4, ...UTC },
];

type Variable = Partial<GroupSpec>;
const group =
  (given: Variable) =>
  ({ next, late, onError, prefix }: Surroundings): Subject => {
    const spec: GroupSpec = {
      keys: [column(KEY)],
      windowIndex: -1,
      window: null,
      aggregates: everyAggregate(given.retracts ?? false),
      mode: 'updates',
      retracts: false,
      ttlMs: null,
      time: null,
      late,
      onError,
      prefix,
      ...given,
    };
    return alone(new GroupOperator(spec, next));
  };
const windowed = (window: GridWindow): Variable => ({
  keys: [column(KEY), column(TIME)],
  windowIndex: 1,
  window: windowAssigner(window),
});
/** The window is a column of the input, and the first key. */
const WINDOW_COLUMN: Variable = { keys: [column(WINDOW), column(KEY)], windowIndex: 0 };

const keyed = (row: Row) => [{ key: [row[KEY] ?? null], window: null }];
const byWindow = (window: GridWindow) => (row: Row) =>
  windowAssigner(window)
    .assign(row[TIME] as number)
    .map((each) => ({ key: [row[KEY] ?? null, each], window: each }));
const byColumn = (row: Row) => {
  const window = (row[WINDOW] ?? null) as WindowValue | null;
  return [{ key: [window, row[KEY] ?? null], window }];
};

/** Events of two partitions. */
const events: fc.Arbitrary<ScriptRow[]> = fc.array(
  fc.tuple(anyRow, fc.nat(1)).map(([row, partition]) => ({ row, partition, timeMs: row[TIME] as number })),
  { maxLength: 30 },
);
/** Rows that come and, some of them, go again. Each is caused by an event of one partition. */
const changes: fc.Arbitrary<ScriptRow[]> = fc
  .array(fc.tuple(anyRow, fc.nat(3), fc.nat(60)), { maxLength: 30 })
  .map((all) => {
    const there: Row[] = [];
    return all.map(([row, dice, timeMs]): ScriptRow => {
      if (dice === 0 || there.length === 0) {
        there.push(row);
        return { row, timeMs };
      }
      const [taken] = there.splice(timeMs % there.length, 1);
      return { row: taken as Row, timeMs, weight: -1 };
    });
  });
const withoutPosition = (rows: readonly ScriptRow[]): ScriptRow[] =>
  rows.map((row) => ({ ...row, timeMs: null }));

describe('O1, O2, G1: in any epochs, restored at any of them, a group is what a recomputation gives', () => {
  for (const mode of ['updates', 'final'] as const) {
    for (const window of WINDOWS) {
      test(`${mode}, ${window.kind}`, async () => {
        const make = group({ ...windowed(window), mode });
        await fc.assert(
          fc.asyncProperty(events, anyCuts, fc.nat(8), async (rows, cuts, delayMs) => {
            const script = scriptOf(rows, { delayMs });
            const options = { keysOf: byWindow(window), allowedMs: ALLOWED, retracts: false };
            const naive = naiveGroups(script, options);
            const run = await runScript(make, script, { cuts, allowedMs: ALLOWED });
            expect(run.rows).toEqual(folded(naive.rows));
            expect(run.late).toEqual(naive.late);
          }),
          { numRuns: 150 },
        );
      });
    }

    test(`${mode}, a window that is a column of the input, null for some`, async () => {
      const make = group({ ...WINDOW_COLUMN, mode });
      await fc.assert(
        fc.asyncProperty(events, anyCuts, async (rows, cuts) => {
          const script = scriptOf(rows);
          const naive = naiveGroups(script, { keysOf: byColumn, allowedMs: ALLOWED, retracts: false });
          const run = await runScript(make, script, { cuts, allowedMs: ALLOWED });
          expect(run.rows).toEqual(folded(naive.rows));
          expect(run.late).toEqual(naive.late);
        }),
        { numRuns: 150 },
      );
    });

    test(`${mode}, windows of rows that are taken back by a flush`, async () => {
      const make = group({ ...WINDOW_COLUMN, mode, retracts: true });
      await fc.assert(
        fc.asyncProperty(changes, anyCuts, async (rows, cuts) => {
          // The watermark reaches the end of a window only behind the last change of it.
          const ticks = rows.map((_, index) =>
            Math.min(
              90,
              ...rows.slice(index + 1).map(({ row }) => (row[WINDOW] as WindowValue | null)?.[1] ?? 90),
            ),
          );
          const script = scriptOf(
            withoutPosition(rows).flatMap((row, index) => [
              row,
              {
                row: ['tick', 0, null, null, null, null, null],
                timeMs: (ticks[index] as number) + ALLOWED - 2,
              },
            ]),
          );
          const naive = naiveGroups(script, { keysOf: byColumn, allowedMs: ALLOWED, retracts: true });
          const run = await runScript(make, script, { cuts, allowedMs: ALLOWED });
          expect(run.rows).toEqual(folded(naive.rows));
          expect([run.late, run.size, run.storedKeys]).toEqual([[], 0, 0]);
        }),
        { numRuns: 150 },
      );
    });
  }

  test('updates, without a window', async () => {
    await fc.assert(
      fc.asyncProperty(events, anyCuts, async (rows, cuts) => {
        const script = scriptOf(rows);
        const naive = naiveGroups(script, { keysOf: keyed, allowedMs: 0, retracts: false });
        expect((await runScript(group({}), script, { cuts })).rows).toEqual(folded(naive.rows));
      }),
      { numRuns: 150 },
    );
  });

  test('updates, without a window, some rows caused by time', async () => {
    const mixed = fc.array(
      fc
        .tuple(anyRow, fc.boolean())
        .map(([row, timed]) => ({ row, timeMs: timed ? (row[TIME] as number) : null })),
      { maxLength: 30 },
    );
    await fc.assert(
      fc.asyncProperty(mixed, anyCuts, async (rows, cuts) => {
        const script = scriptOf(rows);
        const naive = naiveGroups(script, { keysOf: keyed, allowedMs: 0, retracts: false });
        expect((await runScript(group({}), script, { cuts })).rows).toEqual(folded(naive.rows));
      }),
      { numRuns: 150 },
    );
  });

  for (const caused of ['by events', 'by a flush'] as const) {
    test(`updates of rows that are taken back ${caused}`, async () => {
      await fc.assert(
        fc.asyncProperty(changes, anyCuts, async (rows, cuts) => {
          const script = scriptOf(caused === 'by events' ? rows : withoutPosition(rows));
          const naive = naiveGroups(script, { keysOf: keyed, allowedMs: 0, retracts: true });
          const run = await runScript(group({ retracts: true }), script, { cuts });
          expect(run.rows).toEqual(folded(naive.rows));
          expect(run.size).toBe(naive.rows.length);
        }),
        { numRuns: 300 },
      );
    });
  }

  test('one group without keys; none over rows that are all taken back', async () => {
    await fc.assert(
      fc.asyncProperty(changes, anyCuts, async (rows, cuts) => {
        const script = scriptOf(rows);
        const naive = naiveGroups(script, {
          keysOf: () => [{ key: [], window: null }],
          allowedMs: 0,
          retracts: true,
        });
        const run = await runScript(group({ keys: [], retracts: true }), script, { cuts });
        expect(run.rows).toEqual(folded(naive.rows));
      }),
      { numRuns: 100 },
    );
  });

  test('rows that cannot be computed are left out of every aggregate, reported once, and late nowhere', async () => {
    const failing = (row: Row): number => {
      if (row[INTEGER] === 2) throw new RowError('no two');
      return 1;
    };
    const aggregates = [...everyAggregate(true), { fn: 'max', arg: failing, type: 'integer' } as const];
    await fc.assert(
      fc.asyncProperty(changes, anyCuts, async (rows, cuts) => {
        const script = scriptOf(rows);
        const good = script.filter(({ row }) => row[INTEGER] !== 2);
        const options = { keysOf: keyed, allowedMs: 0, retracts: true };
        const naive = naiveGroups(good, options);
        const run = await runScript(group({ retracts: true, aggregates }), script, { cuts });
        expect(run.rows).toEqual(folded(naive.rows.map((row) => [...row, 1])));
        expect(run.errors.length).toBe(script.filter((s) => s.row[INTEGER] === 2 && s.weight === 1).length);
        const late = await runScript(
          group({ ...windowed(WINDOWS[1] as GridWindow), aggregates }),
          scriptOf(rows.filter(({ weight }) => weight !== -1)),
          { cuts },
        );
        const bad = new Set(
          late.late.map(([position]) => rows.filter(({ weight }) => weight !== -1)[position]?.row[INTEGER]),
        );
        expect(bad.has(2)).toBe(false);
      }),
      { numRuns: 100 },
    );
  });
});

describe('G4: time to live', () => {
  const TTL = 10;

  /** Generations of each key: a row begins a new one when its watermark has left the newest row so far behind. */
  function generations(script: readonly Step[]): Row[] {
    const groups: { readonly key: Row; touchedMs: number; readonly rows: Placed[] }[] = [];
    for (const { row, at } of script) {
      const { position, eventTimeMs, watermarkMs } = at as Position;
      let last = groups.findLast(({ key }) => key[0] === row[KEY]);
      if (last === undefined || watermarkMs > last.touchedMs + TTL) {
        last = { key: [row[KEY] ?? null], touchedMs: eventTimeMs, rows: [] };
        groups.push(last);
      }
      last.touchedMs = Math.max(last.touchedMs, eventTimeMs);
      last.rows.push({ row, position });
    }
    return groups.map(({ key, rows }) => [...key, ...naiveAggregates(rows, false)]);
  }

  test('a group expires for a row whose watermark has left its newest row behind, in every cut alike', async () => {
    await fc.assert(
      fc.asyncProperty(events, anyCuts, async (rows, cuts) => {
        const script = scriptOf(rows);
        const run = await runScript(group({ ttlMs: TTL }), script, { cuts });
        expect(run.rows).toEqual(folded(generations(script)));
      }),
      { numRuns: 300 },
    );
  });

  test('state is bounded by the time to live, not by the number of keys', async () => {
    const rows = Array.from({ length: 200 }, (_, n) => ({
      row: [`k${n}`, n, 1, 1, 'x', true, null],
      timeMs: n,
    }));
    const cuts = rows.map((_, n) => (n % 3 === 0 ? 'restart' : 'epoch'));
    const run = await runScript(group({ ttlMs: TTL }), scriptOf(rows), { cuts });
    expect(run.sizeMax).toBe(TTL + 1);
    expect(run.rows.length).toBe(200);
  });

  test('at the end of the input nothing expires; what was forgotten is not taken back', async () => {
    const row = (key: string): Row => [key, 0, null, null, null, null, null];
    const count: Variable = {
      aggregates: [{ fn: 'count', arg: null, type: null }],
      ttlMs: TTL,
      retracts: true,
    };
    const run = await runScript(group(count), scriptOf([{ row: row('a'), timeMs: 0 }]));
    expect(run.size).toBe(1);
    const script = scriptOf([
      { row: row('a'), timeMs: 0 },
      { row: row('b'), timeMs: 30 },
      { row: row('a'), timeMs: 30, weight: -1 },
      { row: row('a'), timeMs: 30 },
    ]);
    for (const cuts of [[], ['epoch', 'epoch']] as const)
      expect((await runScript(group(count), script, { cuts })).changes).toEqual([
        '+["a",1]',
        '+["b",1]',
        '+["a",1]',
      ]);
  });

  test('rows that time caused expire a group by their own time', async () => {
    const at = (ms: number): ScriptRow => ({ row: ['a', ms, null, null, null, null, null], timeMs: null });
    const count = { aggregates: [{ fn: 'count', arg: null, type: null }] } as const;
    const script = scriptOf([at(0), at(10), at(20), at(31)]);
    const run = await runScript(group({ ttlMs: TTL, time: column(TIME), ...count }), script, {
      cuts: ['epoch', 'epoch', 'restart'],
    });
    expect(run.rows).toEqual(['["a",1]', '["a",3]']);
    const ageless = await runScript(group({ ttlMs: TTL, ...count }), script, {
      cuts: ['epoch', 'epoch', 'restart'],
    });
    expect(ageless.rows).toEqual(['["a",4]']);
  });
});

describe('one window', () => {
  const COUNT = { aggregates: [{ fn: 'count', arg: null, type: null }] } as const;
  const by = (given: Variable) => {
    const log: string[] = [];
    const late: string[] = [];
    const subject = group({ ...windowed(WINDOWS[0] as GridWindow), ...COUNT, ...given })({
      next: {
        push: (row, weight) => void log.push(`${weight > 0 ? '+' : '-'}${JSON.stringify(row.at(-1))}`),
      },
      late: {
        allowedMs: ALLOWED,
        isOverFor: (at, end) => at !== null && isOver(end, ALLOWED, at.watermarkMs),
        isClosedFor: (at, end) => at !== null && isOver(end, ALLOWED, at.watermarkMs),
        late: (_, start, end) => void late.push(`${start}-${end}`),
      },
      onError: ({ message }) => void log.push(message),
      prefix: PREFIX,
    });
    const operator = subject.operator as GroupOperator;
    const push = (time: number, watermarkMs: number): void =>
      operator.push(['a', time, 1, 1], 1, positionOf(0, time, watermarkMs));
    return { operator, log, late, push };
  };

  test('G1: takes an event one millisecond before it is over, and none from then on', () => {
    const { operator, log, late, push } = by({});
    push(9, 13);
    push(9, 14);
    operator.flush();
    expect([log, late]).toEqual([['+1'], ['0-10']]);
  });

  test('a row that is late for one hopping window still counts in those that end later', () => {
    const { operator, log, late, push } = by(windowed({ kind: 'hopping', sizeMs: 10, slideMs: 5, ...UTC }));
    push(7, 14);
    operator.flush();
    expect([log, late]).toEqual([['+1'], ['0-10']]);
    push(7, 19);
    operator.flush();
    expect([log, late]).toEqual([['+1'], ['0-10', '0-10', '5-15']]);
  });

  test('a row that is taken back too late is not counted: the one in its place is', () => {
    const { operator, late } = by({ retracts: true });
    operator.push(['a', 9, 1], 1, positionOf(0, 9, 0));
    for (const weight of [-1, 1] as const) operator.push(['a', 9, 1], weight, positionOf(1, 9, 14));
    expect(late).toEqual(['0-10']);
  });

  test('G2: is held until the watermark passes its last millisecond and the allowed lateness', () => {
    const { operator, push } = by({});
    push(9, 0);
    operator.advance(13);
    expect(operator.size).toBe(1);
    operator.advance(14);
    expect(operator.size).toBe(0);
  });

  test('G3: in final mode is handed on once, when it is over, and never before', () => {
    const { operator, log, push } = by({ mode: 'final' });
    push(9, 0);
    operator.flush();
    push(8, 0);
    operator.advance(13);
    operator.flush();
    expect(log).toEqual([]);
    operator.advance(14);
    operator.advance(100);
    operator.flush();
    expect(log).toEqual(['+2']);
  });

  test('a final result always comes at the end of the input, though no later row pushes the watermark', () => {
    const { operator, log, push } = by({ mode: 'final' });
    push(9, 0);
    operator.advance(9);
    operator.flush();
    expect(log).toEqual([]);
    operator.advance(Infinity);
    expect(log).toEqual(['+1']);
  });

  test('updates of one epoch are coalesced; the next epoch takes the old row back', () => {
    const { operator, log, push } = by({});
    push(1, 0);
    push(2, 0);
    operator.flush();
    operator.flush();
    push(3, 0);
    operator.advance(50);
    operator.flush();
    expect(log).toEqual(['+2', '-2', '+3']);
  });

  test('a row that did not change is not handed on again', () => {
    const { operator, log, push } = by({
      aggregates: [{ fn: 'max', arg: column(2), type: 'double' }],
    });
    push(1, 0);
    operator.flush();
    push(2, 0);
    operator.flush();
    expect(log).toEqual(['+1']);
  });

  test('a time that is null is an error of the row', () => {
    const { operator, log } = by({});
    operator.push(['a', null, 1], 1, positionOf(0, 0, 0));
    operator.push(['a', null, 1], -1, positionOf(0, 0, 0));
    expect(log).toEqual(['the time of the window is null']);
  });

  test('days of a zone: the last hour of a day of 25 is not late for it', () => {
    const HOUR = 3_600_000;
    const dayStart = Date.UTC(2024, 9, 26, 22);
    const { operator, late, push } = by(
      windowed({ kind: 'tumbling', sizeMs: 24 * HOUR, offsetMs: 0, zone: 'Europe/Berlin' }),
    );
    push(dayStart, dayStart);
    push(dayStart + 24.5 * HOUR, dayStart + 24.9 * HOUR);
    expect([operator.size, late]).toEqual([1, []]);
  });
});

describe('a result that its type cannot hold', () => {
  const LARGEST = Number.MAX_SAFE_INTEGER;
  const sumOf = (type: 'integer' | 'decimal' | 'double'): Variable => ({
    aggregates: [{ fn: 'sum', arg: column(INTEGER), type }],
    retracts: true,
  });
  const row = (value: number, weight: 1 | -1 = 1): ScriptRow => ({
    row: ['a', 0, null, value, null, null, null],
    timeMs: 0,
    weight,
  });
  const everyEpoch = { cuts: Array.from({ length: 9 }, (): 'restart' => 'restart') };

  for (const type of ['integer', 'decimal'] as const) {
    test(`${type}: the row goes, is reported once, and comes back when it can be computed again`, async () => {
      const there = [row(LARGEST), row(1), row(1), row(1, -1), row(1, -1)];
      const script = scriptOf(there);
      const run = await runScript(group(sumOf(type)), script, everyEpoch);
      expect(run.changes).toEqual([`+["a",${LARGEST}]`, `-["a",${LARGEST}]`, `+["a",${LARGEST}]`]);
      expect(run.errors).toEqual([`a sum of about ${LARGEST + 1} overflows ${type}`]);
      const epochs = { cuts: everyEpoch.cuts.map((): 'epoch' => 'epoch') };
      const again = await runScript(group(sumOf(type)), scriptOf([...there, row(1)]), epochs);
      expect(again.errors.length).toBe(2);
    });
  }

  test('within an epoch a sum may pass through any size', async () => {
    const script = scriptOf([row(LARGEST), row(LARGEST), row(7), row(LARGEST, -1), row(LARGEST, -1)]);
    const run = await runScript(group(sumOf('integer')), script);
    expect([run.changes, run.errors]).toEqual([['+["a",7]'], []]);
  });

  test('double: beyond 2^970', async () => {
    const run = await runScript(group(sumOf('double')), scriptOf([row(2 ** 970), row(2 ** 970)]));
    expect([run.rows, run.errors.length]).toEqual([[], 1]);
  });
});

/** Sessions against a naive recomputation, however their input is cut into epochs (O1, O2, G1 to G3, N1, N2). */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Row, WindowValue } from '../../../runtime/src/data/value.ts';
import { RowError } from '../../../runtime/src/expr/functions.ts';
import { SessionOperator, type SessionSpec } from '../../../runtime/src/operators/session.ts';
import {
  alone,
  anyCuts,
  type Cuts,
  folded,
  type LateCall,
  type Run,
  runScript,
  type ScriptRow,
  scriptOf,
  type Step,
  type Subject,
  type Surroundings,
} from '../../suites/operator.suite.ts';
import { anyRow, column, everyAggregate, KEY, naiveAggregates, type Placed, TIME } from './naive-group.ts';

const GAP = 6;
const ALLOWED = 5;

const session =
  (given: Partial<SessionSpec> = {}) =>
  ({ next, late, onError, prefix }: Surroundings): Subject => {
    const spec: SessionSpec = {
      keys: [column(TIME), column(KEY)],
      windowIndex: 0,
      gapMs: GAP,
      aggregates: everyAggregate(false),
      mode: 'updates',
      late,
      onError,
      prefix,
      ...given,
    };
    return alone(new SessionOperator(spec, next));
  };

interface NaiveSession {
  readonly key: Row[number];
  readonly rows: readonly Placed[];
  readonly window: WindowValue;
}

/** Row by row: what a row touches and is not over as it sees it becomes one with it. */
function naiveSessions(script: readonly Step[], allowedMs: number): { rows: Row[]; late: LateCall[] } {
  let sessions: NaiveSession[] = [];
  const late: LateCall[] = [];
  for (const { row, at } of script) {
    const time = row[TIME] as number;
    const seenMs = at === null ? time + allowedMs : at.watermarkMs;
    const isOver = (end: number): boolean => end - 1 + allowedMs <= seenMs;
    const joined = sessions.filter(
      ({ key, window: [start, end] }) =>
        key === row[KEY] && start <= time + GAP && time <= end && !isOver(end),
    );
    const window: WindowValue = [
      Math.min(time, ...joined.map((each) => each.window[0])),
      Math.max(time + GAP, ...joined.map((each) => each.window[1])),
    ];
    if (at !== null && isOver(window[1])) late.push([at.position, ...window]);
    else {
      const rows = [...joined.flatMap((each) => each.rows), { row, position: at?.position ?? null }];
      sessions = [
        ...sessions.filter((each) => !joined.includes(each)),
        { key: row[KEY] ?? null, window, rows },
      ];
    }
  }
  const rows = sessions.map((each) => [each.window, each.key, ...naiveAggregates(each.rows, false)]);
  return { rows, late };
}

/** Rows of few keys, sparse enough that some follow each other within the gap and some do not. */
const events: fc.Arbitrary<ScriptRow[]> = fc.array(
  fc
    .tuple(anyRow, fc.constantFrom('a', null), fc.nat(80), fc.nat(1))
    .map(([row, key, timeMs, partition]) => ({
      row: [key, timeMs, ...row.slice(2)],
      timeMs,
      partition,
    })),
  { maxLength: 30 },
);

for (const mode of ['updates', 'final'] as const) {
  test(`O1, O2, G1: ${mode} in any epochs, restored at any of them, is what a recomputation gives`, async () => {
    await fc.assert(
      fc.asyncProperty(events, anyCuts, fc.nat(40), async (rows, cuts, delayMs) => {
        const script = scriptOf(rows, { delayMs });
        const naive = naiveSessions(script, ALLOWED);
        const run = await runScript(session({ mode }), script, { cuts, allowedMs: ALLOWED });
        expect(run.rows).toEqual(folded(naive.rows));
        expect(run.late).toEqual(naive.late);
        expect([run.size, run.storedKeys]).toEqual([0, 0]);
      }),
      { numRuns: 250 },
    );
  });
}

test('rows that time caused see the watermark that caused them, in every cut alike', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(12), anyRow), { maxLength: 20 }),
      anyCuts,
      async (steps, cuts) => {
        // Each row is preceded by the event whose watermark passes its time and the allowed lateness.
        let timeMs = 0;
        const rows = steps.flatMap(([more, row]): ScriptRow[] => {
          timeMs += more;
          const tick = { row: ['tick', timeMs + ALLOWED, ...row.slice(2)], timeMs: timeMs + ALLOWED };
          return [tick, { row: ['a', timeMs, ...row.slice(2)], timeMs: null }];
        });
        const script = scriptOf(rows);
        const naive = naiveSessions(script, ALLOWED);
        const run = await runScript(session(), script, { cuts, allowedMs: ALLOWED, causedBy: 'advance' });
        expect(run.rows).toEqual(folded(naive.rows));
      },
    ),
    { numRuns: 100 },
  );
});

describe('one key', () => {
  const COUNT = { aggregates: [{ fn: 'count', arg: null, type: null }], keys: [column(TIME)] } as const;

  /** Rows by their times; `12@7` comes when the watermark is 7. */
  function run(text: string, cuts: Cuts = [], given: Partial<SessionSpec> = {}, end = true): Promise<Run> {
    const script = text.split(' ').map((word, position): Step => {
      const [timeMs = 0, watermarkMs = -Infinity] = word.split('@').map(Number);
      const at = {
        ...(scriptOf([{ row: [], timeMs }])[0]?.at as NonNullable<Step['at']>),
        position,
        watermarkMs,
      };
      return { row: [null, timeMs], weight: 1, input: 0, at, watermarkMs };
    });
    return runScript(session({ ...COUNT, gapMs: 10, ...given }), script, { cuts, end });
  }

  test('two rows exactly a gap apart are one session, one millisecond more makes two; it ends a gap after its last', async () => {
    expect((await run('0 10')).rows).toEqual(['[[0,20],2]']);
    expect((await run('0 11')).rows).toEqual(['[[0,10],1]', '[[11,21],1]']);
    expect((await run('11 0')).rows).toEqual(['[[0,10],1]', '[[11,21],1]']);
  });

  test('a late row is kept when the session that it joins is still open, and dropped when it would stand alone', async () => {
    const kept = await run('0 9 3@17');
    expect([kept.rows, kept.late]).toEqual([['[[0,19],3]'], []]);
    const dropped = await run('20 3@17');
    expect([dropped.rows, dropped.late]).toEqual([['[[20,30],1]'], [[1, 3, 13]]]);
  });

  test('a session is over for the row that comes one millisecond before its end, counted from the watermark', async () => {
    expect((await run('0 5@8')).rows).toEqual(['[[0,15],2]']);
    const over = await run('0 5@9');
    expect(over.rows).toEqual(['[[0,10],1]', '[[5,15],1]']);
  });

  test('N2: one late row joins two sessions, whose rows are taken back before that of the one comes', async () => {
    const joined = await run('0 18 9', ['epoch', 'restart', 'epoch']);
    expect(joined.changes).toEqual([
      '+[[0,10],1]',
      '+[[18,28],1]',
      '-[[18,28],1]',
      '-[[0,10],1]',
      '+[[0,28],3]',
    ]);
    const closed = await run('0 18 9 60@28', ['epoch', 'epoch']);
    expect(closed.changes.slice(2)).toEqual(['-[[18,28],1]', '-[[0,10],1]', '+[[0,28],3]', '+[[60,70],1]']);
  });

  test('a session that others joined keeps what all of them held, through restarts', async () => {
    const all = ['restart', 'restart', 'restart', 'restart', 'restart'] as const;
    const aggregates = [
      { fn: 'collect', arg: column(TIME), type: 'integer' },
      { fn: 'countDistinct', arg: column(TIME), type: 'integer' },
    ] as const;
    const joined = await run('0 18 19 9 40', all, { aggregates });
    expect(joined.rows).toEqual(['[[0,29],{"items":[0,18,19,9]},4]', '[[40,50],{"items":[40]},1]']);
  });

  test('G3: in final mode a session is handed on once, when it is over, however it grew', async () => {
    const open = await run('0 8 17@16', ['epoch', 'epoch', 'epoch'], { mode: 'final' }, false);
    expect(open.changes).toEqual([]);
    const closed = await run(
      '0 8 17@16 60@26 61@60',
      ['epoch', 'epoch', 'epoch', 'epoch'],
      { mode: 'final' },
      false,
    );
    expect(closed.changes).toEqual(['+[[0,27],3]']);
    expect((await run('0', [], { mode: 'final' })).changes).toEqual(['+[[0,10],1]']);
  });

  test('a row that cannot be computed is in no session', async () => {
    const failing = (row: Row): number => {
      if (row[TIME] === 5) throw new RowError('no five');
      return 1;
    };
    const left = await run('0 5 12', [], { aggregates: [{ fn: 'sum', arg: failing, type: 'integer' }] });
    expect([left.rows, left.errors]).toEqual([['[[0,10],1]', '[[12,22],1]'], ['no five']]);
    const timeless = await runScript(session(COUNT), scriptOf([{ row: [null, null], timeMs: 0 }]));
    expect([timeless.rows, timeless.errors]).toEqual([[], ['the time of the session is null']]);
  });
});

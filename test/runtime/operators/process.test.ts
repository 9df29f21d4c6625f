/** Process functions against a simulation of each key alone, however the input is cut (P1, P2, O2). */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Column, Row, Value } from '../../../runtime/src/data/value.ts';
import type {
  PlainRow,
  ProcessContext,
  ProcessFunction,
} from '../../../runtime/src/operators/process-function.ts';
import { ProcessOperator } from '../../../runtime/src/operators/process.ts';
import { MemoryStore } from '../../../runtime/src/state/memory.ts';
import { allBelow } from '../../../runtime/src/operators/spilling.ts';
import { Batch, type Entry } from '../../../runtime/src/state/store.ts';
import {
  alone,
  anyCuts,
  folded,
  positionOf,
  PREFIX,
  type RunOptions,
  runScript,
  scriptOf,
  type Step,
  type Surroundings,
} from '../../suites/operator.suite.ts';
import { anyTimedRows, byKey, judge, timedRows } from './timed-rows.ts';

const INPUT: readonly Column[] = [
  { name: 'key', type: 'string', nullable: true },
  { name: 'at', type: 'timestamp', nullable: false, eventTime: true },
  { name: 'value', type: 'double', nullable: true },
];
const OUTPUT: readonly Column[] = [
  { name: 'key', type: 'string', nullable: true },
  { name: 'at', type: 'timestamp', nullable: false },
  { name: 'what', type: 'string', nullable: false },
];

const processWith =
  (fn: ProcessFunction) =>
  ({ next, late, onError, prefix }: Surroundings) => {
    const time = (row: Row): Value => row[1] ?? null;
    const columns = { inputColumns: INPUT, outputColumns: OUTPUT };
    return alone(
      new ProcessOperator({ time, keys: [0], ...columns, function: fn, late, onError, prefix }, next),
    );
  };

interface Memory {
  rows: number;
  timers: number;
  last: number[];
}

type Context = ProcessContext<PlainRow, Memory>;

/** Does a bit of everything, as the value of a row says. */
const busy: ProcessFunction<{ key: string | null; value: number | null }, PlainRow, Memory> = {
  name: 'busy',
  initial: { rows: 0, timers: 0, last: [] },
  onEvent({ key, value }, context: Context): void {
    const { state, timeMs } = context;
    state.rows++;
    state.last = [...state.last, value ?? 0].slice(-3);
    const eighths = Math.abs((value ?? 0) * 8);
    if (eighths % 3 === 0) context.setTimer(timeMs + (eighths % 7));
    if (eighths % 4 === 1) context.setTimer(timeMs - eighths);
    if (eighths % 5 === 2) context.clearTimer(timeMs + 1);
    context.emit({ key, at: timeMs, what: `row ${state.rows} of ${state.last.join(', ')}` });
    if (eighths === 13) throw new Error('13 is not liked');
  },
  onTimer(context: Context): void {
    const { state, timeMs, key } = context;
    state.timers++;
    context.emit({
      key: key['key'] ?? null,
      at: timeMs,
      what: `timer ${state.timers} after ${state.rows} rows`,
    });
    if (state.timers % 3 !== 0) context.setTimer(timeMs + 2);
    else context.state = { rows: 0, timers: 0, last: [] };
  },
};

/** Each key alone: rows and timers in the order of time, the timers behind the rows of their time. */
function naive(script: readonly Step[], allowedMs: number): { rows: Row[]; errors: string[] } {
  const emitted: Row[] = [];
  const errors: string[] = [];
  for (const rows of byKey(judge(script, allowedMs).inTime)) {
    const waiting = [...rows];
    let timers: number[] = [];
    let state = structuredClone(busy.initial);
    for (;;) {
      const timerMs = timers.length === 0 ? Infinity : Math.min(...timers);
      const row = waiting[0] !== undefined && waiting[0][1] <= timerMs ? waiting.shift() : undefined;
      if (row === undefined && timerMs === Infinity) break;
      if (row === undefined) timers = timers.filter((each) => each !== timerMs);
      const key = { key: rows[0]?.[0] ?? null };
      const did: { emitted: Row[]; timers: number[] } = { emitted: [], timers: [...timers] };
      const context: Context = {
        key,
        timeMs: row?.[1] ?? timerMs,
        state: structuredClone(state),
        emit: ({ at, what, key: of }) => void did.emitted.push([of, at, what] as Row),
        setTimer: (atMs) => void did.timers.push(atMs),
        clearTimer: (atMs) => void (did.timers = did.timers.filter((each) => each !== atMs)),
      };
      try {
        if (row === undefined) busy.onTimer?.(context);
        else busy.onEvent({ ...key, value: row[2] }, context);
      } catch (error) {
        errors.push((error as Error).message);
        continue;
      }
      emitted.push(...did.emitted);
      timers = did.timers;
      state = context.state;
    }
  }
  return { rows: emitted, errors };
}

test('what a function emits is that of a simulation of each key, however the input is cut', async () => {
  const property = fc.asyncProperty(
    anyTimedRows,
    anyCuts,
    fc.record({ delayMs: fc.nat(8), allowedMs: fc.nat(5) }),
    async (rows, cuts, { delayMs, allowedMs }) => {
      const script = scriptOf(rows, { delayMs });
      const run = await runScript(processWith(busy), script, { cuts, allowedMs });
      const expected = naive(script, allowedMs);
      expect(run.rows).toEqual(folded(expected.rows));
      expect(run.errors).toEqual(expected.errors.map((each) => `process function "busy": ${each}`));
      expect(run.late).toEqual(judge(script, allowedMs).late);
    },
  );
  await fc.assert(property, { numRuns: 500 });
});

/** What a function emits for these rows, in order. `say` emits a text. */
async function said(
  text: string,
  fn: {
    initial?: unknown;
    timersMax?: number;
    onEvent(context: ProcessContext, say: (what: string) => void, value: number): unknown;
    onTimer?: (context: ProcessContext, say: (what: string) => void) => unknown;
  },
  options: RunOptions & { delayMs?: number } = {},
) {
  const { onTimer, timersMax } = fn;
  const say = (context: ProcessContext) => (what: string) =>
    context.emit({ key: context.key['key'] ?? null, at: context.timeMs, what });
  const run = await runScript(
    processWith({
      name: 'example',
      initial: fn.initial ?? null,
      ...(timersMax !== undefined && { timersMax }),
      onEvent: (event, context) => fn.onEvent(context, say(context), event['value'] as number) as void,
      ...(onTimer !== undefined && { onTimer: (context) => onTimer(context, say(context)) as void }),
    }),
    scriptOf(timedRows(text), { delayMs: 100, ...options }),
    options,
  );
  const emitted = run.changes.map((change) => {
    const [key, at, what] = JSON.parse(change.slice(1)) as (string | number)[];
    return `${key}@${at} ${what}`;
  });
  return { ...run, emitted };
}

describe('timers', () => {
  test('are due after every row with their time, and before every later one', async () => {
    const { emitted } = await said('a@1=5 a@5 a@6 a@5', {
      onEvent(context, say, value) {
        say('row');
        if (value !== null) context.setTimer(value);
      },
      onTimer: (_, say) => say('timer'),
    });
    expect(emitted).toEqual(['a@1 row', 'a@5 row', 'a@5 row', 'a@5 timer', 'a@6 row']);
  });

  test('for a time that has passed are due when the call is over', async () => {
    const { emitted } = await said('a@7=3 a@7', {
      onEvent(context, say, value) {
        if (value !== null) context.setTimer(value);
        say('row');
      },
      onTimer: (_, say) => say('timer'),
    });
    expect(emitted).toEqual(['a@7 row', 'a@3 timer', 'a@7 row']);
  });

  test('are due once however often they are set, and not when they were cleared', async () => {
    const { emitted } = await said('a@1 a@2=1', {
      onEvent(context, _, value) {
        context.setTimer(5);
        context.setTimer(5);
        context.setTimer(9);
        if (value === 1) context.clearTimer(9);
      },
      onTimer: (_, say) => say('timer'),
    });
    expect(emitted).toEqual(['a@5 timer']);
  });

  test('beyond the last row are due when the watermark passes them, at the end of the input all', async () => {
    const fn = {
      onEvent: (context: ProcessContext) => context.setTimer(50),
      onTimer: (_: ProcessContext, say: (what: string) => void) => say('timer'),
    };
    expect((await said('a@1 b@150', fn, { end: false })).emitted).toEqual(['a@50 timer']);
    expect((await said('a@1 b@149', fn, { end: false })).emitted).toEqual([]);
    expect((await said('a@1 b@149', fn)).emitted).toEqual(['a@50 timer', 'b@50 timer']);
  });

  test('that set timers for ever end with an error of the row, in every cut alike', async () => {
    const fn = {
      timersMax: 3,
      initial: { timers: 0 },
      onEvent: (context: ProcessContext) => context.setTimer(context.timeMs + 1),
      onTimer(context: ProcessContext, say: (what: string) => void) {
        say('timer');
        context.setTimer(context.timeMs + 1);
      },
    };
    const whole = await said('a@1 b@3 a@4', fn);
    // Those for 2 and 5 were set by rows; the row at 4 lets three more run.
    expect(whole.emitted.filter((each) => each.startsWith('a'))).toEqual(
      [2, 3, 4, 5, 6, 7].map((at) => `a@${at} timer`),
    );
    expect(whole.errors).toEqual([
      expect.stringContaining('3 timers that timers set ran without a row of their key'),
      expect.stringContaining('"example"'),
    ]);
    const cuts = ['restart', 'restart', 'restart'] as const;
    const cut = await said('a@1 b@3 a@4', fn, { cuts, delayMs: 0 });
    expect([cut.rows, cut.errors]).toEqual([whole.rows, whole.errors]);
    expect([whole.size, whole.storedKeys]).toEqual([0, 0]);
  });

  test('that rows set are due however many there are', async () => {
    const text = Array.from({ length: 20 }, (_, index) => `a@${index}`).join(' ');
    const { emitted, errors } = await said(text, {
      timersMax: 3,
      onEvent: (context) => context.setTimer(context.timeMs + 90),
      onTimer: (_, say) => say('timer'),
    });
    expect([emitted.length, errors]).toEqual([20, []]);
  });

  test.each([
    [(context: ProcessContext) => context.setTimer(1.5), 'set a timer for 1.5'],
    [(context: ProcessContext) => context.setTimer(Infinity), 'set a timer for Infinity'],
    [(context: ProcessContext) => context.setTimer(5), 'set a timer, but has no onTimer'],
  ])('that make no sense are errors: %s', async (onEvent, message) => {
    expect((await said('a@1', { onEvent })).errors[0]).toContain(message);
  });
});

describe('a call takes effect as a whole', () => {
  const counting = (fail: (context: ProcessContext) => unknown) => ({
    initial: { calls: 0 },
    onEvent(context: ProcessContext, say: (what: string) => void, value: number) {
      const state = context.state as { calls: number };
      state.calls++;
      say(`call ${state.calls}`);
      context.setTimer(context.timeMs + 10);
      return value === 1 ? fail(context) : undefined;
    },
    onTimer: (context: ProcessContext, say: (what: string) => void) => say(`timer of ${context.timeMs - 10}`),
  });
  const circle: Record<string, unknown> = {};
  circle['self'] = circle;

  test.each<[string, (context: ProcessContext) => unknown, string]>([
    [
      'it throws',
      () => {
        throw new Error('no');
      },
      'no',
    ],
    [
      'it throws what is no error',
      () => {
        throw 'text';
      },
      'text',
    ],
    [
      'it throws what cannot be shown',
      () => {
        throw Object.create(null);
      },
      'something that cannot be shown',
    ],
    ['it returns a promise', () => Promise.resolve(), 'returned a promise'],
    [
      'it emits what its columns do not have',
      (c) => c.emit({ what: 'x', at: 1, other: 1 }),
      'emitted "other"',
    ],
    [
      'it catches the error of its own row',
      (c) => {
        try {
          c.emit({});
        } catch {
          /* as if nothing were */
        }
      },
      'emitted no "at"',
    ],
    [
      'its state is a Date',
      (c) => {
        c.state = { at: new Date(0) };
      },
      'state.at is an object of a class',
    ],
    [
      'its state is a Map',
      (c) => {
        c.state = new Map();
      },
      'state is an object of a class',
    ],
    [
      'its state holds NaN',
      (c) => {
        c.state = [1, NaN];
      },
      'state[1] is NaN',
    ],
    [
      'its state holds nothing in a list',
      (c) => {
        c.state = [undefined];
      },
      'state[0] is of type undefined',
    ],
    [
      'its state is undefined',
      (c) => {
        c.state = undefined;
      },
      'state is of type undefined',
    ],
    [
      'its state is a function',
      (c) => {
        c.state = () => 1;
      },
      'state is of type function',
    ],
    [
      'its state is a circle',
      (c) => {
        c.state = circle;
      },
      'circular',
    ],
  ])('nothing of it happened when %s', async (_, fail, message) => {
    const { emitted, errors } = await said('a@1 a@2=1 a@3', counting(fail));
    expect(emitted).toEqual(['a@1 call 1', 'a@3 call 2', 'a@11 timer of 1', 'a@13 timer of 3']);
    expect(errors).toEqual([expect.stringContaining(message)]);
    expect(errors[0]).toMatch(/^process function "example": /);
  });

  test('a timer that fails is gone, and the state is what it was', async () => {
    const { emitted, errors } = await said('a@1 a@5', {
      initial: 0,
      onEvent(context, say) {
        context.setTimer(3);
        say(`state ${String(context.state)}`);
        context.state = 7;
      },
      onTimer(context) {
        context.state = 8;
        throw new Error('no');
      },
    });
    expect(emitted).toEqual(['a@1 state 0', 'a@5 state 7']);
    expect(errors).toHaveLength(2);
  });

  test('the error of a row says where it stands in the log, also after a restart', async () => {
    const found: unknown[] = [];
    const make = () =>
      processWith({
        name: 'failing',
        initial: null,
        onEvent() {
          throw new Error('no');
        },
      })({
        next: { push() {} },
        late: { allowedMs: 0, isOverFor: () => false, isClosedFor: () => false, late() {} },
        onError: (error, at, row) => found.push([error.message, at, row]),
        prefix: PREFIX,
      });
    const at = positionOf(3, 5, -Infinity, { event: ['whole', 'event'] });
    const { operator, inputs } = make();
    inputs[0]?.push(['a', 5, null], 1, at);
    const batch = new Batch();
    operator.persist(batch);
    const store = new MemoryStore();
    await store.commit(batch);
    const entries: Entry[] = [];
    for await (const entry of store.scan(allBelow(PREFIX))) entries.push(entry);
    const { operator: restored } = make();
    restored.restore(entries);
    restored.advance(5);
    expect(found).toEqual([['process function "failing": no', at, ['a', 5, null]]]);
  });
});

describe('what a function sees', () => {
  test('P2: state and row are its own; what it keeps of them changes nothing', async () => {
    const kept: { count: number }[] = [];
    const { emitted } = await said('a@1 a@2 b@3', {
      initial: { count: 0 },
      onEvent(context, say) {
        for (const each of kept) each.count = 100;
        const state = context.state as { count: number };
        state.count++;
        kept.push(state);
        say(`count ${state.count}`);
      },
    });
    expect(emitted).toEqual(['a@1 count 1', 'a@2 count 2', 'b@3 count 1']);
  });

  test('a context is over when the call is', async () => {
    let kept: ProcessContext | undefined;
    const { errors } = await said('a@1 a@2', {
      onEvent(context) {
        if (context.timeMs > 1) kept?.emit({ what: 'later', at: 1 });
        kept = context;
      },
    });
    expect(errors).toEqual([expect.stringContaining('the call is over')]);
  });

  test.each(['epoch', 'restart'] as const)(
    'a key is forgotten when its state is the initial one and no timer is set (%s behind each row)',
    async (cut) => {
      const { size, storedKeys, emitted } = await said(
        'a@1=1 a@2=0 b@3=1 a@4=1 a@5=0 a@6=1 b@7=0',
        {
          initial: { open: false },
          onEvent(context, say, value) {
            say(JSON.stringify(context.state));
            context.state = { open: value === 1 };
          },
        },
        { cuts: Array.from({ length: 7 }, () => cut), delayMs: 0 },
      );
      const [shut, open] = ['{"open":false}', '{"open":true}'];
      expect(emitted.map((each) => each.slice(4))).toEqual([shut, open, shut, shut, open, shut, open]);
      expect([size, storedKeys]).toEqual([1, 1]);
    },
  );
});

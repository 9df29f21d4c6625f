/** The steps of a stream: the plan that each makes, and what is said about one that cannot be. */
import { describe, expect, test } from 'vitest';
import {
  argMax,
  approxCountDistinct,
  collect,
  count,
  cumulating,
  defineProcess,
  first,
  hopping,
  last,
  max,
  percentile,
  pipeline,
  session,
  source,
  sum,
  tumbling,
  type View,
  type Window,
} from 'pipeline-runtime';
import { z } from 'zod';
import { codeOf } from '../../../runtime/src/plan/code.ts';
import { explainPlan } from '../../../runtime/src/plan/explain.ts';

const options = { watermark: { delay: '1m' }, lateness: { allowed: '0s', then: 'drop' } } as const;
const schema = z.object({
  origin: z.string(),
  scheduled: z.iso.datetime(),
  delay: z.int().nullable(),
  price: z.number(),
});
const flights = source('flights', { schema, eventTime: 'scheduled', ...options });
const gates = source('gates', {
  schema: z.object({ airport: z.string(), gate: z.string(), opened: z.iso.datetime() }),
  eventTime: 'opened',
  ...options,
});

interface Endable {
  updates(): View<unknown>;
  final(): View<unknown>;
}

/** The tree of a view of these rows. */
function treeOf(stream: Endable, mode: 'updates' | 'final' = 'updates'): string[] {
  const lines = explainPlan(pipeline('p', { v: stream[mode]() }).plan)
    .split('\n')
    .slice(3);
  return lines.filter((line) => !/: (watermark|a table)/.test(line)).map((line) => line.slice(2));
}

function refusal(define: () => unknown): string {
  try {
    define();
  } catch (error) {
    expect((error as { code: string }).code).toMatch(/^(DEFINITION|PLAN|DURATION)_INVALID$/);
    return (error as Error).message;
  }
  return '';
}

describe('a step is the plan that it reads as', () => {
  test('extend keeps all columns', () => {
    expect(treeOf(flights.extend((f) => ({ loud: f.origin.upper() })))).toEqual([
      'map origin, scheduled, delay, price, loud = upper(origin)',
      '  source flights',
    ]);
  });

  test('union', () => {
    expect(treeOf(flights.union(flights.filter((f) => f.price.gt(1))))).toEqual([
      'union',
      '  source flights',
      '  filter price > 1',
      '    source flights',
    ]);
  });

  test('dedupe, with names or fields as keys', () => {
    const kept = flights
      .dedupe({ keys: ['origin'], keep: 'first', by: 'arrival', ttl: '1d' })
      .dedupe({ keys: (f) => ({ o: f.origin, delay: f.delay }), keep: 'last', by: 'time' });
    expect(treeOf(kept)).toEqual([
      'dedupe origin, delay: the last by time; remembers each key for ever',
      '  dedupe origin: the first by arrival; remembers each key for 1d',
      '    source flights',
    ]);
  });

  test('top, of all or by columns', () => {
    const best = flights
      .top({ by: ['origin'], order: (f) => [f.price, f.delay], limit: 10 })
      .top({ order: (f) => [f.price], limit: 3, rank: 'place' });
    expect(treeOf(best)).toEqual([
      'top 3 in order of price, place = rank; remembers the rows of each partition for ever',
      '  top 10 by origin in order of price, delay; remembers the rows of each partition for ever',
      '    source flights',
    ]);
  });

  test.each([
    [{ rows: 10 }, '10 rows before'],
    [{ range: '1h' }, '1h before'],
    ['unbounded' as const, 'all rows before'],
  ])('over %j', (frame, text) => {
    const [line] = treeOf(
      flights.over({ partition: ['origin'], frame }, (f) => ({ n: count(), m: max(f.price) })),
    );
    expect(line).toContain(`over ${text} by origin: n = count(), m = max(price)`);
  });

  test('windows of all kinds, with offset and zone', () => {
    const by = (window: Window): string | undefined =>
      treeOf(
        flights.groupBy(() => ({ w: window })).aggregate(() => ({ n: count() })),
        'final',
      )[0];
    const time = fieldOf('scheduled');
    expect(by(tumbling(time, '1d', { offset: '6h', zone: 'Europe/Berlin' }))).toBe(
      'group by w = tumbling(scheduled, 1d, offset 6h, Europe/Berlin): n = count()',
    );
    expect(by(hopping(time, { size: '1h', slide: '15m', offset: '5m' }))).toBe(
      'group by w = hopping(scheduled, 1h, slide 15m, offset 5m): n = count()',
    );
    expect(by(cumulating(time, { size: '1d', step: '1h', zone: 'Asia/Tokyo' }))).toBe(
      'group by w = cumulating(scheduled, 1d, step 1h, Asia/Tokyo): n = count()',
    );
    expect(by(session(time, '10s'))).toBe('group by w = session(scheduled, 10s): n = count()');
  });

  test('aggregates with conditions; first and last go by the event time unless told', () => {
    const grouped = flights
      .groupBy((f) => ({ origin: f.origin }), { ttl: '2d' })
      .aggregate((f) => ({
        late: count().where(f.delay.gt(15)),
        total: sum(f.price).where(f.delay.isNull()),
        early: first(f.delay),
        newest: last(f.price, f.scheduled),
        worst: argMax(f.scheduled, f.delay),
        median: percentile(f.price, 0.5),
        all: collect(f.delay),
        about: approxCountDistinct(f.price),
      }));
    expect(treeOf(grouped)[0]).toBe(
      'group by origin: late = count() where delay > 15, total = sum(price) where delay is null, ' +
        'early = first(delay, scheduled), newest = last(price, scheduled), worst = argMax(scheduled, delay), ' +
        'median = percentile(price, 0.5), all = collect(delay), about = approxCountDistinct(price); remembers each key for 2d',
    );
  });

  test('after a group everything is possible again', () => {
    const perHour = flights
      .groupBy((f) => ({ origin: f.origin, hour: tumbling(f.scheduled, '1h') }))
      .aggregate(() => ({ n: count() }));
    const most = perHour.groupBy((g) => ({ hour: g.hour })).aggregate((g) => ({ most: max(g.n) }));
    const hot = perHour.join(most, {
      how: 'window',
      on: (l, r) => [
        [l.hour, r.hour],
        [l.n, r.most],
      ],
      select: (l) => ({ origin: l.origin, hour: l.hour, n: l.n }),
    });
    expect(treeOf(hot, 'final')).toEqual([
      'inner join by window on hour = hour, n = most: origin = left.origin, hour = left.hour, n = left.n',
      '  #1 group by origin, hour = tumbling(scheduled, 1h): n = count()',
      '    source flights',
      '  group by hour: most = max(n)',
      '    #1 as above',
    ]);
  });

  test('a pattern selects from its steps, also what has to be computed of several', () => {
    const match = flights.pattern({
      partition: ['origin'],
      steps: { calm: (f) => f.delay.lte(0), late: (f) => f.delay.gt(60) },
      within: '2h',
      select: (s) => ({ from: s.calm.scheduled, more: s.late.price.minus(s.calm.price) }),
    });
    expect(treeOf(match, 'final')).toEqual([
      'map origin, from = c1, more = c2 - c3',
      '  pattern by origin of calm (delay <= 0) then late (delay > 60) within 2h: c1 = calm: scheduled, c2 = late: price, c3 = calm: price',
      '    source flights',
    ]);
  });

  test('a pattern of plain columns needs no map', () => {
    const match = flights.pattern({
      partition: [],
      steps: { a: (f) => f.price.gt(1) },
      within: '1m',
      select: (s) => ({ price: s.a.price }),
    });
    expect(treeOf(match)[0]).toBe('pattern of a (price > 1) within 1m: price = a: price');
  });
});

describe('joins', () => {
  test.each([
    [
      { kind: 'regular', ttl: '1d' } as const,
      'inner join of all rows on origin = airport',
      '; remembers both sides for 1d',
    ],
    [
      { kind: 'regular', ttl: 'forever' } as const,
      'inner join of all rows on',
      '; remembers both sides for ever',
    ],
    [{ kind: 'interval', from: '-5s', to: '10m' } as const, 'inner join by interval -5s to 10m on', ''],
    [
      'temporal' as const,
      'inner join as of its time on',
      '; remembers the newest row of each key on the right for ever',
    ],
  ])('%j', (how, text, memory) => {
    const pairs = flights.join(gates, {
      how,
      on: (l, r) => [[l.origin, r.airport]],
      select: (l, r) => ({ origin: l.origin, gate: r.gate }),
    });
    const [line] = treeOf(pairs);
    expect(line).toContain(text);
    expect(line).toMatch(new RegExp(`gate = right\\.gate${memory}$`));
  });

  test('a condition is one over what leaves', () => {
    const pairs = flights.join(gates, {
      type: 'left',
      how: { kind: 'interval', from: '0s', to: '1h' },
      on: (l, r) => [[l.origin, r.airport]],
      select: (l, r) => ({ origin: l.origin, gate: r.gate }),
      where: (row) => row.gate.ne('A1'),
    });
    expect(treeOf(pairs)[0]).toBe(
      "left join by interval 0ms to 1h on origin = airport where gate <> 'A1': origin = left.origin, gate = right.gate",
    );
  });

  test('what is computed of both sides is a map behind the join; the condition stays in it', () => {
    const pairs = flights.join(flights, {
      how: { kind: 'regular', ttl: 'forever' },
      on: (l, r) => [[l.origin, r.origin]],
      select: (l, r) => ({ origin: l.origin, both: l.price.plus(r.price) }),
      where: (row) => row.both.gt(100),
    });
    expect(treeOf(pairs)).toEqual([
      'map origin = c1, both = c2 + c3',
      '  inner join of all rows on origin = origin where (c2 + c3) > 100: c1 = left.origin, c2 = left.price, c3 = right.price; remembers both sides for ever',
      '    source flights',
      '    source flights',
    ]);
  });

  type Any = Record<string, unknown>;
  const temporal: object = {
    how: 'temporal',
    on: (l: Any, r: Any) => [[l['origin'], r['airport']]],
    select: (l: Any) => ({ origin: l['origin'] }),
  };
  const join = (change: object) => () => flights.join(gates, { ...temporal, ...change } as never);

  test.each<[string, () => unknown, string]>([
    [
      'no how',
      join({ how: undefined }),
      "join: say how: 'window', 'temporal', 'lookup', { kind: 'interval', from, to }",
    ],
    ['no time-to-live', join({ how: { kind: 'regular' } }), 'an unbounded regular join without time-to-live'],
    ['a bare number', join({ how: { kind: 'regular', ttl: 5 } }), 'join, ttl: "5" is not a duration'],
    [
      'an interval of nothing',
      join({ how: { kind: 'interval', from: '1s' } }),
      'join by interval, to: "undefined" is not a duration',
    ],
    ['an outer join', join({ type: 'full' }), 'join: type is "full"; say inner or left'],
    [
      'a pair the wrong way round',
      join({ on: (l: never, r: never) => [[r['airport'], l['origin']]] }),
      'join: a pair of on is a column of the left and one of the right',
    ],
    [
      'a computed key',
      join({ on: (l: { origin: { upper(): never } }, r: never) => [[l.origin.upper(), r['airport']]] }),
      'join: on takes columns; compute the key with .extend(…) before',
    ],
    [
      'an unknown column',
      join({ select: (_: never, r: never) => ({ x: r['gat'] }) }),
      'there is no column "right.gat"; did you mean "right.gate"?',
    ],
    ['nothing that leaves', join({ select: () => ({}) }), 'join selects no column'],
    ['a text that leaves', join({ select: () => ({ x: 'gate' }) }), 'join, column "x" is not an expression'],
    [
      'types that do not fit',
      () =>
        pipeline('p', {
          v: flights
            .join(gates, {
              how: 'temporal',
              on: (l, r) => [[l.delay, r.gate]],
              select: (l) => ({ o: l.origin }),
            })
            .updates(),
        }),
      'view "v": join, delay = gate: integer and string are never equal',
    ],
    [
      'a source that is declared twice',
      () =>
        flights.join(source('flights', { schema, eventTime: 'scheduled', ...options }), {
          how: 'temporal',
          on: (l, r) => [[l.origin, r.origin]],
          select: (l) => ({ o: l.origin }),
        }),
      'source "flights" is declared twice; declare it once',
    ],
  ])('%s is refused', (_, define, message) => {
    expect(refusal(define)).toContain(message);
  });

  test('a view reads all sources of its streams', () => {
    const pairs = flights.join(gates, {
      how: 'temporal',
      on: (l, r) => [[l.origin, r.airport]],
      select: (l) => ({ origin: l.origin }),
    });
    const { plan } = pipeline('p', { a: pairs.updates(), b: gates.updates() });
    expect(plan.sources.map(({ name }) => name)).toEqual(['flights', 'gates']);
  });
});

describe('process functions', () => {
  const define = (change: object = {}) =>
    defineProcess('silent', {
      output: z.object({ origin: z.string(), at: z.iso.datetime(), often: z.int().optional() }),
      state: { seen: 0 },
      onEvent(row: { readonly origin: string; readonly scheduled: number }, context) {
        context.state.seen++;
        context.setTimer(row.scheduled + 1000);
      },
      onTimer: (context) => context.emit({ origin: 'x', at: context.timeMs, often: context.state.seen }),
      ...change,
    });

  test('is a node with the columns that it emits, and code that the plan finds', () => {
    const silent = define();
    const { plan } = pipeline('p', { v: flights.process(['origin'], silent).final() });
    expect(plan.functions).toEqual([
      { name: 'silent', kind: 'process', digest: expect.stringMatching(/^[0-9a-f]{32}$/) },
    ]);
    expect(plan.views[0]?.node).toMatchObject({
      kind: 'process',
      function: 'silent',
      keys: ['origin'],
      columns: [
        { name: 'origin', type: 'string', nullable: false },
        { name: 'at', type: 'timestamp', nullable: false },
        { name: 'often', type: 'integer', nullable: true },
      ],
    });
    expect(codeOf(plan).get('silent')).toMatchObject({ name: 'silent', initial: { seen: 0 } });
  });

  test.each<[string, object]>([
    ['onEvent', { onEvent: () => {} }],
    ['onTimer', { onTimer: undefined }],
    ['the state', { state: { seen: 1 } }],
    ['the output', { output: z.object({ origin: z.string() }) }],
    ['the limit of timers', { timersMax: 5 }],
  ])('another %s is another function', (_, change) => {
    expect(define(change).defined.plan.digest).not.toBe(define().defined.plan.digest);
    expect(define().defined.plan.digest).toBe(define().defined.plan.digest);
  });

  test.each<[string, () => unknown, string]>([
    [
      'no code',
      () => define({ onEvent: undefined }),
      'process "silent": say what to do with a row: onEvent(row, context)',
    ],
    ['no state', () => define({ state: undefined }), 'process "silent": say the state of a new key'],
    ['no output', () => define({ output: undefined }), 'process "silent": output must be a z.object'],
    [
      'an output of no type',
      () => define({ output: z.object({ x: z.date() }) }),
      'process "silent", field "x": date is not supported',
    ],
    [
      'two of one name',
      () =>
        pipeline('p', {
          a: flights.process([], define()).updates(),
          b: flights.process([], define()).updates(),
        }),
      'function "silent" is defined twice',
    ],
    [
      'a key that is no column',
      () => pipeline('p', { v: flights.process(['nope' as never], define()).updates() }),
      'view "v": process "silent", key: there is no column "nope"',
    ],
  ])('%s is refused', (_, defined, message) => {
    expect(refusal(defined)).toContain(message);
  });
});

describe('refused, also where no compiler looks', () => {
  test.each<[string, () => unknown, string]>([
    [
      'keys that are a text',
      () => flights.dedupe({ keys: 'origin' as never, keep: 'first', by: 'time' }),
      "dedupe: name the columns, such as ['origin']",
    ],
    [
      'a key that is computed',
      () => flights.top({ by: (f) => ({ o: f.origin.upper() }), order: (f) => [f.price], limit: 1 }),
      'top, key "o" is no column; compute it with .extend(…) before',
    ],
    [
      'an order that is a text',
      () => flights.top({ order: () => ['price' as never], limit: 1 }),
      'the order of top is not an expression',
    ],
    [
      'no frame',
      () => flights.over({} as never, () => ({ n: count() })),
      'over: say how far a row looks back',
    ],
    [
      'a part of a row',
      () => pipeline('p', { v: flights.over({ frame: { rows: 1.5 } }, () => ({ n: count() })).updates() }),
      'views.0.node.frame.preceding',
    ],
    [
      'a pattern without steps',
      () => flights.pattern({ partition: [], steps: {}, within: '1m', select: () => ({}) }),
      'pattern: it needs at least one step',
    ],
    [
      'a pattern within nothing',
      () =>
        flights.pattern({
          partition: [],
          steps: { a: (f) => f.price.gt(0) },
          within: 5 as never,
          select: (s) => ({ p: s.a.price }),
        }),
      'pattern, within: "5" is not a duration',
    ],
    [
      'a window without a size',
      () => hopping(fieldOf('scheduled'), { slide: '1m' } as never),
      'hopping window, size: "undefined" is not a duration',
    ],
    [
      'a gap of nothing',
      () => session(fieldOf('scheduled'), '0s'),
      'a session window with a gap of 0 holds nothing',
    ],
    [
      'a column that is there already',
      () => pipeline('p', { v: flights.extend((f) => ({ delay: f.price })).updates() }),
      'view "v": map, column "delay" is defined twice',
    ],
    [
      'final results of events',
      () => pipeline('p', { v: flights.final() }),
      'final results need a window that can close',
    ],
    [
      'a group that is not computed',
      () => pipeline('p', { v: flights.groupBy((f) => ({ o: f.origin })) as never }),
      'view "v" is not finished',
    ],
  ])('%s', (_, define, message) => {
    expect(refusal(define)).toContain(message);
  });
});

/** A field as the callbacks get it. */
function fieldOf(name: 'scheduled'): never {
  let field: unknown;
  flights.filter((f) => {
    field = f[name];
    return f.price.gt(0);
  });
  return field as never;
}

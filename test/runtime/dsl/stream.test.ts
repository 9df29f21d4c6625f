/** The steps of a stream: the plan that each makes, and what is said about one that cannot be. */
import { describe, expect, test } from 'vitest';
import {
  argMax,
  approxCountDistinct,
  collect,
  count,
  cumulating,
  first,
  hopping,
  last,
  max,
  percentile,
  pipeline,
  session,
  sum,
  tumbling,
  type Window,
} from 'pipeline-runtime';
import { fieldOf, flights, refusal, treeOf } from './streams.ts';

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

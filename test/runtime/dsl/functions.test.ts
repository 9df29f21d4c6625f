/** Functions of the definition and nested events, in every step. */
import { describe, expect, test } from 'vitest';
import { count, defineProcess, pipeline, source, table, udf, type View } from 'pipeline-runtime';
import { z } from 'zod';
import { codeOf } from '../../../runtime/src/plan/code.ts';
import { type Endable, flights, gates, options, refusal, treeOf } from './streams.ts';

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
    [
      'a state that is lost',
      () => define({ state: { seen: new Map() } }),
      'its state is kept as JSON, but state.seen is an object of a class of its own',
    ],
    ['no output', () => define({ output: undefined }), 'process "silent", output: schema must be a z.object'],
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

describe('nested events, tables and functions', () => {
  const auctions = source('auctions', {
    schema: z.object({
      item: z.object({ id: z.int(), at: z.iso.datetime() }),
      bid: z.object({ price: z.int() }).optional(),
    }),
    eventTime: 'item.at',
    ...options,
  });
  const airports = table('airports', { schema: z.object({ code: z.string(), runways: z.int() }) });
  const shout = udf('shout', { args: ['string'], result: 'string' }, (text) => `${text}!`);
  const functionsOf = (view: View<unknown>): string[] =>
    pipeline('p', { v: view }).plan.functions.map(({ name, kind }) => `${kind} ${name}`);

  test('a nested field is a column, in keys, joins and patterns', () => {
    const pairs = auctions
      .dedupe({ keys: (a) => ({ id: a.item.id }), keep: 'first', by: 'arrival' })
      .join(auctions, {
        how: { kind: 'interval', from: '0s', to: '1m' },
        on: (l, r) => [[l.item.id, r.item.id]],
        select: (l, r) => ({ id: l.item.id, at: l.item.at, more: r.bid.price.minus(l.bid.price) }),
      })
      .pattern({
        partition: ['id'],
        steps: { a: (f) => f.more.gt(1) },
        within: '1h',
        select: (s) => ({ at: s.a.at }),
      });
    expect(treeOf(pairs)).toEqual([
      'pattern by id of a (more > 1) within 1h: at = a: at',
      '  map id = c1, at = c2, more = c3 - c4',
      '    inner join by interval 0ms to 1m on item_id = item_id: c1 = left.item_id, c2 = left.item_at, c3 = right.bid_price, c4 = left.bid_price',
      '      dedupe item_id: the first by arrival; remembers each key for ever',
      '        source auctions',
      '      source auctions',
    ]);
  });

  test('a table is looked up and is a source of the plan', () => {
    const looked = flights.join(airports, {
      type: 'left',
      how: 'lookup',
      on: (l, r) => [[l.origin, r.code]],
      select: (l, r) => ({ origin: l.origin, runways: r.runways }),
    });
    expect(treeOf(looked)[0]).toContain('left join with a table on origin = code');
    const { plan } = pipeline('p', { v: looked.updates() });
    expect(plan.sources.map(({ name, eventTime }) => [name, eventTime])).toEqual([
      ['flights', ['scheduled']],
      ['airports', []],
    ]);
  });

  test('functions are found wherever they are called', () => {
    const joined = flights.join(gates, {
      how: 'temporal',
      on: (l, r) => [[l.origin, r.airport]],
      select: (l, r) => ({ both: shout(l.origin.concat(r.gate)) }),
    });
    const conditioned = flights.join(gates, {
      how: 'temporal',
      on: (l, r) => [[l.origin, r.airport]],
      select: (l, r) => ({ both: l.origin.concat(r.gate) }),
      where: (row) => shout(row.both).eq('x!'),
    });
    const counted = flights
      .groupBy((f) => ({ o: f.origin }))
      .aggregate((f) => ({ n: count().where(shout(f.origin).eq('x!')) }));
    const matched = flights.pattern({
      partition: [],
      steps: { a: (f) => shout(f.origin).eq('x!') },
      within: '1m',
      select: (s) => ({ price: s.a.price }),
    });
    for (const stream of [
      flights.filter((f) => shout(f.origin).eq('x!')),
      joined,
      conditioned,
      counted,
      matched,
    ])
      expect(functionsOf((stream as Endable).updates())).toEqual(['scalar shout']);
    expect(functionsOf(flights.updates())).toEqual([]);
  });

  test('two functions of one name are refused', () => {
    const other = udf('shout', { args: ['string'], result: 'string' }, (text) => text);
    const both = flights.map((f) => ({ a: shout(f.origin), b: other(f.origin) }));
    expect(refusal(() => pipeline('p', { v: both.updates() }))).toContain(
      'function "shout" is defined twice',
    );
  });
});

/** By which columns the events of a view are divided, and why some are not. */
import {
  count,
  defineProcess,
  type Pipeline,
  pipeline,
  session,
  source,
  sum,
  table,
  tumbling,
} from 'pipeline-runtime';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { nexmarkQuery, QUERIES } from '../../../bench/nexmark/queries.ts';
import { partitionOf } from '../../../runtime/src/compile/partition.ts';
import type { Plan } from '../../../runtime/src/plan/node.ts';

/** `source: column`, `source: column if type = 1 | …`, or the reason. */
function shown(plan: Plan): string {
  const [view] = plan.views;
  const partition = view === undefined ? { undivided: 'there is no view' } : partitionOf(plan, view);
  if ('undivided' in partition) return `undivided: ${partition.undivided}`;
  const routes = [...partition].map(([name, route]) => {
    if (route.kind !== 'by') return `${name}: ${route.kind}`;
    const cases = route.cases.map(({ when, column }) =>
      when === null ? column : `${column} if ${when.field} = ${when.values.join('/')}`,
    );
    return `${name}: ${cases.toSorted().join(' | ')}`;
  });
  return routes.join(', ');
}

const ANYWHERE = 'nexmark: anywhere';
const BID_AND_AUCTION = 'nexmark: auction_id if event_type = 1 | bid_auction if event_type = 2';
const MEETS_AGAIN =
  'rows with one key come from events that other keys, or different columns of one source, keep apart';
const COMPUTED = 'no key is a column of the source, passed on unchanged';
const NEXMARK: Readonly<Record<keyof typeof QUERIES, string>> = {
  q0: ANYWHERE,
  q1: ANYWHERE,
  q2: ANYWHERE,
  q3: 'nexmark: auction_seller if event_type = 1 | person_id if event_type = 0',
  q4: `undivided: group by id: ${MEETS_AGAIN}`,
  q5: `undivided: group by window: ${MEETS_AGAIN}`,
  q7: `undivided: group by window: ${COMPUTED}`,
  q8: 'nexmark: auction_seller if event_type = 1 | person_id if event_type = 0',
  q9: BID_AND_AUCTION,
  q10: ANYWHERE,
  q11: 'nexmark: bid_bidder',
  q13: 'nexmark: anywhere, side: everywhere',
  q14: ANYWHERE,
  q15: `undivided: group by day: ${COMPUTED}`,
  q16: 'nexmark: bid_channel',
  q17: 'nexmark: bid_auction',
  q18: 'nexmark: bid_bidder',
  q19: 'nexmark: bid_auction',
  q20: BID_AND_AUCTION,
  q21: ANYWHERE,
  q22: ANYWHERE,
};

it.for(Object.keys(QUERIES))('divides %s', (query) => {
  expect(shown(nexmarkQuery(query, '4s')?.plan as Plan)).toBe(NEXMARK[query]);
});

const policy = { watermark: { delay: '1s' }, lateness: { allowed: '0s', then: 'drop' } } as const;
const events = source('events', {
  schema: z.object({
    kind: z.int(),
    key: z.string().nullable(),
    other: z.string(),
    amount: z.number(),
    whole: z.int(),
    tags: z.array(z.string()),
    at: z.iso.datetime(),
  }),
  eventTime: 'at',
  ...policy,
});
const more = source('more', {
  schema: z.object({ id: z.string(), amount: z.int(), at: z.iso.datetime() }),
  eventTime: 'at',
  ...policy,
});
const names = table('names', { schema: z.object({ id: z.string(), label: z.string() }) });
const FOREVER = { kind: 'regular', ttl: 'forever' } as const;
const echo = defineProcess('echo', {
  output: z.object({ key: z.string() }),
  state: {},
  onEvent: (row: { readonly other: string }, context) => context.emit({ key: row.other }),
});

type View = Parameters<typeof pipeline>[1][string];
const cases: Readonly<Record<string, readonly [view: () => View, expected: string]>> = {
  'by a key under another name': [
    () =>
      events
        .map((e) => ({ renamed: e.key, at: e.at }))
        .groupBy((e) => ({ again: e.renamed, window: tumbling(e.at, '1h') }))
        .aggregate(() => ({ n: count() }))
        .final(),
    'events: key',
  ],
  'by a key that a second group keeps': [
    () =>
      events
        .groupBy((e) => ({ key: e.key, other: e.other }))
        .aggregate((e) => ({ total: sum(e.amount) }))
        .groupBy((g) => ({ other: g.other }))
        .aggregate(() => ({ n: count() }))
        .updates(),
    'events: other',
  ],
  'by no computed key': [
    () =>
      events
        .groupBy((e) => ({ key: e.other.lower() }))
        .aggregate(() => ({ n: count() }))
        .updates(),
    `undivided: group by key: ${COMPUTED}`,
  ],
  'not without a key': [
    () =>
      events
        .groupBy(() => ({}))
        .aggregate(() => ({ n: count() }))
        .updates(),
    'undivided: group: it has no key, so all rows meet',
  ],
  'not by an item of a list': [
    () =>
      events
        .unnest((e) => e.tags, 'tag')
        .groupBy((e) => ({ tag: e.tag }))
        .aggregate(() => ({ n: count() }))
        .updates(),
    `undivided: group by tag: ${COMPUTED}`,
  ],
  'two sources by what they meet by': [
    () =>
      events
        .join(more, {
          type: 'left',
          how: FOREVER,
          on: (l, r) => [[l.other, r.id]],
          select: (l, r) => ({ key: l.key, id: r.id }),
        })
        .updates(),
    'events: other, more: id',
  ],
  'not by what a left join has no partner for': [
    () =>
      events
        .join(more, {
          type: 'left',
          how: FOREVER,
          on: (l, r) => [[l.other, r.id]],
          select: (l, r) => ({ key: l.key, id: r.id }),
        })
        .groupBy((j) => ({ id: j.id }))
        .aggregate(() => ({ n: count() }))
        .updates(),
    `undivided: group by id: ${MEETS_AGAIN}`,
  ],
  'a source that meets itself by one column': [
    () =>
      events
        .filter((e) => e.kind.eq(1))
        .join(
          events.filter((e) => e.amount.gt(1)),
          {
            type: 'inner',
            how: FOREVER,
            on: (l, r) => [[l.other, r.other]],
            select: (l) => ({ key: l.key }),
          },
        )
        .updates(),
    'events: other',
  ],
  'not a source that meets itself by two columns': [
    () =>
      events
        .filter((e) => e.kind.eq(1))
        .join(
          events.filter((e) => e.kind.lt(3)),
          {
            type: 'inner',
            how: FOREVER,
            on: (l, r) => [[l.other, r.key]],
            select: (l) => ({ key: l.key }),
          },
        )
        .updates(),
    `undivided: join by other: ${MEETS_AGAIN}`,
  ],
  'a table goes everywhere': [
    () =>
      events
        .join(names, {
          type: 'inner',
          how: 'lookup',
          on: (e, t) => [[e.other, t.id]],
          select: (e, t) => ({ key: e.key, label: t.label, at: e.at }),
        })
        .groupBy((e) => ({ key: e.key, window: session(e.at, '1m') }))
        .aggregate(() => ({ n: count() }))
        .final(),
    'events: key, names: everywhere',
  ],
  'a union by the column of each part': [
    () =>
      events
        .map((e) => ({ id: e.other, at: e.at }))
        .union(more.map((m) => ({ id: m.id, at: m.at })))
        .dedupe({ keys: ['id'], keep: 'last', by: 'time' })
        .updates(),
    'events: other, more: id',
  ],
  'a pattern by its partition': [
    () =>
      events
        .pattern({
          partition: ['other'],
          steps: { a: (e) => e.kind.eq(1), b: (e) => e.kind.eq(2) },
          within: '5m',
          select: (s) => ({ first: s.a.amount }),
        })
        .updates(),
    'events: other',
  ],
  'an over-window by its partition, then a top by the same': [
    () =>
      events
        .over({ partition: ['key', 'other'], frame: { rows: 3 } }, (e) => ({ recent: sum(e.amount) }))
        .top({ by: ['other'], order: (e) => [e.recent.descending()], limit: 2 })
        .updates(),
    'events: other',
  ],
  'a process function by its keys': [() => events.process(['other'], echo).updates(), 'events: other'],
  'not by what a process function emits': [
    () =>
      events
        .process(['other'], echo)
        .dedupe({ keys: ['key'], keep: 'last', by: 'arrival' })
        .updates(),
    `undivided: dedupe by key: ${MEETS_AGAIN}`,
  ],
};

describe('small plans', () => {
  it.for(Object.entries(cases))('%s', ([, [view, expected]]) => {
    const definition: Pipeline = pipeline('small', { view: view() });
    expect(shown(definition.plan)).toBe(expected);
  });
});

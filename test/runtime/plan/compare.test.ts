/** Which changes of a definition keep what is stored: a change a line, with what becomes of it. */
import { describe, expect, it } from 'vitest';
import {
  count,
  countDistinct,
  decimalField,
  max,
  pipeline,
  session,
  type Stream,
  sum,
  tumbling,
  type View,
} from 'pipeline-runtime';
import { z } from 'zod';
import { comparePlans, refusals } from '../../../runtime/src/plan/compare.ts';
import {
  FIELDS,
  events,
  others,
  perKey,
  perHour,
  plain,
  twice,
  remember,
  joined,
  pattern,
} from './compare-streams.ts';

type AnyView = View<unknown>;
/** The verdict that decides. */
type Worst = 'same' | 'keeps' | 'from-now-on' | 'refused';
type Line = readonly [what: string, old: AnyView, now: AnyView, worst: Worst];

const FILTERED = (least: number) => events().filter((e) => e.value.gt(least));

const KINDS = (
  rows: Stream<{ key: string; most: number }> | Stream<{ key: string; most: string }>,
): AnyView =>
  (rows as Stream<{ key: string; most: number }>)
    .groupBy((row) => ({ key: row.key }))
    .aggregate((row) => ({ kinds: countDistinct(row.most) }))
    .updates();

const VIEWS: readonly Line[] = [
  ['nothing', perKey().updates(), perKey().updates(), 'same'],
  // Stateless nodes.
  ['filter, added before a state', perKey().updates(), perKey(FILTERED(1)).updates(), 'from-now-on'],
  ['filter, removed before a state', perKey(FILTERED(1)).updates(), perKey().updates(), 'from-now-on'],
  [
    'filter, changed before a state',
    perKey(FILTERED(1)).updates(),
    perKey(FILTERED(2)).updates(),
    'from-now-on',
  ],
  [
    'filter, changed behind a final state',
    perHour()
      .filter((g) => g.total.gt(1))
      .final(),
    perHour()
      .filter((g) => g.total.gt(2))
      .final(),
    'from-now-on',
  ],
  [
    'filter, changed behind a state that takes rows back',
    perKey()
      .filter((g) => g.n.gt(1))
      .updates(),
    perKey()
      .filter((g) => g.n.gt(2))
      .updates(),
    'refused',
  ],
  [
    'map, a column changed',
    plain().updates(),
    events()
      .map((x) => ({ key: x.key, value: x.value.plus(1) }))
      .updates(),
    'from-now-on',
  ],
  [
    'map, a column added behind',
    plain().updates(),
    events()
      .map((x) => ({ key: x.key, value: x.value, at: x.at }))
      .updates(),
    'from-now-on',
  ],
  [
    'map, a column added before',
    plain().updates(),
    events()
      .map((x) => ({ at: x.at, key: x.key, value: x.value }))
      .updates(),
    'refused',
  ],
  [
    'map, a column removed',
    plain().updates(),
    events()
      .map((x) => ({ key: x.key }))
      .updates(),
    'refused',
  ],
  [
    'map, a column that a group does not read',
    perKey(events().map((x) => ({ key: x.key, at: x.at })) as never).updates(),
    perKey(events().map((x) => ({ at: x.at, value: x.value, key: x.key })) as never).updates(),
    'same',
  ],
  [
    'map, another function of the same name',
    events()
      .map((x) => ({ n: twice('a')(x.value) }))
      .updates(),
    events()
      .map((x) => ({ n: twice('b')(x.value) }))
      .updates(),
    'from-now-on',
  ],
  [
    'unnest, another list',
    events()
      .unnest((e) => e.tags, 'tag')
      .map((e) => ({ tag: e.tag }))
      .updates(),
    events()
      .map((e) => ({ key: e.key, tag: e.key }))
      .map((e) => ({ tag: e.tag }))
      .updates(),
    'refused',
  ],
  // Nodes with state.
  [
    'group, another key',
    perKey().updates(),
    events()
      .groupBy((x) => ({ key: x.value }))
      .aggregate(() => ({ n: count() }))
      .updates(),
    'refused',
  ],
  [
    'group, keys in another order',
    perHour().final(),
    events()
      .groupBy((x) => ({ hour: tumbling(x.at, '1h'), key: x.key }))
      .aggregate((x) => ({ total: sum(x.value) }))
      .final(),
    'refused',
  ],
  [
    'group, another window',
    perHour().final(),
    events()
      .groupBy((x) => ({ key: x.key, hour: tumbling(x.at, '2h') }))
      .aggregate((x) => ({ total: sum(x.value) }))
      .final(),
    'refused',
  ],
  [
    'group, sessions instead of windows',
    perHour().final(),
    events()
      .groupBy((x) => ({ key: x.key, hour: session(x.at, '1h') }))
      .aggregate((x) => ({ total: sum(x.value) }))
      .final(),
    'refused',
  ],
  [
    'group, a time-to-live',
    perKey().updates(),
    events()
      .groupBy((x) => ({ key: x.key }), { ttl: '1h' })
      .aggregate(() => ({ n: count() }))
      .updates(),
    'refused',
  ],
  [
    'group, an aggregate added behind',
    perKey().updates(),
    events()
      .groupBy((x) => ({ key: x.key }))
      .aggregate((x) => ({ n: count(), most: max(x.value) }))
      .updates(),
    'from-now-on',
  ],
  [
    'group, an aggregate added before',
    perKey().updates(),
    events()
      .groupBy((x) => ({ key: x.key }))
      .aggregate((x) => ({ most: max(x.value), n: count() }))
      .updates(),
    'refused',
  ],
  [
    'group, another aggregate',
    perHour().final(),
    events()
      .groupBy((x) => ({ key: x.key, hour: tumbling(x.at, '1h') }))
      .aggregate((x) => ({ total: max(x.value) }))
      .final(),
    'refused',
  ],
  [
    'group, an aggregate behind, below a top',
    perKey()
      .top({ order: (g) => [g.n.descending()], limit: 2 })
      .updates(),
    events()
      .groupBy((x) => ({ key: x.key }))
      .aggregate((x) => ({ n: count(), most: max(x.value) }))
      .top({ order: (g) => [g.n.descending()], limit: 2 })
      .updates(),
    'refused',
  ],
  [
    'dedupe, keeps the other',
    events()
      .dedupe({ keys: ['key'], keep: 'first', by: 'time' })
      .updates(),
    events()
      .dedupe({ keys: ['key'], keep: 'last', by: 'time' })
      .updates(),
    'refused',
  ],
  [
    'top, another limit',
    perKey()
      .top({ order: (g) => [g.n.descending()], limit: 2 })
      .updates(),
    perKey()
      .top({ order: (g) => [g.n.descending()], limit: 3 })
      .updates(),
    'refused',
  ],
  [
    'top, another order',
    perKey()
      .top({ order: (g) => [g.n.descending()], limit: 2 })
      .updates(),
    perKey()
      .top({ order: (g) => [g.key.descending()], limit: 2 })
      .updates(),
    'refused',
  ],
  [
    'over, another frame',
    events()
      .over({ partition: ['key'], frame: { rows: 2 } }, (e) => ({ s: sum(e.value) }))
      .updates(),
    events()
      .over({ partition: ['key'], frame: { rows: 3 } }, (e) => ({ s: sum(e.value) }))
      .updates(),
    'refused',
  ],
  ['join, another condition', joined(1), joined(2), 'refused'],
  ['join, left instead of inner', joined(1), joined(1, 'left'), 'refused'],
  ['pattern, another step', pattern(20), pattern(30), 'refused'],
  [
    'process, other code',
    events().process(['key'], remember('a')).updates(),
    events().process(['key'], remember('b')).updates(),
    'from-now-on',
  ],
  [
    'union, another input',
    events()
      .map((e) => ({ key: e.key }))
      .union(events().map((e) => ({ key: e.key })))
      .updates(),
    events()
      .map((e) => ({ key: e.key }))
      .union(events().map((e) => ({ key: e.key })))
      .union(events().map((e) => ({ key: e.key })))
      .updates(),
    'refused',
  ],
  [
    'another step in its place',
    perKey().updates(),
    events()
      .dedupe({ keys: ['key'], keep: 'last', by: 'time' })
      .map((e) => ({ key: e.key, n: e.value }))
      .updates(),
    'refused',
  ],
  ['mode', perHour().updates(), perHour().final(), 'refused'],
  // Sources and their fields.
  ['source, the delay', perKey().updates(), perKey(events(FIELDS, { delay: '2m' })).updates(), 'refused'],
  [
    'source, allowed lateness',
    perKey().updates(),
    perKey(events(FIELDS, { allowed: '2m' })).updates(),
    'refused',
  ],
  [
    'source, what becomes of late events',
    perKey().updates(),
    perKey(events(FIELDS, { then: 'correct' })).updates(),
    'refused',
  ],
  [
    'source, when it is idle',
    perKey().updates(),
    perKey(events(FIELDS, { idleAfter: '1m' })).updates(),
    'keeps',
  ],
  [
    'field, optional',
    perKey().updates(),
    perKey(events({ ...FIELDS, more: z.string().optional() })).updates(),
    'keeps',
  ],
  [
    'field, required',
    perKey().updates(),
    perKey(events({ ...FIELDS, more: z.string() })).updates(),
    'refused',
  ],
  ['field, gone', perKey().updates(), perKey(events({ at: FIELDS.at, key: FIELDS.key })).updates(), 'keeps'],
  ['field, wider', perHour().updates(), perHour(events({ ...FIELDS, value: z.number() })).updates(), 'keeps'],
  [
    'field, narrower',
    perHour(events({ ...FIELDS, value: z.number() })).updates(),
    perHour().updates(),
    'refused',
  ],
  [
    'field, may be null',
    perHour().updates(),
    perHour(events({ ...FIELDS, value: z.int().nullable() })).updates(),
    'keeps',
  ],
  [
    'field, never null',
    perHour(events({ ...FIELDS, value: z.int().nullable() })).updates(),
    perHour().updates(),
    'refused',
  ],
  [
    'field, an optional one in rows that are kept',
    events()
      .dedupe({ keys: ['key'], keep: 'last', by: 'time' })
      .map((e) => ({ key: e.key }))
      .updates(),
    events({ ...FIELDS, more: z.string().optional() })
      .dedupe({ keys: ['key'], keep: 'last', by: 'time' })
      .map((e) => ({ key: e.key }))
      .updates(),
    'refused',
  ],
  [
    'field, wider, in a computation',
    perKey(events().filter((e) => e.value.gt(1))).updates(),
    perKey(events({ ...FIELDS, value: z.number() }).filter((e) => e.value.gt(1))).updates(),
    'from-now-on',
  ],
  [
    'group, the column that it keeps has another type under the same name',
    KINDS(events().map((e) => ({ key: e.key, most: e.value }))),
    KINDS(events().map((e) => ({ key: e.key, most: e.value.toText() }))),
    'refused',
  ],
  [
    'group, the column that it keeps is computed in another way, of the same type',
    KINDS(events().map((e) => ({ key: e.key, most: e.value }))),
    KINDS(events().map((e) => ({ key: e.key, most: e.value.plus(1) }))),
    'from-now-on',
  ],
  [
    'decimal, more digits, stored',
    perHour(events({ ...FIELDS, value: decimalField(2) })).updates(),
    perHour(events({ ...FIELDS, value: decimalField(3) })).updates(),
    'refused',
  ],
  [
    'decimal, more digits, not stored',
    perKey(events({ ...FIELDS, value: decimalField(2) })).updates(),
    perKey(events({ ...FIELDS, value: decimalField(3) })).updates(),
    'keeps',
  ],
  [
    'decimal, fewer digits',
    perKey(events({ ...FIELDS, value: decimalField(3) })).updates(),
    perKey(events({ ...FIELDS, value: decimalField(2) })).updates(),
    'refused',
  ],
  [
    'enum, more values',
    perKey(events({ ...FIELDS, key: z.enum(['a']) })).updates(),
    perKey(events({ ...FIELDS, key: z.enum(['a', 'b']) })).updates(),
    'keeps',
  ],
  [
    'enum, fewer values',
    perKey(events({ ...FIELDS, key: z.enum(['a', 'b']) })).updates(),
    perKey(events({ ...FIELDS, key: z.enum(['a']) })).updates(),
    'refused',
  ],
];

describe('a changed definition', () => {
  it.for(VIEWS)('%s', ([, old, now, worst]) => {
    const { changes } = comparePlans(pipeline('p', { v: old }).plan, pipeline('p', { v: now }).plan);
    const verdicts = changes.map(({ verdict }) => verdict);
    const found = (['refused', 'from-now-on', 'keeps'] as const).find((each) => verdicts.includes(each));
    expect({ worst: found ?? 'same', changes }).toMatchObject({ worst });
  });

  it('another name of the pipeline changes nothing', () => {
    const { changes } = comparePlans(
      pipeline('p', { v: perKey().updates() }).plan,
      pipeline('q', { v: perKey().updates() }).plan,
    );
    expect(changes).toMatchObject([{ where: 'pipeline', old: 'p', new: 'q', verdict: 'keeps' }]);
  });

  it('a view more is started, a view less is dropped when it is asked for', () => {
    const one = pipeline('p', { v: perKey().updates() }).plan;
    const two = pipeline('p', { v: perKey().updates(), w: perHour().updates() }).plan;
    expect(comparePlans(one, two)).toMatchObject({ started: ['w'], dropped: [] });
    const less = comparePlans(two, one);
    expect(less).toMatchObject({ started: [], dropped: ['w'] });
    expect(refusals(less, { fromNowOn: true, drop: [] })).toHaveLength(1);
    expect(refusals(less, { fromNowOn: false, drop: ['w'] })).toEqual([]);
  });

  it('a view that makes sources meet would close the windows of others otherwise', () => {
    const one = pipeline('p', { v: perHour().final(), w: others.updates() }).plan;
    const two = pipeline('p', { v: perHour().final(), w: others.updates(), x: joined(1) }).plan;
    const refused = refusals(comparePlans(one, two), { fromNowOn: true, drop: [] });
    expect(refused.map(({ where }) => where)).toEqual(['source "events"', 'source "others"']);
  });

  it('what is asked for is allowed, and says where it is and what it was', () => {
    const [, old, now] = VIEWS.find(([what]) => what === 'group, an aggregate added behind') as Line;
    const comparison = comparePlans(pipeline('p', { v: old }).plan, pipeline('p', { v: now }).plan);
    expect(refusals(comparison, { fromNowOn: true, drop: [] })).toEqual([]);
    expect(refusals(comparison, { fromNowOn: false, drop: [] })[0]).toMatchObject({
      where: expect.stringContaining('view "v"'),
      old: 'none',
    });
  });
});

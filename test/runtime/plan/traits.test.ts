/** What generic passes ask of a node: does it take rows back, what identifies a row, when is it final. */
import { describe, expect, test } from 'vitest';
import { hashOf } from '../../../runtime/src/plan/hash.ts';
import { eventTimeOf, inferColumns } from '../../../runtime/src/plan/infer.ts';
import type { Plan, PlanNode, ViewMode } from '../../../runtime/src/plan/node.ts';
import { parsePlan } from '../../../runtime/src/plan/parse.ts';
import {
  isAppendOnly,
  isFinal,
  isOfEvents,
  keyOf,
  windowColumnOf,
} from '../../../runtime/src/plan/traits.ts';
import { nodesOf, sourcesOf } from '../../../runtime/src/plan/walk.ts';
import { aDay, byWindow, forever, interval, lookup, onCode, onWindow, temporal } from './allowed.ts';
import {
  airports,
  count,
  dedupe,
  field,
  filter,
  flights,
  gates,
  group,
  HOUR,
  join,
  map,
  over,
  pattern,
  planOf,
  process,
  top,
  windowed,
} from './nodes.ts';

function parsed(node: PlanNode, mode: ViewMode = 'updates'): { plan: Plan; node: PlanNode } {
  const plan = parsePlan(planOf(node, mode));
  return { plan, node: (plan.views[0] as Plan['views'][number]).node };
}

const later = map(flights, 'origin', 'at=scheduled');
const byHour = top(windowed(), { partition: ['window'] });
const windowPair = join(windowed(), windowed(), byWindow, {
  ...onWindow,
  columns: [
    { side: 'left', from: 'window', name: 'hour' },
    { side: 'right', from: 'origin', name: 'origin' },
    { side: 'left', from: 'n', name: 'n' },
  ],
});

describe('of each kind', () => {
  // append-only in updates, in final; of events; final; the window column; the key.
  const cases: [string, PlanNode, string][] = [
    ['source', flights, 'append append events changes - -'],
    ['filter', filter(flights), 'append append events changes - -'],
    ['filter of groups', filter(windowed()), 'takes append time final window origin,window'],
    ['map of groups', map(windowed(), 'w=window', 'o=origin', 'n'), 'takes append time final w o,w'],
    ['map that loses the window', map(windowed(), 'origin', 'n'), 'takes append time final - -'],
    [
      'unnest',
      { kind: 'unnest', input: flights, list: field('tags'), as: 'tag' },
      'append append events changes - -',
    ],
    ['union', { kind: 'union', inputs: [flights, flights] }, 'append append events changes - -'],
    [
      'union of groups',
      { kind: 'union', inputs: [windowed(), windowed()] },
      'takes append time final window -',
    ],
    [
      'union with what is not final',
      { kind: 'union', inputs: [map(over(flights), 'origin'), map(flights, 'origin')] },
      'append append time changes - -',
    ],
    [
      'join by window that keeps the right window',
      join(windowed(), windowed(), byWindow, {
        ...onWindow,
        columns: [{ side: 'right', from: 'window', name: 'w' }],
      }),
      'takes append time final w -',
    ],
    [
      'union with what changes',
      { kind: 'union', inputs: [map(flights, 'origin'), map(top(flights), 'origin')] },
      'takes takes time changes - -',
    ],
    ['dedupe, first to arrive', dedupe(flights), 'append append events changes - origin'],
    ['dedupe, first to arrive when time passes', dedupe(over(flights)), 'takes takes time changes - origin'],
    ['dedupe, first by time', dedupe(flights, { by: 'time' }), 'takes takes time changes - origin'],
    ['dedupe, last', dedupe(flights, { keep: 'last' }), 'takes takes time changes - origin'],
    [
      'dedupe of a window',
      dedupe(windowed(), { keys: ['window'], keep: 'last' }),
      'takes append time final window window',
    ],
    ['group', group(flights, ['origin']), 'takes takes time changes - origin'],
    ['group of all', group(flights, []), 'takes takes time changes - '],
    ['group by window', windowed(), 'takes append time final window origin,window'],
    ['group of groups by window', group(windowed(), ['window']), 'takes append time final window window'],
    ['group of groups across windows', group(windowed(), ['origin']), 'takes takes time changes - origin'],
    ['top', top(flights), 'takes takes time changes - -'],
    ['top with rank', top(flights, { rank: 'place' }), 'takes takes time changes - origin,place'],
    ['top of a window', byHour, 'takes append time final window window,origin'],
    ['top of all windows', top(windowed(), { partition: [] }), 'takes takes time changes - origin,window'],
    ['over', over(flights), 'append append time final - -'],
    ['over rows that are known', over(dedupe(flights)), 'append append time final - origin'],
    ['join', join(flights, flights, forever), 'append append events changes - -'],
    ['left join', join(flights, flights, forever, { type: 'left' }), 'takes takes time changes - -'],
    ['join with what changes', join(flights, top(flights), forever), 'takes takes time changes - -'],
    ['dedupe that forgets', dedupe(flights, { ttlMs: 1000 }), 'append append events changes - -'],
    [
      'dedupe that forgets, the last',
      dedupe(flights, { ttlMs: 1000, keep: 'last' }),
      'takes takes time changes - origin',
    ],
    [
      'join of groups',
      join(group(flights, ['origin']), group(flights, ['origin']), forever),
      'takes takes time changes - origin,other',
    ],
    [
      'join of groups, by a column that stands for both',
      join(group(flights, ['origin']), group(flights, ['origin']), forever, {
        columns: [{ side: 'right', from: 'origin', name: 'o' }],
      }),
      'takes takes time changes - o',
    ],
    [
      'left join of groups has nulls on the right',
      join(group(flights, ['origin']), group(flights, ['origin']), forever, {
        type: 'left',
        columns: [{ side: 'right', from: 'origin', name: 'o' }],
      }),
      'takes takes time changes - -',
    ],
    ['join with time-to-live', join(flights, later, aDay), 'append append events changes - -'],
    ['join by window', windowPair, 'takes append time final hour origin,hour'],
    ['join by interval', join(flights, later, interval), 'append append events final - -'],
    [
      'left join by interval',
      join(flights, later, interval, { type: 'left' }),
      'append append time final - -',
    ],
    ['temporal join', join(dedupe(flights), later, temporal), 'append append time final - origin'],
    ['lookup join', join(dedupe(flights), airports, lookup, onCode), 'append append events changes - origin'],
    ['pattern', pattern(flights), 'append append time final - -'],
    ['process', process(flights), 'append append time final - -'],
  ];

  test.each(cases)('%s', (_, made, expected) => {
    const { plan, node } = parsed(made);
    const mode = (which: ViewMode): string => (isAppendOnly(node, which) ? 'append' : 'takes');
    const traits = [
      mode('updates'),
      mode('final'),
      isOfEvents(node) ? 'events' : 'time',
      isFinal(node) ? 'final' : 'changes',
      windowColumnOf(node) ?? '-',
      keyOf(plan, node)?.join(',') ?? '-',
    ];
    expect(traits.join(' ')).toBe(expected);
  });
});

describe('the event time', () => {
  const timeOf = (made: PlanNode): unknown => {
    const { plan, node } = parsed(made);
    return eventTimeOf(inferColumns(plan, node));
  };

  test.each<[string, PlanNode]>([
    ['filter', filter(flights)],
    ['unnest', { kind: 'unnest', input: flights, list: field('tags'), as: 'tag' }],
    ['union', { kind: 'union', inputs: [flights, filter(flights)] }],
    ['dedupe', dedupe(flights)],
    ['over', over(flights)],
    ['lookup join', join(flights, airports, lookup, onCode)],
  ])('is kept by %s', (_, node) => {
    expect(timeOf(node)).toEqual(field('scheduled'));
  });

  test('is kept by a map under another name, and lost without it', () => {
    expect(timeOf(later)).toEqual(field('at'));
    expect(timeOf(map(flights, 'origin'))).toBeNull();
  });

  test('is that of a union only when all inputs have it there', () => {
    const inputs = [later, map(group(flights, ['origin', 'scheduled']), 'origin', 'at=scheduled')];
    expect(timeOf({ kind: 'union', inputs })).toBeNull();
  });

  test.each([windowed(), pattern(flights), process(flights), top(flights)])(
    'is not what a $kind leaves',
    (node) => {
      expect(timeOf(node)).toBeNull();
    },
  );

  const bothTimes = {
    columns: [
      { side: 'right', from: 'at', name: 'right' },
      { side: 'left', from: 'scheduled', name: 'left' },
    ],
  } as const;

  test.each<[string, PlanNode, string[]]>([
    ['pairs of events of a day', join(flights, later, aDay, bothTimes), ['right', 'left']],
    ['pairs that come at any time', join(flights, later, forever, bothTimes), []],
    ['pairs of events near each other', join(flights, later, interval, bothTimes), ['right', 'left']],
    [
      'nulls that come when time passes',
      join(flights, later, interval, { ...bothTimes, type: 'left' }),
      ['right', 'left'],
    ],
    ['nulls that come with a flush', join(flights, later, aDay, { ...bothTimes, type: 'left' }), []],
    ['pairs of what changes', join(flights, group(later, ['origin', 'at']), forever, bothTimes), []],
    ['what was valid long ago', join(flights, later, temporal, bothTimes), ['left']],
    [
      'rows in the order of another time',
      over(join(flights, later, aDay, bothTimes), { partition: [] }),
      ['right'],
    ],
    ['the last of each key', dedupe(flights, { keep: 'last' }), []],
    ['the first by time', dedupe(flights, { by: 'time' }), []],
    ['the first to arrive when time passes', dedupe(over(flights)), []],
  ])('stays only where a window sees each row in time or with its event: %s', (_, made, expected) => {
    const { plan, node } = parsed(made);
    const marked = inferColumns(plan, node).filter((column) => column.eventTime === true);
    expect(marked.map(({ name }) => name)).toEqual(expected);
  });

  test('of a left join is that of the left, since that of the right may be null', () => {
    expect(timeOf(join(flights, later, interval, { ...bothTimes, type: 'left' }))).toEqual(field('left'));
  });

  test('of several times is the first that is there', () => {
    const args = [field('opened'), field('closed')];
    expect(timeOf(gates)).toEqual({ kind: 'call', fn: 'coalesce', args });
  });
});

test('columns carry the scale of decimals and the items of lists', () => {
  const { plan, node } = parsed(
    group(flights, ['origin'], {
      aggregates: [
        { name: 'total', fn: 'sum', arg: field('price') },
        {
          name: 'some',
          fn: 'sum',
          arg: field('price'),
          where: { kind: 'literal', type: 'boolean', value: true },
        },
        { name: 'mean', fn: 'avg', arg: field('price') },
        { name: 'all', fn: 'collect', arg: field('delay') },
        { name: 'early', fn: 'first', arg: field('tags'), by: field('scheduled') },
        { ...count, where: { kind: 'literal', type: 'boolean', value: true } },
      ],
    }),
  );
  expect(inferColumns(plan, node).slice(1)).toEqual([
    { name: 'total', type: 'decimal', nullable: false, scale: 2 },
    { name: 'some', type: 'decimal', nullable: true, scale: 2 },
    { name: 'mean', type: 'double', nullable: false },
    { name: 'all', type: 'list', nullable: false, item: 'integer' },
    { name: 'early', type: 'list', nullable: false, item: 'string' },
    { name: 'n', type: 'integer', nullable: false },
  ]);
});

test('the right side of a left join may be null', () => {
  const { plan, node } = parsed(join(flights, flights, forever, { type: 'left' }));
  expect(inferColumns(plan, node).map(({ nullable }) => nullable)).toEqual([false, true]);
});

test('equal parts of a plan are one object, in one view and across views', () => {
  const data = planOf(join(windowed(), group(windowed(), ['origin', 'window']), byWindow, onWindow));
  const view = { name: 'w', mode: 'updates', node: structuredClone(windowed()) };
  const plan = parsePlan(structuredClone({ ...data, views: [...(data['views'] as object[]), view] }));
  const [first, second] = plan.views.map(({ node }) => node);
  expect(nodesOf(first as PlanNode).map(({ kind }) => kind)).toEqual(['source', 'group', 'group', 'join']);
  expect(nodesOf(first as PlanNode)).toContain(second);
});

test('nodes come after their inputs, sources once', () => {
  const { plan, node } = parsed(join(join(flights, airports, lookup, onCode), filter(flights), forever));
  const order = nodesOf(node).map(({ kind }) => kind);
  expect(order).toEqual(['source', 'source', 'join', 'filter', 'join']);
  expect(sourcesOf(plan, node).map(({ name }) => name)).toEqual(['flights', 'airports']);
});

test('the hash of a plan covers the digests of its functions and not the order of keys in the file', () => {
  const data = planOf(group(flights, ['origin', { name: 'w', window: HOUR }]));
  const reversed = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(reversed);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .toReversed()
        .map(([key, each]) => [key, reversed(each)]),
    );
  };
  const hash = hashOf(parsePlan(data));
  expect(hashOf(parsePlan(reversed(data)))).toBe(hash);
  const changed = structuredClone(data) as { functions: { digest: string }[] };
  Object.assign(changed.functions[0] as object, { digest: 'c' });
  expect(hashOf(parsePlan(changed))).not.toBe(hash);
});

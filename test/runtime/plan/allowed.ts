/** What the rules allow: at least one plan for each kind of node, window, join and aggregate. */
import type { Expr } from '../../../runtime/src/expr/node.ts';
import type { AggregateCall, PlanNode, ViewMode } from '../../../runtime/src/plan/node.ts';
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
  process,
  top,
  windowed,
} from './nodes.ts';

export const forever = { kind: 'regular', ttlMs: null } as const;
export const aDay = { kind: 'regular', ttlMs: 86_400_000 } as const;
export const interval = { kind: 'interval', lowerMs: -1000, upperMs: 1000 } as const;
export const temporal = { kind: 'temporal' } as const;
export const lookup = { kind: 'lookup' } as const;
export const byWindow = { kind: 'window' } as const;
export const onWindow = {
  on: [
    { left: 'origin', right: 'origin' },
    { left: 'window', right: 'window' },
  ],
};
export const onCode = {
  on: [{ left: 'origin', right: 'code' }],
  columns: [
    { side: 'left', from: 'scheduled', name: 'scheduled' },
    { side: 'left', from: 'origin', name: 'origin' },
    { side: 'right', from: 'runways', name: 'runways' },
  ],
} as const;
export const later = map(flights, 'origin', 'at=scheduled');
export const aggregate = (call: Partial<AggregateCall>): PlanNode =>
  group(flights, ['origin'], { aggregates: [{ ...count, ...call }] });
export const isLate: Expr = {
  kind: 'call',
  fn: 'gt',
  args: [field('delay'), { kind: 'literal', type: 'integer', value: 5 }],
};
export const shout: Expr = {
  kind: 'udf',
  name: 'shout',
  args: [field('origin')],
  result: { type: 'string', nullable: false },
};

/** Plans of all kinds of nodes that the rules allow. */
export const ALLOWED: [string, PlanNode, ViewMode?][] = [
  ['a source', flights],
  ['a function of the definition', map(flights, { name: 'loud', expr: shout })],
  ['a list', { kind: 'unnest', input: flights, list: field('tags'), as: 'tag' }],
  ['two streams', { kind: 'union', inputs: [flights, flights] }],
  ['repeats', dedupe(flights)],
  ['repeats by time', dedupe(flights, { keep: 'last', by: 'time', ttlMs: 1000 })],
  ['repeats, then what looks back', over(dedupe(flights, { ttlMs: 1000 }))],
  ['the best', top(flights, { rank: 'place' })],
  ['the best of all', top(flights, { partition: [] })],
  ['the best of each window, once', top(windowed(), { partition: ['window'] }), 'final'],
  ['looking back', over(flights, { frame: { kind: 'rows', preceding: 10 } })],
  ['looking back in time, once', over(flights, { frame: { kind: 'range', precedingMs: 1000 } }), 'final'],
  ['a window', windowed(), 'final'],
  ['sliding windows in a zone', windowed({ kind: 'hopping', slideMs: 900_000, zone: 'Europe/Berlin' })],
  ['growing windows', windowed({ kind: 'cumulating', stepMs: 900_000, offsetMs: 60_000 })],
  [
    'a session',
    group(flights, [{ name: 'w', window: { kind: 'session', time: field('scheduled'), gapMs: 1 } }]),
  ],
  ['a group of groups', group(windowed(), ['window']), 'final'],
  ['a group of what changes', group(group(flights, ['origin', 'delay']), ['origin'])],
  ['a group of everything', group(flights, [])],
  ['a group that forgets what looks back', group(filter(over(flights)), ['origin'], { ttlMs: 1000 })],
  [
    'a group that forgets what was valid',
    group(
      join(flights, later, temporal, {
        columns: [
          { side: 'left', from: 'origin', name: 'origin' },
          { side: 'left', from: 'scheduled', name: 'scheduled' },
        ],
      }),
      ['origin'],
      { ttlMs: 1000 },
    ),
  ],
  ['a group that forgets, and a filter', filter(group(flights, ['origin'], { ttlMs: 1000 }))],
  ['a window in a group of rows that look back', group(over(flights), [{ name: 'w', window: HOUR }])],
  [
    'all aggregates',
    group(flights, ['origin'], {
      aggregates: [
        count,
        { name: 'late', fn: 'count', arg: null, where: isLate },
        { name: 'total', fn: 'sum', arg: field('price') },
        { name: 'mean', fn: 'avg', arg: field('price') },
        { name: 'low', fn: 'min', arg: field('delay') },
        { name: 'high', fn: 'max', arg: field('origin') },
        { name: 'early', fn: 'first', arg: field('tags'), by: field('scheduled') },
        { name: 'newest', fn: 'last', arg: field('delay'), by: field('scheduled') },
        { name: 'calm', fn: 'argMin', arg: field('origin'), by: field('delay') },
        { name: 'worst', fn: 'argMax', arg: field('origin'), by: field('price') },
        { name: 'different', fn: 'countDistinct', arg: field('origin') },
        { name: 'about', fn: 'approxCountDistinct', arg: field('origin') },
        { name: 'median', fn: 'percentile', arg: field('delay'), fraction: 0.5 },
        { name: 'all', fn: 'collect', arg: field('delay') },
      ],
    }),
  ],
  ['every pair', join(flights, flights, forever, { type: 'left' })],
  ['every pair of a day', join(flights, later, aDay)],
  ['pairs of what changes', join(group(flights, ['origin']), flights, forever)],
  ['pairs of a window', join(windowed(), windowed(), byWindow, { ...onWindow, type: 'left' }), 'final'],
  ['pairs near each other', join(flights, later, interval, { type: 'left' }), 'final'],
  ['what was valid', join(flights, later, temporal), 'final'],
  ['what a table says', join(flights, map(filter(airports), 'code', 'runways'), lookup, onCode)],
  [
    'what a table says, about a window',
    group(join(flights, airports, lookup, onCode), [{ name: 'w', window: HOUR }]),
    'final',
  ],
  ['every pair with a table', join(flights, airports, forever, onCode)],
  [
    'every pair with groups of a table',
    join(flights, group(airports, ['code']), forever, { ...onCode, columns: onCode.columns.slice(0, 2) }),
  ],
  [
    'a further condition',
    join(flights, later, interval, {
      condition: { kind: 'call', fn: 'ne', args: [field('origin'), field('other')] },
    }),
  ],
  ['a sequence', pattern(flights), 'final'],
  ['a function with state', process(flights), 'final'],
  [
    'the first of several times',
    map(gates, 'gate', {
      name: 'at',
      expr: { kind: 'call', fn: 'coalesce', args: [field('opened'), field('closed')] },
    }),
  ],
];

/** Every rule of a join has its sentence. */
import { expect, test } from 'vitest';
import type { PlanNode, ViewMode } from '../../../runtime/src/plan/node.ts';
import { byWindow, forever, interval, lookup, onCode, onWindow, temporal } from './allowed.ts';
import {
  airports,
  field,
  flights,
  gates,
  group,
  join,
  map,
  over,
  top,
  windowed,
  problemsOf,
} from './nodes.ts';

const cases: [string, PlanNode, string, ViewMode?][] = [
  // Joins.
  ['no key', join(flights, flights, forever, { on: [] }), 'join: say which columns are equal'],
  [
    'an unknown column on the left',
    join(flights, flights, forever, { on: [{ left: 'nope', right: 'origin' }] }),
    'join: there is no column "nope" on the left; there are origin',
  ],
  [
    'an unknown column on the right',
    join(flights, flights, forever, { on: [{ left: 'origin', right: 'nope' }] }),
    'join: there is no column "nope" on the right',
  ],
  [
    'an unknown column that leaves',
    join(flights, flights, forever, { columns: [{ side: 'right', from: 'nope', name: 'x' }] }),
    'join, column "x": there is no column "nope" on the right',
  ],
  [
    'a column twice',
    join(flights, flights, forever, {
      columns: [
        { side: 'left', from: 'origin', name: 'x' },
        { side: 'right', from: 'origin', name: 'x' },
      ],
    }),
    'join, column "x" is defined twice',
  ],
  [
    'keys of two types',
    join(flights, flights, forever, { on: [{ left: 'origin', right: 'delay' }] }),
    'join, origin = delay: string and integer are never equal',
  ],
  [
    'keys that are lists',
    join(flights, flights, forever, { on: [{ left: 'tags', right: 'tags' }] }),
    'join, tags = tags: a list of string cannot be a key',
  ],
  [
    'a condition that is none',
    join(flights, flights, forever, { condition: field('origin') }),
    'join, where: needs a boolean, not string',
  ],
  [
    'a window join without windows',
    join(flights, flights, byWindow),
    'join by window: both sides need to be groups by a window',
  ],
  [
    'a window join with windows whose rows change',
    join(windowed(), top(windowed(), { partition: [] }), byWindow, onWindow),
    'join by window: both sides need to be groups by a window',
  ],
  [
    'a window join without its pair',
    join(windowed(), windowed(), byWindow),
    'and `on` their pair of windows',
  ],
  [
    'an interval without a time',
    join(flights, map(flights, 'origin'), interval),
    'join by interval: the right side has no event time',
  ],
  [
    'an interval with a time that may be null',
    join(flights, map(gates, 'origin=gate', 'opened'), interval),
    'join by interval: the event time of the right side may be null',
  ],
  [
    'an interval that ends before it begins',
    join(flights, flights, { ...interval, lowerMs: 1001 }),
    'join by interval: it ends before it begins',
  ],
  [
    'an interval of what changes',
    join(top(flights), flights, interval),
    'join by interval: the left side takes rows back',
  ],
  [
    'what was valid without a time',
    join(map(flights, 'origin'), flights, temporal),
    'temporal join: the left side has no event time',
  ],
  [
    'what was valid of what changes',
    join(flights, top(flights), temporal),
    'temporal join: the right side takes rows back',
  ],
  ['a lookup in a stream', join(flights, flights, lookup), 'lookup join: the right side must be a table'],
  [
    'a lookup in a group',
    join(flights, group(airports, ['code']), lookup, { ...onCode, columns: onCode.columns.slice(0, 2) }),
    'lookup join: the right side must be a table',
  ],
  [
    'a lookup for a table',
    join(airports, airports, lookup, {
      on: [{ left: 'code', right: 'code' }],
      columns: [{ side: 'left', from: 'code', name: 'code' }],
    }),
    'lookup join: the left side must be a stream',
  ],
  [
    'a lookup for what changes',
    join(top(flights), airports, lookup, onCode),
    'lookup join: the left side takes rows back',
  ],
  [
    'a lookup behind what waits',
    join(over(flights), airports, lookup, onCode),
    'lookup join: the left side waits for time',
  ],
  [
    'a table by time',
    join(flights, airports, temporal, onCode),
    "join: a table has no time; say how: 'lookup'",
  ],
  [
    'a view of tables only',
    group(airports, ['code']),
    'view "v": it reads only tables; a view needs a stream',
  ],
];

test.each(cases)('%s', (_, node, message, mode) => {
  expect(problemsOf(node, mode)).toContain(message);
});

/** Views in SQL: each kind of node over a few events, with rows by hand. */
import { describe, expect, test } from 'vitest';
import type {
  AggregateCall,
  JoinHow,
  NodeOf,
  PlanKind,
  PlanNode,
  SourcePlan,
  WindowPlan,
} from '../../../runtime/src/plan/node.ts';
import { exported, type LoggedEvent, streamed } from './duckdb.ts';
import {
  call,
  event,
  events,
  f,
  group,
  int,
  map,
  named,
  names,
  other,
  others,
  planOf,
  type PlanOptions,
} from './plans.ts';

const DROP: SourcePlan['lateness'] = { then: 'drop', allowedMs: 0 };
const at = (ms: number): string => new Date(ms).toISOString();
const windowed = (startMs: number, endMs: number) => ({ start: at(startMs), end: at(endMs) });

/** A view, the events in the order of the log, and its rows. */
type Example = readonly [
  node: PlanNode,
  log: readonly LoggedEvent[],
  rows: readonly (readonly unknown[])[],
  options?: PlanOptions,
];

const some = (input: PlanNode, ...columns: string[]): PlanNode =>
  map(input, Object.fromEntries(columns.map((name) => [name, f(name)])));
const join = (
  how: JoinHow,
  type: 'inner' | 'left' = 'inner',
  condition: NodeOf<'join'>['condition'] = null,
  [left, right]: readonly [PlanNode, PlanNode] = [events, others],
): PlanNode => ({
  kind: 'join',
  left,
  right,
  type,
  how,
  on: [{ left: 'k', right: 'k' }],
  columns: [
    { side: 'left', from: 'n', name: 'l' },
    { side: 'right', from: 'n', name: 'r' },
  ],
  condition,
});
const key = { name: 'k', expr: f('k') };
const w = (window: WindowPlan) => ({ name: 'w', window });
const grid = { time: f('t'), offsetMs: 0, zone: null };
const counted: AggregateCall = { name: 'c', fn: 'count', arg: null };

const EXAMPLES: {
  readonly [K in Exclude<PlanKind, 'pattern' | 'process'>]: Readonly<Record<string, Example>>;
} = {
  source: {
    'all columns': [
      events,
      [event({ t: 1, k: 'a', n: 3, m: 5, l: { items: [1] } })],
      [[at(1), 'a', 3, null, '0.05', null, null, [1], null]],
    ],
  },
  filter: {
    'a condition that is null or fails keeps no row': [
      some(
        {
          kind: 'filter',
          input: events,
          predicate: call('gt', call('integerDividedBy', int(6), f('n')), int(2)),
        },
        'n',
      ),
      [event({ n: 2 }), event({ n: 3 }), event({}), event({ n: 0 })],
      [[2]],
    ],
    'an error counts although the other side is true': [
      some(
        {
          kind: 'filter',
          input: events,
          predicate: call(
            'or',
            call('isNull', f('k')),
            call('gt', call('integerDividedBy', int(6), f('n')), int(2)),
          ),
        },
        'n',
      ),
      [event({ n: 9 }), event({ n: 0 })],
      [[9]],
    ],
  },
  map: {
    'a row of which one column fails is left out': [
      map(events, { a: f('n'), b: call('dividedBy', int(6), f('n')) }),
      [event({ n: 4 }), event({ n: 0 }), event({})],
      [
        [4, 1.5],
        [null, null],
      ],
    ],
  },
  unnest: {
    'no list and an empty list give no row': [
      some({ kind: 'unnest', input: events, list: f('l'), as: 'i' }, 'n', 'i'),
      [event({ n: 1, l: { items: [5, 6, 5] } }), event({ n: 2, l: { items: [] } }), event({ n: 3 })],
      [
        [1, 5],
        [1, 6],
        [1, 5],
      ],
    ],
  },
  union: {
    'nothing is removed': [
      some({ kind: 'union', inputs: [events, others] }, 'n'),
      [event({ n: 1 }), other({ n: 1 })],
      [[1], [1]],
    ],
  },
  dedupe: {
    'the first by time': [
      dedupe('first', 'time'),
      [
        event({ t: 2, k: 'a', n: 1 }),
        event({ t: 1, k: 'a', n: 2 }),
        event({ t: 1, k: 'a', n: 3 }),
        event({ t: 9, n: 4 }),
      ],
      [[2], [4]],
    ],
    'of equal times the last to arrive': [
      dedupe('last', 'time'),
      [event({ t: 2, k: 'a', n: 1 }), event({ t: 2, k: 'a', n: 2 }), event({ t: 1, k: 'a', n: 3 })],
      [[2]],
    ],
    'by arrival': [
      dedupe('last', 'arrival'),
      [event({ t: 2, k: 'a', n: 1 }), event({ t: 1, k: 'a', n: 3 })],
      [[3]],
    ],
  },
  group: {
    'without keys there is a row only of some': [group(events, [], [counted]), [], []],
    'null is one key': [
      group(events, [key], [counted]),
      [event({}), event({}), event({ k: 'a' })],
      [
        [null, 2],
        ['a', 1],
      ],
    ],
    tumbling: [
      group(events, [w({ kind: 'tumbling', sizeMs: 10, ...grid })], [counted]),
      [event({ t: -1 }), event({ t: 0 }), event({ t: 9 })],
      [
        [windowed(-10, 0), 1],
        [windowed(0, 10), 2],
      ],
    ],
    hopping: [
      group(events, [w({ kind: 'hopping', sizeMs: 10, slideMs: 5, ...grid, offsetMs: 1 })], [counted]),
      [event({ t: 7 })],
      [
        [windowed(1, 11), 1],
        [windowed(6, 16), 1],
      ],
    ],
    cumulating: [
      group(events, [w({ kind: 'cumulating', sizeMs: 9, stepMs: 3, ...grid })], [counted]),
      [event({ t: 3 })],
      [
        [windowed(0, 6), 1],
        [windowed(0, 9), 1],
      ],
    ],
    'rows exactly a gap apart are one session': [
      group(events, [w({ kind: 'session', time: f('t'), gapMs: 10 }), key], [counted]),
      [event({ t: 20 }), event({ t: 0 }), event({ t: 10 }), event({ t: 31 }), event({ t: 5, k: 'a' })],
      [
        [windowed(0, 30), null, 3],
        [windowed(31, 41), null, 1],
        [windowed(5, 15), 'a', 1],
      ],
    ],
    'an argument is computed where the condition holds, and fails there': [
      group(
        events,
        [],
        [{ name: 's', fn: 'sum', arg: call('integerDividedBy', int(6), f('n')), where: f('b') }, counted],
      ),
      [event({ n: 2, b: true }), event({ n: 0, b: false }), event({ n: 0, b: true })],
      [[3, 2]],
    ],
    'a sum beyond 2^53 - 1 is no row': [
      group(events, [key], [{ name: 's', fn: 'sum', arg: f('n') }]),
      [event({ n: Number.MAX_SAFE_INTEGER }), event({ n: 1 }), event({ k: 'a', n: 1 })],
      [['a', 1]],
    ],
    'late for one window is not late for the next': [
      group(events, [w({ kind: 'hopping', sizeMs: 10, slideMs: 5, ...grid })], [counted]),
      // The watermark before the second event is 11: [0, 10) is over, [5, 15) is not.
      [event({ t: 16 }), event({ t: 7 })],
      [
        [windowed(10, 20), 1],
        [windowed(15, 25), 1],
        [windowed(5, 15), 1],
      ],
      { lateness: DROP },
    ],
    'the last millisecond of a window decides': [
      group(events, [w({ kind: 'tumbling', sizeMs: 10, ...grid }), { name: 'n', expr: f('n') }], [counted]),
      // Watermarks before: none, 8, 9.
      [event({ t: 13, n: 1 }), event({ t: 9, n: 2 }), event({ t: 14, n: 3 }), event({ t: 9, n: 4 })],
      [
        [windowed(10, 20), 1, 1],
        [windowed(0, 10), 2, 1],
        [windowed(10, 20), 3, 1],
      ],
      { lateness: DROP },
    ],
    'allowed lateness': [
      group(events, [w({ kind: 'tumbling', sizeMs: 10, ...grid })], [counted]),
      [event({ t: 16 }), event({ t: 9 }), event({ t: 17 }), event({ t: 9 })],
      [
        [windowed(10, 20), 2],
        [windowed(0, 10), 1],
      ],
      {
        lateness: { then: 'side-output', allowedMs: 3 },
      },
    ],
  },
  top: {
    'of equal rows the earlier arrival first': [
      some(
        {
          kind: 'top',
          input: events,
          partition: ['k'],
          order: [{ expr: f('x'), descending: true }],
          limit: 2,
          rank: 'place',
        },
        'n',
        'place',
      ),
      [
        event({ n: 1, x: 1 }),
        event({ n: 2, x: 2 }),
        event({ n: 3, x: 2 }),
        event({ n: 4, x: 2 }),
        event({ n: 5, k: 'a' }),
      ],
      [
        [2, 1],
        [3, 2],
        [5, 1],
      ],
    ],
    'null is the smallest': [
      some(
        {
          kind: 'top',
          input: events,
          partition: [],
          order: [{ expr: f('x'), descending: false }],
          limit: 1,
          rank: null,
        },
        'n',
      ),
      [event({ n: 1, x: -1 }), event({ n: 2 })],
      [[2]],
    ],
    'of rows that change content decides': [
      {
        kind: 'top',
        input: group(events, [key], [counted]),
        partition: [],
        order: [{ expr: f('c'), descending: false }],
        limit: 1,
        rank: null,
      },
      [event({ k: 'b' }), event({ k: 'a' })],
      [['a', 1]],
    ],
  },
  over: {
    'rows before, by time and then arrival': [
      over({ kind: 'rows', preceding: 1 }),
      [event({ t: 2, n: 1 }), event({ t: 1, n: 2 }), event({ t: 2, n: 4 })],
      [
        [2, 2],
        [1, 3],
        [4, 5],
      ],
    ],
    'a range with those of the same time': [
      over({ kind: 'range', precedingMs: 2 }),
      [event({ t: 2, n: 1 }), event({ t: 0, n: 2 }), event({ t: 2, n: 4 }), event({ t: 5, n: 8 })],
      [
        [2, 2],
        [1, 7],
        [4, 7],
        [8, 8],
      ],
    ],
    unbounded: [
      over({ kind: 'unbounded' }),
      [event({ t: 2, n: 1 }), event({ t: 0, n: 2 })],
      [
        [2, 2],
        [1, 3],
      ],
    ],
    'a late row is in no frame': [
      over({ kind: 'unbounded' }),
      [event({ t: 9, n: 1 }), event({ t: 4, n: 2 }), event({ t: 5, n: 4 })],
      [
        [1, 5],
        [4, 4],
      ],
      { lateness: DROP },
    ],
  },
  join: {
    'regular, null equals nothing': [
      join({ kind: 'regular', ttlMs: null }),
      [event({ k: 'a', n: 1 }), other({ k: 'a', n: 2 }), other({ n: 3 }), event({ n: 4 })],
      [[1, 2]],
    ],
    'a left join keeps the row whose pairs fail the condition': [
      join(
        { kind: 'regular', ttlMs: null },
        'left',
        call('gt', call('integerDividedBy', int(6), f('r')), int(2)),
      ),
      [event({ k: 'a', n: 1 }), other({ k: 'a', n: 0 }), other({ k: 'a', n: 9 })],
      [[1, null]],
    ],
    interval: [
      join({ kind: 'interval', lowerMs: -1, upperMs: 2 }),
      [event({ t: 5, k: 'a', n: 1 }), ...[3, 4, 7, 8].map((t) => other({ t, k: 'a', n: t }))],
      [
        [1, 4],
        [1, 7],
      ],
    ],
    temporal: [
      join({ kind: 'temporal' }, 'left'),
      [
        other({ t: 1, k: 'a', n: 10 }),
        other({ t: 3, k: 'a', n: 30 }),
        other({ t: 3, k: 'a', n: 31 }),
        event({ t: 0, k: 'a', n: 1 }),
        event({ t: 2, k: 'a', n: 2 }),
        event({ t: 3, k: 'a', n: 3 }),
        event({ t: 3, n: 4 }),
      ],
      [
        [1, null],
        [2, 10],
        [3, 31],
        [4, null],
      ],
    ],
    'lookup of what is there when the row comes': [
      lookup('left'),
      [
        event({ k: 'a', n: 1 }),
        named({ id: 'a', rate: 5 }),
        event({ k: 'a', n: 2 }),
        named({ id: 'a', rate: 6 }),
        event({ k: 'a', n: 3 }),
      ],
      [
        [1, null],
        [2, 5],
        [3, 6],
      ],
    ],
    'by window': [
      byWindow(),
      [
        event({ t: 1, k: 'a' }),
        event({ t: 2, k: 'a' }),
        other({ t: 9, k: 'a' }),
        event({ t: 11, k: 'a' }),
        other({ t: 1, k: 'b' }),
      ],
      [
        [2, 1],
        [1, null],
      ],
    ],
  },
};

function dedupe(keep: 'first' | 'last', by: 'time' | 'arrival'): PlanNode {
  return some({ kind: 'dedupe', input: events, keys: ['k'], keep, by, ttlMs: null }, 'n');
}

function over(frame: NodeOf<'over'>['frame']): PlanNode {
  return some(
    {
      kind: 'over',
      input: events,
      partition: ['k'],
      frame,
      aggregates: [{ name: 'total', fn: 'sum', arg: f('n') }],
    },
    'n',
    'total',
  );
}

function lookup(type: 'inner' | 'left'): PlanNode {
  return {
    kind: 'join',
    left: events,
    right: names,
    type,
    how: { kind: 'lookup' },
    on: [{ left: 'k', right: 'id' }],
    columns: [
      { side: 'left', from: 'n', name: 'n' },
      { side: 'right', from: 'rate', name: 'rate' },
    ],
    condition: null,
  };
}

function byWindow(): PlanNode {
  const side = (input: PlanNode): PlanNode =>
    group(
      input,
      [key, w({ kind: 'tumbling', sizeMs: 10, ...grid })],
      [{ name: 'n', fn: 'count', arg: null }],
    );
  const node = join({ kind: 'window' }, 'left', null, [side(events), side(others)]) as NodeOf<'join'>;
  return { ...node, on: [...node.on, { left: 'w', right: 'w' }] };
}

describe.each(Object.entries(EXAMPLES))('%s', (_, examples) => {
  test.each(Object.entries(examples))('%s', async (__, [node, log, rows, options]) => {
    const { plan, view } = planOf(node, options);
    const expected = rows.map((row) => JSON.stringify(row)).sort();
    expect(await exported(plan, view, log)).toEqual(expected);
    expect(streamed(plan, view, log)).toEqual(expected);
  });
});

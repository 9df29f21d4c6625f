/**
 * Random views of every kind of node. All rows have the columns of `EVENTS`, so that nodes can stand on each other; what the
 * rules of plans do not allow (a join that takes rows back, say) is left out when the plan is parsed.
 */
import * as fc from 'fast-check';
import type { Value } from '../../../runtime/src/data/value.ts';
import type { Expr } from '../../../runtime/src/expr/node.ts';
import type {
  AggregateCall,
  GroupKey,
  JoinHow,
  NodeOf,
  Plan,
  PlanNode,
  SourcePlan,
  ViewPlan,
  WindowPlan,
} from '../../../runtime/src/plan/node.ts';
import type { LoggedEvent } from './duckdb.ts';
import {
  call,
  event,
  events,
  EVENTS,
  f,
  group,
  int,
  map,
  named,
  names,
  other,
  others,
  planOf,
} from './plans.ts';

type Rows = fc.Arbitrary<PlanNode>;

const NAMES = EVENTS.fields.map(({ name }) => name);
const identity: Readonly<Record<string, Expr>> = Object.fromEntries(NAMES.map((name) => [name, f(name)]));
const keys = fc.constantFrom<readonly string[]>(['k'], ['k', 'b'], ['s'], []);
const someKeys = fc.constantFrom<readonly string[]>(['k'], ['k', 'b'], ['s']);

const predicate: fc.Arbitrary<Expr> = fc.constantFrom(
  call('gt', f('n'), int(1)),
  call('isNull', f('k')),
  f('b'),
  call('or', f('b'), call('gt', call('integerDividedBy', int(4), f('n')), int(1))),
);
const change: fc.Arbitrary<Readonly<Record<string, Expr>>> = fc.constantFrom<Readonly<Record<string, Expr>>>(
  { n: call('plus', f('n'), int(1)) },
  { n: call('integerDividedBy', int(12), f('n')), x: call('times', f('x'), f('x')) },
  { k: call('coalesce', f('k'), f('s')), b: call('gt', f('x'), f('n')) },
);

/** A side of a join, with the number from the right. */
const joined = (
  type: 'inner' | 'left',
  how: JoinHow,
  left: PlanNode,
  right: PlanNode,
  on: string,
  condition: Expr | null,
): PlanNode => ({
  kind: 'join',
  left,
  right,
  type,
  how,
  on: [{ left: on, right: on }],
  columns: NAMES.map((name) => ({ side: name === 'n' || name === 'm' ? 'right' : 'left', from: name, name })),
  condition,
});
const anyHow = fc.oneof(
  fc.constant<JoinHow>({ kind: 'regular', ttlMs: null }),
  fc
    .tuple(fc.integer({ min: -9, max: 3 }), fc.integer({ min: 0, max: 12 }))
    .map(([lowerMs, length]): JoinHow => ({ kind: 'interval', lowerMs, upperMs: lowerMs + length })),
  fc.constant<JoinHow>({ kind: 'temporal' }),
);
const lookedUp = (input: PlanNode, type: 'inner' | 'left', condition: Expr | null): PlanNode =>
  map(
    {
      kind: 'join',
      left: input,
      right: names,
      type,
      how: { kind: 'lookup' },
      on: [{ left: 'k', right: 'id' }],
      columns: [
        ...NAMES.map((name) => ({ side: 'left', from: name, name }) as const),
        { side: 'right', from: 'label', name: 'label' },
        { side: 'right', from: 'rate', name: 'rate' },
      ],
      condition,
    },
    { ...identity, n: f('rate'), s: f('label') },
  );
const condition = fc.constantFrom<Expr | null>(
  null,
  null,
  call('gt', f('n'), int(1)),
  call('gt', call('mod', int(7), f('n')), int(0)),
);

const numbers = fc.constantFrom(f('n'), f('x'), f('m'), call('integerDividedBy', int(12), f('n')));
const values = fc.constantFrom(f('n'), f('x'), f('m'), f('s'), f('b'), f('u'), f('k'), f('t'));
const anyAggregate: fc.Arbitrary<Omit<AggregateCall, 'name'>> = fc.oneof(
  fc.constant({ fn: 'count', arg: null } as const),
  values.map((arg) => ({ fn: 'count', arg }) as const),
  fc.tuple(fc.constantFrom('sum', 'avg'), numbers).map(([fn, arg]) => ({ fn, arg }) as const),
  fc.tuple(fc.constantFrom('min', 'max', 'countDistinct'), values).map(([fn, arg]) => ({ fn, arg }) as const),
  fc.tuple(fc.constantFrom('first', 'last'), values).map(([fn, arg]) => ({ fn, arg, by: f('t') }) as const),
  fc
    .tuple(fc.constantFrom('argMin', 'argMax'), values, values)
    .map(([fn, arg, by]) => ({ fn, arg, by }) as const),
  fc
    .tuple(numbers, fc.constantFrom(0, 0.25, 0.5, 0.9, 1))
    .map(([arg, fraction]) => ({ fn: 'percentile', arg, fraction }) as const),
  fc.constantFrom(f('n'), f('s'), f('b'), f('u')).map((arg) => ({ fn: 'collect', arg }) as const),
);
export const anyAggregates: fc.Arbitrary<AggregateCall[]> = fc
  .array(fc.tuple(anyAggregate, fc.option(predicate, { nil: undefined, freq: 2 })), {
    minLength: 1,
    maxLength: 3,
  })
  .map((calls) =>
    calls.map(([each, where], index) => ({
      ...each,
      name: `a${index}`,
      ...(where !== undefined && { where }),
    })),
  );

const anyFrame = fc.constantFrom<NodeOf<'over'>['frame']>(
  { kind: 'rows', preceding: 0 },
  { kind: 'rows', preceding: 2 },
  { kind: 'range', precedingMs: 8 },
  { kind: 'unbounded' },
);
const over = (rows: Rows): Rows =>
  fc
    .tuple(rows, keys, anyFrame, anyAggregates)
    .map(([input, partition, frame, aggregates]) => ({ kind: 'over', input, partition, frame, aggregates }));
const anyOrder = fc
  .array(
    fc.tuple(
      fc.constantFrom(f('n'), f('x'), f('s'), f('b'), call('integerDividedBy', int(12), f('n'))),
      fc.boolean(),
    ),
    { minLength: 1, maxLength: 2 },
  )
  .map((terms) => terms.map(([expr, descending]) => ({ expr, descending })));
const top = (rows: Rows, rank: fc.Arbitrary<string | null>): Rows =>
  fc
    .tuple(rows, keys, anyOrder, fc.integer({ min: 1, max: 3 }), rank)
    .map(([input, partition, order, limit, place]) => ({
      kind: 'top',
      input,
      partition,
      order,
      limit,
      rank: place,
    }));

/** Rows with the columns of `EVENTS`. */
const anyRows: Rows = fc.letrec<{ rows: PlanNode }>((tie) => {
  const rows = tie('rows');
  return {
    rows: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      { weight: 5, arbitrary: fc.constantFrom(events, events, others) },
      {
        weight: 1,
        arbitrary: fc
          .tuple(rows, predicate)
          .map(([input, each]) => ({ kind: 'filter', input, predicate: each })),
      },
      {
        weight: 1,
        arbitrary: fc.tuple(rows, change).map(([input, columns]) => map(input, { ...identity, ...columns })),
      },
      {
        weight: 1,
        arbitrary: rows.map((input) =>
          map({ kind: 'unnest', input, list: f('l'), as: 'item' }, { ...identity, n: f('item') }),
        ),
      },
      {
        weight: 1,
        arbitrary: fc
          .array(rows, { minLength: 2, maxLength: 3 })
          .map((inputs) => ({ kind: 'union', inputs })),
      },
      {
        weight: 2,
        arbitrary: fc
          .tuple(rows, someKeys, fc.constantFrom('first', 'last'), fc.constantFrom('time', 'arrival'))
          .map(([input, by, keep, order]) => ({
            kind: 'dedupe',
            input,
            keys: by,
            keep,
            by: order,
            ttlMs: null,
          })),
      },
      { weight: 1, arbitrary: top(rows, fc.constant(null)) },
      {
        weight: 2,
        arbitrary: fc
          .tuple(rows, rows, fc.constantFrom('inner', 'left'), anyHow, fc.constantFrom('k', 's'), condition)
          .map(([left, right, type, how, on, each]) => joined(type, how, left, right, on, each)),
      },
      {
        weight: 1,
        arbitrary: fc
          .tuple(rows, fc.constantFrom('inner', 'left'), condition)
          .map(([input, type, each]) => lookedUp(input, type, each)),
      },
      { weight: 1, arbitrary: over(rows).map((input) => map(input, identity)) },
    ) as Rows,
  };
}).rows;

const grid = fc.record({ offsetMs: fc.constantFrom(0, 3), zone: fc.constant(null) });
const anyWindow: fc.Arbitrary<WindowPlan> = fc.oneof(
  grid.map((each) => ({ kind: 'tumbling', time: f('t'), sizeMs: 10, ...each }) as const),
  grid.map((each) => ({ kind: 'hopping', time: f('t'), sizeMs: 12, slideMs: 4, ...each }) as const),
  grid.map((each) => ({ kind: 'cumulating', time: f('t'), sizeMs: 12, stepMs: 4, ...each }) as const),
  fc.constant({ kind: 'session', time: f('t'), gapMs: 6 } as const),
);
const anyKeys: fc.Arbitrary<GroupKey[]> = fc
  .tuple(
    fc.constantFrom<GroupKey[]>(
      [],
      [{ name: 'k', expr: f('k') }],
      [
        { name: 'k', expr: f('k') },
        { name: 'n', expr: call('mod', int(5), f('n')) },
      ],
    ),
    fc.option(anyWindow, { freq: 4 }),
    fc.boolean(),
  )
  .map(([plain, window, isFirst]) => {
    if (window === null) return plain;
    return isFirst ? [{ name: 'w', window }, ...plain] : [...plain, { name: 'w', window }];
  });
const grouped = fc
  .tuple(anyRows, anyKeys, anyAggregates)
  .map(([input, by, aggregates]) => group(input, by, aggregates));
const tumbling = {
  name: 'w',
  window: { kind: 'tumbling', time: f('t'), sizeMs: 10, offsetMs: 0, zone: null },
} as const;
const COUNTS: readonly AggregateCall[] = [
  { name: 'c', fn: 'count', arg: null },
  { name: 'n', fn: 'max', arg: f('n') },
];
const counted = anyRows.map((input) => group(input, [{ name: 'k', expr: f('k') }, tumbling], COUNTS));

/** What stands on groups. */
const onGroups: Rows = fc.oneof(
  counted.map((input) =>
    map(input, {
      k: f('k'),
      from: call('windowStart', f('w')),
      to: call('windowEnd', f('w')),
      c: call('plus', f('c'), f('n')),
    }),
  ),
  counted.map((input) => ({
    kind: 'top',
    input,
    partition: ['w'],
    order: [{ expr: f('c'), descending: true }],
    limit: 1,
    rank: 'place',
  })),
  counted.map((input) =>
    group(
      input,
      [{ name: 'w', expr: f('w') }],
      [
        { name: 'max', fn: 'max', arg: f('c') },
        { name: 'who', fn: 'argMax', arg: f('k'), by: f('c') },
        { name: 'all', fn: 'collect', arg: f('k') },
      ],
    ),
  ),
  counted.map((input) => ({ kind: 'dedupe', input, keys: ['w'], keep: 'last', by: 'arrival', ttlMs: null })),
  fc.tuple(counted, counted, fc.constantFrom('inner', 'left')).map(([left, right, type]) => ({
    kind: 'join',
    left,
    right,
    type,
    how: { kind: 'window' },
    on: [
      { left: 'w', right: 'w' },
      { left: 'k', right: 'k' },
    ],
    columns: [
      { side: 'left', from: 'w', name: 'w' },
      { side: 'left', from: 'k', name: 'k' },
      { side: 'left', from: 'c', name: 'c1' },
      { side: 'right', from: 'c', name: 'c2' },
    ],
    condition: null,
  })),
) as Rows;

const anyNode: Rows = fc.oneof(
  { weight: 2, arbitrary: anyRows },
  { weight: 3, arbitrary: grouped },
  { weight: 2, arbitrary: over(anyRows) },
  { weight: 1, arbitrary: top(anyRows, fc.constantFrom('place', null)) },
  { weight: 2, arbitrary: onGroups },
);

const anyLateness = fc.constantFrom<SourcePlan['lateness']>(
  { then: 'correct', allowedMs: 0 },
  { then: 'correct', allowedMs: 4 },
  { then: 'drop', allowedMs: 0 },
  { then: 'side-output', allowedMs: 4 },
);

/** A view, or null when the rules of plans do not allow it. */
export const anyView: fc.Arbitrary<{ plan: Plan; view: ViewPlan } | null> = fc
  .tuple(anyNode, fc.constantFrom('updates', 'final'), anyLateness)
  .map(([node, mode, lateness]) => {
    for (const each of [mode, 'updates'] as const) {
      try {
        return planOf(node, { mode: each, lateness });
      } catch (error) {
        if ((error as { code?: string }).code !== 'PLAN_INVALID') throw error;
      }
    }
    return null;
  });

const orNull = <T>(any: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(any, { freq: 5 });
/** Doubles are quarters: their sums are exact in any order. */
const anyValues = fc.record<Record<string, Value>>({
  t: fc.integer({ min: -10, max: 40 }),
  k: orNull(fc.constantFrom('a', 'b')),
  n: orNull(fc.integer({ min: 0, max: 4 })),
  x: orNull(fc.integer({ min: -8, max: 8 }).map((quarters) => quarters / 4)),
  m: orNull(fc.integer({ min: -300, max: 300 })),
  s: orNull(fc.constantFrom('x', 'y', 'z')),
  b: orNull(fc.boolean()),
  l: orNull(fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 2 }).map((items) => ({ items }))),
  u: orNull(fc.integer({ min: -5, max: 5 })),
});
const anyName: fc.Arbitrary<LoggedEvent> = fc
  .record<Record<string, Value>>({
    id: fc.constantFrom('a', 'b'),
    label: orNull(fc.constantFrom('x', 'y')),
    rate: orNull(fc.integer({ min: 0, max: 3 })),
  })
  .map((each) => named(each));
/** Most come in the order of their times. */
export const anyLog: fc.Arbitrary<LoggedEvent[]> = fc
  .tuple(
    fc.array(
      fc.oneof(
        { weight: 4, arbitrary: anyValues.map((each) => event(each)) },
        { weight: 2, arbitrary: anyValues.map((each) => other(each)) },
        { weight: 1, arbitrary: anyName },
      ),
      { maxLength: 25 },
    ),
    fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 25, maxLength: 25 }),
  )
  .map(([log, delays]) => {
    const timeOf = ({ source, row }: LoggedEvent): number => (source === 'names' ? 0 : (row[0] as number));
    return log
      .map((each, index) => ({ each, at: timeOf(each) + (delays[index] as number) }))
      .sort((a, b) => a.at - b.at)
      .map(({ each }) => each);
  });

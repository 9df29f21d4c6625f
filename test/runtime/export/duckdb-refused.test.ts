/** What SQL cannot say, each by its name and a reason. */
import { expect, test } from 'vitest';
import { type DuckDbQuery, exportDuckDb } from '../../../runtime/src/export/sql/duckdb.ts';
import type { Unsupported } from '../../../runtime/src/export/sql/unsupported.ts';
import type {
  AggregateCall,
  NodeOf,
  PlanNode,
  SourcePlan,
  WindowPlan,
} from '../../../runtime/src/plan/node.ts';
import { call, events, f, group, int, map, others, planOf, type PlanOptions } from './plans.ts';

const DROP: SourcePlan['lateness'] = { then: 'drop', allowedMs: 0 };
const key = { name: 'k', expr: f('k') };
const w = (window: WindowPlan) => ({ name: 'w', window });
const grid = { time: f('t'), offsetMs: 0, zone: null };
const counted: AggregateCall = { name: 'c', fn: 'count', arg: null };
const join = (ttlMs: number): PlanNode => ({
  kind: 'join',
  left: events,
  right: others,
  type: 'inner',
  how: { kind: 'regular', ttlMs },
  on: [{ left: 'k', right: 'k' }],
  columns: [{ side: 'left', from: 'n', name: 'n' }],
  condition: null,
});

const session = group(events, [w({ kind: 'session', time: f('t'), gapMs: 10 })], [counted]);
const REFUSED: Readonly<
  Record<
    string,
    {
      readonly node: PlanNode;
      readonly options?: PlanOptions;
      readonly problem: Omit<Unsupported, 'reason'>;
      readonly without?: 'position' | 'watermark';
    }
  >
> = {
  'a pattern': {
    node: {
      kind: 'pattern',
      input: events,
      partition: ['k'],
      steps: [
        { name: 'a', predicate: f('b') },
        { name: 'b', predicate: f('b') },
      ],
      withinMs: 10,
      columns: [{ name: 'n', step: 'a', expr: f('n') }],
    },
    problem: { node: 'pattern', what: 'steps' },
  },
  'an estimate': {
    node: group(events, [], [{ name: 'a', fn: 'approxCountDistinct', arg: f('k') }]),
    problem: { node: 'group', what: 'approxCountDistinct' },
  },
  'a group with a time-to-live': {
    node: { ...(group(events, [key], [counted]) as NodeOf<'group'>), ttlMs: 10 },
    problem: { node: 'group', what: 'ttl' },
  },
  'a dedupe with a time-to-live': {
    node: { kind: 'dedupe', input: events, keys: ['k'], keep: 'first', by: 'arrival', ttlMs: 10 },
    problem: { node: 'dedupe', what: 'ttl' },
  },
  'a join with a time-to-live': {
    node: join(10),
    problem: { node: 'join', what: 'ttl' },
  },
  'late rows of sessions': {
    node: session,
    options: { lateness: DROP },
    problem: { node: 'group', what: 'late rows of sessions' },
  },
  'late rows without a watermark': {
    node: group(events, [w({ kind: 'tumbling', sizeMs: 10, ...grid })], [counted]),
    options: { lateness: DROP },
    without: 'watermark',
    problem: { node: 'group', what: 'late rows' },
  },
  'ties without a position': {
    node: { kind: 'dedupe', input: events, keys: ['k'], keep: 'first', by: 'time', ttlMs: null },
    without: 'position',
    problem: { node: 'dedupe', what: 'ties' },
  },
  'a group that may be empty or not': {
    node: map(events, {
      v: call('regexpExtract', f('s'), { kind: 'literal', type: 'string', value: '(a*)|b' }, int(1)),
    }),
    problem: { node: 'map', what: 'regexpExtract' },
  },
  'names that differ in their case alone': {
    node: map(events, { a: f('n'), A: f('k') }),
    problem: { node: 'map', what: 'columns a and A' },
  },
};

function exportOf({ node, options, without }: (typeof REFUSED)[string]): DuckDbQuery {
  const { plan, view } = planOf(node, options);
  const table = {
    kind: 'table',
    position: without === undefined || without === 'watermark',
    watermark: without === undefined ? 'column' : 'unknown',
  } as const;
  return exportDuckDb(
    plan,
    view,
    Object.fromEntries(plan.sources.map(({ name }) => [name, { ...table, name }])),
  );
}

test.each(Object.entries(REFUSED))('refused: %s', (_, refused) => {
  const query = exportOf(refused);
  expect(query).toMatchObject({ unsupported: [refused.problem] });
});

test('everything that cannot be said is said at once', () => {
  const { plan, view } = planOf(
    group(
      { kind: 'dedupe', input: events, keys: ['k'], keep: 'first', by: 'arrival', ttlMs: 10 },
      [],
      [{ name: 'a', fn: 'approxCountDistinct', arg: f('k') }],
    ),
  );
  const query = exportDuckDb(plan, view, {
    events: { kind: 'table', name: 'events', position: true, watermark: 'column' },
  });
  expect(query).toMatchObject({ unsupported: [{ node: 'dedupe' }, { node: 'group' }] });
});

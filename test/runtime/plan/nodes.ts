/** Small nodes over three sources, for plans that a test says in a line: flights, gates and a table of airports. */
import { parsePlan } from '../../../runtime/src/plan/parse.ts';
import type {
  AggregateCall,
  DedupeNode,
  GroupKey,
  GroupNode,
  JoinHow,
  JoinNode,
  OverNode,
  PatternNode,
  PlanNode,
  ProcessNode,
  TopNode,
  ViewMode,
  WindowPlan,
} from '../../../runtime/src/plan/node.ts';
import { expect } from 'vitest';
import type { Expr } from '../../../runtime/src/expr/node.ts';

const TIMES = {
  watermark: { delayMs: 0, idleAfterMs: null, futureMs: 1000 },
  lateness: { allowedMs: 0, then: 'drop' },
};

export const SOURCES = [
  {
    name: 'flights',
    fields: [
      { name: 'origin', type: 'string', nullable: false },
      { name: 'scheduled', type: 'timestamp', nullable: false },
      { name: 'delay', type: 'integer', nullable: true },
      { name: 'tags', type: 'list', nullable: false, item: 'string' },
      { name: 'price', type: 'decimal', nullable: false, scale: 2 },
    ],
    eventTime: ['scheduled'],
    ...TIMES,
  },
  {
    name: 'gates',
    fields: [
      { name: 'gate', type: 'string', nullable: false, path: ['at', 'gate'] },
      { name: 'opened', type: 'timestamp', nullable: true, format: 'sql' },
      { name: 'closed', type: 'timestamp', nullable: true, format: 'iso' },
    ],
    eventTime: ['opened', 'closed'],
    ...TIMES,
  },
  {
    name: 'airports',
    fields: [
      { name: 'code', type: 'string', nullable: false },
      { name: 'runways', type: 'integer', nullable: false },
    ],
    eventTime: [],
    ...TIMES,
  },
];

export const FUNCTIONS = [
  { name: 'shout', kind: 'scalar', digest: 'a' },
  { name: 'watch', kind: 'process', digest: 'b' },
];

/** A plan of one view. */
export function planOf(node: unknown, mode: ViewMode = 'updates'): Record<string, unknown> {
  return {
    version: 1,
    name: 'departures',
    sources: SOURCES,
    functions: FUNCTIONS,
    views: [{ name: 'v', mode, node }],
  };
}

export const field = (name: string): Expr => ({ kind: 'field', name });
export const flights: PlanNode = { kind: 'source', source: 'flights' };
export const gates: PlanNode = { kind: 'source', source: 'gates' };
export const airports: PlanNode = { kind: 'source', source: 'airports' };

export function filter(input: PlanNode, predicate?: Expr): PlanNode {
  return {
    kind: 'filter',
    input,
    predicate: predicate ?? { kind: 'literal', type: 'boolean', value: true },
  };
}

/** Columns under their names, or `name=column`. */
export function map(
  input: PlanNode,
  ...columns: readonly (string | { name: string; expr: Expr })[]
): PlanNode {
  return {
    kind: 'map',
    input,
    columns: columns.map((column) => {
      if (typeof column !== 'string') return column;
      const [name = '', from = name] = column.split('=');
      return { name, expr: field(from) };
    }),
  };
}

export const HOUR: WindowPlan = {
  kind: 'tumbling',
  time: field('scheduled'),
  sizeMs: 3_600_000,
  offsetMs: 0,
  zone: null,
};

export const count: AggregateCall = { name: 'n', fn: 'count', arg: null };

export function group(
  input: PlanNode,
  keys: readonly (string | GroupKey)[],
  change: Partial<GroupNode> = {},
): PlanNode {
  return {
    kind: 'group',
    input,
    keys: keys.map((key) => (typeof key === 'string' ? { name: key, expr: field(key) } : key)),
    aggregates: [count],
    ttlMs: null,
    ...change,
  };
}

/** Flights by origin and window. */
export function windowed(window: object = {}, change: Partial<GroupNode> = {}): PlanNode {
  return group(flights, ['origin', { name: 'window', window: { ...HOUR, ...window } as WindowPlan }], change);
}

export function dedupe(input: PlanNode, change: Partial<DedupeNode> = {}): PlanNode {
  return { kind: 'dedupe', input, keys: ['origin'], keep: 'first', by: 'arrival', ttlMs: null, ...change };
}

export function top(input: PlanNode, change: Partial<TopNode> = {}): PlanNode {
  const order = [{ expr: field('origin'), descending: true }];
  return { kind: 'top', input, partition: ['origin'], order, limit: 3, rank: null, ...change };
}

export function over(input: PlanNode, change: Partial<OverNode> = {}): PlanNode {
  const frame = { kind: 'unbounded' } as const;
  return { kind: 'over', input, partition: ['origin'], frame, aggregates: [count], ...change };
}

export function join(
  left: PlanNode,
  right: PlanNode,
  how: JoinHow,
  change: Partial<JoinNode> = {},
): PlanNode {
  return {
    kind: 'join',
    left,
    right,
    type: 'inner',
    how,
    on: [{ left: 'origin', right: 'origin' }],
    columns: [
      { side: 'left', from: 'origin', name: 'origin' },
      { side: 'right', from: 'origin', name: 'other' },
    ],
    condition: null,
    ...change,
  };
}

export function pattern(input: PlanNode, change: Partial<PatternNode> = {}): PlanNode {
  const isTrue: Expr = { kind: 'literal', type: 'boolean', value: true };
  return {
    kind: 'pattern',
    input,
    partition: ['origin'],
    steps: [
      { name: 'a', predicate: isTrue },
      { name: 'b', predicate: isTrue },
    ],
    withinMs: 1000,
    columns: [{ name: 'at', step: 'a', expr: field('scheduled') }],
    ...change,
  };
}

export function process(input: PlanNode, change: Partial<ProcessNode> = {}): PlanNode {
  return {
    kind: 'process',
    input,
    function: 'watch',
    keys: ['origin'],
    columns: [{ name: 'seen', type: 'integer', nullable: false }],
    ...change,
  };
}

/** What is said about the view; empty when it is allowed. */
export function problemsOf(node: PlanNode, mode: ViewMode = 'updates'): string {
  try {
    parsePlan(planOf(node, mode));
    return '';
  } catch (error) {
    expect(error).toMatchObject({ code: 'PLAN_INVALID', exitCode: 2 });
    return (error as Error).message;
  }
}

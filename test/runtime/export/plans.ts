/** Plans written by hand: sources of a few fields, and short names for nodes and expressions. */
import type { Value } from '../../../runtime/src/data/value.ts';
import type { Expr, FunctionName } from '../../../runtime/src/expr/node.ts';
import type {
  AggregateCall,
  GroupNode,
  Plan,
  PlanNode,
  SourcePlan,
  ViewMode,
  ViewPlan,
} from '../../../runtime/src/plan/node.ts';
import { parsePlan } from '../../../runtime/src/plan/parse.ts';
import type { LoggedEvent } from './duckdb.ts';

export const f = (name: string): Expr => ({ kind: 'field', name });
export const call = (fn: FunctionName, ...args: Expr[]): Expr => ({ kind: 'call', fn, args });
export const text = (value: string): Expr => ({ kind: 'literal', type: 'string', value });
export const int = (value: number): Expr => ({ kind: 'literal', type: 'integer', value });
export const dbl = (value: number): Expr => ({ kind: 'literal', type: 'double', value });
export const dec = (value: number, scale: number): Expr => ({
  kind: 'literal',
  type: 'decimal',
  value,
  scale,
});

/** `t` is the event time; everything else may be null but the key. */
export const EVENTS: SourcePlan = {
  name: 'events',
  fields: [
    { name: 't', type: 'timestamp', nullable: false },
    { name: 'k', type: 'string', nullable: true },
    { name: 'n', type: 'integer', nullable: true },
    { name: 'x', type: 'double', nullable: true },
    { name: 'm', type: 'decimal', nullable: true, scale: 2 },
    { name: 's', type: 'string', nullable: true },
    { name: 'b', type: 'boolean', nullable: true },
    { name: 'l', type: 'list', nullable: true, item: 'integer' },
    { name: 'u', type: 'timestamp', nullable: true },
  ],
  eventTime: ['t'],
  watermark: { delayMs: 5, idleAfterMs: null, futureMs: 3_600_000 },
  lateness: { allowedMs: 0, then: 'correct' },
};

export const OTHERS: SourcePlan = { ...EVENTS, name: 'others' };

/** Rows without a time, looked up by `id`. */
export const TABLE: SourcePlan = {
  ...EVENTS,
  name: 'names',
  fields: [
    { name: 'id', type: 'string', nullable: false },
    { name: 'label', type: 'string', nullable: true },
    { name: 'rate', type: 'integer', nullable: true },
  ],
  eventTime: [],
};

export const events: PlanNode = { kind: 'source', source: 'events' };
export const others: PlanNode = { kind: 'source', source: 'others' };
export const names: PlanNode = { kind: 'source', source: 'names' };

export interface PlanOptions {
  readonly mode?: ViewMode;
  readonly sources?: readonly SourcePlan[];
  /** For all sources. */
  readonly lateness?: SourcePlan['lateness'];
}

/** A plan with one view, checked as one from outside. */
export function planOf(
  node: PlanNode,
  { mode = 'updates', sources = [EVENTS, OTHERS, TABLE], lateness }: PlanOptions = {},
): { plan: Plan; view: ViewPlan } {
  const plan = parsePlan({
    version: 1,
    name: 'p',
    sources: lateness === undefined ? sources : sources.map((source) => ({ ...source, lateness })),
    functions: [],
    views: [{ name: 'v', mode, node }],
  });
  return { plan, view: plan.views[0] as ViewPlan };
}

/** An event of `events` by the values of some fields; `t` is 0 and the others are null unless told. */
export function event(values: Readonly<Record<string, Value>>, source: SourcePlan = EVENTS): LoggedEvent {
  const row = source.fields.map(({ name }) => values[name] ?? (name === 't' ? 0 : null));
  return { source: source.name, row };
}

export const other = (values: Readonly<Record<string, Value>>): LoggedEvent => event(values, OTHERS);
export const named = (values: Readonly<Record<string, Value>>): LoggedEvent => event(values, TABLE);

export function map(input: PlanNode, columns: Readonly<Record<string, Expr>>): PlanNode {
  return { kind: 'map', input, columns: Object.entries(columns).map(([name, expr]) => ({ name, expr })) };
}

export function group(
  input: PlanNode,
  keys: GroupNode['keys'],
  aggregates: readonly AggregateCall[],
): PlanNode {
  return { kind: 'group', input, keys, aggregates, ttlMs: null };
}

/**
 * How the events of a view can be divided among workers so that no two of them ever need each other's rows: every node
 * with memory brings only rows together that have one value of a column, and that column comes unchanged from the source.
 *
 *   group by bidder ◄─ map bidder ◄─ filter ◄─ source          by bid_bidder
 *   join seller = id ◄─┬─ filter type = auction ◄─ source      by auction_seller where type = auction,
 *                      └─ filter type = person  ◄─ source      by person_id where type = person
 *
 * A source that is read along several ways by different columns needs filters right behind it that tell its events apart.
 * Tables that are looked up go everywhere. Where nothing is remembered an event may go anywhere.
 */
import type { Expr } from '../expr/node.ts';
import { inferColumns } from '../plan/infer.ts';
import {
  applyTable,
  type NodeOf,
  type Plan,
  type PlanNode,
  type PlanTable,
  type ViewPlan,
} from '../plan/node.ts';
import { inputsOf, isWindowKey, nodesOf } from '../plan/walk.ts';
import { type Gate, pinnedValuesOf } from './gate.ts';

/** Where the events of a source go. What no case takes nobody keeps; it goes to the first worker. */
export type Route =
  | { readonly kind: 'anywhere' }
  | { readonly kind: 'everywhere' }
  | { readonly kind: 'by'; readonly cases: readonly RouteCase[] };

export interface RouteCase {
  /** Null: every event. */
  readonly when: Gate | null;
  readonly column: string;
}

export type Partition = ReadonlyMap<string, Route>;

/** What one way from a source asks for: its rows by a column, anywhere, or everywhere. */
interface Demand {
  readonly source: string;
  /** Of the filter right behind the source. */
  readonly condition: Expr | null;
  readonly to: { readonly column: string } | 'anywhere' | 'everywhere';
}

interface Want {
  readonly plan: Plan;
  /** The column of which each value must be in one place; null: none that follows remembers. */
  readonly column: string | null;
}

type Demands = readonly Demand[];

/** Every way to meet a want, the ones by the first keys first. */
const WAYS: PlanTable<Iterable<Demands>, Want> = {
  source: (node, want) => fromSource(node, want, null),
  filter: (node, want) =>
    node.input.kind === 'source' ? fromSource(node.input, want, node.predicate) : ways(node.input, want),
  map: (node, { plan, column }) => {
    if (column === null) return ways(node.input, { plan, column });
    const passed = passedBy(node.columns.find(({ name }) => name === column)?.expr);
    return passed === null ? [] : ways(node.input, { plan, column: passed });
  },
  unnest: (node, want) => (want.column === node.as ? [] : ways(node.input, want)),
  union: (node, want) => node.inputs.map((input) => [...ways(input, want)]).reduce(pairs, [[]]),
  dedupe: (node, want) => byOneOf(node.keys, node.input, want),
  group: function* (node, { plan, column }) {
    for (const key of node.keys) {
      const passed = isWindowKey(key) ? null : passedBy(key.expr);
      if (passed !== null && (column === null || column === key.name))
        yield* ways(node.input, { plan, column: passed });
    }
  },
  top: (node, want) =>
    want.column === node.rank && node.rank !== null ? [] : byOneOf(node.partition, node.input, want),
  over: (node, want) => byOneOf(node.partition, node.input, want),
  join: (node, want) => (node.how.kind === 'lookup' ? lookup(node, want) : joined(node, want)),
  pattern: (node, want) => byOneOf(node.partition, node.input, want),
  // What a process function emits need not have its key.
  process: (node, want) => (want.column === null ? byOneOf(node.keys, node.input, want) : []),
};

function ways(node: PlanNode, want: Want): Iterable<Demands> {
  return applyTable(WAYS, node, want);
}

function fromSource({ source }: NodeOf<'source'>, { column }: Want, condition: Expr | null): Demands[] {
  return [[{ source, condition, to: column === null ? 'anywhere' : { column } }]];
}

/** Of nodes whose keys are columns of their input that pass unchanged. */
function* byOneOf(keys: readonly string[], input: PlanNode, { plan, column }: Want): Iterable<Demands> {
  for (const key of keys) if (column === null || column === key) yield* ways(input, { plan, column: key });
}

function* joined(node: NodeOf<'join'>, { plan, column }: Want): Iterable<Demands> {
  const typeOf = (side: PlanNode, name: string): string => {
    const found = inferColumns(plan, side).find((candidate) => candidate.name === name);
    return `${found?.type} ${found?.scale}`;
  };
  for (const { left, right } of node.on) {
    const leaves = node.columns.some(
      ({ side, from, name }) =>
        name === column && (side === 'left' ? from === left : from === right && node.type === 'inner'),
    );
    if (column !== null && !leaves) continue;
    // Equal numbers of two types need not look alike.
    if (typeOf(node.left, left) !== typeOf(node.right, right)) continue;
    yield* pairs(
      [...ways(node.left, { plan, column: left })],
      [...ways(node.right, { plan, column: right })],
    );
  }
}

function* lookup(node: NodeOf<'join'>, { plan, column }: Want): Iterable<Demands> {
  const leaving = node.columns.find(({ name }) => name === column);
  if (column !== null && leaving?.side !== 'left') return;
  const tables = nodesOf(node.right).flatMap((each): Demand[] =>
    each.kind === 'source' ? [{ source: each.source, condition: null, to: 'everywhere' }] : [],
  );
  for (const demands of ways(node.left, { plan, column: leaving?.from ?? null }))
    yield [...demands, ...tables];
}

/** The column whose value an expression is. */
function passedBy(expr: Expr | undefined): string | null {
  if (expr?.kind === 'field') return expr.name;
  return expr?.kind === 'call' && expr.fn === 'required' ? passedBy(expr.args[0]) : null;
}

const WAYS_MAX = 1000;

function pairs(some: readonly Demands[], others: readonly Demands[]): Demands[] {
  return some.flatMap((one) => others.map((other) => [...one, ...other])).slice(0, WAYS_MAX);
}

/** Where the events of each source of a view go, or why one worker must have them all. */
export function partitionOf(plan: Plan, view: ViewPlan): Partition | { readonly undivided: string } {
  for (const demands of ways(view.node, { plan, column: null })) {
    const partition = agreed(demands);
    if (partition !== null) return partition;
  }
  return { undivided: reasonOf(plan, view.node) };
}

function agreed(demands: Demands): Partition | null {
  const partition = new Map<string, Route>();
  for (const source of new Set(demands.map((demand) => demand.source))) {
    const route = routeOf(demands.filter((demand) => demand.source === source));
    if (route === null) return null;
    partition.set(source, route);
  }
  return partition;
}

function routeOf(demands: Demands): Route | null {
  if (demands.some(({ to }) => to === 'everywhere'))
    return demands.every(({ to }) => to === 'everywhere') ? { kind: 'everywhere' } : null;
  const byColumn = grouped(demands);
  const [only, second] = byColumn.keys();
  if (only === undefined) return { kind: 'anywhere' };
  if (second === undefined) return { kind: 'by', cases: [{ when: null, column: only }] };
  const pinned = [...byColumn].map(([column, conditions]) => ({
    column,
    values: conditions.map((condition) =>
      condition === null ? new Map<string, Gate['values']>() : pinnedValuesOf(condition),
    ),
  }));
  for (const field of pinned[0]?.values[0]?.keys() ?? []) {
    const cases = pinned.map(({ column, values }): RouteCase | null =>
      values.every((each) => each.has(field))
        ? { column, when: { field, values: [...new Set(values.flatMap((each) => each.get(field) ?? []))] } }
        : null,
    );
    if (!cases.every((each) => each !== null)) continue;
    const all = cases.flatMap(({ when }) => when?.values ?? []);
    if (new Set(all).size === all.length) return { kind: 'by', cases };
  }
  return null;
}

function grouped(demands: Demands): ReadonlyMap<string, (Expr | null)[]> {
  const byColumn = new Map<string, (Expr | null)[]>();
  for (const { to, condition } of demands) {
    if (typeof to === 'string') continue;
    byColumn.set(to.column, [...(byColumn.get(to.column) ?? []), condition]);
  }
  return byColumn;
}

/** The first node, from the sources on, whose rows cannot be divided. */
function reasonOf(plan: Plan, root: PlanNode): string {
  const isDivided = (node: PlanNode): boolean => {
    for (const demands of ways(node, { plan, column: null })) if (agreed(demands) !== null) return true;
    return false;
  };
  const node = nodesOf(root).find((each) => !isDivided(each)) ?? root;
  const keys = applyTable(KEYS, node, undefined);
  const what = keys.length === 0 ? node.kind : `${node.kind} by ${keys.join(', ')}`;
  if (node.kind !== 'union' && keys.length === 0) return `${what}: it has no key, so all rows meet`;
  const below = nodesOf(node).filter((each) => each !== node && applyTable(KEYS, each, undefined).length > 0);
  return below.length === 0 && inputsOf(node).length < 2
    ? `${what}: no key is a column of the source, passed on unchanged`
    : `${what}: rows with one key come from events that other keys, or different columns of one source, keep apart`;
}

/** By what the rows of a node meet; nothing where none is remembered. */
const KEYS: PlanTable<readonly string[]> = {
  source: () => [],
  filter: () => [],
  map: () => [],
  unnest: () => [],
  union: () => [],
  dedupe: (node) => node.keys,
  group: (node) => node.keys.map(({ name }) => name),
  top: (node) => node.partition,
  over: (node) => node.partition,
  join: (node) => (node.how.kind === 'lookup' ? [] : node.on.map(({ left }) => left)),
  pattern: (node) => node.partition,
  process: (node) => node.keys,
};

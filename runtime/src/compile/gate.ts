/**
 * Which events of a source a plan wants at all, when one field decides it: the scanner then reads no more of the others than
 * their time. Every way from the source must begin with a filter that says so.
 */
import type { Expr } from '../expr/node.ts';
import type { Plan, PlanNode } from '../plan/node.ts';
import { inputsOf, nodesOf } from '../plan/walk.ts';

export interface Gate {
  readonly field: string;
  readonly values: readonly (string | number | boolean)[];
}

type Values = ReadonlyMap<string, readonly Gate['values'][number][]>;

export function gateOf(plan: Plan, source: string): Gate | null {
  const conditions = plan.views.flatMap(({ node }) => firstFilters(node, source));
  const [first, ...others] = conditions.map((condition) =>
    condition === null ? new Map() : pinnedValuesOf(condition),
  );
  for (const [field, values] of (first as Values | undefined) ?? []) {
    const all = others.map((other: Values) => other.get(field));
    if (all.every((each) => each !== undefined))
      return { field, values: [...new Set([...values, ...all.flatMap((each) => each ?? [])])] };
  }
  return null;
}

/** What the users of a source keep of it; null for one that keeps everything. */
function firstFilters(root: PlanNode, source: string): (Expr | null)[] {
  if (root.kind === 'source') return root.source === source ? [null] : [];
  return nodesOf(root).flatMap((node) =>
    inputsOf(node)
      .filter((input) => input.kind === 'source' && input.source === source)
      .map(() => (node.kind === 'filter' ? node.predicate : null)),
  );
}

/** The values that a field must have for a condition to be true, for each field that it pins down. */
export function pinnedValuesOf(condition: Expr): Values {
  if (condition.kind !== 'call') return new Map();
  const [left, right] = condition.args;
  if (left === undefined || right === undefined) return new Map();
  if (condition.fn === 'eq') {
    const isPinned = left.kind === 'field' && right.kind === 'literal' && right.value !== null;
    return isPinned && right.type !== 'decimal' && right.type !== 'timestamp'
      ? new Map([[left.name, [right.value]]])
      : new Map();
  }
  const [one, two] = [pinnedValuesOf(left), pinnedValuesOf(right)];
  if (condition.fn === 'and') return new Map([...two, ...one]);
  if (condition.fn !== 'or') return new Map();
  const both = [...one].filter(([field]) => two.has(field));
  return new Map(both.map(([field, values]) => [field, [...values, ...(two.get(field) ?? [])]]));
}

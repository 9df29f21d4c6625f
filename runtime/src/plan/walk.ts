/** Ways through a plan. A node that several others use is one object, so it is met once. */
import { isTable } from './event-time.ts';
import type { Expr } from '../expr/node.ts';
import {
  type AggregateCall,
  applyTable,
  type GroupKey,
  type Plan,
  type PlanNode,
  type PlanTable,
  type SourcePlan,
  type WindowPlan,
} from './node.ts';

const INPUTS: PlanTable<readonly PlanNode[]> = {
  source: () => [],
  filter: (node) => [node.input],
  map: (node) => [node.input],
  unnest: (node) => [node.input],
  union: (node) => node.inputs,
  dedupe: (node) => [node.input],
  group: (node) => [node.input],
  top: (node) => [node.input],
  over: (node) => [node.input],
  join: (node) => [node.left, node.right],
  pattern: (node) => [node.input],
  process: (node) => [node.input],
};

/** The nodes whose rows a node takes; of a join the left one, then the right one. */
export function inputsOf(node: PlanNode): readonly PlanNode[] {
  return applyTable(INPUTS, node, undefined);
}

/** A node and all below it, each once, inputs before those who use them. */
export function nodesOf(node: PlanNode): readonly PlanNode[] {
  const nodes = new Set<PlanNode>();
  const visit = (each: PlanNode): void => {
    if (nodes.has(each)) return;
    for (const input of inputsOf(each)) visit(input);
    nodes.add(each);
  };
  visit(node);
  return [...nodes];
}

const EXPRS: PlanTable<readonly Expr[]> = {
  source: () => [],
  filter: (node) => [node.predicate],
  map: (node) => node.columns.map(({ expr }) => expr),
  unnest: (node) => [node.list],
  union: () => [],
  dedupe: () => [],
  group: (node) => [
    ...node.keys.map((key) => (isWindowKey(key) ? key.window.time : key.expr)),
    ...node.aggregates.flatMap(exprsOfAggregate),
  ],
  top: (node) => node.order.map(({ expr }) => expr),
  over: (node) => node.aggregates.flatMap(exprsOfAggregate),
  join: (node) => (node.condition === null ? [] : [node.condition]),
  pattern: (node) => [
    ...node.steps.map(({ predicate }) => predicate),
    ...node.columns.map(({ expr }) => expr),
  ],
  process: () => [],
};

function exprsOfAggregate({ arg, by, where }: AggregateCall): Expr[] {
  return [arg, by, where].filter((expr) => expr !== undefined && expr !== null);
}

/** The expressions that a node evaluates. */
export function exprsOf(node: PlanNode): readonly Expr[] {
  return applyTable(EXPRS, node, undefined);
}

/** The names of the functions of the definition that an expression calls. */
export function functionsOf(expr: Expr): readonly string[] {
  if (expr.kind === 'field' || expr.kind === 'literal') return [];
  return [...(expr.kind === 'udf' ? [expr.name] : []), ...expr.args.flatMap(functionsOf)];
}

/** A text that two nodes share when they compute the same from the same sources. `parsePlan` makes such nodes one object. */
export function nameOfPlan(node: PlanNode): string {
  return JSON.stringify(node);
}

/** The sources and tables that a node reads, each once. A name that the plan does not have is left out. */
export function sourcesOf(plan: Plan, node: PlanNode): readonly SourcePlan[] {
  const names = new Set(nodesOf(node).flatMap((each) => (each.kind === 'source' ? [each.source] : [])));
  return [...names].flatMap((name) => plan.sources.find((source) => source.name === name) ?? []);
}

/** Whether all that a node reads are tables. */
export function isOfTables(plan: Plan, node: PlanNode): boolean {
  return sourcesOf(plan, node).every(isTable);
}

export type WindowKey = Extract<GroupKey, { window: WindowPlan }>;

export function isWindowKey(key: GroupKey): key is WindowKey {
  return 'window' in key;
}

/** What must hold of a join: equal types, time where time decides, tables where they are looked up, bounded memory. */
import { type Column, typeName } from '../data/value.ts';
import { isKeyType } from './aggregates.ts';
import { eventTimeOf, inferColumns } from './infer.ts';
import { inferExpr } from '../expr/evaluate.ts';
import type { JoinHow, NodeOf, Plan, PlanNode, ViewMode } from './node.ts';
import { isAppendOnly, isOfEvents, windowColumnOf } from './traits.ts';
import { isOfTables, nodesOf } from './walk.ts';

interface JoinContext {
  readonly plan: Plan;
  readonly mode: ViewMode;
  readonly left: readonly Column[];
  readonly right: readonly Column[];
}

type HowTable = {
  readonly [K in JoinHow['kind']]: (
    node: NodeOf<'join'>,
    context: JoinContext,
    how: Extract<JoinHow, { kind: K }>,
  ) => readonly string[];
};

const HOW: HowTable = {
  regular: (node, { mode, left, right }, { ttlMs }) => {
    if (ttlMs === null) return [];
    const takesBack = [node.left, node.right].some((side) => !isAppendOnly(side, mode));
    if (takesBack)
      return [
        "join: a time-to-live needs sides that take no rows back; put it before them, or say ttl: 'forever'",
      ];
    const timeless = [
      [node.left, left],
      [node.right, right],
    ] as const;
    return timeless.flatMap(([side, columns]) =>
      isOfEvents(side)
        ? []
        : timeProblems('join with a time-to-live', side === node.left ? 'left' : 'right', columns),
    );
  },
  window: (node) => {
    const [left, right] = [windowColumnOf(node.left), windowColumnOf(node.right)];
    return node.on.some((pair) => left !== null && pair.left === left && pair.right === right)
      ? []
      : ['join by window: both sides need to be groups by a window, and `on` their pair of windows'];
  },
  interval: (node, context, { lowerMs, upperMs }) => [
    ...timed('join by interval', node, context),
    ...(lowerMs <= upperMs ? [] : ['join by interval: it ends before it begins']),
  ],
  temporal: (node, context) => timed('temporal join', node, context),
  lookup: (node, { plan, mode }) => {
    const isTable =
      isOfTables(plan, node.right) &&
      nodesOf(node.right).every(({ kind }) => kind === 'source' || kind === 'filter' || kind === 'map');
    if (isTable && !isAppendOnly(node.left, mode))
      return ['lookup join: the left side takes rows back; put the join before the step that does'];
    if (isTable && !isOfEvents(node.left))
      return [
        'lookup join: the left side waits for time, so that it would look up whatever is there by then; put the join before the step that waits',
      ];
    return isTable
      ? []
      : [
          "lookup join: the right side must be a table, at most filtered and mapped; say how: 'temporal' for a stream",
        ];
  },
};

function timed(what: string, node: NodeOf<'join'>, { mode, left, right }: JoinContext): string[] {
  const sides = [
    ['left', left, node.left],
    ['right', right, node.right],
  ] as const;
  return sides.flatMap(([side, columns, input]) => {
    if (isAppendOnly(input, mode)) return timeProblems(what, side, columns);
    return [`${what}: the ${side} side takes rows back; put the join before the step that does`];
  });
}

function timeProblems(what: string, side: string, columns: readonly Column[]): string[] {
  const time = eventTimeOf(columns);
  const type = time === null ? null : inferExpr(time, columns);
  if (type === null) return [`${what}: the ${side} side has no event time; keep it in the steps before`];
  if (typeof type === 'string' || !type.nullable) return [];
  return [`${what}: the event time of the ${side} side may be null; map it to .required() where it is there`];
}

function keyProblems(node: NodeOf<'join'>, { left, right }: JoinContext): string[] {
  if (node.on.length === 0) return ['join: say which columns are equal: on: (l, r) => [[l.id, r.id]]'];
  return node.on.flatMap((pair) => {
    const [one, two] = [columnOf(left, pair.left), columnOf(right, pair.right)];
    if (one === undefined) return [unknown(pair.left, 'left', left)];
    if (two === undefined) return [unknown(pair.right, 'right', right)];
    const where = `join, ${pair.left} = ${pair.right}`;
    if (!isKeyType(one)) return [`${where}: a ${typeName(one)} cannot be a key`];
    if (typeName(one) === typeName(two)) return [];
    return [`${where}: ${typeName(one)} and ${typeName(two)} are never equal; convert one in a map before`];
  });
}

const columnOf = (columns: readonly Column[], name: string): Column | undefined =>
  columns.find((column) => column.name === name);

function unknown(name: string, side: string, columns: readonly Column[]): string {
  return `join: there is no column "${name}" on the ${side}; there are ${columns.map((column) => column.name).join(', ')}`;
}

function tableProblems({ left, right, how }: NodeOf<'join'>, plan: Plan): string[] {
  if (how.kind === 'regular' || how.kind === 'lookup') {
    return isOfTables(plan, left) && how.kind === 'lookup'
      ? ['lookup join: the left side must be a stream']
      : [];
  }
  const isTable = (side: PlanNode): boolean => isOfTables(plan, side);
  return [left, right].some(isTable)
    ? [`join: a table has no time; say how: 'lookup', or { kind: 'regular', ttl: 'forever' }`]
    : [];
}

/** The broken rules of a join in a view of this mode. */
export function joinProblems(node: NodeOf<'join'>, plan: Plan, mode: ViewMode): readonly string[] {
  const context = {
    plan,
    mode,
    left: inferColumns(plan, node.left),
    right: inferColumns(plan, node.right),
  };
  const tables = tableProblems(node, plan);
  const rule = HOW[node.how.kind] as HowTable['regular'];
  return [
    ...keyProblems(node, context),
    ...(tables.length > 0 ? tables : rule(node, context, node.how as Extract<JoinHow, { kind: 'regular' }>)),
  ];
}

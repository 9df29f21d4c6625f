/** The columns that leave each node, and what is wrong with the types of a node over the columns of its inputs. */
import { type Column, typeName } from '../data/value.ts';
import { inferExpr } from '../expr/evaluate.ts';
import type { Expr, ExprType } from '../expr/node.ts';
import { inferAggregate } from './aggregates.ts';
import {
  type AggregateCall,
  applyTable,
  type GroupKey,
  type JoinHow,
  type NamedExpr,
  type NodeOf,
  type Plan,
  type PlanNode,
  type PlanTable,
} from './node.ts';
import { isFirstToArrive, isOfEvents } from './traits.ts';
import { isWindowKey } from './walk.ts';

interface InferContext {
  readonly plan: Plan;
  readonly problem: (what: string) => void;
  readonly known: Map<PlanNode, readonly Column[]>;
}

const COLUMNS: PlanTable<readonly Column[], InferContext> = {
  source: sourceColumns,
  filter: (node, context) => {
    const columns = columnsOf(node.input, context);
    condition('filter', node.predicate, columns, context);
    return columns;
  },
  map: (node, context) => {
    const columns = columnsOf(node.input, context);
    return node.columns.flatMap((column) => mapped(`map, column "${column.name}"`, column, columns, context));
  },
  unnest: (node, context) => {
    const columns = columnsOf(node.input, context);
    const list = inferExpr(node.list, columns);
    if (typeof list === 'string') context.problem(`unnest: ${list}`);
    else if (list.type !== 'list' || list.item === undefined)
      context.problem(`unnest: needs a list, not ${list.type}`);
    else return [...columns, { name: node.as, type: list.item, nullable: false }];
    return columns;
  },
  union: unionColumns,
  dedupe: (node, context) => {
    const columns = columnsOf(node.input, context);
    return isFirstToArrive(node) ? columns : columns.map(unmarked);
  },
  group: (node, context) => {
    const input = columnsOf(node.input, context);
    const keys = node.keys.flatMap((key) => keyColumn(key, input, context));
    return [...keys, ...aggregateColumns(node.aggregates, input, context)];
  },
  top: (node, context) => {
    const columns = columnsOf(node.input, context);
    for (const { expr } of node.order) {
      const type = inferExpr(expr, columns);
      if (typeof type === 'string') context.problem(`top, order: ${type}`);
    }
    const rank: Column[] = node.rank === null ? [] : [{ name: node.rank, type: 'integer', nullable: false }];
    return [...columns.map(unmarked), ...rank];
  },
  over: (node, context) => {
    const columns = columnsOf(node.input, context);
    return [...orderedByTime(columns), ...aggregateColumns(node.aggregates, columns, context)];
  },
  join: joinColumns,
  pattern: (node, context) => {
    const columns = columnsOf(node.input, context);
    for (const { name, predicate } of node.steps)
      condition(`pattern, step "${name}"`, predicate, columns, context);
    const partition = node.partition.flatMap((key) => columns.find((column) => column.name === key) ?? []);
    const selected = node.columns.flatMap((column) =>
      mapped(`pattern, column "${column.name}"`, column, columns, context),
    );
    return [...partition, ...selected].map(unmarked);
  },
  process: (node, context) => {
    columnsOf(node.input, context);
    return node.columns;
  },
};

function sourceColumns(node: NodeOf<'source'>, { plan, problem }: InferContext): readonly Column[] {
  const source = plan.sources.find((candidate) => candidate.name === node.source);
  if (source === undefined) {
    problem(`there is no source "${node.source}"`);
    return [];
  }
  return source.fields.map((field) => columnOf(field.name, field, source.eventTime.includes(field.name)));
}

function columnOf(name: string, { type, nullable, scale, item }: ExprType, eventTime = false): Column {
  return {
    name,
    type,
    nullable,
    ...(scale !== undefined && { scale }),
    ...(item !== undefined && { item }),
    ...(eventTime && { eventTime }),
  };
}

/**
 * A window, and all that waits for time, must have seen a row of time t when the watermark has passed t, or know the event
 * that caused it. So a column stays the event time only where that holds: rows that a flush hands on come too late, and rows
 * that time hands on come in the order of one time.
 */
function orderedByTime(columns: readonly Column[]): readonly Column[] {
  const time = eventTimeOf(columns);
  return columns.map((column) =>
    time?.kind === 'field' && time.name === column.name ? column : unmarked(column),
  );
}

/** The columns of both sides as far as they are still event times in the pairs. */
const TIMES_OF_JOIN: {
  readonly [K in JoinHow['kind']]: (
    node: NodeOf<'join'>,
    sides: Sides,
    how: Extract<JoinHow, { kind: K }>,
  ) => Sides;
} = {
  // What waits for its partner for ever may leave at any time.
  regular: ({ type, left, right }, sides, { ttlMs }) =>
    ttlMs !== null && type === 'inner' && isOfEvents(left) && isOfEvents(right) ? sides : withoutTimes(sides),
  window: (_, sides) => withoutTimes(sides),
  interval: ({ type, left, right }, sides) =>
    type === 'inner' && isOfEvents(left) && isOfEvents(right)
      ? sides
      : { left: orderedByTime(sides.left), right: orderedByTime(sides.right) },
  temporal: (_, { left, right }) => ({ left: orderedByTime(left), right: right.map(unmarked) }),
  lookup: (_, { left, right }) => ({ left, right: right.map(unmarked) }),
};

interface Sides {
  readonly left: readonly Column[];
  readonly right: readonly Column[];
}

function withoutTimes({ left, right }: Sides): Sides {
  return { left: left.map(unmarked), right: right.map(unmarked) };
}

const unmarked = (column: Column): Column => columnOf(column.name, column);

function condition(what: string, expr: Expr, columns: readonly Column[], { problem }: InferContext): void {
  const type = inferExpr(expr, columns);
  if (typeof type === 'string') problem(`${what}: ${type}`);
  else if (type.type !== 'boolean') problem(`${what}: needs a boolean, not ${type.type}`);
}

function mapped(
  what: string,
  { name, expr }: NamedExpr,
  columns: readonly Column[],
  { problem }: InferContext,
): Column[] {
  const type = inferExpr(expr, columns);
  if (typeof type !== 'string') return [columnOf(name, type, isEventTime(expr, columns))];
  problem(`${what}: ${type}`);
  return [];
}

/** Whether an expression is the event time of the row: such a column, said to be there or the first of several. */
export function isEventTime(expr: Expr, columns: readonly Column[]): boolean {
  if (expr.kind === 'field')
    return columns.some((column) => column.name === expr.name && column.eventTime === true);
  if (expr.kind !== 'call' || !['required', 'coalesce'].includes(expr.fn)) return false;
  return expr.args.every((arg) => isEventTime(arg, columns));
}

/**
 * The event time of rows of these columns: the first that is always there, else the first that is there. Null when the
 * rows have none.
 */
export function eventTimeOf(columns: readonly Column[]): Expr | null {
  const marked = columns.filter((column) => column.eventTime === true);
  const fields = marked.map(({ name }): Expr => ({ kind: 'field', name }));
  const sure = marked.findIndex((column) => !column.nullable);
  if (sure >= 0) return fields[sure] ?? null;
  const [first = null, second] = fields;
  return second === undefined ? first : { kind: 'call', fn: 'coalesce', args: fields };
}

function unionColumns(node: NodeOf<'union'>, context: InferContext): readonly Column[] {
  const [first = [], ...others] = node.inputs.map((input) => columnsOf(input, context));
  for (const other of others) {
    const [one, two] = [first.map(typed).join(', '), other.map(typed).join(', ')];
    if (one !== two) context.problem(`union: its inputs need the same columns, not (${one}) and (${two})`);
  }
  return first.map((column, index) => {
    const all = [column, ...others.flatMap((other) => other[index] ?? [])];
    const nullable = all.some((each) => each.nullable);
    return columnOf(
      column.name,
      { ...column, nullable },
      all.every((each) => each.eventTime === true),
    );
  });
}

function typed(column: Column): string {
  return `${column.name} ${typeName(column)}`;
}

function keyColumn(key: GroupKey, input: readonly Column[], { problem }: InferContext): Column[] {
  if (!isWindowKey(key)) {
    const type = inferExpr(key.expr, input);
    if (typeof type !== 'string') return [columnOf(key.name, type)];
    problem(`group key "${key.name}": ${type}`);
    return [];
  }
  const { kind, time } = key.window;
  const type = inferExpr(time, input);
  if (!isEventTime(time, input)) {
    const eventTime = input.find((candidate) => candidate.eventTime === true)?.name;
    const remedy =
      eventTime === undefined
        ? 'keep it in the steps before; a group, a top, a pattern, and a dedupe or a join that changes have none, since their rows may come too late for a window'
        : `say ${kind}(f.${eventTime}, …)`;
    problem(`window "${key.name}" is not over the event time of its source: ${remedy}`);
  } else if (typeof type === 'string') {
    problem(`window "${key.name}": ${type}`);
  } else if (type.nullable) {
    problem(`window "${key.name}": its time may be null; say .required() where it is there`);
  }
  return [{ name: key.name, type: 'window', nullable: false }];
}

function aggregateColumns(
  calls: readonly AggregateCall[],
  input: readonly Column[],
  { problem }: InferContext,
): Column[] {
  return calls.flatMap((call) => {
    const type = inferAggregate(call, input);
    if (typeof type !== 'string') return [columnOf(call.name, type)];
    problem(`aggregate "${call.name}", ${call.fn}: ${type}`);
    return [];
  });
}

function joinColumns(node: NodeOf<'join'>, context: InferContext): readonly Column[] {
  const inputs = { left: columnsOf(node.left, context), right: columnsOf(node.right, context) };
  const sides = TIMES_OF_JOIN[node.how.kind](node, inputs, node.how as never);
  const columns = node.columns.flatMap(({ side, from, name }) => {
    const column = sides[side].find((candidate) => candidate.name === from);
    if (column === undefined) {
      context.problem(
        `join, column "${name}": there is no column "${from}" on the ${side}; there are ${names(sides[side])}`,
      );
      return [];
    }
    const nullable = column.nullable || (side === 'right' && node.type === 'left');
    return [columnOf(name, { ...column, nullable }, column.eventTime)];
  });
  if (node.condition !== null) condition('join, where', node.condition, columns, context);
  return columns;
}

function names(columns: readonly Column[]): string {
  return columns.map((column) => column.name).join(', ') || 'none';
}

function columnsOf(node: PlanNode, context: InferContext): readonly Column[] {
  const known = context.known.get(node);
  if (known !== undefined) return known;
  const columns = applyTable(COLUMNS, node, context);
  context.known.set(node, columns);
  return columns;
}

/** The columns that leave a node. Problems go to the callback, each once; the columns are then incomplete. */
export function inferColumns(
  plan: Plan,
  node: PlanNode,
  problem: (what: string) => void = () => {},
): readonly Column[] {
  return columnsOf(node, { plan, problem, known: new Map() });
}

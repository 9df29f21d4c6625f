/** The columns that leave each node, and what is wrong with a node over the columns of its input. */
import type { Column } from '../data/value.ts';
import { inferExpr } from '../expr/evaluate.ts';
import type { ExprType } from '../expr/node.ts';
import {
  type AggregateCall,
  type AggregateName,
  applyTable,
  type Plan,
  type PlanNode,
  type PlanTable,
} from './node.ts';
import { isWindowKey } from './walk.ts';

interface InferContext {
  readonly plan: Plan;
  readonly problem: (what: string) => void;
}

/** The result type of an aggregate, or what is wrong with its argument. */
export const AGGREGATES: { readonly [A in AggregateName]: (arg: ExprType | null) => ExprType | string } = {
  count: () => ({ type: 'integer', nullable: false }),
  sum: (arg) => number(arg, (type) => type),
  avg: (arg) => number(arg, () => 'double'),
  min: (arg) => ordered(arg),
  max: (arg) => ordered(arg),
  countDistinct: (arg) => (arg === null ? 'needs an argument' : { type: 'integer', nullable: false }),
};

function number(
  arg: ExprType | null,
  result: (type: 'integer' | 'double') => 'integer' | 'double',
): ExprType | string {
  if (arg?.type !== 'integer' && arg?.type !== 'double')
    return `needs a number, not ${arg?.type ?? 'nothing'}`;
  return { type: result(arg.type), nullable: arg.nullable };
}

function ordered(arg: ExprType | null): ExprType | string {
  return arg === null || arg.type === 'window' ? `needs a value, not ${arg?.type ?? 'nothing'}` : arg;
}

const COLUMNS: PlanTable<readonly Column[], InferContext> = {
  source: (node, { plan, problem }) => {
    const source = plan.sources.find((candidate) => candidate.name === node.source);
    if (source === undefined) {
      problem(`there is no source "${node.source}"`);
      return [];
    }
    return source.fields.map(({ name, type, nullable }) =>
      name === source.eventTime ? { name, type, nullable, eventTime: true } : { name, type, nullable },
    );
  },
  filter: (node, context) => {
    const columns = columnsOf(node.input, context);
    const type = inferExpr(node.predicate, columns);
    if (typeof type === 'string') context.problem(`filter: ${type}`);
    else if (type.type !== 'boolean') context.problem(`filter: needs a boolean, not ${type.type}`);
    return columns;
  },
  map: (node, context) => {
    const columns = columnsOf(node.input, context);
    return node.columns.flatMap(({ name, expr }) => {
      const type = inferExpr(expr, columns);
      if (typeof type === 'string') {
        context.problem(`map, column "${name}": ${type}`);
        return [];
      }
      const from = expr.kind === 'field' ? columns.find((column) => column.name === expr.name) : undefined;
      return [
        {
          name,
          type: type.type,
          nullable: type.nullable,
          ...(from?.eventTime === true && { eventTime: true }),
        },
      ];
    });
  },
  group: (node, context) => {
    const input = columnsOf(node.input, context);
    const keys = node.keys.flatMap((key) => keyColumn(key, input, context));
    return [...keys, ...node.aggregates.flatMap((call) => aggregateColumn(call, input, context))];
  },
};

function keyColumn(
  key: Extract<PlanNode, { kind: 'group' }>['keys'][number],
  input: readonly Column[],
  { problem }: InferContext,
): Column[] {
  if (!isWindowKey(key)) {
    const type = inferExpr(key.expr, input);
    if (typeof type !== 'string') return [{ name: key.name, type: type.type, nullable: type.nullable }];
    problem(`group key "${key.name}": ${type}`);
    return [];
  }
  const { time } = key.window;
  const column = time.kind === 'field' ? input.find((candidate) => candidate.name === time.name) : undefined;
  if (column?.eventTime !== true) {
    const eventTime = input.find((candidate) => candidate.eventTime === true)?.name;
    const remedy =
      eventTime === undefined
        ? 'keep the event time in the map before it'
        : `say tumbling(f.${eventTime}, …)`;
    problem(`window "${key.name}" is not over the event time of its source: ${remedy}`);
  }
  return [{ name: key.name, type: 'window', nullable: false }];
}

function aggregateColumn(call: AggregateCall, input: readonly Column[], { problem }: InferContext): Column[] {
  const arg = call.arg === null ? null : inferExpr(call.arg, input);
  const result = typeof arg === 'string' ? arg : AGGREGATES[call.fn](arg);
  if (typeof result === 'string') {
    problem(`aggregate "${call.name}", ${call.fn}: ${result}`);
    return [];
  }
  return [{ name: call.name, type: result.type, nullable: result.nullable }];
}

function columnsOf(node: PlanNode, context: InferContext): readonly Column[] {
  return applyTable(COLUMNS, node, context);
}

/** The columns that leave a node. Problems go to the callback; the columns are then incomplete. */
export function inferColumns(
  plan: Plan,
  node: PlanNode,
  problem: (what: string) => void = () => {},
): readonly Column[] {
  return columnsOf(node, { plan, problem });
}

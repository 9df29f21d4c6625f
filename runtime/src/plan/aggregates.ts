/** The result type of each aggregate. Nulls are left out, so that a result is null when no value is left. */
import type { Column, ItemType, Type } from '../data/value.ts';
import { inferExpr } from '../expr/evaluate.ts';
import type { ExprType } from '../expr/node.ts';
import type { AggregateCall, AggregateName } from './node.ts';

interface Arguments {
  readonly arg: ExprType | null;
  readonly by: ExprType | null;
  readonly fraction: number | undefined;
}

const ITEMS: ReadonlySet<Type> = new Set<ItemType>(['string', 'integer', 'double', 'boolean', 'timestamp']);
const NUMBERS: ReadonlySet<Type> = new Set<Type>(['integer', 'double', 'decimal']);

const COUNTED: ExprType = { type: 'integer', nullable: false };

/** The result, or what is wrong with the arguments. `nullable` is that of the arguments; a condition adds to it. */
export const AGGREGATES: { readonly [A in AggregateName]: (given: Arguments) => ExprType | string } = {
  count: () => COUNTED,
  sum: ({ arg }) => number(arg, (type) => type),
  avg: ({ arg }) => number(arg, ({ nullable }) => ({ type: 'double', nullable })),
  min: ({ arg }) => ordered(arg),
  max: ({ arg }) => ordered(arg),
  first: timed,
  last: timed,
  argMin: compared,
  argMax: compared,
  countDistinct: ({ arg }) => distinct(arg),
  approxCountDistinct: ({ arg }) => distinct(arg),
  percentile: ({ arg, fraction }) => {
    if (fraction === undefined || !(fraction >= 0 && fraction <= 1))
      return `needs a fraction from 0 to 1, not ${fraction ?? 'nothing'}`;
    return number(arg, ({ nullable }) => ({ type: 'double', nullable }));
  },
  collect: ({ arg }) => {
    if (arg === null) return 'needs an argument';
    if (!ITEMS.has(arg.type)) return `cannot collect values of type ${arg.type}`;
    return { type: 'list', nullable: false, item: arg.type as ItemType };
  },
};

/** Whether values of a type have an order and can be keys. */
export function isKeyType({ type }: { readonly type: Type }): boolean {
  return type !== 'list';
}

function number(arg: ExprType | null, result: (type: ExprType) => ExprType): ExprType | string {
  if (arg === null || !NUMBERS.has(arg.type)) return `needs a number, not ${arg?.type ?? 'nothing'}`;
  return result(arg);
}

function ordered(arg: ExprType | null): ExprType | string {
  const fits = arg !== null && isKeyType(arg) && arg.type !== 'window';
  return fits ? arg : `needs a value, not ${arg?.type ?? 'nothing'}`;
}

function distinct(arg: ExprType | null): ExprType | string {
  if (arg === null) return 'needs an argument';
  return isKeyType(arg) ? COUNTED : `cannot tell values of type ${arg.type} apart`;
}

function timed({ arg, by }: Arguments): ExprType | string {
  if (by === null)
    return 'needs to know by which time: keep the event time, or name another as its second argument';
  if (by.type !== 'timestamp') return `needs a time to go by, not ${by.type}`;
  return compared({ arg, by });
}

function compared({ arg, by }: Pick<Arguments, 'arg' | 'by'>): ExprType | string {
  if (arg === null) return 'needs an argument';
  if (arg.type === 'window') return 'needs a value, not window';
  const order = ordered(by);
  if (typeof order === 'string') return `its second argument ${order}`;
  return { ...arg, nullable: arg.nullable || order.nullable };
}

/** The type of an aggregate over rows of these columns, or what is wrong with it. */
export function inferAggregate(call: AggregateCall, columns: readonly Column[]): ExprType | string {
  const types: (ExprType | null)[] = [];
  for (const expr of [call.arg, call.by ?? null, call.where ?? null]) {
    const type = expr === null ? null : inferExpr(expr, columns);
    if (typeof type === 'string') return type;
    types.push(type);
  }
  const [arg = null, by = null, where = null] = types;
  if (where !== null && where.type !== 'boolean') return `its condition needs a boolean, not ${where.type}`;
  const goesBy = ['first', 'last', 'argMin', 'argMax'].includes(call.fn);
  if (by !== null && !goesBy) return 'does not go by another value';
  if (call.fraction !== undefined && call.fn !== 'percentile') return 'takes no fraction';
  const result = AGGREGATES[call.fn]({ arg, by, fraction: call.fraction });
  if (typeof result === 'string') return result;
  const alwaysThere = result.type === 'list' || result === COUNTED;
  return alwaysThere || where === null ? result : { ...result, nullable: true };
}

/** Functions of yours in expressions: named and typed, run here alone, refused by name by every exporter. */
import { createHash } from 'node:crypto';
import { type ItemType, nameProblem, SCALE_MAX } from '../data/value.ts';
import type { Expr, ExprType, UdfExpr } from '../expr/node.ts';
import type { PlanNode } from '../plan/node.ts';
import { exprsOf, nodesOf } from '../plan/walk.ts';
import { type DefinedFunction, wrong } from './definition.ts';
import { callOf } from './builder.ts';
import type { Decimal, Expression, Operand, Timestamp, ValueOf } from './expression.ts';

/** The type of an argument or a result. */
export type FunctionType =
  | ItemType
  | { readonly type: ItemType; readonly nullable?: boolean }
  | { readonly type: 'decimal'; readonly scale: number; readonly nullable?: boolean }
  | { readonly type: 'list'; readonly item: ItemType; readonly nullable?: boolean };

interface InCode {
  string: string;
  integer: number;
  double: number;
  boolean: boolean;
  /** Epoch milliseconds. */
  timestamp: number;
}
interface InRows extends Omit<InCode, 'timestamp'> {
  timestamp: Timestamp;
}

/** What the code of a function sees. */
type Seen<T> = T extends ItemType
  ? InCode[T]
  : T extends { readonly type: 'list'; readonly item: infer I extends ItemType }
    ? readonly InCode[I][]
    : T extends { readonly type: infer I extends ItemType }
      ? InCode[I]
      : string;

/** What an expression of the type stands for. */
type Stands<T> = T extends ItemType
  ? InRows[T]
  : T extends { readonly type: 'list'; readonly item: infer I extends ItemType }
    ? readonly InRows[I][]
    : T extends { readonly type: infer I extends ItemType }
      ? InRows[I]
      : Decimal;

type OrNull<T, V> = T extends { readonly nullable: true } ? V | null : V;
type Args<A extends readonly FunctionType[]> = { readonly [I in keyof A]: Operand<Stands<A[I]>> };
type SeenArgs<A extends readonly FunctionType[]> = { [I in keyof A]: Seen<A[I]> };
/** Null when one of the arguments may be null. */
type NullOf<O> = O extends readonly unknown[]
  ? Extract<{ [I in keyof O]: NullIn<O[I]> }[number], null>
  : never;
type NullIn<E> = E extends { readonly node: Expr } ? Extract<ValueOf<E>, null> : never;

/** Survives a copy of an expression; never part of a plan that was written down. */
const DEFINED = Symbol('the function that an expression calls');
type DefinedExpr = UdfExpr & { readonly [DEFINED]?: DefinedFunction };

/**
 * Makes a function of yours callable in expressions: `const score = udf('score', { args: ['string'], result: 'double' }, (text) => …)`,
 * then `score(f.text)`. It must depend on its arguments only. It is never called with null: the result is null then. Times
 * are epoch milliseconds, decimals their text. When it throws or returns another type, the event is rejected.
 * @throws DEFINITION_INVALID
 */
export function udf<const A extends readonly FunctionType[], const R extends FunctionType>(
  name: string,
  types: { readonly args: A; readonly result: R },
  code: (...args: SeenArgs<A>) => OrNull<R, Seen<R>>,
): <const O extends Args<A>>(...args: O) => Expression<OrNull<R, Stands<R>> | NullOf<O>> {
  const where = `function "${name}"`;
  const problem = nameProblem(name);
  if (problem !== undefined) wrong(`${where}: ${problem}`);
  if (typeof code !== 'function' || !Array.isArray(types?.args))
    wrong(`${where}: say udf("${name}", { args: ['string'], result: 'double' }, (text) => …)`);
  const args = types.args.map((type, index) => typeOf(`${where}, argument ${index + 1}`, type));
  const result = typeOf(`${where}, result`, types.result);
  const digest = createHash('sha256')
    .update(JSON.stringify([String(code), args, result]))
    .digest('hex')
    .slice(0, 32);
  const defined: DefinedFunction = { plan: { name, kind: 'scalar', digest }, code };
  return (...given) => {
    const call = callOf(where, args, given, (exprs): DefinedExpr => ({
      kind: 'udf',
      name,
      args: exprs,
      result,
      [DEFINED]: defined,
    }));
    return call as never;
  };
}

const ITEMS: ReadonlySet<unknown> = new Set<ItemType>([
  'string',
  'integer',
  'double',
  'boolean',
  'timestamp',
]);

function typeOf(where: string, given: FunctionType): ExprType {
  const said = typeof given === 'string' ? { type: given } : given;
  const { type, nullable = false } = said;
  if (ITEMS.has(type)) return { type, nullable };
  if (type === 'list' && 'item' in said && ITEMS.has(said.item)) return { type, nullable, item: said.item };
  if (type === 'decimal' && 'scale' in said && Number.isInteger(said.scale)) {
    if (said.scale >= 0 && said.scale <= SCALE_MAX) return { type, nullable, scale: said.scale };
  }
  return wrong(
    `${where}: its type is one of ${[...ITEMS].join(', ')}, { type: 'list', item: 'string' } or { type: 'decimal', scale: 2 }, with a scale up to ${SCALE_MAX}`,
  );
}

/** The functions that the expressions of a node and of all below it call. */
export function functionsIn(node: PlanNode): readonly DefinedFunction[] {
  return nodesOf(node).flatMap(exprsOf).flatMap(functionsOfExpr);
}

function functionsOfExpr(expr: Expr): readonly DefinedFunction[] {
  if (expr.kind === 'field' || expr.kind === 'literal') return [];
  const own = expr.kind === 'udf' ? (expr as DefinedExpr)[DEFINED] : undefined;
  return [...(own === undefined ? [] : [own]), ...expr.args.flatMap(functionsOfExpr)];
}

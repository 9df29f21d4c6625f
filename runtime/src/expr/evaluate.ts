/** The reference evaluation of expressions: closures over the row, one for each node. */
import { invariant } from '../base/invariant.ts';
import { formatDecimal } from '../data/decimal.ts';
import { formatTimestamp } from '../data/timestamp.ts';
import { type Column, DOUBLE_MAX, type Row, SCALE_MAX, TIMESTAMP_MS_MAX, type Value } from '../data/value.ts';
import { anyNull, type Apply, type Arg, type FunctionCall } from './function-row.ts';
import { FUNCTIONS } from './functions.ts';
import type { CallExpr, Expr, ExprType, FunctionName, LiteralExpr, UdfExpr } from './node.ts';
import { type FunctionTable, udfCaller } from './udf.ts';

export type { FunctionTable } from './udf.ts';

export type Evaluate = (row: Row) => Value;

/** The type of an expression over these columns, or what is wrong with it. */
export function inferExpr(expr: Expr, columns: readonly Column[]): ExprType | string {
  switch (expr.kind) {
    case 'field': {
      const column = columns.find((candidate) => candidate.name === expr.name);
      return (
        column ?? `there is no column "${expr.name}"; there are ${columns.map((c) => c.name).join(', ')}`
      );
    }
    case 'literal':
      return inferLiteral(expr);
    case 'udf': {
      const args = inferArgs(expr, columns);
      if (typeof args === 'string') return args;
      const { result } = expr;
      return resultProblem(expr) ?? { ...result, nullable: result.nullable || anyNull(args) };
    }
    case 'call': {
      const problem = arityProblem(expr);
      if (problem !== undefined) return problem;
      const args = inferArgs(expr, columns);
      if (typeof args === 'string') return args;
      const result = FUNCTIONS[expr.fn].infer(args);
      return typeof result === 'string' ? `${explainExpr(expr)}: ${expr.fn} ${result}` : result;
    }
  }
}

function inferArgs({ args }: CallExpr | UdfExpr, columns: readonly Column[]): readonly Arg[] | string {
  const types: Arg[] = [];
  for (const arg of args) {
    const type = inferExpr(arg, columns);
    if (typeof type === 'string') return type;
    types.push(arg.kind === 'literal' ? { ...type, literal: arg.value } : type);
  }
  return types;
}

function arityProblem({ fn, args }: CallExpr): string | undefined {
  const { arity } = FUNCTIONS[fn];
  const { min, max } = typeof arity === 'number' ? { min: arity, max: arity } : arity;
  if (args.length >= min && args.length <= max) return undefined;
  const wanted = min === max ? String(min) : `${min} to ${max}`;
  return `${fn} needs ${wanted} argument${wanted === '1' ? '' : 's'}, not ${args.length}`;
}

function resultProblem({ name, result }: UdfExpr): string | undefined {
  const isWhole = (result.type === 'decimal') === (result.scale !== undefined);
  if (isWhole && isScale(result.scale ?? 0) && (result.type === 'list') === (result.item !== undefined))
    return undefined;
  return `${name}: the result of a function is a decimal with a scale from 0 to ${SCALE_MAX}, a list with an item, or another type without these`;
}

function isScale(scale: number): boolean {
  return Number.isInteger(scale) && scale >= 0 && scale <= SCALE_MAX;
}

function inferLiteral(expr: LiteralExpr): ExprType | string {
  const { type, value, scale } = expr;
  if (!isOfType(expr)) return `${JSON.stringify(value)} is not a value of type ${type}`;
  return { type, nullable: value === null, ...(scale !== undefined && { scale }) };
}

/** Literals come from plans that anyone may have written: none may bring a value in that no event can have. */
function isOfType({ type, value, scale }: LiteralExpr): boolean {
  if (type === 'decimal' ? scale === undefined || !isScale(scale) : scale !== undefined) return false;
  switch (type) {
    case 'string':
      return value === null || (typeof value === 'string' && value.isWellFormed());
    case 'integer':
    case 'decimal':
      return value === null || Number.isSafeInteger(value);
    case 'double':
      return value === null || (typeof value === 'number' && Math.abs(value) <= DOUBLE_MAX);
    case 'boolean':
      return value === null || typeof value === 'boolean';
    case 'timestamp':
      return value === null || (Number.isInteger(value) && Math.abs(value as number) <= TIMESTAMP_MS_MAX);
    case 'window':
    case 'list':
      return false;
  }
}

/**
 * REQUIRES an expression that `inferExpr` accepts for these columns, and the functions of the definition that it calls.
 * The closure may throw RowError.
 */
export function evaluatorOf(
  expr: Expr,
  columns: readonly Column[],
  functions: FunctionTable = new Map(),
): Evaluate {
  switch (expr.kind) {
    case 'field': {
      const index = columns.findIndex((column) => column.name === expr.name);
      invariant(index >= 0, `column ${expr.name} exists`);
      return (row) => row[index] ?? null;
    }
    case 'literal': {
      const { value } = expr;
      return () => value;
    }
    case 'udf': {
      const args = inferArgs(expr, columns);
      invariant(typeof args !== 'string', 'a validated expression has a type');
      return applied(
        udfCaller(expr, args, functions),
        expr.args.map((arg) => evaluatorOf(arg, columns, functions)),
      );
    }
    case 'call': {
      const args = inferArgs(expr, columns);
      const result = inferExpr(expr, columns);
      invariant(typeof result !== 'string' && typeof args !== 'string', 'a validated expression has a type');
      const call: FunctionCall = {
        args,
        result,
        explain: () => (expr.args[0] === undefined ? '' : explainExpr(expr.args[0])),
      };
      const { make, makeLazy } = FUNCTIONS[expr.fn];
      const evaluates = expr.args.map((arg) => evaluatorOf(arg, columns, functions));
      return makeLazy === undefined ? applied(make(call), evaluates) : makeLazy(call, evaluates);
    }
  }
}

/** Calls without an array of arguments where there are few. */
function applied(apply: Apply, args: readonly Evaluate[]): Evaluate {
  const [first, second, third] = args as [Evaluate, Evaluate, Evaluate];
  switch (args.length) {
    case 1:
      return (row) => apply(first(row));
    case 2:
      return (row) => apply(first(row), second(row));
    case 3:
      return (row) => apply(first(row), second(row), third(row));
    default:
      return (row) => apply(...args.map((arg) => arg(row)));
  }
}

/** An expression as a person writes it: `(delay > 0) and (origin = 'ATL')`. */
export function explainExpr(expr: Expr): string {
  if (expr.kind === 'field') return expr.name;
  if (expr.kind === 'literal') return explainLiteral(expr);
  const name = expr.kind === 'udf' ? expr.name : FUNCTIONS[expr.fn].sign;
  if (expr.kind === 'call' && expr.fn === 'caseWhen') return explainCase(expr.args.map(explainExpr));
  if (expr.kind === 'udf' || !(INFIX.has(expr.fn) || expr.fn === 'isNull'))
    return `${name}(${expr.args.map(explainExpr).join(', ')})`;
  const args = expr.args.map((arg) => (arg.kind === 'call' ? `(${explainExpr(arg)})` : explainExpr(arg)));
  return expr.fn === 'isNull' ? `${args[0] ?? ''} is null` : args.join(` ${name} `);
}

/** Written with their sign between two arguments. */
const INFIX: ReadonlySet<FunctionName> = new Set([
  ...(['eq', 'ne', 'gt', 'gte', 'lt', 'lte', 'and', 'or', 'like'] as const),
  ...(['plus', 'minus', 'times', 'dividedBy', 'integerDividedBy', 'mod'] as const),
  ...(['plusMs', 'minusMs', 'timestampDiffMs'] as const),
]);

function explainCase(args: readonly string[]): string {
  const whens = args
    .slice(0, -1)
    .flatMap((arg, index) => (index % 2 === 0 ? [`when ${arg} then ${args[index + 1]}`] : []));
  return `case ${whens.join(' ')} else ${args.at(-1) ?? ''} end`;
}

function explainLiteral({ type, value, scale }: LiteralExpr): string {
  if (value === null) return 'null';
  if (type === 'timestamp') return formatTimestamp(value as number);
  if (type === 'decimal') return formatDecimal(value as number, scale ?? 0);
  return typeof value === 'string' ? `'${value.replaceAll("'", "''")}'` : String(value);
}

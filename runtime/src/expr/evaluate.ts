/** The reference evaluation of expressions: closures over the row, one for each node. */
import { invariant } from '../base/invariant.ts';
import { formatTimestamp } from '../data/timestamp.ts';
import { type Column, DOUBLE_MAX, type Row, type Value } from '../data/value.ts';
import { FUNCTIONS } from './functions.ts';
import type { Expr, ExprType, LiteralExpr } from './node.ts';

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
      return isOfType(expr)
        ? { type: expr.type, nullable: expr.value === null }
        : `${JSON.stringify(expr.value)} is not a value of type ${expr.type}`;
    case 'call': {
      const { arity } = FUNCTIONS[expr.fn];
      if (expr.args.length !== arity)
        return `${expr.fn} needs ${arity} argument${arity === 1 ? '' : 's'}, not ${expr.args.length}`;
      const args: ExprType[] = [];
      for (const arg of expr.args) {
        const type = inferExpr(arg, columns);
        if (typeof type === 'string') return type;
        args.push(type);
      }
      const result = FUNCTIONS[expr.fn].infer(args);
      return typeof result === 'string' ? `${explainExpr(expr)}: ${expr.fn} ${result}` : result;
    }
  }
}

const TIMESTAMP_MS_MAX = 8.64e15;

/** Literals come from plans that anyone may have written: none may bring a value in that no event can have. */
function isOfType({ type, value }: LiteralExpr): boolean {
  if (value === null) return true;
  switch (type) {
    case 'string':
      return typeof value === 'string' && value.isWellFormed();
    case 'integer':
      return Number.isSafeInteger(value);
    case 'double':
      return typeof value === 'number' && Math.abs(value) <= DOUBLE_MAX;
    case 'boolean':
      return typeof value === 'boolean';
    case 'timestamp':
      return Number.isInteger(value) && Math.abs(value as number) <= TIMESTAMP_MS_MAX;
    case 'window':
      return false;
  }
}

/** REQUIRES an expression that `inferExpr` accepts for these columns. The closure may throw RowError. */
export function evaluatorOf(expr: Expr, columns: readonly Column[]): Evaluate {
  switch (expr.kind) {
    case 'field': {
      const index = columns.findIndex((column) => column.name === expr.name);
      invariant(index >= 0, `column ${expr.name} exists`);
      return (row) => row[index] ?? null;
    }
    case 'literal':
      return () => expr.value;
    case 'call': {
      const args = expr.args.map((arg) => evaluatorOf(arg, columns));
      const result = inferExpr(expr, columns);
      invariant(typeof result !== 'string', 'a validated expression has a type');
      const { apply } = FUNCTIONS[expr.fn];
      return (row) =>
        apply(
          args.map((arg) => arg(row)),
          result,
        );
    }
  }
}

/** An expression as a person writes it: `(delay > 0) and (origin = 'ATL')`. */
export function explainExpr(expr: Expr): string {
  if (expr.kind === 'field') return expr.name;
  if (expr.kind === 'literal') {
    if (expr.type === 'timestamp' && expr.value !== null) return formatTimestamp(expr.value as number);
    return typeof expr.value === 'string' ? `'${expr.value.replaceAll("'", "''")}'` : String(expr.value);
  }
  const { sign } = FUNCTIONS[expr.fn];
  const args = expr.args.map((arg) => (arg.kind === 'call' ? `(${explainExpr(arg)})` : explainExpr(arg)));
  if (expr.fn === 'isNull') return `${args[0] ?? ''} is null`;
  if (expr.args.length === 2 && expr.fn !== 'coalesce') return args.join(` ${sign} `);
  return `${sign}(${args.join(', ')})`;
}

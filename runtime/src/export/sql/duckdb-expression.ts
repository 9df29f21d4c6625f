/**
 * Expressions as DuckDB's SQL. An expression of ours can fail for a row, which is then left out; DuckDB would stop the
 * query. So no SQL here ever raises an error: what fails is NULL, and beside the value stands a condition that tells
 * that NULL from others.
 *
 *   a + b      TRY("a" + "b" …)                                  its row counts where it IS NOT NULL, or "a" or "b" is NULL
 *
 * Each piece that could raise has a TRY of its own: DuckDB computes common parts of two expressions once, outside of a
 * TRY around the whole.
 */
import { invariant } from '../../base/invariant.ts';
import type { Column, Value } from '../../data/value.ts';
import { inferExpr } from '../../expr/evaluate.ts';
import type { CallExpr, Expr, ExprType } from '../../expr/node.ts';
import type { FunctionSql } from './duckdb-function.ts';
import { DUCKDB_FUNCTIONS } from './duckdb-functions.ts';
import { identifier, literalText } from './duckdb-text.ts';

/** The columns that an expression can name, and how. */
export interface Scope {
  readonly columns: readonly Column[];
  /** The table's name in front, for a join. */
  readonly sqlOf?: (name: string) => string;
  /** Says that something of the expression cannot be said in SQL. */
  readonly refuse: (what: string, reason: string) => void;
}

export interface Sql {
  readonly text: string;
  readonly type: ExprType;
  readonly literal: boolean;
  /** Of a literal. */
  readonly value?: Value;
  /** NULL may stand for an error of the row: it does when none of `nulls` is NULL. */
  readonly fails: boolean;
  readonly nulls: readonly string[];
  /** What else holds, unless the row is an error. */
  readonly conditions: readonly string[];
}

export function expressionSql(expr: Expr, scope: Scope): Sql {
  const type = inferExpr(expr, scope.columns);
  invariant(typeof type !== 'string', 'a validated expression has a type');
  switch (expr.kind) {
    case 'field':
      return valueOf(scope.sqlOf?.(expr.name) ?? identifier(expr.name), type);
    case 'literal':
      return {
        ...valueOf(literalText(expr, expr.value), type),
        literal: true,
        value: expr.value,
        nulls: expr.value === null ? ['NULL'] : [],
      };
    case 'udf':
      scope.refuse(`function "${expr.name}"`, 'its code is known to the runtime alone');
      return valueOf('NULL', type);
    case 'call':
      return callSql(expr, type, scope);
  }
}

function valueOf(text: string, type: ExprType): Sql {
  return { text, type, literal: false, fails: false, nulls: type.nullable ? [text] : [], conditions: [] };
}

function callSql(expr: CallExpr, type: ExprType, scope: Scope): Sql {
  const args = expr.args.map((arg) => expressionSql(arg, scope));
  const write: FunctionSql = DUCKDB_FUNCTIONS[expr.fn];
  const {
    text,
    nulls,
    fails = false,
    conditions,
  } = write(args, type, (reason) => scope.refuse(expr.fn, reason));
  if (nulls === 'strict') {
    const all = [...new Set(args.flatMap((arg) => arg.nulls))];
    // Beside a NULL of another argument the failure of one would not show in the value of the whole.
    const isHidden = (arg: Sql): boolean => arg.fails && all.some((each) => !arg.nulls.includes(each));
    return {
      ...valueOf(text, type),
      fails: fails || args.some((arg) => arg.fails),
      nulls: all,
      conditions: conditions ?? args.flatMap((arg) => (isHidden(arg) ? conditionsOf(arg) : arg.conditions)),
    };
  }
  return {
    ...valueOf(text, type),
    fails,
    ...(nulls === 'never' && { nulls: [] }),
    conditions: conditions ?? args.flatMap(conditionsOf),
  };
}

/** What holds unless the expression is an error for the row. */
export function conditionsOf({ text, fails, nulls, conditions }: Sql): readonly string[] {
  if (!fails) return conditions;
  const isNull = nulls.map((each) => ` OR ${each} IS NULL`).join('');
  return [...conditions, isNull === '' ? `${text} IS NOT NULL` : `(${text} IS NOT NULL${isNull})`];
}

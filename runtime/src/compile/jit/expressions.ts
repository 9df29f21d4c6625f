/**
 * Expressions as generated code. The common functions on numbers, times, booleans and texts have code of their own; any
 * other is a call of the reference evaluation with its arguments as values, so that every expression has one meaning.
 *
 * A row for which an expression has no value leaves by `fail`, a statement; the interpreter then says why.
 */
import type { Column, Row, Value } from '../../data/value.ts';
import { evaluatorOf, inferExpr } from '../../expr/evaluate.ts';
import type { Expr, ExprType } from '../../expr/node.ts';
import { invariant } from '../../base/invariant.ts';
import type { PlanFunctions } from './options.ts';
import type { Lazy } from './emitter.ts';
import {
  type Code,
  codeText,
  isNumeric,
  type RowSymbols,
  type Symbol_,
  symbolOfValue,
  type TextSymbol,
  valueOf,
} from './symbol.ts';
import { CODE, type CodeOfCall, mayFail as mayCallFail } from './functions.ts';

export interface Scope {
  readonly code: Code;
  readonly columns: readonly Column[];
  readonly row: RowSymbols;
  readonly functions: PlanFunctions;
  /** A statement that leaves the row out. */
  readonly fail: string;
}

/** Whether a row may have no value for it. */
export function mayFail(expr: Expr, columns: readonly Column[]): boolean {
  if (expr.kind === 'udf') return true;
  if (expr.kind !== 'call') return false;
  return mayCallFail(expr) || expr.args.some((arg) => mayFail(arg, columns));
}

export function fieldsOf(expr: Expr): readonly string[] {
  if (expr.kind === 'field') return [expr.name];
  return expr.kind === 'literal' ? [] : expr.args.flatMap(fieldsOf);
}

export function typeOf(expr: Expr, columns: readonly Column[]): ExprType {
  const type = inferExpr(expr, columns);
  invariant(typeof type !== 'string', 'a validated expression has a type');
  return type;
}

export function expression(expr: Expr, scope: Scope): Symbol_ {
  switch (expr.kind) {
    case 'field':
      return fieldOf(expr.name, scope.row);
    case 'literal':
      return literal(scope, typeOf(expr, scope.columns), expr.value);
    case 'udf':
      return reference(expr, scope);
    case 'call': {
      const codeOf = (CODE as Readonly<Record<string, CodeOfCall | undefined>>)[expr.fn];
      const made = codeOf?.({
        code: scope.code,
        fail: scope.fail,
        type: typeOf(expr, scope.columns),
        exprs: expr.args,
        evaluator: () => littleEvaluator(expr, scope),
        args: expr.args.map((arg) => expression(arg, scope)),
      });
      return made ?? reference(expr, scope);
    }
  }
}

function fieldOf(name: string, row: RowSymbols): Symbol_ {
  const column: Lazy<Symbol_> | undefined = row.get(name);
  invariant(column !== undefined, `column ${name} is among those needed`);
  return column.get();
}

function literal({ code }: Scope, type: ExprType, value: string | number | boolean | null): Symbol_ {
  const { emitter } = code;
  if (isNumeric(type)) return { rep: 'number', type, js: value === null ? 'NaN' : emitter.bind(value) };
  if (type.type === 'boolean')
    return { rep: 'boolean', type, js: value === null ? '2' : String(value === true) };
  if (type.type === 'string' && value !== null) {
    return { ...symbolOfValue(code, type, emitter.bind(value)), literal: value } as TextSymbol;
  }
  if (type.type === 'string') return codeText(code, type, '-1');
  return symbolOfValue(code, type, emitter.bind(value));
}

/** A call of the interpreter: the arguments become the columns of a little row, but for those that are literals. */
function reference(expr: Extract<Expr, { args: readonly Expr[] }>, scope: Scope): Symbol_ {
  const { columns } = scope;
  // Of a choice only what is chosen may be computed.
  if (expr.kind === 'call' && expr.fn === 'caseWhen') {
    const fields = [...new Set(fieldsOf(expr))];
    const own = columns.filter(({ name }) => fields.includes(name));
    const values = own.map(({ name }) => valueOf(fieldOf(name, scope.row)));
    return called(expr, evaluatorOf(expr, own, scope.functions), values, scope);
  }
  const args = expr.args.filter(({ kind }) => kind !== 'literal');
  const values = args.map((arg) => valueOf(expression(arg, scope)));
  return called(expr, littleEvaluator(expr, scope), values, scope);
}

function called(expr: Expr, evaluate: (row: Row) => Value, values: readonly string[], scope: Scope): Symbol_ {
  const { code, columns, fail } = scope;
  const { emitter } = code;
  const result = emitter.local('r', `${emitter.bind(guarded(evaluate))}([${values.join(', ')}])`);
  if (mayFail(expr, columns)) emitter.line(`if (${result} === undefined) ${fail}`);
  return symbolOfValue(code, typeOf(expr, columns), result);
}

/** Evaluates a call over a row of those of its arguments that are no literals. */
function littleEvaluator(
  expr: Extract<Expr, { args: readonly Expr[] }>,
  { columns, functions }: Pick<Scope, 'columns' | 'functions'>,
): (row: Row) => Value {
  const little: Column[] = [];
  const args = expr.args.map((arg, index): Expr => {
    if (arg.kind === 'literal') return arg;
    little.push({ ...typeOf(arg, columns), name: `a${index}` });
    return { kind: 'field', name: `a${index}` };
  });
  return evaluatorOf({ ...expr, args }, little, functions);
}

function guarded(evaluate: (row: Row) => Value): (row: Row) => Value | undefined {
  return (row) => {
    try {
      return evaluate(row);
    } catch (error) {
      if ((error as Error).name === 'RowError') return undefined;
      throw error;
    }
  };
}

/** Whether a condition holds, as a condition of JS: null does not. */
export function holds(symbol: Symbol_): string {
  invariant(symbol.rep === 'boolean', 'a condition is a boolean');
  return symbol.type.nullable ? `${symbol.js} === 1` : symbol.js;
}

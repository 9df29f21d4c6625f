/** Short ways to write expressions in tests, and what becomes of them. */
import type { Column, Value } from '../../../runtime/src/data/value.ts';
import { evaluatorOf, inferExpr } from '../../../runtime/src/expr/evaluate.ts';
import type { Expr, ExprType, FunctionName, LiteralExpr } from '../../../runtime/src/expr/node.ts';

export const call = (fn: FunctionName, ...args: Expr[]): Expr => ({ kind: 'call', fn, args });
export const field = (name: string): Expr => ({ kind: 'field', name });
const of =
  (type: LiteralExpr['type']) =>
  (value: LiteralExpr['value']): Expr => ({ kind: 'literal', type, value });
export const bool = of('boolean');
export const int = of('integer');
export const double = of('double');
export const str = of('string');
export const time = (value: string | null): Expr =>
  of('timestamp')(value === null ? null : Date.parse(value));
export const dec = (unscaled: number | null, scale: number): Expr => ({
  kind: 'literal',
  type: 'decimal',
  value: unscaled,
  scale,
});

/** What literals cannot be: columns with one value. */
export const COLUMNS: readonly Column[] = [
  { name: 'window', type: 'window', nullable: false },
  { name: 'tags', type: 'list', item: 'string', nullable: false },
  { name: 'ids', type: 'list', item: 'integer', nullable: true },
  { name: 'none', type: 'list', item: 'string', nullable: true },
];
const ROW: readonly Value[] = [
  [Date.UTC(2024, 0, 1), Date.UTC(2024, 0, 2)],
  { items: ['a', 'b'] },
  { items: [1, 2, 2] },
  null,
];

export function typeOf(expr: Expr): ExprType | string {
  return inferExpr(expr, COLUMNS);
}

/** The value, or the message of the error of the row. @throws for an expression without a type */
export function valueOf(expr: Expr): Value {
  const type = typeOf(expr);
  if (typeof type === 'string') throw new TypeError(type);
  try {
    return evaluatorOf(expr, COLUMNS)(ROW);
  } catch (error) {
    if ((error as Error).name === 'RowError') return `error: ${(error as Error).message}`;
    throw error;
  }
}

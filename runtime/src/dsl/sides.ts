/**
 * Expressions over the rows of several places at once: the two sides of a join, the steps of a pattern. While a
 * definition is written, a column is called `place.column`, a name that no column can have. What leaves is then either
 * columns, or the columns that its expressions need and a map behind them.
 */
import type { Column } from '../data/value.ts';
import type { Expr } from '../expr/node.ts';
import type { NamedExpr, PlanNode } from '../plan/node.ts';
import { wrong } from './definition.ts';
import { fieldsOf, nodeOf } from './expression.ts';

export interface Place {
  readonly name: string;
  readonly columns: readonly Column[];
}

/** For each place the fields of its rows; expressions may mix them. */
export function fieldsOfPlaces(places: readonly Place[]): Readonly<Record<string, unknown>> {
  const all = places.flatMap(({ name, columns }) =>
    columns.map((column) => ({ ...column, name: `${name}.${column.name}` })),
  );
  const result: Record<string, unknown> = {};
  const fields = fieldsOf<Record<string, unknown>>(all);
  for (const { name } of places) {
    result[name] = new Proxy(fields, {
      get: (target, column) => (typeof column === 'symbol' ? undefined : target[`${name}.${column}`]),
    });
  }
  return result;
}

/** The place and the column of a field. */
export function placeOf(name: string): { readonly place: string; readonly column: string } {
  const dot = name.indexOf('.');
  return { place: name.slice(0, dot), column: name.slice(dot + 1) };
}

export interface Selected {
  /** What has to leave the places: `field` is `place.column`. */
  readonly columns: readonly { readonly name: string; readonly field: string }[];
  /** What is computed from these columns; null when they are all that leaves. */
  readonly computed: readonly NamedExpr[] | null;
  /** An expression over what leaves, as one over `columns`. */
  readonly translate: (expr: Expr) => Expr;
}

/** REQUIRES values that are expressions over `fieldsOfPlaces`. Columns made up for them avoid the names that are taken. */
export function selected(
  what: string,
  values: Readonly<Record<string, unknown>>,
  taken: readonly string[] = [],
): Selected {
  const entries = Object.entries(values).map(([name, value]) => ({
    name,
    expr: nodeOf(value, `${what}, column "${name}"`),
  }));
  if (entries.length === 0) wrong(`${what} selects no column`);
  if (entries.every(({ expr }) => expr.kind === 'field')) {
    const columns = entries.map(({ name, expr }) => ({ name, field: (expr as { name: string }).name }));
    return { columns, computed: null, translate: (expr) => expr };
  }
  const names = new Map<string, string>();
  const free = freeNames(taken);
  for (const field of entries.flatMap(({ expr }) => fieldsIn(expr)))
    if (!names.has(field)) names.set(field, free());
  const computed = entries.map(({ name, expr }) => ({
    name,
    expr: renamed(expr, (field) => ({ kind: 'field', name: names.get(field) as string })),
  }));
  const byName = new Map(computed.map(({ name, expr }) => [name, expr]));
  return {
    columns: [...names].map(([field, name]) => ({ name, field })),
    computed,
    translate: (expr) => renamed(expr, (field) => byName.get(field) ?? { kind: 'field', name: field }),
  };
}

function freeNames(taken: readonly string[]): () => string {
  let number = 0;
  return () => {
    do number++;
    while (taken.includes(`c${number}`));
    return `c${number}`;
  };
}

/** The map that follows the node whose columns were selected, if one is needed. */
export function mapped(node: PlanNode, computed: readonly NamedExpr[] | null): PlanNode {
  return computed === null ? node : { kind: 'map', input: node, columns: computed };
}

/** The names of the fields of an expression. */
function fieldsIn(expr: Expr): readonly string[] {
  if (expr.kind === 'field') return [expr.name];
  return expr.kind === 'literal' ? [] : expr.args.flatMap(fieldsIn);
}

/** An expression with something else for its fields. */
function renamed(expr: Expr, field: (name: string) => Expr): Expr {
  if (expr.kind === 'field') return field(expr.name);
  return expr.kind === 'literal' ? expr : { ...expr, args: expr.args.map((arg) => renamed(arg, field)) };
}

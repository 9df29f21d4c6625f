/**
 * Rows with computed columns. A row for which an expression fails is left out of everything that the node does, as the
 * runtime does; expressions that cannot fail stay where they are used.
 */
import type { Column } from '../../data/value.ts';
import type { Expr } from '../../expr/node.ts';
import type { PlanKind } from '../../plan/node.ts';
import { conditionsOf, expressionSql, type Scope, type Sql } from './duckdb-expression.ts';
import { allOf, as, hiddenOf, nested, type Query, type Relation, select } from './duckdb-query.ts';
import { identifier } from './duckdb-text.ts';

const OK = '_ok';

/** The scope of the columns of a relation. */
export function scopeOf(query: Query, node: PlanKind, columns: readonly Column[]): Scope {
  return { columns, refuse: (what, reason) => query.refuse(node, what, reason) };
}

/** The relation with these columns instead of its own. */
export function projected(
  query: Query,
  label: PlanKind,
  input: Relation,
  outputs: readonly { readonly name: string; readonly sql: Sql }[],
  columns: readonly Column[],
): Relation {
  const written = outputs.map(({ name, sql }) => as(sql.text, name));
  const hidden = hiddenOf(input).map(identifier);
  // A column that is NULL only when it failed says so itself.
  const isPlain = ({ fails, nulls, conditions }: Sql): boolean =>
    fails && nulls.length === 0 && conditions.length === 0;
  const own = outputs.filter(({ sql }) => isPlain(sql)).map(({ name }) => `${identifier(name)} IS NOT NULL`);
  const others = outputs.filter(({ sql }) => !isPlain(sql)).flatMap(({ sql }) => conditionsOf(sql));
  if (own.length + others.length === 0) {
    return {
      ...input,
      columns,
      from: query.add(label, select({ columns: [...written, ...hidden], from: input.from })),
    };
  }
  const ok = others.length === 0 ? [] : [as(allTrue(others), OK)];
  const inner = select({ columns: [...written, ...hidden, ...ok], from: input.from });
  const sql = select({
    columns: [...columns.map(({ name }) => identifier(name)), ...hidden],
    from: nested(inner),
    where: [...own, ...ok.map(() => identifier(OK))],
  });
  return { ...input, columns, from: query.add(label, sql) };
}

function allTrue(conditions: readonly string[]): string {
  return [...new Set(conditions)].join(' AND ');
}

export interface Prepared {
  readonly relation: Relation;
  /** What each expression is called over the relation. */
  readonly texts: readonly string[];
}

/** An expression that is computed where another is true; for every row without one. */
export interface Guarded {
  readonly expr: Expr;
  readonly guard?: Expr;
}

/**
 * The relation without the rows for which one of the expressions fails. Those that can are columns of it, "_x1" and on,
 * that only the next step sees.
 */
export function prepared(
  query: Query,
  label: PlanKind,
  input: Relation,
  exprs: readonly Guarded[],
): Prepared {
  const scope = scopeOf(query, label, input.columns);
  const sqls = exprs.map(({ expr }) => expressionSql(expr, scope));
  const conditions = sqls.flatMap((sql, index) => {
    const own = conditionsOf(sql);
    const guard = exprs[index]?.guard;
    if (guard === undefined || own.length === 0) return own;
    return [`CASE WHEN ${expressionSql(guard, scope).text} THEN ${allTrue(own)} ELSE TRUE END`];
  });
  if (conditions.length === 0) return { relation: input, texts: sqls.map(({ text }) => text) };
  const names = sqls.map((sql, index) =>
    conditionsOf(sql).length > 0 ? identifier(`_x${index + 1}`) : null,
  );
  const added = sqls.flatMap(({ text }, index) =>
    names[index] === null ? [] : [`${text} AS ${names[index]}`],
  );
  const inner = select({
    columns: [...allOf(input), ...added, as(allTrue(conditions), OK)],
    from: input.from,
  });
  const from = query.add(label, select({ columns: ['*'], from: nested(inner), where: [identifier(OK)] }));
  return { relation: { ...input, from }, texts: sqls.map(({ text }, index) => names[index] ?? text) };
}

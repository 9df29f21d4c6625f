/**
 * A view as one query of DuckDB over all events: the batch reading of a plan, and a second implementation of every
 * operator that tests compare the engine with.
 *
 *   sources (tables, JSON lines, Parquet) ─► a named subquery for each node ─► SELECT of the view
 *
 * The query gives the rows that the view has when the input has ended, or nothing: what SQL cannot say exactly is listed
 * as `Unsupported`, everything at once. It counts on DuckDB's own settings (`integer_division` and `ieee_floating_point_ops`
 * as they are by default) and reads times in UTC.
 *
 * Exactness   Rows, whole numbers, decimals, times and strings are equal. Sums and averages of doubles may differ in the
 *             last bits (duckdb-aggregate.ts). -0 and 0 are one value.
 * Late rows   Under `correct` every event counts, so there are none. Under `drop` and `side-output` they are left out, by
 *             the watermark before each row (duckdb-source.ts), each window by itself.
 */
import { invariant } from '../../base/invariant.ts';
import type { Column } from '../../data/value.ts';
import { inferColumns } from '../../plan/infer.ts';
import {
  applyTable,
  type NodeOf,
  type Plan,
  type PlanNode,
  type PlanTable,
  type ViewPlan,
} from '../../plan/node.ts';
import { nameOfPlan, sourcesOf } from '../../plan/walk.ts';
import type { Context } from './duckdb-context.ts';
import { conditionsOf, expressionSql } from './duckdb-expression.ts';
import { groupRelation, overRelation } from './duckdb-group.ts';
import { joinRelation } from './duckdb-join.ts';
import { dedupeRelation, topRelation } from './duckdb-order.ts';
import { allOf, arrivalName, as, Query, type Relation, select } from './duckdb-query.ts';
import { prepared, projected, scopeOf } from './duckdb-rows.ts';
import { CASE_REASON, type DuckDbInput, sourceRelation, tablesOf } from './duckdb-source.ts';
import { identifier } from './duckdb-text.ts';
import { unionRelation } from './duckdb-union.ts';
import type { Unsupported } from './unsupported.ts';

export type DuckDbQuery = { readonly sql: string } | { readonly unsupported: readonly Unsupported[] };

/** REQUIRES a valid plan, one of its views, and an input for each source that the view reads. */
export function exportDuckDb(
  plan: Plan,
  view: ViewPlan,
  inputs: Readonly<Record<string, DuckDbInput>>,
): DuckDbQuery {
  const sources = sourcesOf(plan, view.node);
  const query = new Query(tablesOf(sources.flatMap(({ name }) => inputs[name] ?? [])));
  const known = new Map<string, Relation>();
  const columns = new Map<PlanNode, readonly Column[]>();
  const context: Context & { readonly inputs: typeof inputs } = {
    plan,
    view,
    query,
    inputs,
    relationOf: (node) => {
      const name = nameOfPlan(node);
      let relation = known.get(name);
      if (relation === undefined) {
        relation = applyTable(NODES, node, context);
        refuseCase(node, relation.columns, query);
        known.set(name, relation);
      }
      return relation;
    },
    columnsOf: (node) => {
      const inferred = columns.get(node) ?? inferColumns(plan, node);
      columns.set(node, inferred);
      return inferred;
    },
  };
  const { from } = context.relationOf(view.node);
  if (query.unsupported.length > 0) return { unsupported: query.unsupported };
  const names = context.columnsOf(view.node).map(({ name }) => identifier(name));
  return { sql: query.text(select({ columns: names, from })) };
}

type NodeContext = Context & { readonly inputs: Readonly<Record<string, DuckDbInput>> };

const OPAQUE = 'its code is known to the runtime alone';

const NODES: PlanTable<Relation, NodeContext> = {
  source: (node, { plan, inputs, query, view, columnsOf }) => {
    const source = plan.sources.find(({ name }) => name === node.source);
    const input = inputs[node.source];
    invariant(source !== undefined && input !== undefined, `source ${node.source} has an input`);
    // The longest of all sources of a view counts for each.
    const allowedMs = Math.max(0, ...sourcesOf(plan, view.node).map(({ lateness }) => lateness.allowedMs));
    return sourceRelation(source, columnsOf(node), input, query, allowedMs);
  },
  filter: (node, context) => {
    const { query } = context;
    const input = context.relationOf(node.input);
    const predicate = expressionSql(node.predicate, scopeOf(query, 'filter', input.columns));
    const where = [...new Set([predicate.text, ...conditionsOf(predicate)])];
    return {
      ...input,
      from: query.add('filter', select({ columns: allOf(input), from: input.from, where })),
    };
  },
  map: (node, context) => {
    const input = context.relationOf(node.input);
    const scope = scopeOf(context.query, 'map', input.columns);
    const outputs = node.columns.map(({ name, expr }) => ({ name, sql: expressionSql(expr, scope) }));
    return projected(context.query, 'map', input, outputs, context.columnsOf(node));
  },
  unnest: unnestRelation,
  union: unionRelation,
  dedupe: dedupeRelation,
  group: groupRelation,
  top: topRelation,
  over: overRelation,
  join: joinRelation,
  pattern: (node, context) => {
    const reason =
      'a match begins behind the end of the one before it, which takes a step for each row; DuckDB has no MATCH_RECOGNIZE';
    context.query.refuse('pattern', 'steps', reason);
    return { ...context.relationOf(node.input), columns: context.columnsOf(node) };
  },
  process: (node, context) => {
    context.query.refuse('process', `function "${node.function}"`, OPAQUE);
    return { ...context.relationOf(node.input), columns: node.columns };
  },
};

function unnestRelation(node: NodeOf<'unnest'>, context: Context): Relation {
  const { query } = context;
  const input = context.relationOf(node.input);
  const { relation, texts } = prepared(query, 'unnest', input, [{ expr: node.list }]);
  const { arrival } = input;
  const [list = ''] = texts;
  // Items of one row come in their order.
  const place = arrival.kind === 'columns' ? [arrivalName(arrival.names.length)] : [];
  const columns = [
    ...allOf(input),
    as(`unnest(${list})`, node.as),
    ...place.map((name) => as(`generate_subscripts(${list}, 1)`, name)),
  ];
  const from = query.add('unnest', select({ columns, from: relation.from }));
  const names =
    arrival.kind === 'columns' ? { arrival: { ...arrival, names: [...arrival.names, ...place] } } : {};
  return { ...input, ...names, columns: context.columnsOf(node), from };
}

/** DuckDB takes "a" and "A" for one name. */
function refuseCase({ kind }: PlanNode, columns: readonly Column[], query: Query): void {
  const known = new Map<string, string>();
  for (const { name } of columns) {
    const other = known.get(name.toLowerCase());
    if (other !== undefined && other !== name)
      query.refuse(kind, `columns ${other} and ${name}`, CASE_REASON);
    known.set(name.toLowerCase(), name);
  }
}

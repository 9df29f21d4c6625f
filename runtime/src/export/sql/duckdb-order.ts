/** Nodes that keep the first rows of an order: dedupe and top. */
import type { NodeOf } from '../../plan/node.ts';
import { eventTimeOf } from '../../plan/infer.ts';
import { isAppendOnly, windowColumnOf } from '../../plan/traits.ts';
import { type Context, TTL_REASON } from './duckdb-context.ts';
import { allOf, arrivalOrder, as, ordered, type Relation, select } from './duckdb-query.ts';
import { prepared } from './duckdb-rows.ts';
import { identifier } from './duckdb-text.ts';

/** A changing input has no order of arrival: what came when depends on the cut into epochs. */
export function ofChanging(relation: Relation, isChanging: boolean): Relation {
  return isChanging ? { ...relation, arrival: { kind: 'content' } } : relation;
}

export function dedupeRelation(node: NodeOf<'dedupe'>, context: Context): Relation {
  const { query, view } = context;
  if (node.ttlMs !== null) query.refuse('dedupe', 'ttl', TTL_REASON);
  const input = ofChanging(context.relationOf(node.input), !isAppendOnly(node.input, view.mode));
  const time = node.by === 'time' ? eventTimeOf(input.columns) : null;
  const { relation, texts } = prepared(query, 'dedupe', input, time === null ? [] : [{ expr: time }]);
  const isLast = node.keep === 'last';
  const order = [
    ...texts.map((text) => ordered(text, isLast)),
    ...tiesOf('dedupe', relation, context, isLast),
  ];
  const over = `OVER (${partitionBy(node.keys)}ORDER BY ${order.join(', ')})`;
  const sql = select({ columns: allOf(input), from: relation.from, qualify: [`row_number() ${over} = 1`] });
  const kept = { ...input, from: query.add('dedupe', sql) };
  // The first to arrive is handed on at once, with its place in the log, unless its window has to end first.
  const waits = view.mode === 'final' && node.keys.includes(windowColumnOf(node.input) ?? '');
  const isAtOnce =
    node.keep === 'first' && node.by === 'arrival' && !waits && input.arrival.kind !== 'content';
  return isAtOnce ? kept : { ...kept, arrival: { kind: 'content' }, lateness: 'never' };
}

export function topRelation(node: NodeOf<'top'>, context: Context): Relation {
  const { query, view } = context;
  const input = ofChanging(context.relationOf(node.input), !isAppendOnly(node.input, view.mode));
  const { relation, texts } = prepared(
    query,
    'top',
    input,
    node.order.map(({ expr }) => ({ expr })),
  );
  const order = [
    ...texts.map((text, index) => ordered(text, node.order[index]?.descending)),
    ...tiesOf('top', relation, context),
  ];
  const place = `row_number() OVER (${partitionBy(node.partition)}ORDER BY ${order.join(', ')})`;
  const visible = input.columns.map(({ name }) => identifier(name));
  const columns = [...visible, ...(node.rank === null ? [] : [as(place, node.rank)])];
  const sql = select({ columns, from: relation.from, qualify: [`${place} <= ${node.limit}`] });
  return {
    from: query.add('top', sql),
    columns: context.columnsOf(node),
    arrival: { kind: 'content' },
    lateness: 'never',
    heldBackMs: input.heldBackMs,
  };
}

export function partitionBy(names: readonly string[]): string {
  return names.length === 0 ? '' : `PARTITION BY ${names.map(identifier).join(', ')} `;
}

/** ORDER BY among equal rows, or a refusal. */
export function tiesOf(
  node: 'dedupe' | 'top' | 'group' | 'over' | 'join',
  relation: Relation,
  { query }: Context,
  descending = false,
): readonly string[] {
  const order = arrivalOrder(relation, descending);
  if (order !== undefined) return order;
  if (relation.arrival.kind === 'unknown') query.refuse(node, 'ties', relation.arrival.reason);
  return [];
}

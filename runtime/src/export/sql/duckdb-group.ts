/**
 * Groups and over-windows. A row for which a key or an argument fails is in no aggregate; an argument is computed only
 * where the condition of its aggregate holds.
 */
import { inferExpr } from '../../expr/evaluate.ts';
import type { Expr, ExprType } from '../../expr/node.ts';
import { eventTimeOf } from '../../plan/infer.ts';
import type { AggregateCall, Frame, GroupKey, NodeOf, WindowPlan } from '../../plan/node.ts';
import { isAppendOnly } from '../../plan/traits.ts';
import { isWindowKey } from '../../plan/walk.ts';
import { type AggregateSql, DUCKDB_AGGREGATES } from './duckdb-aggregate.ts';
import { type Context, TTL_REASON } from './duckdb-context.ts';
import { LATE_REASON, notOver } from './duckdb-late.ts';
import { ofChanging, partitionBy, tiesOf } from './duckdb-order.ts';
import { type Arrival, as, nested, type Relation, select } from './duckdb-query.ts';
import { type Guarded, prepared } from './duckdb-rows.ts';
import { identifier, intervalLiteral } from './duckdb-text.ts';
import { windowed } from './duckdb-window.ts';

export function groupRelation(node: NodeOf<'group'>, context: Context): Relation {
  const { query, view } = context;
  if (node.ttlMs !== null) query.refuse('group', 'ttl', TTL_REASON);
  const input = ofChanging(context.relationOf(node.input), !isAppendOnly(node.input, view.mode));
  const keys = node.keys.map((key): Guarded => ({ expr: isWindowKey(key) ? key.window.time : key.expr }));
  const { relation, texts } = prepared(query, 'group', input, [
    ...keys,
    ...node.aggregates.flatMap(guardedOf),
  ]);
  const keyTexts = texts.slice(0, keys.length);
  const windowIndex = node.keys.findIndex(isWindowKey);
  const rows = windowIndex < 0 ? relation : inWindows(node.keys, windowIndex, keyTexts, relation, context);
  const written = node.keys.map((key, index) =>
    as(isWindowKey(key) ? `{'start': "_start", 'end': "_end"}` : (keyTexts[index] as string), key.name),
  );
  const aggregates = aggregatesSql('group', node.aggregates, texts.slice(keys.length), rows, context, '');
  const fits = aggregates.flatMap((sql) => sql.fits ?? []);
  const sql = select({
    columns: [
      ...written,
      ...aggregates.map(({ text }, index) => as(text, node.aggregates[index]?.name ?? '')),
    ],
    from: rows.from,
    groupBy: node.keys.flatMap((key, index) =>
      isWindowKey(key) ? ['"_start"', '"_end"'] : [String(index + 1)],
    ),
    // Without keys SQL shows a row of no rows.
    having: [...(node.keys.length === 0 ? ['count(*) > 0'] : []), ...fits],
  });
  return {
    from: query.add('group', sql),
    columns: context.columnsOf(node),
    arrival: { kind: 'content' },
    lateness: 'never',
    heldBackMs: input.heldBackMs,
  };
}

/** What an aggregate evaluates: its condition, then its arguments where that is true. */
function guardedOf({ arg, by, where }: AggregateCall): Guarded[] {
  const always: Guarded = { expr: where ?? TRUE };
  const guard = where === undefined ? {} : { guard: where };
  return [always, { expr: arg ?? TRUE, ...guard }, { expr: by ?? TRUE, ...guard }];
}

const TRUE: Expr = { kind: 'literal', type: 'boolean', value: true };

/** `texts` are those of `guardedOf`, three for each call. */
function aggregatesSql(
  node: 'group' | 'over',
  calls: readonly AggregateCall[],
  texts: readonly string[],
  relation: Pick<Relation, 'columns' | 'arrival'>,
  { query }: Context,
  over: string,
): readonly AggregateSql[] {
  return calls.map((call, index) => {
    const [where = '', arg = '', by = ''] = texts.slice(index * 3, index * 3 + 3);
    const type = call.arg === null ? null : (inferExpr(call.arg, relation.columns) as ExprType);
    return DUCKDB_AGGREGATES[call.fn]({
      call,
      arg,
      by,
      where: call.where === undefined ? null : where,
      type,
      arrival: relation.arrival,
      over,
      refuse: (what, reason) => query.refuse(node, what, reason),
    });
  });
}

function inWindows(
  keys: readonly GroupKey[],
  windowIndex: number,
  texts: readonly string[],
  input: Relation,
  context: Context,
): Relation {
  const { window } = keys[windowIndex] as { window: WindowPlan };
  const time = texts[windowIndex] as string;
  if (window.kind === 'session') {
    return sessions(window.gapMs, time, texts.toSpliced(windowIndex, 1), input, context);
  }
  const rows = windowed(context.query, input, window, time);
  if (rows.lateness === 'never') return rows;
  if (rows.lateness === 'unknown') context.query.refuse('group', 'late rows', LATE_REASON);
  const where = [notOver('"_end"', rows.heldBackMs)];
  return { ...rows, from: context.query.add('in_time', select({ columns: ['*'], from: rows.from, where })) };
}

/** A session begins with a row that lies more than the gap behind the row before it. */
function sessions(
  gapMs: number,
  time: string,
  keys: readonly string[],
  input: Relation,
  context: Context,
): Relation {
  if (input.lateness !== 'never') {
    const reason =
      'whether a row is late depends on the session that the rows before it made, which takes a step for each row';
    context.query.refuse('group', 'late rows of sessions', reason);
  }
  if (input.arrival.kind === 'content' || (input.arrival.kind === 'columns' && input.arrival.mixed)) {
    const reason =
      'rows that time caused meet the sessions that are open when they come, which takes a step for each row';
    context.query.refuse('group', 'sessions of rows that time caused', reason);
  }
  const partition = keys.length === 0 ? '' : `PARTITION BY ${keys.join(', ')} `;
  const order = `${partition}ORDER BY "_t"`;
  const timed = select({ columns: ['*', as(time, '_t')], from: input.from });
  const before = `lag("_t") OVER (${order}) + ${intervalLiteral(gapMs)} >= "_t"`;
  const begins = select({
    columns: ['*', as(`CASE WHEN ${before} THEN 0 ELSE 1 END`, '_begins')],
    from: nested(timed),
  });
  const numbered = select({
    columns: ['*', as(`sum("_begins") OVER (${order} ROWS UNBOUNDED PRECEDING)`, '_session')],
    from: nested(begins),
  });
  const within = `OVER (${partition === '' ? 'PARTITION BY ' : `${partition.trimEnd()}, `}"_session")`;
  const sql = select({
    columns: [
      '*',
      as(`min("_t") ${within}`, '_start'),
      as(`max("_t") ${within} + ${intervalLiteral(gapMs)}`, '_end'),
    ],
    from: nested(numbered),
  });
  return { ...input, from: context.query.add('sessions', sql) };
}

const FRAMES: { readonly [K in Frame['kind']]: (frame: Extract<Frame, { kind: K }>) => string } = {
  rows: ({ preceding }) => `ROWS BETWEEN ${preceding} PRECEDING AND CURRENT ROW`,
  range: ({ precedingMs }) => `RANGE BETWEEN ${intervalLiteral(precedingMs)} PRECEDING AND CURRENT ROW`,
  unbounded: () => 'RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW',
};

export function overRelation(node: NodeOf<'over'>, context: Context): Relation {
  const { query } = context;
  const input = context.relationOf(node.input);
  const time = eventTimeOf(input.columns);
  const exprs = [{ expr: time ?? TRUE }, ...node.aggregates.flatMap(guardedOf)];
  const { relation, texts } = prepared(query, 'over', input, exprs);
  const [timeText = ''] = texts;
  if (input.lateness === 'unknown') query.refuse('over', 'late rows', LATE_REASON);
  const timed = select({
    columns: ['*', as(timeText, '_t')],
    from: relation.from,
    where:
      input.lateness === 'column' ? [notOver(`${timeText} + ${intervalLiteral(1)}`, input.heldBackMs)] : [],
  });
  // In a frame of rows, those of one time are told apart; in the others they are in each other's frames.
  const order = node.frame.kind === 'rows' ? [`"_t"`, ...tiesOf('over', relation, context)] : ['"_t"'];
  const frame = FRAMES[node.frame.kind](node.frame as never);
  const over = ` OVER (${partitionBy(node.partition)}ORDER BY ${order.join(', ')} ${frame})`;
  // Of equal rows of a frame the smaller value is the earlier, whatever came first.
  const byValue: Arrival = { kind: 'content' };
  const aggregates = aggregatesSql(
    'over',
    node.aggregates,
    texts.slice(1),
    { ...relation, arrival: byValue },
    context,
    over,
  );
  const sql = select({
    columns: [
      ...input.columns.map(({ name }) => identifier(name)),
      ...aggregates.map(({ text }, index) => as(text, node.aggregates[index]?.name ?? '')),
    ],
    from: query.add('over_rows', timed),
    qualify: aggregates.flatMap(({ fits }) => fits ?? []),
  });
  return {
    from: query.add('over', sql),
    columns: context.columnsOf(node),
    arrival: byValue,
    lateness: 'never',
    heldBackMs: input.heldBackMs,
  };
}

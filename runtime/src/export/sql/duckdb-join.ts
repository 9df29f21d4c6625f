/**
 * Joins. A null in a key equals nothing, as in SQL; the condition is part of ON, so that a left join keeps a row whose
 * pairs all fail it. A pair belongs to the later of its two events: that one's arrival and lateness are the pair's.
 */
import { eventTimeOf } from '../../plan/infer.ts';
import type { JoinHow, NodeOf, PlanNode } from '../../plan/node.ts';
import { placesOf, SHARED_REASON } from './duckdb-arrival.ts';
import { conditionsOf, expressionSql } from './duckdb-expression.ts';
import { type Context, TTL_REASON } from './duckdb-context.ts';
import { LATE_REASON, notOver } from './duckdb-late.ts';
import { tiesOf } from './duckdb-order.ts';
import {
  allOf,
  type Arrival,
  arrivalName,
  as,
  type Lateness,
  LOG,
  OVER,
  POSITION,
  type Relation,
  select,
} from './duckdb-query.ts';
import { prepared } from './duckdb-rows.ts';
import { identifier, intervalLiteral } from './duckdb-text.ts';

type JoinNode = NodeOf<'join'>;
type JoinWriter<K extends JoinHow['kind']> = (
  node: JoinNode,
  context: Context,
  how: Extract<JoinHow, { kind: K }>,
) => Relation;

const JOINS: { readonly [K in JoinHow['kind']]: JoinWriter<K> } = {
  regular: (node, context, { ttlMs }) => {
    if (ttlMs !== null) context.query.refuse('join', 'ttl', TTL_REASON);
    const [left, right] = [context.relationOf(node.left), context.relationOf(node.right)];
    if (node.type === 'left') {
      // Nulls come and go with the partners, so no row has an event of its own.
      return written(node, context, { left, right, on: [], lateness: notKnown(left, right) });
    }
    return written(node, context, { left, right, on: [], pairs: { byTime: false } });
  },
  window: (node, context) => {
    const [left, right] = [context.relationOf(node.left), context.relationOf(node.right)];
    return written(node, context, { left, right, on: [], lateness: notKnown(left, right) });
  },
  interval: (node, context, { lowerMs, upperMs }) => {
    const [left, right] = timelySides(node, context);
    const [from, to] = [lowerMs, upperMs].map((ms) => `l."_time_l" + ${intervalLiteral(ms)}`);
    const on = [`r."_time_r" BETWEEN ${from} AND ${to}`];
    return written(node, context, { left, right, on, pairs: { byTime: true } });
  },
  temporal: (node, context) => {
    const [left, right] = timelySides(node, context);
    const keys = [...node.on.map((pair) => identifier(pair.right)), '"_time_r"'].join(', ');
    const versions = lastOf(right, keys, context);
    return valid(node, context, {
      left,
      right: versions,
      on: 'l."_time_l" >= r."_time_r"',
      arrival: { kind: 'content' },
      lateness: 'never',
    });
  },
  lookup: (node, context) => {
    const [left, right] = [context.relationOf(node.left), context.relationOf(node.right)];
    const [one, two] = [left.arrival, right.arrival];
    const { arrival, lateness } = left;
    const isTimed = one.kind === 'content' || (one.kind === 'columns' && one.mixed);
    if (isTimed && two.kind === 'columns' && two.clock === LOG)
      context.query.refuse(
        'join',
        'lookup of rows that time caused',
        'what the table holds when they come depends on when time passes',
      );
    // Each left row meets the row of the table that was there when it came.
    if (one.kind === 'columns' && two.kind === 'columns' && one.clock === two.clock) {
      return valid(node, context, {
        left,
        right,
        on: `l."${POSITION}" > r."${POSITION}"`,
        arrival,
        lateness,
      });
    }
    // A table of its own is read before the first event.
    const rows = lastOf(right, node.on.map((pair) => identifier(pair.right)).join(', '), context);
    return valid(node, context, { left, right: rows, on: null, arrival, lateness });
  },
};

export function joinRelation(node: JoinNode, context: Context): Relation {
  return (JOINS[node.how.kind] as JoinWriter<'window'>)(node, context, node.how as { kind: 'window' });
}

function timelySides(node: JoinNode, context: Context): [left: Relation, right: Relation] {
  const heldBackMs = Math.max(
    context.relationOf(node.left).heldBackMs,
    context.relationOf(node.right).heldBackMs,
  );
  return [
    timely(node.left, context, '_time_l', heldBackMs),
    timely(node.right, context, '_time_r', heldBackMs),
  ];
}

/** The rows of a side with their event time as a column, without those that came too late for it. */
function timely(side: PlanNode, context: Context, name: string, heldBackMs: number): Relation {
  const { query } = context;
  const input = context.relationOf(side);
  const time = eventTimeOf(input.columns);
  const { relation, texts } = prepared(query, 'join', input, time === null ? [] : [{ expr: time }]);
  const [text = 'NULL::TIMESTAMP'] = texts;
  if (input.lateness === 'unknown') query.refuse('join', 'late rows', LATE_REASON);
  const isInTime = `(${text} IS NULL OR ${notOver(`${text} + ${intervalLiteral(1)}`, heldBackMs)})`;
  const where = input.lateness === 'column' ? [isInTime] : [];
  const columns = [...allOf(input), as(text, name)];
  return { ...input, from: query.add('join_side', select({ columns, from: relation.from, where })) };
}

/** Of each key the row that came last. */
function lastOf(relation: Relation, keys: string, context: Context): Relation {
  const order = tiesOf('join', relation, context, true);
  const over = `OVER (PARTITION BY ${keys} ORDER BY ${order.join(', ')})`;
  const sql = select({ columns: ['*'], from: relation.from, qualify: [`row_number() ${over} = 1`] });
  return { ...relation, from: context.query.add('join_versions', sql) };
}

interface Sides {
  readonly left: Relation;
  readonly right: Relation;
}

/** Equal keys, and the condition over the columns that leave. */
function equalKeys({ on }: JoinNode): string[] {
  return on.map((pair) => `l.${identifier(pair.left)} = r.${identifier(pair.right)}`);
}

function conditionSql(node: JoinNode, context: Context): readonly string[] {
  if (node.condition === null) return [];
  const sql = expressionSql(node.condition, {
    columns: context.columnsOf(node),
    sqlOf: (name) => {
      const column = node.columns.find((candidate) => candidate.name === name);
      return `${column?.side === 'right' ? 'r' : 'l'}.${identifier(column?.from ?? name)}`;
    },
    refuse: (what, reason) => context.query.refuse('join', what, reason),
  });
  return [sql.text, ...conditionsOf(sql)];
}

type Pairs = { readonly byTime: boolean };

/** An ordinary join. `pairs` says that pairs of two events have an arrival, and whether partners come by time. */
function written(
  node: JoinNode,
  context: Context,
  {
    left,
    right,
    on,
    pairs,
    lateness = 'never',
  }: Sides & { on: readonly string[]; pairs?: Pairs; lateness?: Lateness },
): Relation {
  const columns = node.columns.map(({ side, from, name }) =>
    as(`${side === 'left' ? 'l' : 'r'}.${identifier(from)}`, name),
  );
  const hidden =
    pairs === undefined
      ? { arrival: CONTENT, lateness, columns: [] }
      : pairColumns(node, { left, right }, pairs, context);
  const conditions = [...equalKeys(node), ...on, ...conditionSql(node, context)].join('\n AND ');
  const kind = node.type === 'left' ? 'LEFT JOIN' : 'JOIN';
  const from = `${left.from} AS l\n${kind} ${right.from} AS r ON ${conditions}`;
  const sql = select({ columns: [...columns, ...hidden.columns], from });
  return {
    from: context.query.add('join', sql),
    columns: context.columnsOf(node),
    arrival: hidden.arrival,
    lateness: hidden.lateness,
    heldBackMs: heldBack(node, left, right),
  };
}

/** As the runtime counts it, for the late rule of what follows. */
function heldBack({ how }: JoinNode, left: Relation, right: Relation): number {
  const before = Math.max(left.heldBackMs, right.heldBackMs);
  if (how.kind === 'interval') return before + Math.max(0, how.upperMs, -how.lowerMs);
  return how.kind === 'regular' ? before + (how.ttlMs ?? 0) : before;
}

const CONTENT: Arrival = { kind: 'content' };

function notKnown(left: Relation, right: Relation): Lateness {
  return left.lateness === 'never' && right.lateness === 'never' ? 'never' : 'unknown';
}

interface Hidden {
  readonly arrival: Arrival;
  readonly lateness: Lateness;
  readonly columns: readonly string[];
}

/**
 * What a pair knows of its two events: the position of the later one; which side that was, for one event that came on
 * both; then the order of its rows, then that of the partners it met.
 */
function pairColumns(node: JoinNode, { left, right }: Sides, { byTime }: Pairs, context: Context): Hidden {
  const [one, two] = [left.arrival, right.arrival];
  const none = (arrival: Arrival): Hidden => ({ arrival, lateness: notKnown(left, right), columns: [] });
  const unknown = (reason: string): Hidden => none({ kind: 'unknown', reason });
  if (one.kind === 'content' || two.kind === 'content') return none(CONTENT);
  if (one.kind === 'unknown' || two.kind === 'unknown' || one.clock !== two.clock)
    return unknown(
      'which of two rows of a pair came later is not known: their positions are not those of one log',
    );
  if (one.mixed || two.mixed) return unknown('some of its rows have no position in the log');
  const places = placesOf(context.view.node, node);
  if (places === null) return unknown(SHARED_REASON);
  const later = laterOf(node, byTime, places);
  const rest = Math.max(one.names.length, two.names.length) - 1;
  const at = (side: 'l' | 'r', index: number): string =>
    index < (side === 'l' ? one : two).names.length ? `${side}.${identifier(arrivalName(index))}` : '0';
  const terms = [later(at('l', 0), at('r', 0)), later(String(places[0]), String(places[1]))];
  for (let index = 1; index <= rest; index++) terms.push(later(at('l', index), at('r', index)));
  if (byTime) terms.push(later('epoch_ms(r."_time_r")', 'epoch_ms(l."_time_l")'));
  for (let index = 0; index <= rest; index++) terms.push(later(at('r', index), at('l', index)));
  const overOf = (side: 'l' | 'r', { lateness }: Relation): string =>
    lateness === 'column' ? `${side}.${identifier(OVER)}` : 'NULL::TIMESTAMP';
  const all = [left.lateness, right.lateness];
  const lateness = all.includes('unknown') ? 'unknown' : all.includes('column') ? 'column' : 'never';
  const over = lateness === 'column' ? [as(later(overOf('l', left), overOf('r', right)), OVER)] : [];
  return {
    arrival: {
      kind: 'columns',
      names: terms.map((_, index) => arrivalName(index)),
      clock: one.clock,
      mixed: node.type === 'left',
    },
    lateness,
    columns: [...terms.map((term, index) => as(term, arrivalName(index))), ...over],
  };
}

/** Chooses what belongs to the later row of a pair: that of the left, or that of the right. */
function laterOf(
  node: JoinNode,
  byTime: boolean,
  places: readonly number[],
): (left: string, right: string) => string {
  const isLeftFirst = (places[0] ?? 0) < (places[1] ?? 0);
  const isLeftLater = `l."${POSITION}" ${isLeftFirst ? '>' : '>='} r."${POSITION}"`;
  if (node.type === 'inner')
    return (left, right) => `CASE WHEN ${isLeftLater} THEN ${left} ELSE ${right} END`;
  // A row without a partner comes when time has passed, or at once when it can have none.
  const nulls = [...node.on.map((pair) => `l.${identifier(pair.left)}`), ...(byTime ? ['l."_time_l"'] : [])];
  const isNever = nulls.map((each) => `${each} IS NULL`).join(' OR ');
  return (left, right) =>
    `CASE WHEN r."${POSITION}" IS NULL THEN CASE WHEN ${isNever} THEN ${left} END WHEN ${isLeftLater} THEN ${left} ELSE ${right} END`;
}

/** Each left row with one row of the right at most: that of its key, or the last for which `on` holds. */
function valid(
  node: JoinNode,
  context: Context,
  { left, right, on, arrival, lateness }: Sides & { on: string | null; arrival: Arrival; lateness: Lateness },
): Relation {
  const found = `r.${identifier(node.on[0]?.right ?? '')} IS NOT NULL`;
  const conditions = conditionSql(node, context);
  const isPair = [found, ...conditions].join(' AND ');
  const isPlain = node.type === 'inner' || conditions.length === 0;
  const columns = node.columns.map(({ side, from, name }) => {
    const column = `${side === 'left' ? 'l' : 'r'}.${identifier(from)}`;
    return as(side === 'left' || isPlain ? column : `CASE WHEN ${isPair} THEN ${column} END`, name);
  });
  const kind = on === null ? 'LEFT JOIN' : 'ASOF LEFT JOIN';
  const all = [...equalKeys(node), ...(on === null ? [] : [on])].join(' AND ');
  const hidden = [
    ...(arrival.kind === 'columns' ? arrival.names : []),
    ...(lateness === 'column' ? [OVER] : []),
  ].map((name) => as(`l.${identifier(name)}`, name));
  const sql = select({
    columns: [...columns, ...hidden],
    from: `${left.from} AS l\n${kind} ${right.from} AS r ON ${all}`,
    where: node.type === 'inner' ? [isPair] : [],
  });
  return {
    from: context.query.add('join', sql),
    columns: context.columnsOf(node),
    arrival,
    lateness,
    heldBackMs: heldBack(node, left, right),
  };
}

/**
 * Aggregates as DuckDB's SQL, of groups and of frames.
 *
 * Ties        Of equal rows the earlier in the log decides, or for `last` the later; where rows have no place in the log,
 *             the smaller value is the earlier.
 * Exactness   Whole numbers and decimals are summed exactly and rounded once, as the runtime does. Doubles are summed by
 *             DuckDB's compensated `fsum`, which may differ from the runtime's exact sum in the last bits.
 */
import { DOUBLE_MAX } from '../../data/value.ts';
import type { ExprType } from '../../expr/node.ts';
import type { AggregateCall, AggregateName } from '../../plan/node.ts';
import type { Arrival } from './duckdb-query.ts';
import { doubleLiteral, identifier, integerLiteral, typeText } from './duckdb-text.ts';

export interface AggregateInput {
  readonly call: AggregateCall;
  /** The expressions of the call as SQL. */
  readonly arg: string;
  readonly by: string;
  readonly where: string | null;
  /** Of the argument; null for `count()`. */
  readonly type: ExprType | null;
  /** What tells equal rows apart; not known where it is refused anyway. */
  readonly arrival: Arrival;
  /** Behind the aggregate: an OVER clause with a space before it, or nothing. */
  readonly over: string;
  readonly refuse: (what: AggregateName | 'ties', reason: string) => void;
}

export interface AggregateSql {
  readonly text: string;
  /** What holds unless the result has no value of its type: the row is then not shown. */
  readonly fits?: string;
}

export const DUCKDB_AGGREGATES: { readonly [A in AggregateName]: (input: AggregateInput) => AggregateSql } = {
  count: (input) => ({ text: written(input, input.call.arg === null ? 'count(*)' : `count(${input.arg})`) }),
  sum: (input) => {
    const { type } = input;
    const sum = written(input, type?.type === 'double' ? `fsum(${input.arg})` : `sum(${input.arg})`);
    const text = type?.type === 'double' || type === null ? sum : `TRY_CAST(${sum} AS ${typeText(type)})`;
    return { text, fits: `coalesce(abs(${sum}) <= ${sumMax(type)}, TRUE)` };
  },
  avg: (input) => {
    const { arg, type } = input;
    const count = written(input, `count(${arg})`);
    if (type?.type === 'double') return { text: `${written(input, `fsum(${arg})`)} / ${count}` };
    const scale = type?.scale ?? 0;
    const unit = scale === 0 ? '' : ` * ${integerLiteral(10 ** scale)}`;
    const sum = written(input, `sum(${arg})`);
    // The sum is exact; it is rounded to a double once, and divided once.
    const total = scale === 0 ? sum : `CAST(${sum}${unit} AS HUGEINT)`;
    return { text: `CAST(${total} AS DOUBLE) / (${count}${unit})` };
  },
  min: (input) => ({ text: written(input, `min(${input.arg})`) }),
  max: (input) => ({ text: written(input, `max(${input.arg})`) }),
  first: (input) => keeper(input, 'earlier', false),
  last: (input) => keeper(input, 'later', true),
  argMin: (input) => keeper(input, 'earlier', false),
  argMax: (input) => keeper(input, 'earlier', true),
  countDistinct: (input) => ({ text: written(input, `count(DISTINCT ${input.arg})`) }),
  approxCountDistinct: ({ refuse }) => {
    refuse(
      'approxCountDistinct',
      'DuckDB estimates in another way, so the numbers would differ; countDistinct is exact',
    );
    return { text: 'NULL::BIGINT' };
  },
  percentile: (input) => {
    const fraction = doubleLiteral(input.call.fraction ?? 0);
    return { text: written(input, `quantile_cont(CAST(${input.arg} AS DOUBLE), ${fraction})`) };
  },
  collect: (input) => {
    const order = ties(input, 'earlier').map(({ term, direction }) => `${term} ${direction}`);
    const list = written(input, `list(${input.arg} ORDER BY ${order.join(', ')})`, [
      `${input.arg} IS NOT NULL`,
    ]);
    return { text: `coalesce(${list}, [])` };
  },
};

/** An aggregate with its FILTER and OVER. */
function written({ where, over }: AggregateInput, text: string, conditions: readonly string[] = []): string {
  const all = [...(where === null ? [] : [where]), ...conditions];
  return `${text}${all.length === 0 ? '' : ` FILTER (WHERE ${all.join(' AND ')})`}${over}`;
}

function sumMax(type: ExprType | null): string {
  if (type?.type === 'double') return doubleLiteral(DOUBLE_MAX);
  if (type?.type !== 'decimal') return String(Number.MAX_SAFE_INTEGER);
  const digits = String(Number.MAX_SAFE_INTEGER).padStart((type.scale ?? 0) + 1, '0');
  const point = digits.length - (type.scale ?? 0);
  return `${digits.slice(0, point)}.${digits.slice(point)}`;
}

/** The value of the row with the smallest or largest `by`. */
function keeper(input: AggregateInput, tie: 'earlier' | 'later', descending: boolean): AggregateSql {
  const by: Order = { term: input.by, direction: descending ? 'DESC NULLS LAST' : 'ASC NULLS LAST' };
  const order = [by, ...ties(input, tie)].map(({ term, direction }) => `${term}, '${direction}'`);
  const text = `arg_min(${input.arg}, create_sort_key(${order.join(', ')}))`;
  return {
    text: written(
      input,
      text,
      [input.arg, input.by].map((each) => `${each} IS NOT NULL`),
    ),
  };
}

interface Order {
  readonly term: string;
  readonly direction: string;
}

/** The order of rows that are equal otherwise. */
function ties({ arrival, arg, refuse }: AggregateInput, first: 'earlier' | 'later'): readonly Order[] {
  const byValue: Order = { term: arg, direction: first === 'earlier' ? 'ASC NULLS LAST' : 'DESC NULLS LAST' };
  if (arrival.kind === 'unknown') refuse('ties', arrival.reason);
  if (arrival.kind !== 'columns') return [byValue];
  // Rows without a place in the log come behind those with one.
  const direction = first === 'earlier' ? 'ASC NULLS LAST' : 'DESC NULLS FIRST';
  const places = arrival.names.map((name) => ({ term: identifier(name), direction }));
  return arrival.mixed ? [...places, byValue] : places;
}

/**
 * How long a regular join has to remember the rows of a side. In general for ever; but when its condition ties the time of
 * a row to the end of a window of the other side, the row meets nothing new once that window is over.
 *
 *   bids.join(highestOfTheWindow, …, where: bid.at >= highest.end - 10s)      highest.end <= bid.at + 10s, so a bid is
 *                                                                          remembered until bid.at + 10s is over
 */
import type { Expr } from '../expr/node.ts';
import type { Column } from '../data/value.ts';
import type { NodeOf, PlanNode, ViewMode } from './node.ts';
import { isAppendOnly, windowColumnOf } from './traits.ts';

type Join = NodeOf<'join'>;
type Side = 'left' | 'right';

/** A column of a side with its event time, and how long after that its rows may meet rows that are still to come. */
export interface Held {
  readonly column: string;
  readonly ms: number;
}

/** Null: for ever. */
export function heldOf(
  node: Join,
  side: Side,
  columns: { readonly [S in Side]: readonly Column[] },
  mode: ViewMode,
): Held | null {
  // Nulls of a left join may be taken back at any time, and so may rows that change.
  if (node.how.kind !== 'regular' || node.how.ttlMs !== null || node.type !== 'inner') return null;
  if (node.condition === null || !isAppendOnly(node[side], mode)) return null;
  const other = side === 'left' ? 'right' : 'left';
  const bounds = conjuncts(node.condition).flatMap((part) => {
    const bound = boundOf(part);
    if (bound === null) return [];
    const column = columnsNamed(node, side, bound.time).find((from) => isEventTime(columns[side], from));
    const isEnd = columnsNamed(node, other, bound.end).some((from) => isWindowEnd(node[other], from));
    return column !== undefined && isEnd ? [{ column, ms: bound.withinMs }] : [];
  });
  return bounds.toSorted((a, b) => a.ms - b.ms)[0] ?? null;
}

function conjuncts(condition: Expr): readonly Expr[] {
  return condition.kind === 'call' && condition.fn === 'and'
    ? condition.args.flatMap(conjuncts)
    : [condition];
}

interface Bound {
  readonly time: string;
  readonly end: string;
  /** end <= time + withinMs */
  readonly withinMs: number;
}

/** Reads `time >= end - within`, `end - within <= time`, `end <= time + within` and `time + within >= end`. */
function boundOf(part: Expr): Bound | null {
  if (part.kind !== 'call' || part.args.length !== 2) return null;
  const [first, second] = part.args;
  const [small, large] = part.fn === 'gte' ? [second, first] : part.fn === 'lte' ? [first, second] : [];
  const [low, high] = [shifted(small), shifted(large)];
  if (low === null || high === null) return null;
  const withinMs = high.byMs - low.byMs;
  return withinMs >= 0 ? { time: high.name, end: low.name, withinMs } : null;
}

/** A column, perhaps so much later or earlier. */
function shifted(expr: Expr | undefined): { readonly name: string; readonly byMs: number } | null {
  if (expr?.kind === 'field') return { name: expr.name, byMs: 0 };
  if (expr?.kind !== 'call' || (expr.fn !== 'plusMs' && expr.fn !== 'minusMs')) return null;
  const [column, by] = expr.args;
  if (column?.kind !== 'field' || by?.kind !== 'literal' || typeof by.value !== 'number') return null;
  return { name: column.name, byMs: expr.fn === 'plusMs' ? by.value : -by.value };
}

function columnsNamed(node: Join, side: Side, name: string): readonly string[] {
  return node.columns
    .filter((column) => column.side === side && column.name === name)
    .map(({ from }) => from);
}

function isEventTime(columns: readonly Column[], name: string): boolean {
  return columns.some((column) => column.name === name && column.eventTime === true && !column.nullable);
}

/** Whether a column is the end of the window by which the rows of a node become final. */
function isWindowEnd(node: PlanNode, name: string): boolean {
  if (node.kind === 'filter') return isWindowEnd(node.input, name);
  if (node.kind !== 'map') return false;
  const expr = node.columns.find((column) => column.name === name)?.expr;
  if (expr?.kind === 'field') return isWindowEnd(node.input, expr.name);
  if (expr?.kind !== 'call' || expr.fn !== 'windowEnd') return false;
  const [window] = expr.args;
  return window?.kind === 'field' && window.name === windowColumnOf(node.input);
}

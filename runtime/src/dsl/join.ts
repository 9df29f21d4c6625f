/** Two streams become one. */
import { parseDuration } from '../base/durations.ts';
import type { Column } from '../data/value.ts';
import type { Expr } from '../expr/node.ts';
import type { JoinHow, NodeOf, PlanNode } from '../plan/node.ts';
import { columnsOf, type Definition, wrong } from './definition.ts';
import { type Expression, type Fields, fieldsOf, nodeOf, type ValueOf } from './expression.ts';
import type { Nullable } from './schema.ts';
import { fieldsOfPlaces, mapped, placeOf, selected } from './sides.ts';

type Condition = Expression<boolean> | Expression<boolean | null>;
type Named = Readonly<Record<string, { readonly node: Expr }>>;

/**
 * How the rows of two streams meet.
 *   regular    every pair, whenever its rows come; memory is kept for `ttl` of event time, or for ever
 *   window     every pair of one window: both sides are groups by a window, which is in `on`
 *   interval   the time of the right row lies between that of the left row plus `from` and plus `to`
 *   temporal   the right row of the key that was valid at the time of the left row: the last at or before it
 *   lookup     the row of the table that has the key when the left row arrives
 */
export type How =
  | { readonly kind: 'regular'; readonly ttl: string }
  | { readonly kind: 'interval'; readonly from: string; readonly to: string }
  | 'window'
  | 'temporal'
  | 'lookup';

type NullableRow<R> = { readonly [K in keyof R & string]: Nullable<R[K]> };
type SelectedRow<C> = { readonly [K in keyof C]: ValueOf<C[K]> };

export interface JoinOptions<L, R, T extends 'inner' | 'left', C extends Named> {
  /** A left join keeps rows of the left without a partner, with nulls on the right. */
  readonly type?: T;
  readonly how: How;
  /** The columns that are equal, in pairs; null equals nothing. */
  readonly on: (left: Fields<L>, right: Fields<R>) => readonly (readonly [Named[string], Named[string]])[];
  /** What leaves. */
  readonly select: (left: Fields<L>, right: Fields<T extends 'left' ? NullableRow<R> : R>) => C;
  /** A further condition, over what leaves; a pair that fails it is no pair. */
  readonly where?: (row: Fields<SelectedRow<C>>) => Condition;
}

/** @throws DEFINITION_INVALID, DURATION_INVALID */
export function joined<L, R, T extends 'inner' | 'left', C extends Named>(
  left: Definition,
  right: Definition,
  options: JoinOptions<L, R, T, C>,
): PlanNode {
  const how = howOf(options.how);
  const type = options.type ?? 'inner';
  if (type !== 'inner' && type !== 'left') wrong(`join: type is "${String(type)}"; say inner or left`);
  const rightColumns = columnsOf(right);
  const places = (ofRight: readonly Column[]): { left: Fields<L>; right: never } =>
    fieldsOfPlaces([
      { name: 'left', columns: columnsOf(left) },
      { name: 'right', columns: ofRight },
    ]) as never;
  const plain = places(rightColumns);
  const nullable =
    type === 'left' ? places(rightColumns.map((column) => ({ ...column, nullable: true }))) : plain;
  const on = options.on(plain.left, plain.right).map(pairOf);
  const { columns, computed, translate } = selected('join', options.select(nullable.left, nullable.right));
  const node: NodeOf<'join'> = {
    kind: 'join',
    left: left.node,
    right: right.node,
    type,
    how,
    on,
    columns: columns.map(({ name, field }) => {
      const { place, column } = placeOf(field);
      return { side: place === 'left' ? 'left' : 'right', from: column, name };
    }),
    condition: null,
  };
  if (options.where === undefined) return mapped(node, computed);
  const both = { sources: [...left.sources, ...right.sources] };
  const row = fieldsOf<SelectedRow<C>>(columnsOf({ ...both, node: mapped(node, computed) }));
  const condition = translate(nodeOf(options.where(row), 'the result of where'));
  return mapped({ ...node, condition }, computed);
}

function pairOf(pair: readonly [unknown, unknown]): { left: string; right: string } {
  const [left, right] = [0, 1].map((index) => {
    const expr = nodeOf(pair[index], 'a side of on');
    if (expr.kind !== 'field') wrong('join: on takes columns; compute the key with .extend(…) before');
    return placeOf(expr.name);
  });
  if (left?.place !== 'left' || right?.place !== 'right')
    wrong('join: a pair of on is a column of the left and one of the right: on: (l, r) => [[l.id, r.id]]');
  return { left: left.column, right: right.column };
}

function howOf(how: How | undefined): JoinHow {
  if (how === 'window' || how === 'temporal' || how === 'lookup') return { kind: how };
  if (how?.kind === 'interval')
    return {
      kind: 'interval',
      lowerMs: distanceOf('from', how.from),
      upperMs: distanceOf('to', how.to),
    };
  if (how?.kind !== 'regular')
    wrong(
      "join: say how: 'window', 'temporal', 'lookup', { kind: 'interval', from, to } or { kind: 'regular', ttl }",
    );
  if (how.ttl === undefined)
    wrong(
      "an unbounded regular join without time-to-live: say ttl: '1d', or ttl: 'forever' if its memory may grow without end",
    );
  return { kind: 'regular', ttlMs: how.ttl === 'forever' ? null : parseDuration(how.ttl, 'join, ttl') };
}

/** A duration that may be negative, such as `-5s`. */
function distanceOf(what: string, text: unknown): number {
  const isBefore = typeof text === 'string' && text.startsWith('-');
  const ms = parseDuration(isBefore ? text.slice(1) : text, `join by interval, ${what}`);
  return isBefore ? 0 - ms : ms;
}

/**
 * What all joins have in common: two inputs, keys that are equal, and what a pair is.
 *
 *   left row  ──┐                                            pair: project(left, right), if the condition is true for it
 *               ├─ same key? ─ the kind of join decides ─►
 *   right row ──┘                                            left join, no pair: project(left, null)
 *
 * A null in a key equals nothing. The condition is part of the join: a pair that fails it, or for which it cannot be
 * computed (that is reported), is no pair.
 */
import { nameOfKey } from '../data/key.ts';
import type { Row, Value } from '../data/value.ts';
import type { Evaluate } from '../expr/evaluate.ts';
import { evaluated } from './evaluated.ts';
import type { Collector, OnRowError, Position, StatefulOperator, Weight } from './operator.ts';
import type { Aside } from './spilled-keys.ts';

/** An operator with two inputs: each side's rows are pushed into its own. */
export interface JoinOperator extends Omit<StatefulOperator, 'push'> {
  readonly left: Collector;
  readonly right: Collector;
}

export interface JoinSpec {
  readonly type: 'inner' | 'left';
  readonly left: SideSpec;
  readonly right: SideSpec;
  /** The row that leaves. Never throws. */
  readonly project: (left: Row, right: Row | null) => Row;
  /** Over the row that leaves; null for none. */
  readonly condition: Evaluate | null;
  readonly onError: OnRowError;
  /** The keys of the state start with this. */
  readonly prefix: Buffer;
}

export interface SideSpec {
  /** The columns that equal those of the other side, in the same order. */
  readonly keys: readonly number[];
}

/** A side whose rows may also be taken back. */
export interface ChangingSideSpec extends SideSpec {
  /** Whether they are. */
  readonly retracts: boolean;
}

/** A side whose rows have an event time. */
export interface TimedSideSpec extends SideSpec {
  /** Null joins nothing. */
  readonly time: Evaluate;
}

/** The kinds of entries in the state of a join. */
export const LEFT = 0;
export const RIGHT = 1;
export type Side = typeof LEFT | typeof RIGHT;

/** Of a row that joins nothing. */
export const NO_KEY: Row = [];

/** A row that waits for its key. */
export interface JoinAside extends Aside {
  readonly side: Side;
}

/** The name of a row's key; null when a part of it is null, so that it joins nothing. */
export function joinKeyOf(row: Row, side: SideSpec): string | null {
  const values = joinValuesOf(row, side);
  return values === null ? null : nameOfKey(values);
}

/** A row's key; null when a part of it is null. */
export function joinValuesOf(row: Row, { keys }: SideSpec): Row | null {
  const values: Value[] = [];
  for (const column of keys) {
    const value = row[column] ?? null;
    if (value === null) return null;
    values.push(value);
  }
  return values;
}

/** The row of a pair, or null when the two are no pair. */
export function pairOf(
  spec: JoinSpec,
  left: Row,
  right: Row,
  weight: Weight,
  at: Position | null,
): Row | null {
  const row = spec.project(left, right);
  if (spec.condition === null) return row;
  return evaluated(spec.condition, row, weight, at, spec.onError) === true ? row : null;
}

/**
 * What the tests of joins share. A row is [key, time, value]; what leaves is the left row, then time and value of the
 * right one. A pair needs equal keys and a left value that is not above the right one; 3 and 3 cannot be computed.
 */
import * as fc from 'fast-check';
import type { Row } from '../../../runtime/src/data/value.ts';
import { RowError } from '../../../runtime/src/expr/functions.ts';
import type { JoinOperator, JoinSpec } from '../../../runtime/src/operators/join.ts';
import type { ScriptRow, Step, Subject, Surroundings } from '../../suites/operator.suite.ts';

export const LEFT = 0;
export const RIGHT = 1;
export const JOIN_TYPES = ['inner', 'left'] as const;
export type JoinType = (typeof JOIN_TYPES)[number];

export const timeOf = (row: Row): number => row[1] as number;

export const both = (left: Row, right: Row | null): Row => [...left, right?.[1] ?? null, right?.[2] ?? null];

export function condition([, , left, , right]: Row): boolean | null {
  if (left === 3 && right === 3) throw new RowError('3 and 3');
  return left === null || right === null ? null : (left as number) <= (right as number);
}

export function specOf(type: JoinType, { onError, prefix }: Surroundings): Omit<JoinSpec, 'left' | 'right'> {
  return { type, project: both, condition, onError, prefix };
}

export const subject = (operator: JoinOperator): Subject => ({
  operator,
  inputs: [operator.left, operator.right],
});

/** Whether the rows are a pair by their keys and values. */
export function isPair(left: Row, right: Row): boolean {
  return hasKey(left, right) && !isError(left, right) && (left[2] as number) <= (right[2] as number);
}

export function isError(left: Row, right: Row): boolean {
  return hasKey(left, right) && left[2] === 3 && right[2] === 3;
}

const hasKey = (left: Row, right: Row): boolean => left[0] !== null && left[0] === right[0];

/** All pairs, and the left rows without one with nulls when it is a left join. */
export function joinAll(
  type: JoinType,
  lefts: readonly Step[],
  rights: readonly Step[],
  meet: (left: Step, right: Step) => boolean,
): Row[] {
  return lefts.flatMap((left) => {
    const pairs = rights.filter((right) => isPair(left.row, right.row) && meet(left, right));
    if (pairs.length === 0) return type === 'left' ? [both(left.row, null)] : [];
    return pairs.map((right) => both(left.row, right.row));
  });
}

export const sideOf = (steps: readonly Step[], input: number): Step[] =>
  steps.filter((step) => step.input === input);

/** Events of both sides in any order, also later than any watermark allows, in two partitions. */
export const anyEvent: fc.Arbitrary<ScriptRow> = fc
  .record({
    key: fc.constantFrom('a', 'a', 'b', null),
    timeMs: fc.nat(40),
    value: fc.constantFrom(1, 2, 3, 4),
    input: fc.constantFrom(LEFT, RIGHT),
    partition: fc.constantFrom(0, 0, 1),
    sameEvent: fc.constantFrom(false, false, false, true),
  })
  .map(({ key, timeMs, value, ...rest }) => ({ row: [key, timeMs, value], timeMs, ...rest }));

/** A row of one event has its time and partition. */
export const anyEvents: fc.Arbitrary<ScriptRow[]> = fc
  .array(anyEvent, { maxLength: 30 })
  .map((rows) => rows.map((row, index) => (index === 0 ? { ...row, sameEvent: false } : row)));

export const anyDelays = fc.record({ delayMs: fc.constantFrom(0, 5, 20), allowedMs: fc.constantFrom(0, 3) });

/** How late a row is judged that stands for [time, time + 1). */
export const isLate = ({ at, row }: Step, allowedMs: number): boolean =>
  at !== null && timeOf(row) + allowedMs <= at.watermarkMs;

import type { Row } from '../data/value.ts';
import type { SourcePlan } from './node.ts';

/** Rows of a table have no time of their own; where a number is needed, it is this. */
export const TABLE_TIME_MS = 0;

export function isTable(source: SourcePlan): boolean {
  return source.eventTime.length === 0;
}

/** Reads when an event of a source happened, in epoch milliseconds; undefined when none of its times is there. */
export function eventTimeReader(source: SourcePlan): (row: Row) => number | undefined {
  if (isTable(source)) return () => TABLE_TIME_MS;
  const indices = source.eventTime.map((name) => source.fields.findIndex((field) => field.name === name));
  return (row) => {
    for (const index of indices) {
      const value = row[index] ?? null;
      if (value !== null) return value as number;
    }
    return undefined;
  };
}

/** Why an event without a time is rejected. */
export function noTimeProblem(source: SourcePlan): string {
  return `none of ${source.eventTime.join(', ')} says when the event happened`;
}

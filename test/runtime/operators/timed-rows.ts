/** Rows with a time for the operators that wait for it, and which of them are in time, said as plainly as can be. */
import * as fc from 'fast-check';
import type { Row } from '../../../runtime/src/data/value.ts';
import type { ScriptRow, Step } from '../../suites/operator.suite.ts';

/** Columns: key, time, value. */
export type TimedRow = readonly [key: string | null, timeMs: number, value: number | null];

export const timedRow = (row: TimedRow, more: Partial<ScriptRow> = {}): ScriptRow => ({
  row,
  timeMs: row[1],
  ...more,
});

/** `a@3=7 b@5` as rows of key a at time 3 with value 7, and of key b at time 5 with null. */
export const timedRows = (text: string): ScriptRow[] =>
  text
    .trim()
    .split(/\s+/)
    .map((each) => {
      const [, key = '', time = '', value] = /^(\w+)@(-?\d+)(?:=(-?[\d.]+))?$/.exec(each) ?? [];
      return timedRow([key, Number(time), value === undefined ? null : Number(value)]);
    });

/** Rows of few keys, many of one time, mostly in order. */
export const anyTimedRows: fc.Arbitrary<ScriptRow[]> = fc
  .array(
    fc.record({
      key: fc.constantFrom('a', 'a', 'b', 'a\0', '', null),
      step: fc.integer({ min: -6, max: 5 }),
      value: fc.option(
        fc.integer({ min: -20, max: 20 }).map((n) => n / 8 + 0),
        { nil: null },
      ),
      partition: fc.constantFrom(0, 0, 1),
      sameEvent: fc.constantFrom(false, false, false, true),
    }),
    { maxLength: 40 },
  )
  .map((all) => {
    let timeMs = 10;
    return all.map(({ key, step, value, partition, sameEvent }, index) => {
      if (!sameEvent || index === 0) timeMs = Math.max(0, timeMs + step);
      return timedRow([key, timeMs, value], { partition, sameEvent: sameEvent && index > 0 });
    });
  });

export interface Judged {
  /** In the order of time, then of their position. */
  readonly inTime: readonly TimedRow[];
  /** In the form of `Run.late`. */
  readonly late: readonly (readonly [number, number, number])[];
}

export function judge(script: readonly Step[], allowedMs: number): Judged {
  const isLate = ({ row, at }: Step): boolean =>
    at !== null && (row[1] as number) + allowedMs <= at.watermarkMs;
  const timeOf = (row: Row): number => row[1] as number;
  return {
    // Sorting is stable, and the script is in the order of positions.
    inTime: script
      .filter((step) => !isLate(step))
      .map(({ row }) => row as TimedRow)
      .sort((a, b) => timeOf(a) - timeOf(b)),
    late: script
      .filter(isLate)
      .map(({ row, at }): [number, number, number] => [at?.position ?? -1, timeOf(row), timeOf(row) + 1])
      .sort((a, b) => a[0] - b[0] || a[1] - b[1]),
  };
}

/** The rows of each key, in the order of the first. */
export function byKey(rows: readonly TimedRow[]): (readonly TimedRow[])[] {
  const groups = new Map<string | null, TimedRow[]>();
  for (const row of rows) groups.set(row[0], [...(groups.get(row[0]) ?? []), row]);
  return [...groups.values()];
}

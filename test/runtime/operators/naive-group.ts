/**
 * Groups from scratch, in plain JavaScript: all rows that are not late, cancelled against those that are taken back, then
 * each aggregate by its definition. Also the rows and the aggregates that the tests of groups and sessions share.
 */
import * as fc from 'fast-check';
import type { Row, Value, WindowValue } from '../../../runtime/src/data/value.ts';
import type { AggregateSpec } from '../../../runtime/src/operators/accumulators.ts';
import type { LateCall, Step } from '../../suites/operator.suite.ts';

/** The columns of a test row. */
export const [KEY, TIME, DOUBLE, INTEGER, TEXT, FLAG, WINDOW] = [0, 1, 2, 3, 4, 5, 6] as const;
export const column =
  (index: number) =>
  (row: Row): Value =>
    row[index] ?? null;

const nullable = <T>(values: fc.Arbitrary<T>): fc.Arbitrary<T | null> =>
  fc.option(values, { nil: null, freq: 4 });

/** Doubles are multiples of 1/8, whose plain sums are exact; few values, so that equals are common. */
export const anyRow: fc.Arbitrary<Row> = fc.tuple(
  fc.constantFrom('a', 'b', 'a\0', '', null),
  fc.nat(60),
  nullable(fc.integer({ min: -20, max: 20 }).map((n): number => n / 8 + 0)),
  nullable(fc.integer({ min: -3, max: 3 })),
  nullable(fc.constantFrom('x', 'y', 'é', '', '\u{1f600}', '\ufffd')),
  nullable(fc.boolean()),
  nullable(fc.nat(5).map((n): WindowValue => [n * 10, n * 10 + 10])),
);

/** One of each aggregate; `retracts` leaves out the one that an input that takes rows back may not have. */
export function everyAggregate(retracts: boolean): readonly AggregateSpec[] {
  const [double, integer, text] = [column(DOUBLE), column(INTEGER), column(TEXT)];
  const where = column(FLAG);
  return [
    { fn: 'count', arg: null, type: null },
    { fn: 'count', arg: double, type: 'double' },
    { fn: 'count', arg: null, type: null, where },
    { fn: 'sum', arg: double, type: 'double' },
    { fn: 'sum', arg: integer, type: 'integer', where },
    { fn: 'avg', arg: double, type: 'double' },
    { fn: 'avg', arg: integer, type: 'decimal', scale: 2 },
    { fn: 'min', arg: text, type: 'string' },
    { fn: 'max', arg: double, type: 'double' },
    { fn: 'first', arg: text, type: 'string', by: column(TIME) },
    { fn: 'last', arg: text, type: 'string', by: column(TIME) },
    { fn: 'argMin', arg: text, type: 'string', by: integer },
    { fn: 'argMax', arg: text, type: 'string', by: integer, where },
    { fn: 'countDistinct', arg: text, type: 'string' },
    { fn: 'percentile', arg: double, type: 'double', fraction: 0.3 },
    { fn: 'collect', arg: integer, type: 'integer' },
    ...(retracts ? [] : [{ fn: 'approxCountDistinct', arg: text, type: 'string' } as const]),
  ];
}

/** A row that is there, and its position; null when time caused it, or when the rows may be taken back. */
export interface Placed {
  readonly row: Row;
  readonly position: number | null;
}

export function naiveAggregates(rows: readonly Placed[], retracts: boolean): Value[] {
  const placed = retracts ? rows.map(({ row }) => ({ row, position: null })) : rows;
  const some = (index: number, where = false): { value: Value; all: Placed }[] =>
    placed
      .filter(({ row }) => !where || row[FLAG] === true)
      .map((all) => ({ value: all.row[index] ?? null, all }))
      .filter(({ value }) => value !== null);
  const numbers = (index: number, where = false): number[] =>
    some(index, where).map(({ value }) => value as number);
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  const texts = some(TEXT).map(({ value }) => value as string);
  const integers = some(INTEGER).toSorted((a, b) => byPlace([0, a.all, a.value], [0, b.all, b.value]));
  const values = [
    placed.length,
    numbers(DOUBLE).length,
    placed.filter(({ row }) => row[FLAG] === true).length,
    numbers(DOUBLE).length === 0 ? null : sum(numbers(DOUBLE)),
    numbers(INTEGER, true).length === 0 ? null : sum(numbers(INTEGER, true)),
    numbers(DOUBLE).length === 0 ? null : sum(numbers(DOUBLE)) / numbers(DOUBLE).length,
    numbers(INTEGER).length === 0 ? null : sum(numbers(INTEGER)) / (numbers(INTEGER).length * 100),
    texts.sort(byBytes)[0] ?? null,
    numbers(DOUBLE).sort((a, b) => b - a)[0] ?? null,
    ...[
      { by: TIME, sign: 1, last: false, where: false },
      { by: TIME, sign: -1, last: true, where: false },
      { by: INTEGER, sign: 1, last: false, where: false },
      { by: INTEGER, sign: -1, last: false, where: true },
    ].map(({ by, sign, last, where }): Value => {
      const candidates = some(TEXT, where)
        .filter(({ all }) => all.row[by] !== null)
        .map(({ value, all }): Candidate => [sign * (all.row[by] as number), all, value]);
      const sorted = candidates.toSorted((a, b) => a[0] - b[0] || (last ? byPlace(b, a) : byPlace(a, b)));
      return sorted[0]?.[2] ?? null;
    }),
    new Set(texts).size,
    percentile(
      numbers(DOUBLE).sort((a, b) => a - b),
      0.3,
    ),
    {
      items: (retracts
        ? numbers(INTEGER).sort((a, b) => a - b)
        : integers.map(({ value }) => value)) as number[],
    },
  ];
  return retracts ? values : [...values, new Set(texts).size];
}

type Candidate = readonly [by: number, placed: Placed, value: Value];

/** Earlier positions first, then rows without one, by value. */
function byPlace([, a, x]: Candidate, [, b, y]: Candidate): number {
  if (a.position !== null && b.position !== null) return a.position - b.position;
  if (a.position === null && b.position === null)
    return typeof x === 'string' ? byBytes(x, y as string) : (x as number) - (y as number);
  return a.position === null ? 1 : -1;
}

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

function percentile(sorted: readonly number[], fraction: number): Value {
  if (sorted.length === 0) return null;
  const place = (sorted.length - 1) * fraction;
  const part = place - Math.floor(place);
  return (sorted[Math.floor(place)] as number) * (1 - part) + (sorted[Math.ceil(place)] as number) * part;
}

export interface NaiveOptions {
  /** The keys of a row, once for each of its windows, and the window in question; null when rows may come for ever. */
  readonly keysOf: (row: Row) => readonly { readonly key: Row; readonly window: WindowValue | null }[];
  readonly allowedMs: number;
  readonly retracts: boolean;
}

export function naiveGroups(
  script: readonly Step[],
  { keysOf, allowedMs, retracts }: NaiveOptions,
): { readonly rows: Row[]; readonly late: LateCall[] } {
  const groups = new Map<string, { readonly key: Row; rows: Placed[] }>();
  const late: LateCall[] = [];
  for (const { row, weight, at } of script) {
    for (const { key, window } of keysOf(row)) {
      if (at !== null && window !== null && window[1] - 1 + allowedMs <= at.watermarkMs) {
        late.push([at.position, ...window]);
        continue;
      }
      const name = JSON.stringify(key);
      const group = groups.get(name) ?? { key, rows: [] };
      groups.set(name, group);
      const taken = group.rows.findIndex((other) => JSON.stringify(other.row) === JSON.stringify(row));
      if (weight === -1) group.rows.splice(taken, 1);
      else group.rows.push({ row, position: at?.position ?? null });
    }
  }
  const rows = [...groups.values()]
    .filter((group) => group.rows.length > 0)
    .map((group) => [...group.key, ...naiveAggregates(group.rows, retracts)]);
  return { rows, late };
}

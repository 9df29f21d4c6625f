/** Times, in UTC or on the clocks of a zone, which is a literal; and the bounds of windows. */
import { isWindow, TIMESTAMP_MS_MAX, type Value } from '../data/value.ts';
import { zoneOf, zoneProblem } from '../data/zone.ts';
import { anyNull, type Arg, type FunctionRow, strict1, strict2 } from './function-row.ts';
import type { ExprType } from './node.ts';
import { RowError } from './row-error.ts';
import { compileTimePattern, timePatternProblem } from './time-pattern.ts';

const [SECOND_MS, MINUTE_MS, HOUR_MS, DAY_MS] = [1000, 60_000, 3_600_000, 86_400_000];

export const TIMES = {
  year: part('year', (localMs) => new Date(localMs).getUTCFullYear()),
  month: part('month', (localMs) => new Date(localMs).getUTCMonth() + 1),
  day: part('day', (localMs) => new Date(localMs).getUTCDate()),
  hour: part('hour', (localMs) => floorMod(localMs, DAY_MS) / HOUR_MS),
  minute: part('minute', (localMs) => floorMod(localMs, HOUR_MS) / MINUTE_MS),
  second: part('second', (localMs) => floorMod(localMs, MINUTE_MS) / SECOND_MS),
  /** From Monday, 1, to Sunday, 7; the epoch was a Thursday. */
  dayOfWeek: part('isodow', (localMs) => floorMod(Math.floor(localMs / DAY_MS) + 3, 7) + 1),
  formatTime: {
    sign: 'format_time',
    arity: { min: 2, max: 3 },
    infer: ([time, pattern, zone]) => {
      if (time?.type !== 'timestamp') return 'needs a time';
      if (typeof pattern?.literal !== 'string') return 'needs a pattern that is written as a literal';
      return (
        timePatternProblem(pattern.literal) ?? zoneFault(zone) ?? { type: 'string', nullable: time.nullable }
      );
    },
    make: ({ args: [, pattern, zone] }) => {
      const local = clockOf(zone);
      const format = compileTimePattern(pattern?.literal as string);
      return strict1((ms: number) => {
        const localMs = local(ms);
        const year = new Date(localMs).getUTCFullYear();
        if (year >= 0 && year <= 9999) return format(localMs);
        throw new RowError(`the year ${year} cannot be formatted with four digits`);
      });
    },
  },
  plusMs: shift('+', 1),
  minusMs: shift('-', -1),
  timestampDiffMs: {
    sign: '-',
    arity: 2,
    infer: (args) =>
      args.every(({ type }) => type === 'timestamp')
        ? { type: 'integer', nullable: anyNull(args) }
        : 'needs two times',
    // At most twice what a Date can hold, so it may leave the integers.
    make: () =>
      strict2((a: number, b: number) => {
        if (Number.isSafeInteger(a - b)) return a - b;
        throw new RowError(`${a} - ${b} overflows integer`);
      }),
  },
  toMillis: {
    sign: 'to_millis',
    arity: 1,
    infer: ([a]) => (a?.type === 'timestamp' ? { type: 'integer', nullable: a.nullable } : 'needs a time'),
    make:
      () =>
      (a = null) =>
        a,
  },
  fromMillis: {
    sign: 'from_millis',
    arity: 1,
    infer: ([a]) =>
      a?.type === 'integer' ? { type: 'timestamp', nullable: a.nullable } : 'needs an integer',
    make: () => strict1(timeOf),
  },
  windowStart: bound('window_start', 0),
  windowEnd: bound('window_end', 1),
} satisfies Readonly<Record<string, FunctionRow>>;

function floorMod(value: number, by: number): number {
  const rest = value % by;
  return rest < 0 ? rest + by : rest;
}

function timeOf(ms: number): number {
  if (Math.abs(ms) <= TIMESTAMP_MS_MAX) return ms;
  throw new RowError(`${ms} ms is beyond what a time can be`);
}

function zoneFault(zone: Arg | undefined): string | undefined {
  if (zone === undefined) return undefined;
  return typeof zone.literal === 'string'
    ? zoneProblem(zone.literal)
    : 'needs a zone that is written as a literal';
}

/** Local time at an instant. */
function clockOf(zone: Arg | undefined): (ms: number) => number {
  if (zone === undefined) return (ms) => ms;
  const known = zoneOf(zone.literal as string);
  return (ms) => known.localMs(ms);
}

function part(sign: string, compute: (localMs: number) => number): FunctionRow {
  return {
    sign,
    arity: { min: 1, max: 2 },
    infer: ([time, zone]): ExprType | string => {
      if (time?.type !== 'timestamp') return 'needs a time';
      return zoneFault(zone) ?? { type: 'integer', nullable: time.nullable };
    },
    make: ({ args: [, zone] }) => {
      if (zone === undefined) return strict1((ms: number) => Math.floor(compute(ms)));
      const local = clockOf(zone);
      return strict1((ms: number) => Math.floor(compute(local(ms))));
    },
  };
}

function shift(sign: string, direction: 1 | -1): FunctionRow {
  return {
    sign,
    arity: 2,
    infer: ([time, ms]) => {
      if (time?.type !== 'timestamp' || ms?.type !== 'integer') return 'needs a time and whole milliseconds';
      return { type: 'timestamp', nullable: time.nullable || ms.nullable };
    },
    make: () => strict2((time: number, ms: number) => timeOf(time + direction * ms)),
  };
}

function bound(sign: string, index: 0 | 1): FunctionRow {
  return {
    sign,
    arity: 1,
    infer: ([a]) => (a?.type === 'window' ? { type: 'timestamp', nullable: a.nullable } : 'needs a window'),
    make:
      () =>
      (a: Value = null) =>
        isWindow(a) ? a[index] : null,
  };
}

/** Functions of times in SQL. */
import { TIMESTAMP_MS_MAX } from '../../data/value.ts';
import { type FunctionSql, strict } from './duckdb-function.ts';
import type { Sql } from './duckdb-expression.ts';

export const DUCKDB_TIMES = {
  year: part('year'),
  month: part('month'),
  day: part('day'),
  hour: part('hour'),
  minute: part('minute'),
  second: part('second'),
  dayOfWeek: part('isodow'),
  formatTime: ([time, pattern, zone], _, refuse) => {
    refuse('pattern');
    return strict(`strftime(${local(time, zone)}, ${pattern?.text})`);
  },
  plusMs: moved('+'),
  minusMs: moved('-'),
  timestampDiffMs: ([a, b]) => strict(`(epoch_ms(${a?.text}) - epoch_ms(${b?.text}))`),
  toMillis: ([a]) => strict(`epoch_ms(${a?.text})`),
  fromMillis: ([a]) => strict(instant(a?.text ?? ''), true),
  windowStart: ([a]) => strict(`struct_extract(${a?.text}, 'start')`),
  windowEnd: ([a]) => strict(`struct_extract(${a?.text}, 'end')`),
} satisfies Readonly<Record<string, FunctionSql>>;

function part(name: string): FunctionSql {
  return ([time, zone]) => strict(`${name}(${local(time, zone)})`);
}

/** A time as the clocks of a zone show it. */
function local(time: Sql | undefined, zone: Sql | undefined): string {
  return zone === undefined ? (time?.text ?? '') : `timezone(${zone.text}, timezone('UTC', ${time?.text}))`;
}

function moved(sign: '+' | '-'): FunctionSql {
  return ([time, ms]) => strict(instant(`(epoch_ms(${time?.text}) ${sign} ${ms?.text.replace('::BIGINT', '')})`), true);
}

/** NULL for what no Date can hold. */
function instant(ms: string): string {
  return `CASE WHEN abs(${ms}) <= ${TIMESTAMP_MS_MAX} THEN make_timestamp_ms(${ms}) END`;
}

/** Functions of times in SQL. */
import { TIMESTAMP_MS_MAX } from '../../data/value.ts';
import { timePatternParts } from '../../expr/time-pattern.ts';
import { checkedInteger, type FunctionSql, strict } from './duckdb-function.ts';
import type { Sql } from './duckdb-expression.ts';
import { textLiteral } from './duckdb-text.ts';

/** The fields of a pattern, as `strftime` writes them. */
const FORMATS: Readonly<Record<string, string>> = {
  yyyy: '%Y',
  MM: '%m',
  dd: '%d',
  HH: '%H',
  mm: '%M',
  ss: '%S',
  SSS: '%g',
};

export const DUCKDB_TIMES = {
  year: part('year'),
  month: part('month'),
  day: part('day'),
  hour: part('hour'),
  minute: part('minute'),
  second: part('second'),
  dayOfWeek: part('isodow'),
  formatTime: ([time, pattern, zone]) => {
    const shown = local(time, zone);
    const parts = timePatternParts(pattern?.value as string) ?? [];
    const format = parts
      .map((piece) => ('text' in piece ? piece.text.replaceAll('%', '%%') : FORMATS[piece.field]))
      .join('');
    // Years have four digits.
    return strict(
      `CASE WHEN year(${shown}) BETWEEN 0 AND 9999 THEN strftime(${shown}, ${textLiteral(format)}) END`,
      true,
    );
  },
  plusMs: moved('+'),
  minusMs: moved('-'),
  timestampDiffMs: ([a, b]) => strict(checkedInteger(`epoch_ms(${a?.text}) - epoch_ms(${b?.text})`), true),
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
  return ([time, ms]) =>
    strict(instant(`(epoch_ms(${time?.text}) ${sign} ${ms?.text.replace('::BIGINT', '')})`), true);
}

/** NULL for what no Date can hold. */
function instant(ms: string): string {
  return `CASE WHEN abs(${ms}) <= ${TIMESTAMP_MS_MAX} THEN make_timestamp_ms(${ms}) END`;
}

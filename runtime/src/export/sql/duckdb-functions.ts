/** Every function of the definition language as DuckDB's SQL. Arguments are computed for every row, but in `caseWhen`. */
import type { FunctionName } from '../../expr/node.ts';
import { conditionsOf, type Sql } from './duckdb-expression.ts';
import { converted, type FunctionSql, infix, strict } from './duckdb-function.ts';
import { DUCKDB_NUMBERS } from './duckdb-functions-number.ts';
import { DUCKDB_TEXTS } from './duckdb-functions-text.ts';
import { DUCKDB_TIMES } from './duckdb-functions-time.ts';

export const DUCKDB_FUNCTIONS: { readonly [F in FunctionName]: FunctionSql } = {
  eq: (args) => strict(infix('=')(args)),
  ne: (args) => strict(infix('<>')(args)),
  gt: (args) => strict(infix('>')(args)),
  gte: (args) => strict(infix('>=')(args)),
  lt: (args) => strict(infix('<')(args)),
  lte: (args) => strict(infix('<=')(args)),
  and: (args) => ({ text: infix('AND')(args), nulls: 'maybe' }),
  or: (args) => ({ text: infix('OR')(args), nulls: 'maybe' }),
  not: ([a]) => strict(`(NOT ${a?.text})`),
  isNull: ([a]) => ({ text: `(${a?.text} IS NULL)`, nulls: 'never' }),
  coalesce: (args, result) => {
    const [a, b] = args.map((arg) => ({ arg, ...converted(arg, result) }));
    if (a === undefined || b === undefined) return { text: 'NULL', nulls: 'maybe' };
    const isNull = `${a.arg.text} IS NULL`;
    return {
      text: `coalesce(${a.text}, ${b.text})`,
      nulls: 'maybe',
      // Only the value that is taken is converted.
      conditions: [
        ...args.flatMap(conditionsOf),
        ...(a.fails ? [`(${isNull} OR ${a.text} IS NOT NULL)`] : []),
        ...(b.fails ? [`(NOT ${isNull} OR ${b.arg.text} IS NULL OR ${b.text} IS NOT NULL)`] : []),
      ],
    };
  },
  nullIf: (args) => ({
    text: `CASE WHEN ${infix('=')(args)} THEN NULL ELSE ${args[0]?.text} END`,
    nulls: 'maybe',
  }),
  least: extreme('least'),
  greatest: extreme('greatest'),
  caseWhen: (args, result) => {
    const [text, conditions] = choice(args, (arg) => converted(arg, result));
    return { text, nulls: 'maybe', conditions };
  },
  required: ([a]) => ({ text: a?.text ?? '', nulls: 'never', fails: true, conditions: a?.conditions ?? [] }),
  listLength: ([a]) => strict(`len(${a?.text})`),
  listContains: ([list, item]) => strict(`list_contains(${list?.text}, ${item?.text})`),
  ...DUCKDB_NUMBERS,
  ...DUCKDB_TEXTS,
  ...DUCKDB_TIMES,
};

/** DuckDB passes over nulls here. The runtime goes from value to value until one is null. */
function extreme(name: 'least' | 'greatest'): FunctionSql {
  return (args, result) => {
    const values = args.map((arg) => ({ arg, ...converted(arg, result) }));
    const text = `${name}(${values.map((value) => value.text).join(', ')})`;
    const mayBeNull = values.filter(({ arg, fails }) => fails || arg.fails || arg.type.nullable);
    const isNull = mayBeNull.map((value) => `${value.text} IS NULL`);
    const fits = values.flatMap((value, index) => {
      const before = args.slice(0, index + 1).filter(({ type }) => type.nullable);
      return value.fails
        ? [`(${[...before.map((arg) => `${arg.text} IS NULL`), `${value.text} IS NOT NULL`].join(' OR ')})`]
        : [];
    });
    return {
      text: isNull.length === 0 ? text : `CASE WHEN ${isNull.join(' OR ')} THEN NULL ELSE ${text} END`,
      nulls: 'maybe',
      conditions: [...args.flatMap(conditionsOf), ...fits],
    };
  };
}

type Convert = (arg: Sql) => { readonly text: string; readonly fails: boolean };

/** What is chosen, and what holds of it: a condition is computed when those before it were not true, a value when its is. */
function choice(
  args: readonly Sql[],
  convert: Convert,
): readonly [text: string, conditions: readonly string[]] {
  const branches: string[] = [];
  let otherwise = '';
  const holds: { readonly when: Sql | null; readonly then: readonly string[] }[] = [];
  for (let index = 0; index < args.length; index += 2) {
    const isLast = index === args.length - 1;
    const value = args[isLast ? index : index + 1] as Sql;
    const { text, fails } = convert(value);
    const fits = fails ? [`(${value.text} IS NULL OR ${text} IS NOT NULL)`] : [];
    holds.push({ when: isLast ? null : (args[index] as Sql), then: [...conditionsOf(value), ...fits] });
    if (isLast) otherwise = text;
    else branches.push(`WHEN ${args[index]?.text} THEN ${text}`);
  }
  const text = `CASE ${branches.join(' ')} ELSE ${otherwise} END`;
  const condition = holds.reduceRight((after, { when, then }) => {
    const here = then.join(' AND ');
    if (when === null) return here;
    const own = conditionsOf(when);
    if (own.length === 0 && here === '' && after === '') return '';
    const chosen = `CASE WHEN ${when.text} THEN ${here || 'TRUE'} ELSE ${after || 'TRUE'} END`;
    return [...own, chosen].join(' AND ');
  }, '');
  return [text, condition === '' ? [] : [`(${condition})`]];
}

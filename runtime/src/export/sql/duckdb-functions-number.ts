/** Arithmetic in SQL. What the runtime refuses as an overflow or a division by zero is NULL. */
import type { ExprType } from '../../expr/node.ts';
import {
  beside,
  checkedDecimal,
  checkedDouble,
  checkedInteger,
  converted,
  type FunctionSql,
  isLiteralNumber,
  strict,
  wide,
} from './duckdb-function.ts';
import type { Sql } from './duckdb-expression.ts';
import { typeText } from './duckdb-text.ts';

const scaleOf = ({ scale }: ExprType): number => scale ?? 0;

export const DUCKDB_NUMBERS = {
  plus: aligned('+'),
  minus: aligned('-'),
  times: (args, result) => {
    if (result.type !== 'decimal') return aligned('*')(args, result, () => {});
    const [a, b] = args.map((arg) =>
      arg.type.type === 'integer' ? `CAST(${arg.text} AS DECIMAL(18, 0))` : arg.text,
    );
    return strict(checkedDecimal(`${a} * ${b}`, scaleOf(result)), true);
  },
  dividedBy: ([a, b]) => {
    const [left, right] = [a, b].map((arg) => converted(arg as Sql, DOUBLE).text);
    // Whole numbers and decimals divided by one that is there stay in range.
    const isExact = [a, b].every((arg) => arg?.type.type !== 'double');
    if (isExact) {
      const isSafe = isLiteralNumber(b as Sql, (value) => value !== 0);
      return strict(`(${left} / ${isSafe ? right : `nullif(${right}, 0)`})`, !isSafe);
    }
    return strict(checkedDouble(`(${left} / ${right})`), true);
  },
  // DuckDB gives NULL for a division of whole numbers by zero.
  integerDividedBy: (args) =>
    strict(`(${beside(args).join(' // ')})`, !isLiteralNumber(args[1] as Sql, (value) => value !== 0)),
  mod: (args, result) => {
    if (result.type === 'double') return aligned('%')(args, result, () => {});
    const isSame = args.every(({ type }) => type.type === result.type && scaleOf(type) === scaleOf(result));
    const sides = isSame ? beside(args) : args.map((arg) => wide(arg, scaleOf(result)));
    const rest = `(${sides.join(' % ')})`;
    return strict(result.type === 'decimal' ? `CAST(${rest} AS ${typeText(result)})` : rest, true);
  },
  abs: ([a]) => strict(`abs(${a?.text})`),
  round: ([a, digits], result) => {
    const places = digits === undefined ? '0' : digits.text.replace('::BIGINT', '');
    if (result.type === 'decimal') return strict(`CAST(${a?.text} AS ${typeText(result)})`);
    if (result.type === 'double') return strict(`round(${a?.text}, ${places})`);
    if (!places.includes('-')) return strict(a?.text ?? '');
    return strict(checkedInteger(`round(${a?.text}, ${places})`), true);
  },
  floor: whole('floor'),
  ceil: whole('ceil'),
  toInteger: ([a]) => {
    const { text, type } = a as Sql;
    if (type.type === 'integer') return strict(text);
    if (type.type !== 'string') return strict(checkedInteger(`TRY_CAST(trunc(${text}) AS BIGINT)`), true);
    return strict(checkedInteger(shaped(text, '[+-]?\\d{1,400}', 'BIGINT')), true);
  },
  toDouble: ([a]) => {
    const arg = a as Sql;
    if (arg.type.type !== 'string') return strict(converted(arg, DOUBLE).text);
    const shape = '[+-]?(\\d{1,400}(\\.\\d{0,400})?|\\.\\d{1,400})([eE][+-]?\\d{1,3})?';
    return strict(checkedDouble(shaped(arg.text, shape, 'DOUBLE')), true);
  },
  toDecimal: ([a], result) => {
    const arg = a as Sql;
    const scale = scaleOf(result);
    switch (arg.type.type) {
      case 'string':
        return strict(
          checkedDecimal(shaped(arg.text, '[+-]?\\d{1,400}(\\.\\d{0,400})?', `DECIMAL(38, ${scale})`), scale),
          true,
        );
      case 'double': {
        // As a whole number of the smallest units, which is how the runtime rounds it.
        const units = `TRY_CAST(round(${arg.text} * 1e${scale}) AS DECIMAL(38, 0))`;
        return strict(
          checkedDecimal(`(${units} * CAST('1e-${scale}' AS DECIMAL(18, ${scale})))`, scale),
          true,
        );
      }
      default:
        if (arg.type.type === 'decimal' && scaleOf(arg.type) >= scale)
          return strict(`CAST(${arg.text} AS ${typeText(result)})`);
        return strict(checkedDecimal(wide(arg, scale), scale), true);
    }
  },
  toText: ([a]) => {
    const { text, type } = a as Sql;
    if (type.type === 'string') return strict(text);
    // Of a double, zero has a sign in DuckDB only.
    if (type.type === 'double')
      return strict(`CASE WHEN ${text} = 0 THEN '0.0' ELSE CAST(${text} AS VARCHAR) END`);
    return strict(`CAST(${text} AS VARCHAR)`);
  },
} satisfies Readonly<Record<string, FunctionSql>>;

const DOUBLE: ExprType = { type: 'double', nullable: true };

/** A text read as a number if it has this shape, otherwise NULL. DuckDB reads more, such as `0x10` and `1_000`. */
function shaped(text: string, shape: string, type: string): string {
  return `CASE WHEN regexp_full_match(${text}, '${shape}') THEN TRY_CAST(${text} AS ${type}) END`;
}

function aligned(sign: '+' | '-' | '*' | '%'): FunctionSql {
  return (args, result) => {
    if (result.type === 'double') {
      const [a, b] = args.map((arg) => converted(arg, DOUBLE).text);
      return strict(checkedDouble(`(${a} ${sign} ${b})`), true);
    }
    if (result.type === 'integer') return strict(checkedInteger(beside(args).join(` ${sign} `)), true);
    const [a, b] = args.map((arg) => wide(arg, scaleOf(result)));
    return strict(checkedDecimal(`${a} ${sign} ${b}`, scaleOf(result)), true);
  };
}

function whole(name: 'floor' | 'ceil'): FunctionSql {
  return ([a], result) => {
    const { text, type } = a as Sql;
    if (type.type === 'integer') return strict(text);
    return strict(
      type.type === 'double' ? `${name}(${text})` : `CAST(${name}(${text}) AS ${typeText(result)})`,
    );
  };
}

/**
 * Arithmetic. Integers and decimals are exact: what leaves 2^53 - 1 is an error of the row, as is a double beyond 2^970
 * and a division by zero. Of decimals, plus and minus take the larger scale, times adds the scales. What meets a double
 * becomes one.
 */
import { powerOfTen, rescale, roundDecimal } from '../data/decimal.ts';
import { DOUBLE_MAX, SCALE_MAX, typeName, type Value } from '../data/value.ts';
import {
  anyNull,
  type Apply,
  type Arg,
  conversion,
  type FunctionCall,
  type FunctionRow,
  isNumber,
  namesOf,
  numberType,
  scaleOf,
  strict1,
  strict2,
  textOf,
} from './function-row.ts';
import { doubleText } from './number-text.ts';
import type { ExprType } from './node.ts';
import { RowError } from './row-error.ts';

export const NUMBERS = {
  plus: aligned(
    '+',
    (a, b) => a + b,
    (a, b) => a + b,
  ),
  minus: aligned(
    '-',
    (a, b) => a - b,
    (a, b) => a - b,
  ),
  times: {
    sign: '*',
    arity: 2,
    infer: (args) => {
      const type = numberType(args);
      if (type === undefined) return `needs two numbers`;
      if (type.type !== 'decimal') return type;
      const scale = args.reduce((sum, arg) => sum + scaleOf(arg), 0);
      if (scale > SCALE_MAX)
        return `of ${namesOf(args)} would need ${scale} digits behind the point; there are at most ${SCALE_MAX}, so use toDecimal first`;
      return { ...type, scale };
    },
    // A product of whole numbers that is not exact is beyond 2^53, too.
    make: (call) =>
      call.result.type === 'double'
        ? ofDoubles('*', call, (a, b) => a * b)
        : exact('*', call, (a, b) => a * b),
  },
  dividedBy: {
    sign: '/',
    arity: 2,
    infer: (args) =>
      numberType(args) === undefined ? 'needs two numbers' : { type: 'double', nullable: anyNull(args) },
    make: (call) =>
      ofDoubles('/', call, (a, b) => {
        refuseZero(a, b);
        return a / b;
      }),
  },
  integerDividedBy: {
    sign: 'div',
    arity: 2,
    infer: (args) =>
      args.every(({ type }) => type === 'integer')
        ? { type: 'integer', nullable: anyNull(args) }
        : 'needs two integers',
    make: () =>
      strict2((a: number, b: number) => {
        refuseZero(a, b);
        // Exact: the remainder is, so what is divided is a multiple.
        return (a - (a % b)) / b + 0;
      }),
  },
  mod: aligned(
    '%',
    (a, b) => {
      if (b === 0) throw new RowError('remainder of a division by zero');
      return a % b;
    },
    (a, b) => {
      if (b === 0n) throw new RowError('remainder of a division by zero');
      return a % b;
    },
  ),
  abs: {
    sign: 'abs',
    arity: 1,
    infer: ([a]) => (a !== undefined && isNumber(a) ? plain(a) : 'needs a number'),
    make: () => strict1((a: number) => Math.abs(a)),
  },
  round: {
    sign: 'round',
    arity: { min: 1, max: 2 },
    infer: ([a, digits]) => {
      if (a === undefined || !isNumber(a)) return 'needs a number';
      const places = digitsOf(digits);
      if (places === undefined) return `needs as digits a whole number from -${SCALE_MAX} to ${SCALE_MAX}`;
      if (a.type !== 'decimal') return plain(a);
      if (places < 0) return 'needs, for a decimal, digits from 0';
      return { type: 'decimal', nullable: a.nullable, scale: Math.min(scaleOf(a), places) };
    },
    make: ({ args: [a, digits], result }) => {
      const places = digitsOf(digits) ?? 0;
      if (result.type === 'decimal') return rescaled(a as Arg, result);
      if (result.type === 'double') return strict1((value: number) => roundDouble(value, places));
      if (places >= 0) return (value = null) => value;
      return strict1((value: number) => {
        const rounded = (rescale(value, -places, 0) ?? 0) * powerOfTen(-places);
        if (!Number.isSafeInteger(rounded))
          throw new RowError(`round(${value}, ${places}) overflows integer`);
        return rounded + 0;
      });
    },
  },
  floor: whole('floor', Math.floor),
  ceil: whole('ceil', Math.ceil),
  toInteger: {
    sign: 'to_integer',
    arity: 1,
    infer: ([a]) =>
      a !== undefined && (isNumber(a) || a.type === 'string')
        ? { type: 'integer', nullable: a.nullable }
        : 'needs a number or a string',
    make: ({ args: [a] }) => {
      const from = a as Arg;
      if (from.type === 'integer') return (value = null) => value;
      const divisor = powerOfTen(scaleOf(from));
      return strict1((value: Value) => {
        const number = typeof value === 'string' ? wholeOf(value) : Math.trunc((value as number) / divisor);
        if (number !== undefined && Number.isSafeInteger(number)) return number + 0;
        throw new RowError(`${shown(value, from)} is not an integer`);
      });
    },
  },
  toDouble: {
    sign: 'to_double',
    arity: 1,
    infer: ([a]) =>
      a !== undefined && (isNumber(a) || a.type === 'string')
        ? { type: 'double', nullable: a.nullable }
        : 'needs a number or a string',
    make: ({ args: [a], result }) => {
      const from = a as Arg;
      if (from.type !== 'string') return conversion(from, result) ?? ((value = null) => value);
      return strict1((text: string) => {
        const number = DOUBLE_SHAPE.test(text) ? Number(text) : NaN;
        if (Math.abs(number) <= DOUBLE_MAX) return number + 0;
        throw new RowError(`${shown(text, from)} is not a double`);
      });
    },
  },
  toDecimal: {
    sign: 'to_decimal',
    arity: 2,
    infer: ([a, scale]) => {
      if (a === undefined || (!isNumber(a) && a.type !== 'string')) return 'needs a number or a string';
      const places = digitsOf(scale);
      if (scale === undefined || places === undefined || places < 0)
        return `needs as scale a whole number from 0 to ${SCALE_MAX}`;
      return { type: 'decimal', nullable: a.nullable, scale: places };
    },
    make: ({ args: [a], result }) => {
      const from = a as Arg;
      if (from.type === 'integer' || from.type === 'decimal') return rescaled(from, result);
      const scale = scaleOf(result);
      return strict1((value: Value) => {
        const unscaled =
          typeof value === 'string'
            ? roundDecimal(value, scale)
            : halfAway((value as number) * powerOfTen(scale));
        if (unscaled !== undefined && Number.isSafeInteger(unscaled)) return unscaled + 0;
        throw new RowError(`${shown(value, from)} is not a ${typeName(result)}`);
      });
    },
  },
  toText: {
    sign: 'to_text',
    arity: 1,
    infer: ([a]) => {
      if (a?.type === 'timestamp') return 'of a time needs a pattern: use formatTime';
      if (a === undefined || a.type === 'window' || a.type === 'list')
        return 'needs a number, a boolean or a string';
      return { type: 'string', nullable: a.nullable };
    },
    make: ({ args: [a] }) => {
      const from = a as Arg;
      if (from.type === 'double') return strict1(doubleText);
      return strict1((value: Value) => textOf(value, from));
    },
  },
} satisfies Readonly<Record<string, FunctionRow>>;

const DOUBLE_SHAPE = /^[+-]?(?:\d{1,400}(?:\.\d{0,400})?|\.\d{1,400})(?:[eE][+-]?\d{1,3})?$/;

function wholeOf(text: string): number | undefined {
  return /^[+-]?\d{1,400}$/.test(text) ? Number(text) : undefined;
}

function plain({ type, nullable, scale }: ExprType): ExprType {
  return { type, nullable, ...(scale !== undefined && { scale }) };
}

/** A value as messages show it, cut: texts may be long. */
function shown(value: Value, type: ExprType): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : textOf(value, type);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function refuseZero(a: number, b: number): void {
  if (b === 0) throw new RowError(`division of ${a} by zero`);
}

/** A number of digits, which must be a literal; none is 0. */
function digitsOf(arg: Arg | undefined): number | undefined {
  if (arg === undefined) return 0;
  const { literal } = arg;
  return Number.isInteger(literal) && Math.abs(literal as number) <= SCALE_MAX
    ? (literal as number)
    : undefined;
}

/** An operation on numbers that are first brought to one scale. */
function aligned(
  sign: string,
  compute: (a: number, b: number) => number,
  computeBig: (a: bigint, b: bigint) => bigint,
): FunctionRow {
  return {
    sign,
    arity: 2,
    infer: (args) => numberType(args) ?? 'needs two numbers',
    make: (call) => {
      const { args, result } = call;
      if (result.type === 'double') return ofDoubles(sign, call, compute);
      const [left = 1, right = 1] = args.map((arg) => powerOfTen(scaleOf(result) - scaleOf(arg)));
      if (left === 1 && right === 1) return exact(sign, call, compute);
      return exact(sign, call, (a, b) => {
        const [x, y] = [a * left, b * right];
        if (Number.isSafeInteger(x) && Number.isSafeInteger(y)) return compute(x, y);
        // One side leaves the range in the common scale; the result may still lie in it.
        return Number(computeBig(BigInt(a) * BigInt(left), BigInt(b) * BigInt(right)));
      });
    },
  };
}

/** Integers or decimals: the result is exact or an error. */
function exact(
  sign: string,
  { args, result }: FunctionCall,
  compute: (a: number, b: number) => number,
): Apply {
  return (a = null, b = null) => {
    if (a === null || b === null) return null;
    const value = compute(a as number, b as number);
    if (Number.isSafeInteger(value)) return value + 0;
    throw overflow(sign, [a, b], args, result);
  };
}

function ofDoubles(sign: string, call: FunctionCall, compute: (a: number, b: number) => number): Apply {
  const { args, result } = call;
  const [left = 1, right = 1] = args.map((arg) => powerOfTen(scaleOf(arg)));
  return (a = null, b = null) => {
    if (a === null || b === null) return null;
    const value = compute((a as number) / left, (b as number) / right);
    if (Math.abs(value) <= DOUBLE_MAX) return value + 0;
    throw overflow(sign, [a, b], args, result);
  };
}

function overflow(sign: string, values: readonly Value[], args: readonly Arg[], result: ExprType): RowError {
  const [a, b] = values.map((value, index) => textOf(value, args[index] as Arg));
  return new RowError(`${a} ${sign} ${b} overflows ${typeName(result)}`);
}

function rescaled(from: ExprType, to: ExprType): Apply {
  const [scale, wanted] = [scaleOf(from), scaleOf(to)];
  if (scale === wanted) return (value = null) => value;
  return strict1((value: number) => {
    const number = rescale(value, scale, wanted);
    if (number === undefined) throw new RowError(`${textOf(value, from)} overflows ${typeName(to)}`);
    return number;
  });
}

/** The nearest whole number, of two the one farther from zero. */
function halfAway(value: number): number {
  return value < 0 ? -Math.round(-value) : Math.round(value);
}

/** As DuckDB rounds a double: through a multiplication, which itself rounds. */
function roundDouble(value: number, digits: number): number {
  const step = powerOfTen(Math.abs(digits));
  if (digits < 0) return halfAway(value / step) * step + 0;
  const rounded = halfAway(value * step) / step;
  return Number.isFinite(rounded) ? rounded + 0 : value;
}

/** To a whole number: a decimal becomes one of scale 0, the others stay what they are. */
function whole(sign: string, compute: (value: number) => number): FunctionRow {
  return {
    sign,
    arity: 1,
    infer: ([a]) => {
      if (a === undefined || !isNumber(a)) return 'needs a number';
      return a.type === 'decimal' ? { type: 'decimal', nullable: a.nullable, scale: 0 } : plain(a);
    },
    make: ({ args: [a] }) => {
      const from = a as Arg;
      if (from.type !== 'decimal') return strict1((value: number) => compute(value) + 0);
      const divisor = powerOfTen(scaleOf(from));
      return strict1((value: number) => {
        const rest = value % divisor;
        // The quotient of a decimal may round to the next whole number; its rest does not.
        return (value - rest) / divisor + compute(rest / divisor) + 0;
      });
    },
  };
}

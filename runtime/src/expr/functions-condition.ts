/** Comparisons, logic and nulls. */
import { isList, typeName, type Value } from '../data/value.ts';
import {
  anyNull,
  ARGS_MAX,
  commonType,
  conversion,
  type Evaluated,
  type FunctionCall,
  type FunctionRow,
  isComparable,
  namesOf,
  orderOf,
  strict1,
  strict2,
} from './function-row.ts';
import type { ExprType } from './node.ts';
import { RowError } from './row-error.ts';

export const CONDITIONS = {
  eq: comparison(
    '=',
    (a, b) => a === b,
    (order) => order === 0,
  ),
  ne: comparison(
    '<>',
    (a, b) => a !== b,
    (order) => order !== 0,
  ),
  gt: comparison(
    '>',
    (a, b) => a > b,
    (order) => order > 0,
  ),
  gte: comparison(
    '>=',
    (a, b) => a >= b,
    (order) => order >= 0,
  ),
  lt: comparison(
    '<',
    (a, b) => a < b,
    (order) => order < 0,
  ),
  lte: comparison(
    '<=',
    (a, b) => a <= b,
    (order) => order <= 0,
  ),
  and: logical('and', false),
  or: logical('or', true),
  not: {
    sign: 'not',
    arity: 1,
    infer: ([a]) => (a?.type === 'boolean' ? { type: 'boolean', nullable: a.nullable } : 'needs a boolean'),
    make: () => strict1((a: boolean) => !a),
  },
  isNull: {
    sign: 'is null',
    arity: 1,
    infer: () => ({ type: 'boolean', nullable: false }),
    make: () => (a) => a === null,
  },
  coalesce: {
    sign: 'coalesce',
    arity: 2,
    infer: ([a, b]) => {
      if (a === undefined || b === undefined) return 'needs two values';
      const type = commonType([a, b]);
      if (type === undefined) return `needs two values of one type, not ${namesOf([a, b])}`;
      return { ...type, nullable: a.nullable && b.nullable };
    },
    make: ({ args, result }) => {
      const [first = same, second = same] = args.map((arg) => conversion(arg, result) ?? same);
      return (a = null, b = null) => (a === null ? second(b) : first(a));
    },
  },
  nullIf: {
    sign: 'nullif',
    arity: 2,
    infer: ([a, b]) => {
      if (a === undefined || b === undefined || !isComparable(a, b)) return cannotCompare([a, b]);
      return { type: a.type, nullable: true, ...(a.scale !== undefined && { scale: a.scale }) };
    },
    make: ({ args: [a, b] }) => {
      const order = orderOf(a as ExprType, b as ExprType);
      return (left = null, right = null) =>
        left === null || right === null || order(left, right) !== 0 ? left : null;
    },
  },
  least: extreme('least', (order) => order < 0),
  greatest: extreme('greatest', (order) => order > 0),
  caseWhen: {
    sign: 'case',
    arity: { min: 3, max: ARGS_MAX },
    infer: (args) => {
      if (args.length % 2 === 0) return 'needs conditions with their values, then another value';
      const conditions = args.filter((_, index) => isCondition(index, args.length));
      if (conditions.some(({ type }) => type !== 'boolean')) return `needs boolean conditions`;
      const values = args.filter((_, index) => !isCondition(index, args.length));
      return commonType(values) ?? `needs values of one type, not ${namesOf(values)}`;
    },
    make: (call) => {
      const indices = call.args.map((_, index) => (row: readonly Value[]) => row[index] ?? null);
      const choose = makeCase(call, indices);
      return (...values) => choose(values);
    },
    makeLazy: makeCase,
  },
  required: {
    sign: 'required',
    arity: 1,
    infer: ([a]) => {
      if (a === undefined) return 'needs a value';
      const { type, scale, item } = a;
      return {
        type,
        nullable: false,
        ...(scale !== undefined && { scale }),
        ...(item !== undefined && { item }),
      };
    },
    make:
      ({ explain }) =>
      (a = null) => {
        if (a === null) throw new RowError(`${explain()} is null, but it is required`);
        return a;
      },
  },
  listLength: {
    sign: 'list_length',
    arity: 1,
    infer: ([a]) => (a?.type === 'list' ? { type: 'integer', nullable: a.nullable } : 'needs a list'),
    make:
      () =>
      (a = null) =>
        isList(a) ? a.items.length : null,
  },
  listContains: {
    sign: 'list_contains',
    arity: 2,
    infer: ([list, item]) => {
      if (list?.type !== 'list' || item === undefined) return 'needs a list and a value';
      const of: ExprType = { type: list.item ?? 'string', nullable: false };
      if (!isComparable(of, item) || item.type === 'decimal')
        return `needs a value of type ${of.type}, not ${typeName(item)}`;
      return { type: 'boolean', nullable: list.nullable || item.nullable };
    },
    make:
      () =>
      (list = null, item = null) =>
        isList(list) && item !== null ? list.items.includes(item as string | number | boolean) : null,
  },
} satisfies Readonly<Record<string, FunctionRow>>;

const same = (value: Value): Value => value;

function cannotCompare(args: readonly (ExprType | undefined)[]): string {
  const [a, b] = args.map((arg) => (arg === undefined ? 'nothing' : typeName(arg)));
  return `cannot compare ${a} with ${b}`;
}

function comparison(
  sign: string,
  ofNumbers: (a: number, b: number) => boolean,
  ofOrder: (order: number) => boolean,
): FunctionRow {
  return {
    sign,
    arity: 2,
    infer: ([a, b]) => {
      if (a === undefined || b === undefined || !isComparable(a, b)) return cannotCompare([a, b]);
      return { type: 'boolean', nullable: a.nullable || b.nullable };
    },
    make: ({ args: [a, b] }) => {
      const [left, right] = [a as ExprType, b as ExprType];
      const isOneType = left.type === right.type && left.scale === right.scale;
      const areNumbers = isOneType ? !NOT_NUMBERS.has(left.type) : !isDecimal(left) && !isDecimal(right);
      if (areNumbers) return strict2(ofNumbers);
      if (isOneType && sign === '=') return strict2((x: Value, y: Value) => x === y);
      if (isOneType && sign === '<>') return strict2((x: Value, y: Value) => x !== y);
      const order = orderOf(left, right);
      return strict2((x: Value, y: Value) => ofOrder(order(x, y)));
    },
  };
}

const NOT_NUMBERS = new Set(['string', 'boolean']);
const isDecimal = ({ type }: ExprType): boolean => type === 'decimal';

/** Kleene's `and` (dominant false) and `or` (dominant true). */
function logical(sign: string, dominant: boolean): FunctionRow {
  return {
    sign,
    arity: 2,
    infer: (args) => {
      if (args.some((arg) => arg.type !== 'boolean')) return 'needs two booleans';
      return { type: 'boolean', nullable: anyNull(args) };
    },
    make:
      () =>
      (a = null, b = null) => {
        if (a === dominant || b === dominant) return dominant;
        return a === null || b === null ? null : !dominant;
      },
  };
}

function extreme(sign: string, isBetter: (order: number) => boolean): FunctionRow {
  return {
    sign,
    arity: { min: 2, max: ARGS_MAX },
    infer: (args) => {
      const type = commonType(args);
      if (type === undefined || !isComparable(type, type))
        return `needs values of one type that has an order, not ${namesOf(args)}`;
      return type;
    },
    make: ({ args, result }) => {
      const conversions = args.map((arg) => conversion(arg, result) ?? same);
      const order = orderOf(result, result);
      return (...values) => {
        let best: Value = null;
        for (const [index, each] of values.entries()) {
          if (each === null) return null;
          const value = (conversions[index] ?? same)(each);
          if (best === null || isBetter(order(value, best))) best = value;
        }
        return best;
      };
    },
  };
}

/** Conditions stand at the even places but the last, which is the value otherwise. */
function isCondition(index: number, length: number): boolean {
  return index % 2 === 0 && index < length - 1;
}

function makeCase<R>({ args, result }: FunctionCall, evaluates: readonly Evaluated<R>[]): Evaluated<R> {
  const converted = evaluates.map((evaluate, index): Evaluated<R> => {
    const convert = isCondition(index, args.length) ? undefined : conversion(args[index] as ExprType, result);
    return convert === undefined ? evaluate : (row) => convert(evaluate(row));
  });
  const last = converted.length - 1;
  const otherwise = converted[last] as Evaluated<R>;
  const [condition, value] = converted as [Evaluated<R>, Evaluated<R>];
  if (last === 2) return (row) => (condition(row) === true ? value(row) : otherwise(row));
  return (row) => {
    for (let index = 0; index < last; index += 2) {
      if ((converted[index] as Evaluated<R>)(row) === true)
        return (converted[index + 1] as Evaluated<R>)(row);
    }
    return otherwise(row);
  };
}

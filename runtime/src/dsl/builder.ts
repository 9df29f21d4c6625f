/**
 * What stands behind every expression of a definition: a node of the plan, checked as it is made. It has the methods of
 * all types at once; `Expression<T>` shows those that its type has.
 */
import { parseDuration } from '../base/durations.ts';
import { failure } from '../base/errors.ts';
import { decimalOf } from '../data/decimal.ts';
import { parseTimestamp } from '../data/timestamp.ts';
import { type Column, typeName } from '../data/value.ts';
import { explainExpr, inferExpr } from '../expr/evaluate.ts';
import type { Expr, ExprType, FunctionName, LiteralExpr } from '../expr/node.ts';

interface InZone {
  readonly zone?: string;
}

const INTEGER: ExprType = { type: 'integer', nullable: false };
const STRING: ExprType = { type: 'string', nullable: false };

/** Here a decimal beside a double would silently become a double. */
const KEEPS_DECIMALS: ReadonlySet<FunctionName> = new Set<FunctionName>([
  'plus',
  'minus',
  'times',
  'mod',
  'coalesce',
  'least',
  'greatest',
  'caseWhen',
]);

export class Builder {
  readonly node: Expr;
  /** Set by `descending()`, for the order of `top`. */
  readonly isDescending: boolean;
  readonly #columns: readonly Column[];
  readonly #type: ExprType;

  constructor(node: Expr, columns: readonly Column[], isDescending = false) {
    const type = inferExpr(node, columns);
    if (typeof type === 'string') throw failure('DEFINITION_INVALID', { problem: type });
    this.node = node;
    this.isDescending = isDescending;
    this.#columns = columns;
    this.#type = type;
    if (node.kind === 'call' && KEEPS_DECIMALS.has(node.fn)) this.#refuseLostDecimal(node.args);
  }

  /** A call over several values, at least one of them a Builder; the others are literals beside `beside`. */
  static call(
    fn: FunctionName,
    values: readonly unknown[],
    beside: readonly (ExprType | null)[] = [],
  ): Builder {
    const args = values.map((value, index) => nodeBeside(value, beside[index] ?? null));
    return new Builder({ kind: 'call', fn, args }, columnsOf(values) ?? []);
  }

  static typeOf(builder: Builder): ExprType {
    return builder.#type;
  }

  static columnsOf(builder: Builder): readonly Column[] {
    return builder.#columns;
  }

  eq(other: unknown): Builder {
    return this.#with('eq', other);
  }
  ne(other: unknown): Builder {
    return this.#with('ne', other);
  }
  gt(other: unknown): Builder {
    return this.#with('gt', other);
  }
  gte(other: unknown): Builder {
    return this.#with('gte', other);
  }
  lt(other: unknown): Builder {
    return this.#with('lt', other);
  }
  lte(other: unknown): Builder {
    return this.#with('lte', other);
  }
  oneOf(...values: readonly unknown[]): Builder {
    const first = values[0];
    if (first === undefined) wrong('oneOf needs at least one value');
    if (values.length === 1) return this.eq(first);
    // By halves: a chain of a hundred would nest too deep for a plan.
    const middle = values.length >> 1;
    return this.oneOf(...values.slice(0, middle)).or(this.oneOf(...values.slice(middle)));
  }
  and(other: unknown): Builder {
    return this.#with('and', other);
  }
  or(other: unknown): Builder {
    return this.#with('or', other);
  }
  not(): Builder {
    return this.#with('not');
  }

  isNull(): Builder {
    return this.#with('isNull');
  }
  isNotNull(): Builder {
    return this.isNull().not();
  }
  orElse(other: unknown): Builder {
    return this.#with('coalesce', other);
  }
  nullIf(other: unknown): Builder {
    return this.#with('nullIf', other);
  }
  least(...others: readonly unknown[]): Builder {
    return this.#with('least', ...others);
  }
  greatest(...others: readonly unknown[]): Builder {
    return this.#with('greatest', ...others);
  }
  required(): Builder {
    return this.#with('required');
  }
  descending(): Builder {
    return new Builder(this.node, this.#columns, true);
  }

  plus(other: unknown): Builder {
    return this.#type.type === 'timestamp' ? this.#shifted('plusMs', other) : this.#with('plus', other);
  }
  minus(other: unknown): Builder {
    if (this.#type.type !== 'timestamp') return this.#with('minus', other);
    const isTime = other instanceof Builder ? other.#type.type === 'timestamp' : other instanceof Date;
    return isTime ? this.#with('timestampDiffMs', other) : this.#shifted('minusMs', other);
  }
  times(other: unknown): Builder {
    return this.#with('times', other);
  }
  dividedBy(other: unknown): Builder {
    return this.#with('dividedBy', other);
  }
  integerDividedBy(other: unknown): Builder {
    return this.#with('integerDividedBy', other);
  }
  mod(other: unknown): Builder {
    return this.#with('mod', other);
  }
  abs(): Builder {
    return this.#with('abs');
  }
  round(digits?: unknown): Builder {
    return this.#of('round', [INTEGER], [digits]);
  }
  floor(): Builder {
    return this.#with('floor');
  }
  ceil(): Builder {
    return this.#with('ceil');
  }
  toInteger(): Builder {
    return this.#with('toInteger');
  }
  toDouble(): Builder {
    return this.#with('toDouble');
  }
  toDecimal(scale: unknown): Builder {
    return this.#of('toDecimal', [INTEGER], [scale]);
  }
  toText(): Builder {
    return this.#with('toText');
  }

  lower(): Builder {
    return this.#with('lower');
  }
  upper(): Builder {
    return this.#with('upper');
  }
  trim(): Builder {
    return this.#with('trim');
  }
  length(): Builder {
    return this.#with(this.#type.type === 'list' ? 'listLength' : 'length');
  }
  concat(...others: readonly unknown[]): Builder {
    return this.#with('concat', ...others);
  }
  substring(from: unknown, length?: unknown): Builder {
    return this.#of('substring', [INTEGER, INTEGER], [from, length]);
  }
  contains(part: unknown): Builder {
    if (this.#type.type !== 'list') return this.#with('contains', part);
    return this.#of('listContains', [{ type: this.#type.item ?? 'string', nullable: false }], [part]);
  }
  startsWith(part: unknown): Builder {
    return this.#with('startsWith', part);
  }
  endsWith(part: unknown): Builder {
    return this.#with('endsWith', part);
  }
  replace(what: unknown, by: unknown): Builder {
    return this.#with('replace', what, by);
  }
  like(pattern: unknown): Builder {
    return this.#with('like', pattern);
  }
  matches(regex: unknown): Builder {
    return this.#of('matches', [STRING], [patternOf(regex)]);
  }
  regexpExtract(regex: unknown, group?: unknown): Builder {
    return this.#of('regexpExtract', [STRING, INTEGER], [patternOf(regex), group]);
  }
  splitPart(separator: unknown, part: unknown): Builder {
    return this.#of('splitPart', [STRING, INTEGER], [separator, part]);
  }

  year(options?: InZone): Builder {
    return this.#part('year', options);
  }
  month(options?: InZone): Builder {
    return this.#part('month', options);
  }
  day(options?: InZone): Builder {
    return this.#part('day', options);
  }
  hour(options?: InZone): Builder {
    return this.#part('hour', options);
  }
  minute(options?: InZone): Builder {
    return this.#part('minute', options);
  }
  second(options?: InZone): Builder {
    return this.#part('second', options);
  }
  dayOfWeek(options?: InZone): Builder {
    return this.#part('dayOfWeek', options);
  }
  format(pattern: unknown, options?: InZone): Builder {
    return this.#of('formatTime', [STRING, STRING], [pattern, options?.zone]);
  }
  toMillis(): Builder {
    return this.#with('toMillis');
  }
  fromMillis(): Builder {
    return this.#with('fromMillis');
  }
  get start(): Builder {
    return this.#with('windowStart');
  }
  get end(): Builder {
    return this.#with('windowEnd');
  }

  /** With literals of the same type as this. */
  #with(fn: FunctionName, ...others: readonly unknown[]): Builder {
    return Builder.call(fn, [this, ...others], [null, ...others.map(() => this.#type)]);
  }

  /** With literals of these types; what is undefined at the end is left out. */
  #of(fn: FunctionName, types: readonly ExprType[], others: readonly unknown[]): Builder {
    const given = others.slice(0, others.findLastIndex((other) => other !== undefined) + 1);
    return Builder.call(fn, [this, ...given], [null, ...types]);
  }

  #part(fn: FunctionName, options: InZone | undefined): Builder {
    return this.#of(fn, [STRING], [options?.zone]);
  }

  #shifted(fn: 'plusMs' | 'minusMs', by: unknown): Builder {
    const ms =
      typeof by === 'string'
        ? parseDuration(by, `${explainExpr(this.node)}.${fn === 'plusMs' ? 'plus' : 'minus'}`)
        : by;
    return this.#of(fn, [INTEGER], [ms]);
  }

  #refuseLostDecimal(args: readonly Expr[]): void {
    if (this.#type.type !== 'double') return;
    const types = args.map((arg) => inferExpr(arg, this.#columns) as ExprType);
    if (!types.some(({ type }) => type === 'decimal')) return;
    wrong(
      `${explainExpr(this.node)}: a decimal beside a double would no longer be exact; say .toDouble() of the one or .toDecimal(scale) of the other`,
    );
  }
}

/** The columns of the first expression that has some: a literal has none. */
function columnsOf(values: readonly unknown[]): readonly Column[] | undefined {
  for (const value of values) {
    if (value instanceof Builder && Builder.columnsOf(value).length > 0) return Builder.columnsOf(value);
  }
  return undefined;
}

/** A call with arguments of these types. @throws DEFINITION_INVALID when others are given. */
export function callOf(
  where: string,
  types: readonly ExprType[],
  given: readonly unknown[],
  make: (args: readonly Expr[]) => Expr,
): Builder {
  if (given.length !== types.length)
    wrong(`${where} needs ${types.length} argument${types.length === 1 ? '' : 's'}, not ${given.length}`);
  const columns = columnsOf(given) ?? [];
  const args = types.map((type, index) => {
    const arg = nodeBeside(given[index], type);
    const is = inferExpr(arg, columns);
    if (typeof is === 'string') wrong(is);
    const fits = typeName(is) === typeName(type) || (is.type === 'integer' && type.type === 'double');
    if (!fits) wrong(`${where}, argument ${index + 1}: needs ${typeName(type)}, not ${typeName(is)}`);
    return arg;
  });
  return new Builder(make(args), columns);
}

/** The node of an expression, or of a value as a literal that fits beside a type. */
export function nodeBeside(value: unknown, beside: ExprType | null): Expr {
  return value instanceof Builder ? value.node : literalOf(value, beside);
}

/** A value as a literal. A string beside a time is one, a number or a string beside a decimal is exactly that. */
export function literalOf(value: unknown, beside: ExprType | null): LiteralExpr {
  if (value instanceof Date || (beside?.type === 'timestamp' && typeof value === 'string')) {
    const ms = value instanceof Date ? value.getTime() : parseTimestamp(value);
    if (ms === undefined || Number.isNaN(ms))
      wrong(`"${String(value)}" is not an ISO 8601 time with Z or an offset`);
    return { kind: 'literal', type: 'timestamp', value: ms };
  }
  if (beside?.type === 'decimal' && (typeof value === 'string' || typeof value === 'number'))
    return decimalLiteral(value);
  if (typeof value === 'string') return { kind: 'literal', type: 'string', value };
  if (typeof value === 'boolean') return { kind: 'literal', type: 'boolean', value };
  if (typeof value === 'number' && Number.isFinite(value))
    return { kind: 'literal', type: Number.isSafeInteger(value) ? 'integer' : 'double', value: value + 0 };
  return wrong(`${shown(value)} cannot stand in an expression`);
}

/** `0.908` as a decimal of scale 3. @throws DEFINITION_INVALID */
export function decimalLiteral(text: unknown): LiteralExpr {
  const decimal = decimalOf(String(text));
  if (decimal === undefined)
    wrong(
      `"${String(text)}" is not a decimal: digits, perhaps a point and up to 15 more, in all up to 2^53 - 1 units of the last`,
    );
  return { kind: 'literal', type: 'decimal', value: decimal.unscaled, scale: decimal.scale };
}

/** A regex may be written as one: only its source counts. */
function patternOf(regex: unknown): unknown {
  if (!(regex instanceof RegExp)) return regex;
  if (regex.flags.replace('u', '') !== '')
    wrong(
      `/${regex.source}/${regex.flags}: flags do not travel to other engines; write what they mean into the expression`,
    );
  return regex.source;
}

function shown(value: unknown): string {
  if (typeof value === 'object' && value !== null) return 'an object';
  return typeof value === 'function' ? 'a function' : String(value);
}

function wrong(problem: string): never {
  throw failure('DEFINITION_INVALID', { problem });
}

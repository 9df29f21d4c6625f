/**
 * Symbolic expressions over the fields of a row. `f.delay.gt(0)` computes nothing: it describes the comparison, so that the
 * plan can be run, explained and exported. Types decide which methods an expression has.
 */
import { failure } from '../base/errors.ts';
import { nearest } from '../base/nearest.ts';
import type { Column } from '../data/value.ts';
import type { Expr } from '../expr/node.ts';
import { Builder, decimalLiteral, literalOf } from './builder.ts';

declare const timestampBrand: unique symbol;
declare const decimalBrand: unique symbol;
declare const nestedBrand: unique symbol;

/** A point in time, from a field of type `z.iso.datetime()`. Compare it with an ISO 8601 string or a Date. */
export interface Timestamp {
  readonly [timestampBrand]: true;
}

/** An exact decimal, from a `decimalField`, from `decimal('0.908')` or from `.toDecimal(2)`. In JSON it is a string. */
export interface Decimal {
  readonly [decimalBrand]: true;
}

/** Marks a nested object of a row. */
export interface Nested {
  readonly [nestedBrand]?: true;
}

interface Bounds {
  readonly start: string;
  readonly end: string;
}

/** What may stand on the other side of an operator: an expression or a plain value. */
export type Operand<T> = Values<NonNullable<T>> | Literal<NonNullable<T>>;
type Values<T> = Expression<T> | Expression<T | null>;
type Literal<T> = T extends Timestamp
  ? string | Date
  : T extends Decimal
    ? string | number
    : T extends string
      ? string
      : T extends number
        ? number
        : T extends boolean
          ? boolean
          : never;
/** Numbers and decimals compare with each other. */
type Comparand<T> = [NonNullable<T>] extends [number | Decimal]
  ? Values<number> | Values<Decimal> | Literal<NonNullable<T>>
  : Operand<T>;

/** The null of SQL spreads: a result may be null when either side may. */
type Spread<T, R> = null extends T ? R | null : R;
type With<T, O, R> = Spread<T | (O extends { readonly node: Expr } ? Extract<ValueOf<O>, null> : never), R>;

interface Common<T> {
  /** @internal */
  readonly node: Expr;
  /** @internal Carries T for inference; never set. */
  readonly of?: T;
  isNull(): Expression<boolean>;
  isNotNull(): Expression<boolean>;
  /** This value, or the other one where this is null. */
  orElse<O extends Operand<T>>(other: O): Expression<With<NonNullable<T>, O, NonNullable<T>>>;
  /** This value, which must be there: an event without it is rejected. The event time stays the event time. */
  required(): Expression<NonNullable<T>>;
}

interface Ordered<T> {
  eq<O extends Comparand<T>>(other: O): Expression<With<T, O, boolean>>;
  ne<O extends Comparand<T>>(other: O): Expression<With<T, O, boolean>>;
  gt<O extends Comparand<T>>(other: O): Expression<With<T, O, boolean>>;
  gte<O extends Comparand<T>>(other: O): Expression<With<T, O, boolean>>;
  lt<O extends Comparand<T>>(other: O): Expression<With<T, O, boolean>>;
  lte<O extends Comparand<T>>(other: O): Expression<With<T, O, boolean>>;
  oneOf(...values: readonly Literal<NonNullable<T>>[]): Expression<Spread<T, boolean>>;
  /** Null where both are equal, otherwise this value. */
  nullIf(other: Comparand<T>): Expression<NonNullable<T> | null>;
  /** The smallest of all; null when one is null. */
  least<O extends readonly Operand<T>[]>(...others: O): Expression<With<T, O[number], NonNullable<T>>>;
  /** The largest of all; null when one is null. */
  greatest<O extends readonly Operand<T>[]>(...others: O): Expression<With<T, O[number], NonNullable<T>>>;
  /** For an order: the largest first. Nulls come last. */
  descending(): { readonly node: Expr; readonly of?: T; readonly isDescending: true };
}

interface Numeric<T> {
  plus<O extends Operand<number>>(other: O): Expression<With<T, O, number>>;
  plus<O extends Values<Decimal>>(other: O): Expression<With<T, O, Decimal>>;
  minus<O extends Operand<number>>(other: O): Expression<With<T, O, number>>;
  minus<O extends Values<Decimal>>(other: O): Expression<With<T, O, Decimal>>;
  times<O extends Operand<number>>(other: O): Expression<With<T, O, number>>;
  times<O extends Values<Decimal>>(other: O): Expression<With<T, O, Decimal>>;
  /** Always a double; a division by zero rejects the row. */
  dividedBy<O extends Comparand<number>>(other: O): Expression<With<T, O, number>>;
  /** Of integers: the quotient without its fraction, so -7 by 2 is -3; a division by zero rejects the row. */
  integerDividedBy<O extends Operand<number>>(other: O): Expression<With<T, O, number>>;
  /** The remainder, with the sign of this number; a division by zero rejects the row. */
  mod<O extends Operand<number>>(other: O): Expression<With<T, O, number>>;
  abs(): Expression<T>;
  /** To so many digits behind the point (0 unless said, negative before it); halves go away from zero. */
  round(digits?: number): Expression<T>;
  floor(): Expression<T>;
  ceil(): Expression<T>;
  /** Without its fraction. */
  toInteger(): Expression<T>;
  toDouble(): Expression<T>;
  /** Rounded to so many digits behind the point; halves go away from zero. */
  toDecimal(scale: number): Expression<Spread<T, Decimal>>;
  toText(): Expression<Spread<T, string>>;
  /** Epoch milliseconds as a time. */
  fromMillis(): Expression<Spread<T, Timestamp>>;
}

interface Exact<T> {
  /** Exact, with the larger scale. */
  plus<O extends Operand<Decimal> | Operand<number>>(other: O): Expression<With<T, O, Decimal>>;
  minus<O extends Operand<Decimal> | Operand<number>>(other: O): Expression<With<T, O, Decimal>>;
  /** Exact: the scales add up. */
  times<O extends Operand<Decimal> | Operand<number>>(other: O): Expression<With<T, O, Decimal>>;
  /** Always a double; a division by zero rejects the row. */
  dividedBy<O extends Operand<Decimal> | Operand<number>>(other: O): Expression<With<T, O, number>>;
  mod<O extends Operand<Decimal> | Operand<number>>(other: O): Expression<With<T, O, Decimal>>;
  abs(): Expression<T>;
  /** To so many digits behind the point, 0 unless said; halves go away from zero. */
  round(digits?: number): Expression<T>;
  floor(): Expression<T>;
  ceil(): Expression<T>;
  /** Without its fraction. */
  toInteger(): Expression<Spread<T, number>>;
  toDouble(): Expression<Spread<T, number>>;
  /** With another scale, rounded if it is smaller. */
  toDecimal(scale: number): Expression<T>;
  /** With all digits of its scale. */
  toText(): Expression<Spread<T, string>>;
}

interface Logical<T> {
  and<O extends Operand<boolean>>(other: O): Expression<With<T, O, boolean>>;
  or<O extends Operand<boolean>>(other: O): Expression<With<T, O, boolean>>;
  not(): Expression<Spread<T, boolean>>;
  toText(): Expression<Spread<T, string>>;
}

interface Textual<T> {
  /** Letter by letter: ß stays one letter. */
  lower(): Expression<Spread<T, string>>;
  upper(): Expression<Spread<T, string>>;
  /** Without the spaces at both ends. */
  trim(): Expression<Spread<T, string>>;
  /** In code points. */
  length(): Expression<Spread<T, number>>;
  concat<O extends readonly Operand<string>[]>(...others: O): Expression<With<T, O[number], string>>;
  /** From a position, the first is 1, to the end or so many code points. */
  substring(from: Operand<number>, length?: Operand<number>): Expression<Spread<T, string>>;
  contains<O extends Operand<string>>(part: O): Expression<With<T, O, boolean>>;
  startsWith<O extends Operand<string>>(part: O): Expression<With<T, O, boolean>>;
  endsWith<O extends Operand<string>>(part: O): Expression<With<T, O, boolean>>;
  replace(what: Operand<string>, by: Operand<string>): Expression<Spread<T, string>>;
  /** SQL's LIKE: `%` is any text, `_` any one letter. */
  like(pattern: string): Expression<Spread<T, boolean>>;
  /** Whether the regular expression matches somewhere in the text. */
  matches(regex: string | RegExp): Expression<Spread<T, boolean>>;
  /** What the expression matched first, or one of its groups; null without a match. */
  regexpExtract(regex: string | RegExp, group?: number): Expression<string | null>;
  /** The part between separators, the first is 1; null where there is none. */
  splitPart(separator: Operand<string>, part: Operand<number>): Expression<string | null>;
  /** A text that is no number rejects the row, for these three. */
  toInteger(): Expression<Spread<T, number>>;
  toDouble(): Expression<Spread<T, number>>;
  toDecimal(scale: number): Expression<Spread<T, Decimal>>;
}

/** Whose clock: an IANA name such as `Europe/Berlin`; UTC unless said. */
interface InZone {
  readonly zone?: string;
}

interface Temporal<T> {
  /** Later by a duration such as `10s`, or by so many milliseconds. */
  plus<O extends string | Operand<number>>(duration: O): Expression<With<T, O, Timestamp>>;
  /** The milliseconds since another time. */
  minus<O extends Values<Timestamp> | Date>(time: O): Expression<With<T, O, number>>;
  /** Earlier by a duration such as `10s`, or by so many milliseconds. */
  minus<O extends string | Operand<number>>(duration: O): Expression<With<T, O, Timestamp>>;
  year(options?: InZone): Expression<Spread<T, number>>;
  month(options?: InZone): Expression<Spread<T, number>>;
  day(options?: InZone): Expression<Spread<T, number>>;
  hour(options?: InZone): Expression<Spread<T, number>>;
  minute(options?: InZone): Expression<Spread<T, number>>;
  second(options?: InZone): Expression<Spread<T, number>>;
  /** From 1, Monday, to 7. */
  dayOfWeek(options?: InZone): Expression<Spread<T, number>>;
  /** As text: yyyy MM dd HH mm ss SSS, other letters between quotes, such as `yyyy-MM-dd'T'HH:mm`. */
  format(pattern: string, options?: InZone): Expression<Spread<T, string>>;
  /** Epoch milliseconds. */
  toMillis(): Expression<Spread<T, number>>;
}

interface Spanning<T> {
  /** The first moment of the window. */
  readonly start: Expression<Spread<T, Timestamp>>;
  /** The first moment after the window. */
  readonly end: Expression<Spread<T, Timestamp>>;
}

interface Listed<T, I> {
  length(): Expression<Spread<T, number>>;
  contains<O extends Operand<I>>(item: O): Expression<With<T, O, boolean>>;
}

type Special<T> = [NonNullable<T>] extends [number]
  ? Ordered<T> & Numeric<T>
  : [NonNullable<T>] extends [boolean]
    ? Ordered<T> & Logical<T>
    : [NonNullable<T>] extends [string]
      ? Ordered<T> & Textual<T>
      : [NonNullable<T>] extends [Timestamp]
        ? Ordered<T> & Temporal<T>
        : [NonNullable<T>] extends [Decimal]
          ? Ordered<T> & Exact<T>
          : [NonNullable<T>] extends [readonly (infer I)[]]
            ? Listed<T, I>
            : [NonNullable<T>] extends [Bounds]
              ? Spanning<T>
              : unknown;

/** An expression whose values are T (`string`, `number`, `boolean`, `Timestamp`, `Decimal` or a list, perhaps null). */
export type Expression<T> = Common<T> & Special<T>;

/** The fields of a row as expressions; those of a nested object below it. */
export type Fields<R> = {
  readonly [K in keyof R as K extends string ? K : never]: typeof nestedBrand extends keyof R[K]
    ? Fields<R[K]>
    : Expression<R[K]>;
};

/** The values that an expression stands for. */
export type ValueOf<E> = E extends { readonly of?: infer T } ? Exclude<T, undefined> : never;

/** A plain value as an expression; a Date is a time. */
export function literal(value: string): Expression<string>;
export function literal(value: number): Expression<number>;
export function literal(value: boolean): Expression<boolean>;
export function literal(value: Date): Expression<Timestamp>;
export function literal(value: unknown): unknown {
  return new Builder(literalOf(value, null), []);
}

/** An exact decimal with the digits that are written: `decimal('0.908')`. @throws DEFINITION_INVALID */
export function decimal(text: string): Expression<Decimal> {
  return new Builder(decimalLiteral(text), []) as never;
}

/**
 * The columns of a row as an object of expressions, without a prototype. A name that only begins names of columns, before
 * a `_`, is an object with the rest of them: `f.bid.price` is the column `bid_price`. Any other is DEFINITION_INVALID.
 */
export function fieldsOf<R>(columns: readonly Column[]): Fields<R> {
  const fields = Object.create(null) as Record<string, unknown>;
  for (const { name } of columns) fields[name] = new Builder({ kind: 'field', name }, columns);
  const below = (prefix: string, target: Record<string, unknown>): Record<string, unknown> =>
    new Proxy(target, {
      get(_, key) {
        if (typeof key === 'symbol') return undefined;
        const name = prefix + key;
        if (Object.hasOwn(fields, name)) return fields[name];
        if (columns.some((column) => column.name.startsWith(`${name}_`)))
          return below(`${name}_`, Object.create(null) as Record<string, unknown>);
        throw unknownColumn(name, Object.keys(fields));
      },
    });
  return below('', fields) as unknown as Fields<R>;
}

function unknownColumn(name: string, known: readonly string[]): Error {
  const near = nearest(name, known);
  return failure('DEFINITION_INVALID', {
    problem: `there is no column "${name}"; ${near === undefined ? `there are ${known.join(', ')}` : `did you mean "${near}"?`}`,
  });
}

/** The node of a value that a definition returned. Throws DEFINITION_INVALID for anything but an expression. */
export function nodeOf(value: unknown, where: string): Expr {
  if (value instanceof Builder) return value.node;
  throw failure('DEFINITION_INVALID', {
    problem: `${where} is not an expression over the fields of the row; write it as (f) => f.delay.gt(0), not with JavaScript's operators`,
  });
}

/**
 * Symbolic expressions over the fields of a row. `f.delay.gt(0)` computes nothing: it describes the comparison, so that the
 * plan can be run, explained and exported. Types decide which methods an expression has.
 */
import { failure } from '../base/errors.ts';
import { nearest } from '../base/nearest.ts';
import { parseTimestamp } from '../data/timestamp.ts';
import type { Column, Type } from '../data/value.ts';
import { inferExpr } from '../expr/evaluate.ts';
import type { Expr, FunctionName, LiteralExpr } from '../expr/node.ts';

declare const timestampBrand: unique symbol;

/** A point in time, from a field of type `z.iso.datetime()`. Compare it with an ISO 8601 string or a Date. */
export interface Timestamp {
  readonly [timestampBrand]: true;
}

/** What may stand on the other side of an operator: an expression or a plain value. */
export type Operand<T> =
  | Expression<NonNullable<T>>
  | Expression<NonNullable<T> | null>
  | Literal<NonNullable<T>>;
type Literal<T> = T extends Timestamp
  ? string | Date
  : T extends string
    ? string
    : T extends number
      ? number
      : T extends boolean
        ? boolean
        : never;

/** The null of SQL spreads: a result may be null when either side may. */
type Spread<T, R> = null extends T ? R | null : R;

interface Common<T> {
  /** @internal */
  readonly node: Expr;
  /** @internal Carries T for inference; never set. */
  readonly of?: T;
  eq(other: Operand<T>): Expression<Spread<T, boolean>>;
  ne(other: Operand<T>): Expression<Spread<T, boolean>>;
  isNull(): Expression<boolean>;
  isNotNull(): Expression<boolean>;
  /** This value, or the other one where this is null. */
  orElse(other: Operand<T>): Expression<NonNullable<T>>;
  oneOf(...values: readonly Literal<NonNullable<T>>[]): Expression<Spread<T, boolean>>;
}

interface Ordered<T> {
  gt(other: Operand<T>): Expression<Spread<T, boolean>>;
  gte(other: Operand<T>): Expression<Spread<T, boolean>>;
  lt(other: Operand<T>): Expression<Spread<T, boolean>>;
  lte(other: Operand<T>): Expression<Spread<T, boolean>>;
}

interface Numeric<T> {
  plus(other: Operand<T>): Expression<Spread<T, number>>;
  minus(other: Operand<T>): Expression<Spread<T, number>>;
  times(other: Operand<T>): Expression<Spread<T, number>>;
  /** Always a double; a division by zero rejects the row. */
  dividedBy(other: Operand<T>): Expression<Spread<T, number>>;
}

interface Logical<T> {
  and(other: Operand<T>): Expression<Spread<T, boolean>>;
  or(other: Operand<T>): Expression<Spread<T, boolean>>;
  not(): Expression<Spread<T, boolean>>;
}

interface Textual<T> {
  lower(): Expression<Spread<T, string>>;
  upper(): Expression<Spread<T, string>>;
}

type Special<T> = [NonNullable<T>] extends [number]
  ? Numeric<T>
  : [NonNullable<T>] extends [boolean]
    ? Logical<T>
    : [NonNullable<T>] extends [string]
      ? Textual<T>
      : unknown;

/** An expression whose values are T (`string`, `number`, `boolean` or `Timestamp`, perhaps null). */
export type Expression<T> = Common<T> & Ordered<T> & Special<T>;

/** The fields of a row as expressions. */
export type Fields<R> = { readonly [K in keyof R]: Expression<R[K]> };

/** The values that an expression stands for. */
export type ValueOf<E> = E extends { readonly of?: infer T } ? Exclude<T, undefined> : never;

/** Every method at once; `Expression<T>` shows only those that its type has, and `#call` checks the rest. */
class Builder {
  readonly node: Expr;
  readonly #columns: readonly Column[];
  readonly #type: Type;

  constructor(node: Expr, columns: readonly Column[]) {
    const type = inferExpr(node, columns);
    if (typeof type === 'string') throw failure('DEFINITION_INVALID', { problem: type });
    this.node = node;
    this.#columns = columns;
    this.#type = type.type;
  }

  eq(other: unknown): Builder {
    return this.#call('eq', other);
  }
  ne(other: unknown): Builder {
    return this.#call('ne', other);
  }
  gt(other: unknown): Builder {
    return this.#call('gt', other);
  }
  gte(other: unknown): Builder {
    return this.#call('gte', other);
  }
  lt(other: unknown): Builder {
    return this.#call('lt', other);
  }
  lte(other: unknown): Builder {
    return this.#call('lte', other);
  }
  plus(other: unknown): Builder {
    return this.#call('plus', other);
  }
  minus(other: unknown): Builder {
    return this.#call('minus', other);
  }
  times(other: unknown): Builder {
    return this.#call('times', other);
  }
  dividedBy(other: unknown): Builder {
    return this.#call('dividedBy', other);
  }
  and(other: unknown): Builder {
    return this.#call('and', other);
  }
  or(other: unknown): Builder {
    return this.#call('or', other);
  }
  orElse(other: unknown): Builder {
    return this.#call('coalesce', other);
  }
  not(): Builder {
    return this.#call('not');
  }
  isNull(): Builder {
    return this.#call('isNull');
  }
  isNotNull(): Builder {
    return this.isNull().not();
  }
  lower(): Builder {
    return this.#call('lower');
  }
  upper(): Builder {
    return this.#call('upper');
  }
  oneOf(...values: readonly unknown[]): Builder {
    const first = values[0];
    if (first === undefined)
      throw failure('DEFINITION_INVALID', { problem: 'oneOf needs at least one value' });
    if (values.length === 1) return this.eq(first);
    // By halves: a chain of a hundred would nest too deep for a plan.
    const middle = values.length >> 1;
    return this.oneOf(...values.slice(0, middle)).or(this.oneOf(...values.slice(middle)));
  }

  #call(fn: FunctionName, ...others: readonly unknown[]): Builder {
    const args = others.map((other) => (other instanceof Builder ? other.node : literal(other, this.#type)));
    return new Builder({ kind: 'call', fn, args: [this.node, ...args] }, this.#columns);
  }
}

function literal(value: unknown, beside: Type): LiteralExpr {
  if (beside === 'timestamp') {
    const ms = value instanceof Date ? value.getTime() : parseTimestamp(String(value));
    if (ms === undefined || Number.isNaN(ms)) {
      throw failure('DEFINITION_INVALID', {
        problem: `"${String(value)}" is not an ISO 8601 time with Z or an offset`,
      });
    }
    return { kind: 'literal', type: 'timestamp', value: ms };
  }
  if (typeof value === 'string') return { kind: 'literal', type: 'string', value };
  if (typeof value === 'boolean') return { kind: 'literal', type: 'boolean', value };
  if (typeof value === 'number' && Number.isFinite(value)) {
    return { kind: 'literal', type: Number.isSafeInteger(value) ? 'integer' : 'double', value: value + 0 };
  }
  throw failure('DEFINITION_INVALID', { problem: `${String(value)} cannot stand in an expression` });
}

/** The columns of a row as an object of expressions, without a prototype. Any other name is DEFINITION_INVALID. */
export function fieldsOf<R>(columns: readonly Column[]): Fields<R> {
  const fields = Object.create(null) as Record<string, Builder>;
  for (const { name } of columns) fields[name] = new Builder({ kind: 'field', name }, columns);
  const named = new Proxy(fields, {
    get(target, name) {
      if (typeof name === 'symbol' || Object.hasOwn(target, name)) return target[name as string];
      const known = Object.keys(target);
      const near = nearest(name, known);
      throw failure('DEFINITION_INVALID', {
        problem: `there is no column "${name}"; ${near === undefined ? `there are ${known.join(', ')}` : `did you mean "${near}"?`}`,
      });
    },
  });
  return named as unknown as Fields<R>;
}

/** The node of a value that a definition returned. Throws DEFINITION_INVALID for anything but an expression. */
export function nodeOf(value: unknown, where: string): Expr {
  if (value instanceof Builder) return value.node;
  throw failure('DEFINITION_INVALID', {
    problem: `${where} is not an expression over the fields of the row; write it as (f) => f.delay.gt(0), not with JavaScript's operators`,
  });
}

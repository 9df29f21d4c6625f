/** Choices in expressions: `when(f.delay.gt(60), 'late').when(f.delay.gt(15), 'delayed').otherwise('on time')`. */
import { failure } from '../base/errors.ts';
import type { Expr, ExprType } from '../expr/node.ts';
import { Builder, literalOf } from './builder.ts';
import { type Decimal, type Expression, nodeOf, type Timestamp, type ValueOf } from './expression.ts';

type Condition = Expression<boolean> | Expression<boolean | null>;
type Choice = string | number | boolean | Date | null | { readonly node: Expr };

type Chosen<V> = V extends { readonly node: Expr }
  ? ValueOf<V>
  : V extends string
    ? string
    : V extends number
      ? number
      : V extends boolean
        ? boolean
        : V extends Date
          ? Timestamp
          : null;
/** A plain value beside a decimal is one, a string beside a time is one. */
type Settled<T> = [Extract<T, Decimal>] extends [never]
  ? [Extract<T, Timestamp>] extends [never]
    ? T
    : Exclude<T, string>
  : Exclude<T, number | string>;

/** A choice that waits for `.otherwise(…)`. */
export class Case<T> {
  readonly #values: readonly unknown[];

  /** @internal */
  constructor(values: readonly unknown[]) {
    this.#values = values;
  }

  when<V extends Choice>(condition: Condition, value: V): Case<T | Chosen<V>> {
    nodeOf(condition, 'the condition of when');
    return new Case([...this.#values, condition, value]);
  }

  /** The value where no condition is true. */
  otherwise<V extends Choice>(value: V): Expression<Settled<T | Chosen<V>>> {
    const values = [...this.#values, value];
    const isCondition = (index: number): boolean => index % 2 === 0 && index < values.length - 1;
    const type = settledType(values.filter((_, index) => !isCondition(index)));
    const nodes = values.map((each, index) =>
      each === null && !isCondition(index) ? new Builder(nullOf(type), []) : each,
    );
    const call = Builder.call(
      'caseWhen',
      nodes,
      values.map(() => type),
    );
    return call as never;
  }
}

/** The value if the condition is true, neither false nor null. Only the value that is chosen is computed. */
export function when<V extends Choice>(condition: Condition, value: V): Case<Chosen<V>> {
  return new Case<never>([]).when(condition, value);
}

/** What plain values and nulls among these stand beside: the first expression, or the first plain value. */
function settledType(values: readonly unknown[]): ExprType {
  const types = values.flatMap((value) => (value instanceof Builder ? [Builder.typeOf(value)] : []));
  const [type] = [...types.filter(({ type: name }) => name === 'decimal'), ...types];
  if (type !== undefined) return type;
  const plain = values.find((value) => value !== null);
  if (plain === undefined)
    throw failure('DEFINITION_INVALID', {
      problem: 'a choice between nulls has no type: give one of the values',
    });
  return { type: literalOf(plain, null).type, nullable: false };
}

function nullOf({ type, scale }: ExprType): Expr {
  return { kind: 'literal', type, value: null, ...(scale !== undefined && { scale }) };
}

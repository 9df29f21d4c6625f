/** Keys of steps that leave the columns as they are: names of columns, or fields. */
import { wrong } from './definition.ts';
import { type Fields, type Nested, nodeOf } from './expression.ts';
import type { Expr } from '../expr/node.ts';

/** The columns of a row that are no nested objects. */
export type ColumnOf<R> = {
  readonly [K in keyof R & string]: R[K] extends Nested ? never : K;
}[keyof R & string];

/** Columns by name, or as fields: `['origin']`, `(f) => ({ origin: f.origin })`. */
export type Keys<R> =
  | readonly ColumnOf<R>[]
  | ((row: Fields<R>) => Readonly<Record<string, { readonly node: Expr }>>);

/** The names of the columns. @throws DEFINITION_INVALID for anything that has to be computed first. */
export function keysOf<R>(
  what: string,
  keys: Keys<R> | undefined,
  fields: () => Fields<R>,
): readonly string[] {
  if (keys === undefined) return [];
  if (typeof keys !== 'function') {
    if (!Array.isArray(keys)) wrong(`${what}: name the columns, such as ['origin']`);
    return keys.map(String);
  }
  return Object.entries(keys(fields())).map(([name, value]) => {
    const expr = nodeOf(value, `${what}, key "${name}"`);
    if (expr.kind !== 'field')
      wrong(`${what}, key "${name}" is no column; compute it with .extend(…) before`);
    return expr.name;
  });
}

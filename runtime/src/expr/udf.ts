/**
 * Calls of functions that a definition brings along. They see values as `data/plain.ts` says, are never called with null
 * (null in, null out), and what they throw or return wrongly is an error of the row.
 */
import { invariant } from '../base/invariant.ts';
import { describePlain, describeThrown, plainReader, plainWanted, plainWriter } from '../data/plain.ts';
import type { Value } from '../data/value.ts';
import type { Apply, Arg } from './function-row.ts';
import type { UdfExpr } from './node.ts';
import { RowError } from './row-error.ts';

/** The functions of a definition by their names. */
export type FunctionTable = ReadonlyMap<string, unknown>;

/** REQUIRES a function of this name in the table. */
export function udfCaller({ name, result }: UdfExpr, args: readonly Arg[], functions: FunctionTable): Apply {
  const code = functions.get(name);
  invariant(typeof code === 'function', `function ${name} is at hand`);
  const writers = args.map(plainWriter);
  const read = plainReader(result);
  return (...values) => {
    if (values.includes(null)) return null;
    const given = callOf(
      name,
      code,
      values.map((value, index) => (writers[index] as (v: Value) => unknown)(value)),
    );
    if (given === null && result.nullable) return null;
    const value = read(given);
    if (value !== undefined) return value;
    throw new RowError(`function "${name}" returned ${describePlain(given)}, not ${plainWanted(result)}`);
  };
}

function callOf(name: string, code: unknown, args: readonly unknown[]): unknown {
  try {
    return (code as (...args: readonly unknown[]) => unknown)(...args);
  } catch (error) {
    throw new RowError(`function "${name}" threw: ${describeThrown(error)}`);
  }
}

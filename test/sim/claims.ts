/** What a simulated job claims. Not of a test library: a script may run seeds, and hundreds of claims cost nothing. */
import { inspect, isDeepStrictEqual } from 'node:util';

/** Something that must hold does not. */
export class ClaimError extends Error {}

export function holds(isTrue: boolean, what: string): void {
  if (!isTrue) throw new ClaimError(what);
}

export function same(actual: unknown, expected: unknown, what: string): void {
  if (isDeepStrictEqual(plain(actual), plain(expected))) return;
  const shown = (value: unknown): string =>
    inspect(value, { depth: 6, breakLength: 200, maxArrayLength: 200 });
  throw new ClaimError(`${what}: ${shown(actual)} instead of ${shown(expected)}`);
}

/** As JSON has it: where a value comes from does not matter. */
function plain(value: unknown): unknown {
  return value === undefined ? null : (JSON.parse(JSON.stringify(value)) as unknown);
}

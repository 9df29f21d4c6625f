/** What a simulated job claims. Not of a test library: a script may run seeds, and thousands of claims cost nothing. */
import { inspect, isDeepStrictEqual } from 'node:util';

/** Something that must hold does not. */
export class ClaimError extends Error {}

export function holds(isTrue: boolean, what: string): void {
  if (!isTrue) throw new ClaimError(what);
}

/** Compared as JSON has it: where a value comes from does not matter. */
export function same(actual: unknown, expected: unknown, what: string): void {
  const [found, wanted] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (found === wanted || isDeepStrictEqual(parsed(found), parsed(wanted))) return;
  const shown = (value: unknown): string =>
    inspect(value, { depth: 6, breakLength: 200, maxArrayLength: 200 });
  throw new ClaimError(`${what}: ${shown(actual)} instead of ${shown(expected)}`);
}

function parsed(text: string | undefined): unknown {
  return text === undefined ? null : (JSON.parse(text) as unknown);
}

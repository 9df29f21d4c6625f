/**
 * The only place where text becomes code. The text is made of names that the code makes itself and of numbers; values are
 * bound, so nothing that anyone wrote into a plan is ever part of it.
 */
export function generate(bound: Readonly<Record<string, unknown>>, source: string): unknown {
  // oxlint-disable-next-line typescript/no-implied-eval -- this is what the folder is for
  const make = new Function(...Object.keys(bound), source) as (...values: unknown[]) => unknown;
  return make(...Object.values(bound));
}

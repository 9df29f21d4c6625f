/** The bits of a record whose state is saved: whether it is on the list of those that have to be, and whether the store has it. */
export const FRESH = 0;
export const LISTED = 1;
export const SAVED = 2;

/** Writes: put a record onto the list of those that have to be saved, unless it is there. `bits` is the cell. */
export function listUnsaved(bits: string, list: string, at: string): string {
  return `if ((${bits} & ${LISTED}) === 0) { ${bits} = (${bits} | 0) + ${LISTED}; ${list}.add(${at}); }`;
}

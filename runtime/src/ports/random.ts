/** Chance comes in through here, so that a simulation can repeat what it drew. */
export interface Random {
  /** A number in [0, 1). */
  next(): number;
}

export const systemRandom: Random = { next: () => Math.random() };

import { randomUUID } from 'node:crypto';

/** Chance comes in through here, so that a simulation can repeat what it drew. */
export interface Random {
  /** A number in [0, 1). */
  next(): number;
  /** A name that nothing else has. */
  uuid(): string;
}

export const systemRandom: Random = { next: () => Math.random(), uuid: () => randomUUID() };

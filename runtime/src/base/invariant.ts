/** Stops on a mistake of ours. Never used for what a user, a file or a network can cause. */
export function invariant(holds: unknown, what: string): asserts holds {
  if (!holds) throw new Error(`invariant broken: ${what}`);
}

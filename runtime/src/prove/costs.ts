/**
 * What work costs in virtual time: bench/results/costs.json, to two digits; `npm run bench:costs` says how it is measured. It is
 * CPU time, so that the load of the machine that measured does not matter.
 */
export interface Costs {
  /** Reading an event for the first time and computing with it. */
  readonly eventUs: number;
  /** Reading an event again, in a run of a batch or a correction. */
  readonly againUs: number;
  /** Writing one entry of the store: a row, a state, a late event. */
  readonly entryUs: number;
  /** A commit, whatever it holds. */
  readonly commitUs: number;
  /** Making events durable: an fsync. */
  readonly syncUs: number;
}

export const COSTS: Costs = { eventUs: 1.9, againUs: 1.9, entryUs: 13, commitUs: 910, syncUs: 330 };

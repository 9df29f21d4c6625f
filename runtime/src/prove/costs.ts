/**
 * What work costs in virtual time, to two digits. All but the fsync is CPU time, so that the load of the machine that measured
 * does not matter: bench/results/costs.json; `npm run bench:costs` says how.
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
  /** Making events durable: the median of four senders without a commit interval in bench/results/log.json. */
  readonly syncUs: number;
}

export const COSTS: Costs = { eventUs: 1.9, againUs: 1.9, entryUs: 13, commitUs: 910, syncUs: 2100 };

/**
 * The prices and efforts that the model counts with: data, each group with the entry of the knowledge base that it rests on.
 * A team that knows its own figures gives them with `--prices FILE`; `advisor prices` prints this as such a file.
 */
import type { Architecture } from '../answers.ts';

export interface Prices {
  readonly coreHourUsd: number;
  readonly diskGbMonthUsd: number;
  readonly objectGbMonthUsd: number;
}

/** Hours a month of one architecture, for people who have done it before. */
export interface Load {
  readonly base: number;
  /** For each reprocessing, when it happens once a month. */
  readonly reprocess: number;
}

export interface Assumptions {
  readonly cloud: Prices;
  /** Own machines, at what they cost over their life. */
  readonly hardware: Prices;
  readonly personHourUsd: number;
  /** Hours that one engineer has in a month. */
  readonly engineerHours: number;
  readonly effort: Readonly<Record<Architecture, Load>> & {
    /** Watching that an early and a final result agree. */
    readonly reconcile: number;
    /** A second implementation of the logic, kept equal to the first. */
    readonly secondCodebase: number;
    /** Keeping history where the architecture needs it and it is not kept yet: in the log for Kappa, in a lake for Lambda. */
    readonly keepHistory: number;
    /** Each time that history must be brought into a stream job from elsewhere than the log, in the order of its events. */
    readonly loadHistory: number;
    /** Each time that a replay must be kept from mailing and paying again. */
    readonly holdEffects: number;
  };
  /** Stops of a stream job in a month that somebody has to end. */
  readonly stopsPerMonth: number;
  /** Where figures come from that a team gave in place of ours, and their names. */
  readonly given?: { readonly where: string; readonly names: readonly string[] };
}

export const ASSUMED: Assumptions = {
  // msf-kpu-price, gp3-price, s3-price
  cloud: { coreHourUsd: 0.11, diskGbMonthUsd: 0.08, objectGbMonthUsd: 0.023 },
  // ours-hardware
  hardware: { coreHourUsd: 0.02, diskGbMonthUsd: 0.02, objectGbMonthUsd: 0.01 },
  // ours-person-hour
  personHourUsd: 90,
  engineerHours: 130,
  // ours-effort
  effort: {
    batch: { base: 6, reprocess: 1 },
    'micro-batch': { base: 12, reprocess: 3 },
    streaming: { base: 40, reprocess: 16 },
    kappa: { base: 41, reprocess: 3 },
    lambda: { base: 46, reprocess: 1 },
    reconcile: 24,
    secondCodebase: 16,
    keepHistory: 7,
    loadHistory: 12,
    holdEffects: 8,
  },
  // ours-stops
  stopsPerMonth: 1,
};

/** What the advisor answers. The names, units and shape are a published interface; optional fields may be added. */
import type { Answers, Architecture } from './answers.ts';

export interface Recommendation {
  readonly version: 1;
  /** Complete: defaults filled in. */
  readonly answers: Answers;
  /** Paths of the answers that nobody gave. */
  readonly defaulted: readonly string[];
  readonly recommendation: Architecture;
  /** Every verdict that unsure or ranged answers leave open, the recommendation first. */
  readonly possible: readonly Architecture[];
  /** Only with more than one possible verdict: the answer that would settle most. */
  readonly undecided?: {
    readonly answer: string;
    readonly says: string;
    /** What to go and measure, or whom to ask. */
    readonly findOut?: string;
  };
  readonly settings: Settings;
  /** Always five, simplest first. */
  readonly candidates: readonly Candidate[];
  readonly because: readonly Claim[];
  readonly conflicts: readonly Conflict[];
  readonly flips: readonly Flip[];
  readonly sources: readonly Source[];
}

export interface Settings {
  /** How often a run starts: the schedule of a batch, the trigger of a micro-batch, the commit interval of a stream. */
  readonly triggerEverySeconds: number;
  readonly watermarkDelaySeconds: number;
  readonly allowedLatenessSeconds: number;
  readonly checkpointEverySeconds: number;
  /** How long the log must keep events; 0 when nothing depends on it. */
  readonly retentionSeconds: number;
  readonly delivery: 'at-least-once' | 'exactly-once';
  /** Lambda only: how often the batch layer runs. */
  readonly batchEverySeconds?: number;
}

export interface Candidate {
  readonly architecture: Architecture;
  readonly feasible: boolean;
  readonly violations: readonly Violation[];
  readonly predicted: Predicted;
}

export interface Violation {
  /** The answer that is not kept. */
  readonly requirement: string;
  readonly needs: string;
  readonly gives: string;
  readonly because: string;
  /** The entry of the knowledge base that the number of the gate comes from. */
  readonly source?: string;
}

export interface Predicted {
  readonly freshnessP50Seconds: number;
  readonly freshnessP99Seconds: number;
  /** Share of a window's events that are in it when it is first read. */
  readonly completenessAtRead: number;
  readonly reprocessSeconds: number;
  readonly monthlyUsd: MonthlyUsd;
  /** The same cost as low and high; `monthlyUsd` is the likely one. */
  readonly range: { readonly low: MonthlyUsd; readonly high: MonthlyUsd };
  /** Hours that people spend on operating it in a month: what "simple" is measured by. */
  readonly effortHours: number;
  /** The same as a share of all the hours that the team has. */
  readonly teamShare: number;
  /** From a late event to the corrected result; 0 when nothing is corrected by itself. */
  readonly correctionDelaySeconds: number;
  /** Age at which an exact result is final, with the latest event that is waited for in it. */
  readonly finalAfterSeconds: number;
  /** Share of events that are never counted unless somebody does it by hand. */
  readonly lostShare: number;
  /** How old the events are that somebody, or something, acts on. */
  readonly ageAtActionSeconds: number;
  readonly stateBytes: number;
  /** Log and lake, copies and headroom included. */
  readonly keptBytes: number;
  /** From a killed job to new results. */
  readonly restartSeconds: number;
  /** Nights in a month on which somebody is woken, and hours in which the promise is broken because something stands. */
  readonly nightsPerMonth: number;
  readonly brokenHoursPerMonth: number;
}

export interface MonthlyUsd {
  readonly compute: number;
  readonly storage: number;
  readonly people: number;
  readonly total: number;
}

export interface Claim {
  readonly claim: string;
  /** Id of an entry of the knowledge base. */
  readonly source: string;
}

export interface Conflict {
  readonly answers: readonly string[];
  readonly says: string;
  readonly options: readonly string[];
}

export interface Flip {
  readonly answer: string;
  readonly from: string;
  readonly at: string;
  readonly becomes: Architecture;
  /** The nearest value in the other direction that changes the verdict as well. */
  readonly also?: { readonly at: string; readonly becomes: Architecture };
}

export interface Source {
  readonly id: string;
  readonly title: string;
  readonly where: string;
  readonly asOf?: string;
  /** `ours` marks estimates, judgements and measurements of this project. */
  readonly kind: string;
  readonly claim: string;
  readonly value?: number | readonly [number, number];
  readonly unit?: string;
  /** How well it is known: read, secondary, derived, measured or estimate. */
  readonly check: string;
}

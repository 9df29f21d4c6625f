/** What `advisor prove` answers. The names, units and shape are a published interface; optional fields may be added. */
import type { Answers, Architecture } from '../answers.ts';
import type { Predicted, Settings } from '../recommendation.ts';

export interface Proof {
  readonly version: 1;
  readonly seed: number;
  /** At the hardest point that was left open; complete. */
  readonly answers: Answers;
  /** Answers that were ranges or unsure, and what was taken for them. */
  readonly hardest: readonly { readonly path: string; readonly given: string; readonly taken: string }[];
  readonly workload: WorkloadFacts;
  readonly recommendation: Architecture;
  readonly promiseSeconds: number;
  /** What work costs in virtual time. */
  readonly costs: {
    readonly eventUs: number;
    readonly againUs: number;
    readonly entryUs: number;
    readonly commitUs: number;
    readonly syncUs: number;
    readonly source: string;
  };
  /** Always five, simplest first. */
  readonly architectures: readonly ProvedArchitecture[];
  /** Whether all five ended with the same rows, and with how many. */
  readonly law: { readonly holds: boolean; readonly rows: number; readonly digest: string };
  readonly notes: readonly string[];
}

export interface WorkloadFacts {
  /** `description`, or the name of the file. */
  readonly from: string;
  readonly events: number;
  readonly horizonSeconds: number;
  /** Of so many keys, or events of one key, one was simulated. */
  readonly oneIn: number;
  /** So many rows of results stand behind each that was simulated. */
  readonly rowsOneIn: number;
  readonly simulatedEvents: number;
  readonly rejectedEvents: number;
  /** Parts in which freshness was measured at the full rate, where the whole does not show it. */
  readonly slices: readonly {
    readonly architectures: readonly Architecture[];
    readonly seconds: number;
    /** Into how many stretches they fall, all over the time; one is the busiest. */
    readonly stretches: number;
    readonly events: number;
  }[];
}

export interface ProvedArchitecture {
  readonly architecture: Architecture;
  readonly feasible: boolean;
  readonly settings: Settings;
  readonly keepsFreshness: boolean;
  /** For the machine and the time that were simulated, where that changes it. */
  readonly predicted: Predicted;
  readonly measured: Measured;
  /** Measured ÷ predicted; null where the prediction is zero. */
  readonly measuredByPredicted: {
    readonly freshnessP50: number | null;
    readonly freshnessP99: number | null;
    readonly completenessAtRead: number | null;
    readonly reprocess: number | null;
    readonly finalAfter: number | null;
    readonly correctionDelay: number | null;
    readonly stateBytes: number | null;
    readonly keptBytes: number | null;
  };
  /** Freshness over time. */
  readonly curve: readonly { atSeconds: number; meanSeconds: number; maxSeconds: number }[];
}

export interface Measured {
  readonly freshnessP50Seconds: number;
  readonly freshnessP99Seconds: number;
  /** Where freshness was measured: over all of the time, or in the slice at full rate. */
  readonly freshnessFrom: 'horizon' | 'slice';
  /** Share of the events of a window that were in the promised age after its end, over windows that end at any moment. */
  readonly completenessAtRead: number;
  /** From the end of a window until no event in time could change it any more; null when none was over in time. */
  readonly finalAfterP50Seconds: number | null;
  readonly corrections: {
    /** Runs that folded late events in; of a batch layer, its runs. */
    readonly runs: number;
    readonly windows: number;
    /** Windows that changed after they had been read. */
    readonly windowsCorrected: number;
    readonly completeAfterP50Seconds: number;
    readonly completeAfterP99Seconds: number;
    /** From when a late event was sent until it was in the result, but for 1 % of them; null when none came to be in it. */
    readonly delayP99Seconds: number | null;
  };
  readonly late: { readonly events: number; readonly policy: string };
  readonly work: {
    /** Events read, each as often as it was. */
    readonly eventsProcessed: number;
    readonly readsPerEvent: number;
    readonly commits: number;
    readonly entriesWritten: number;
  };
  readonly kept: {
    readonly logBytes: number;
    readonly stateBytes: number;
    readonly viewBytes: number;
    readonly otherBytes: number;
    readonly totalBytes: number;
  };
  /** All that was simulated once more, and what follows from it for the history. */
  readonly reprocess: {
    readonly sampleEvents: number;
    readonly sampleSeconds: number;
    readonly historyEvents: number;
    /** On one core. */
    readonly historySeconds: number;
    readonly sameRows: boolean;
  };
}

/**
 * The numbers that the gates and the model turn on. Each names the entry of the knowledge base that it rests on. Those of the
 * bundled runtime are held against the committed results of its benchmarks by `test/advisor/floors.test.ts`.
 */
import type { Architecture } from '../answers.ts';

/** How an architecture paces its work. */
export interface Pace {
  readonly intervalMinSeconds: number;
  readonly intervalMaxSeconds: number;
  /** The promise is this many intervals: one to wait, one to run, one to run again after a failure. */
  readonly intervals: number;
  /** What one run or commit takes, whatever it has to do. */
  readonly startSeconds: number;
  readonly source: string;
}

export const BATCH: Pace = {
  intervalMinSeconds: 1200,
  intervalMaxSeconds: 86_400,
  intervals: 3,
  startSeconds: 60,
  source: 'ours-batch-floor',
};
export const MICRO_BATCH: Pace = {
  intervalMinSeconds: 20,
  intervalMaxSeconds: 1200,
  intervals: 3,
  // A run is a commit of a process that is up: `advisor prove` measured no more.
  startSeconds: 0.005,
  source: 'ours-micro-batch-floor',
};
/** A stream commits this often; the promise is four commits: read, compute, commit, show. */
export const STREAM: Pace = {
  intervalMinSeconds: 0.025,
  intervalMaxSeconds: 1,
  intervals: 4,
  startSeconds: 0.002,
  source: 'ours-stream-floor',
};
/** Exactly-once makes a result visible only when its transaction is committed. */
export const STREAM_ONCE: Pace = { ...STREAM, intervalMinSeconds: 0.04, source: 'ours-exactly-once-floor' };

/** Schedules that fall on the same times every day. */
export const SCHEDULES_SECONDS = [
  1200, 1800, 3600, 7200, 10_800, 14_400, 21_600, 28_800, 43_200, 86_400,
] as const;

/**
 * A replay that reads more than this many times what arrives in the same time is a second workload, not a repair: with
 * sixteen times the cores of the live job, each four times as fast as it is sized for, it would hardly ever be done.
 */
export const REPLAY_SHARE_MAX = 100;
/** What one core replays in an hour is no workload, however often it is asked for. */
export const REPLAY_QUIET_CORE_SECONDS = 3600;

/** Events that one core processes in a second. */
export const LIVE_RATE_PER_CORE = 50_000;
export const REPLAY_RATE_PER_CORE = 200_000;
export const BATCH_RATE_PER_CORE = 1_000_000;
/** Bytes that one core reads and takes apart in a second, when events are large. */
export const READ_BYTES_PER_CORE = 200_000_000;
/** Cores that can be had for the time of a reprocessing; a log is read by as many as it has partitions. */
export const REPROCESS_CORES = 64;
/** How long a killed job with a GB of state takes until new events are visible again. */
export const RECOVERY_SECONDS_PER_GB = 0.38;

/** What work costs the bundled runtime on one core; a durable append and a commit whatever is in them. */
export const WORK = {
  eventSeconds: 1.9e-6,
  entrySeconds: 13e-6,
  commitSeconds: 910e-6,
  syncSeconds: 2.1e-3,
} as const;

/** How arrivals that are described are taken: so much more at noon and less at night; bursts, in a share of the time. */
export const DAY_SWING = 0.5;
export const BURSTS = { share: 0.1, times: 4, everySeconds: 3708 } as const;

/** Days between two reprocessings; "never" does not come round. */
export const PERIOD_DAYS = {
  never: Infinity,
  yearly: 365,
  quarterly: 91,
  monthly: 30,
  weekly: 7,
  daily: 1,
} as const;

/** Reprocessing this often is part of the routine. */
export const ROUTINE_DAYS_MAX = 31;

/** A question that is asked once is answered by one run; nobody waits for the next. */
export const ONE_OFF_PROMISE_SECONDS = BATCH.intervalMinSeconds * BATCH.intervals;

/** Interior values at which a verdict can change, for ranges that contain them (seconds or plain numbers). */
export const BREAKPOINTS: Readonly<Record<string, readonly number[]>> = {
  freshness: [
    STREAM.intervalMinSeconds * STREAM.intervals,
    STREAM_ONCE.intervalMinSeconds * STREAM_ONCE.intervals,
    MICRO_BATCH.intervalMinSeconds * MICRO_BATCH.intervals,
    BATCH.intervalMinSeconds * BATCH.intervals,
  ],
  arrivalEvery: [
    MICRO_BATCH.intervalMinSeconds * MICRO_BATCH.intervals,
    BATCH.intervalMinSeconds * BATCH.intervals,
  ],
  'reprocessing.history': [1, 7, 30, 91, 365].map((days) => days * REPLAY_SHARE_MAX * 86_400),
};

/** From the least to the most there is to operate. */
export const SIMPLEST_FIRST: readonly Architecture[] = [
  'batch',
  'micro-batch',
  'streaming',
  'kappa',
  'lambda',
];

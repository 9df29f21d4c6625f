/**
 * What the HTTP API, the dashboard and the control socket need from a running pipeline. The implementation owns the log,
 * the state and the views; everything here is data, so the same answers serve `pipeline status` and `/api/status`.
 */
export type Architecture = 'batch' | 'micro-batch' | 'streaming' | 'lambda' | 'kappa';

/** Answers: is it fresh enough, is it complete, what was late, is it keeping up. Times are epoch milliseconds. */
export interface Status {
  readonly version: 1;
  readonly pipeline: string;
  readonly architecture: Architecture;
  readonly running: boolean;
  readonly startedAtMs: number | null;
  readonly nowMs: number;
  readonly freshness: Freshness;
  readonly sources: readonly SourceStatus[];
  readonly views: readonly ViewStatus[];
  readonly late: LateStatus;
  /** Events that were malformed, or that an expression could not be computed for. Kept and replayable. */
  readonly rejected: number;
  /** Of those that were rejected at the door: how many are kept, and how many of the oldest went. Absent when not on disk. */
  readonly rejectedLog?: {
    readonly kept: number;
    readonly removed: number;
    readonly sizeBytes: number;
    readonly limitBytes: number;
  };
  readonly epochs: EpochStatus;
  /** Keys of the operators, an estimate of what those in memory take there, and what all of it takes on disk. */
  readonly state: { readonly keys: number; readonly memoryBytes: number; readonly sizeBytes: number };
  /** Absent when the data is not on disk. */
  readonly disk?: DiskStatus;
  /** Absent when the log is not on disk. */
  readonly log?: LogStatus;
  /** When the next scheduled run, trigger or batch layer starts; null when it runs continuously or is stopped. */
  readonly nextRunAtMs: number | null;
  readonly corrections: { readonly runs: number; readonly lastAtMs: number | null };
  /** Since the process started; absent before the first. */
  readonly snapshots?: SnapshotStatus;
  /** Lambda only: windows that end at or before this event time are served from the batch layer. */
  readonly lambda?: {
    readonly coveredUntilMs: number | null;
    readonly batchRuns: number;
    readonly lastBatchAtMs: number | null;
  };
  /** Kappa only. */
  readonly versions?: readonly VersionStatus[];
  /** Absent without sinks. */
  readonly sinks?: readonly SinkStatus[];
}

export type SinkKind = 'files' | 'postgres' | 'http';

/**
 * `exactly-once`: a reader never sees a change half or twice, through any crash. `at-least-once`: none is lost, and what comes
 * twice has the same idempotency key.
 */
export type Guarantee = 'exactly-once' | 'at-least-once';

export interface SinkStatus {
  readonly name: string;
  readonly kind: SinkKind;
  readonly view: string;
  /** Where it is, without secrets. */
  readonly place: string;
  readonly guarantee: Guarantee;
  /** Of its last delivery. */
  readonly sequence: number;
  /** Records of the log that the sink has seen, and how many more the view has. */
  readonly position: number;
  readonly lagEvents: number;
  /** Epochs of the pipeline that the sink has seen; absent before its first delivery. */
  readonly epoch?: number;
  /** Changed rows that the sink does not have; one that changed in two commits counts twice. */
  readonly waitingRows: number;
  /** Age of the oldest change that was not delivered; 0 when all were. */
  readonly lagSeconds: number;
  readonly waitingBytes: number;
  readonly deliveredAtMs: number | null;
  /** Since the process started. */
  readonly failures: number;
  readonly lastFailure: string | null;
  /** Whether the last attempt failed. */
  readonly failing: boolean;
}

/** Room where the data is. Below the reserve nothing is taken in, below half of it no epoch begins; readers go on. */
export interface DiskStatus {
  /** As of the last look, at most a second ago while it runs; null before the first. */
  readonly freeBytes: number | null;
  readonly reserveBytes: number;
  readonly intake: 'open' | 'refused';
  readonly epochs: 'running' | 'paused';
  /** How often something was refused since the process started. */
  readonly refusals: number;
}

/** What is kept of the log: positions [start, end). */
export interface LogStatus {
  readonly start: number;
  readonly end: number;
  readonly sizeBytes: number;
  /** Of these, in Parquet. */
  readonly coldBytes: number;
  /** When the oldest event that is kept was appended; null when there is none. */
  readonly oldestAtMs: number | null;
  /** Why `log.retention` keeps more than it says; null when it does not. */
  readonly heldBy: string | null;
  /** Why nothing was removed at the last try; null when that went well. */
  readonly lastFailure: string | null;
}

export interface SnapshotStatus {
  /** The one that is being taken; null when none is. */
  readonly running: { readonly doneBytes: number; readonly totalBytes: number } | null;
  readonly last: {
    readonly generation: number;
    readonly position: number;
    readonly takenAt: string;
    readonly copiedFiles: number;
    readonly copiedBytes: number;
    readonly bytes: number;
  } | null;
  readonly failures: number;
  readonly lastFailure: string | null;
}

/** Age of the oldest event that readers cannot see yet (0 when caught up), held against the promise. */
export interface Freshness {
  readonly seconds: number;
  readonly slaSeconds: number;
  readonly holds: boolean;
  /** From the append to the log to the commit that made the event visible; null before the first. */
  readonly p50Seconds: number | null;
  readonly p99Seconds: number | null;
}

export interface SourceStatus {
  readonly name: string;
  /** Smallest watermark over the partitions that are not idle; null before the first event. */
  readonly watermarkMs: number | null;
  readonly eventsIn: number;
  readonly lagEvents: number;
  readonly partitions: readonly PartitionStatus[];
}

export interface PartitionStatus {
  readonly partition: number;
  readonly endOffset: number;
  readonly nextOffset: number;
  readonly watermarkMs: number | null;
  readonly idle: boolean;
}

export interface ViewStatus {
  readonly name: string;
  readonly mode: 'updates' | 'final';
  /** Column names in the order of a row; `keys` is the prefix that identifies it. */
  readonly columns: readonly string[];
  readonly keys: readonly string[];
  readonly rows: number;
  readonly updatedAtMs: number | null;
  /** Windows that end at or before this event time are closed; null before the first, absent without windows. */
  readonly closedUntilMs?: number | null;
  /** Why the interpreter runs it; null when generated code does, absent where it is computed on a schedule. */
  readonly interpretedBecause?: string | null;
}

export interface LateStatus {
  readonly total: number;
  readonly policy: Readonly<Record<string, 'correct' | 'drop' | 'side-output'>>;
  /** Late events that will be folded in at the next correction. */
  readonly waiting: number;
  /** Late events that cannot be folded in any more: other events of their windows were removed from the log. */
  readonly unreachable?: number;
}

export interface EpochStatus {
  readonly committed: number;
  readonly lastAtMs: number | null;
  readonly lastDurationMs: number | null;
  readonly lastRows: number | null;
}

export interface VersionStatus {
  readonly name: string;
  readonly role: 'live' | 'previous' | 'candidate';
  readonly lagEvents: number;
  readonly createdAtMs: number;
}

/** A row of a view as JSON: columns in declared order, times and windows as ISO 8601 strings. */
export type JsonRow = Readonly<Record<string, unknown>>;

export interface ViewQuery {
  /** Column equals value; both as text, compared with the column's JSON text or string. */
  readonly where: Readonly<Record<string, string>>;
  /** Keeps rows whose window starts in [from, to), or all rows of a view without a window. */
  readonly fromMs?: number;
  readonly toMs?: number;
  /** `key` (the default) is the order of the keys; `newest` puts the latest windows first, before the limit applies. */
  readonly order?: 'key' | 'newest';
  readonly limit?: number;
}

export interface IngestResult {
  /** Durable: on disk and fsynced before this is returned. */
  readonly accepted: number;
  readonly rejected: number;
  /** Recognised as sent before by the same producer, and so left out. */
  readonly known?: number | undefined;
  /** At most ten, for the sender to see what is wrong. */
  readonly problems: readonly { readonly line: number; readonly reason: string }[];
}

export interface LateRow {
  readonly view: string;
  readonly source: string;
  readonly partition: number;
  readonly offset: number;
  readonly eventTimeMs: number;
  readonly watermarkMs: number;
  readonly lateByMs: number;
  readonly event: JsonRow;
}

export interface RejectedRow {
  readonly source: string;
  readonly reason: string;
  readonly at: string;
  /** The text as it came, at most the first megabyte. */
  readonly text: string;
}

export interface Host {
  status(): Promise<Status>;
  /** @throws VIEW_UNKNOWN, COLUMN_UNKNOWN */
  query(view: string, query: ViewQuery): Promise<readonly JsonRow[]>;
  /** Calls back with the rows that a commit changed (null for a row that is gone); returns how to stop. */
  subscribe(view: string, onChange: (changes: readonly ViewChange[]) => void): () => void;
  /**
   * Appends JSON lines. Blank lines are skipped; a line over 1 MB is rejected as a line, like every other malformed one,
   * and never held whole. When reading `lines` fails, what was accepted before stays. With a producer's name, lines that it sent
   * before are recognised by their numbers and not taken again. @throws SOURCE_UNKNOWN, DISK_FULL, LOG_WRITE_FAILED
   */
  ingest(source: string, lines: AsyncIterable<Uint8Array>, producer?: string): Promise<IngestResult>;
  late(limit: number): Promise<readonly LateRow[]>;
  rejected(limit: number): Promise<readonly RejectedRow[]>;
  /** Commands of the control socket, never of the TCP listener. @throws what the command throws */
  command(name: string, params: unknown): Promise<unknown>;
}

export interface ViewChange {
  readonly key: Readonly<Record<string, unknown>>;
  readonly row: JsonRow | null;
}

/**
 * The contract of the log: every event that was accepted, in one total order, durable and retained. One order over all
 * sources and partitions makes a replay see exactly what the live run saw, whatever its speed.
 *
 *   position   0 1 2 3 4 5 …            one number for every record of the log
 *   block      [0 1 2][3][4 5 …         appended, checked and fsynced as a whole
 *   offset     of a record within its source and partition
 *
 * Invariants  L1  An append that returned survives a power cut; one that threw is not in the log.
 *             L2  Positions are consecutive; a reader sees whole blocks in their order.
 *             L3  A damaged block is an error with its file and byte, never skipped. Who reads some columns of a block meets
 *                 the damage of these; `check --deep` meets all.
 *             L4  An append with a producer's sequence that is in the log already changes nothing, also when it was removed.
 *             L5  Only whole files from the beginning are removed, up to a position that was named; a read from before the
 *                 start is an error.
 */
export type BlockKind = 'events' | 'idle' | 'end' | 'admit';

export interface BlockHead {
  /** events: one JSON object a line · idle: the partition no longer holds back time · end: no event will follow ·
   *  admit: late events that are to be taken all the same, as `[partition, offset]` pairs */
  readonly kind: BlockKind;
  readonly source: string;
  readonly partition: number;
  /** How many partitions the source has; 1 unless said. All of them hold back time until they have spoken. */
  readonly partitions?: number;
  /** Who sent it, and a number that grows with each of its appends: what makes an append repeatable (L4). */
  readonly producer?: string;
  readonly sequence?: number;
}

/** Events as columns: the log keeps the bytes, and only the codec in `columns/` looks into them. */
export interface ColumnBody {
  /** How many events. */
  readonly count: number;
  /** What the codec must know before the bytes: JSON, a few hundred bytes; it stands in the block's head. */
  readonly schema: unknown;
  readonly bytes: Uint8Array;
  /**
   * To be called before the first look at a column, by its place in the schema: reads and checks it where that was not done
   * yet. Absent when all was. Throws LOG_CORRUPT, LOG_UNAVAILABLE.
   */
  readonly need?: (column: number) => void;
}

/** The smallest and the largest event time in a block, in epoch milliseconds. */
export interface EventTimes {
  readonly minMs: number;
  readonly maxMs: number;
}

export interface Block extends BlockHead {
  readonly position: number;
  /** Offset of the first record in its partition; control blocks take none. */
  readonly offset: number;
  /** Records in the block; 1 for a control block. */
  readonly count: number;
  readonly appendedAtMs: number;
  /** About as many bytes as its records take. */
  readonly sizeBytes: number;
  /** Absent when whoever appended did not say. */
  readonly times?: EventTimes;
  /** The records, one text each; of columns, the canonical JSON of each event. Made when first asked for. */
  readonly records: readonly string[];
  /** The events as they are stored, when they are stored as columns. */
  readonly columns?: ColumnBody;
}

export interface TextAppend extends BlockHead {
  readonly times?: EventTimes;
  /** REQUIRES no line break in a record, and at least one record. */
  readonly records: readonly string[];
  readonly columns?: never;
}

export interface ColumnAppend extends BlockHead {
  readonly times?: EventTimes;
  /** REQUIRES at least one event. */
  readonly columns: ColumnBody;
}

export type Append = TextAppend | ColumnAppend;

export function countOf(append: Append): number {
  return append.columns === undefined ? append.records.length : append.columns.count;
}

/** About as many bytes as the records of an append take. */
export function bytesOf(append: Append): number {
  if (append.columns !== undefined) return append.columns.bytes.length;
  return append.records.reduce((sum, record) => sum + record.length, 0);
}

export interface LogReading {
  /** The reader is done with a block when it asks for the next, whose bytes may then lie in the same memory. */
  readonly isPassing?: boolean;
  /**
   * Which columns of a block the reader means to look at, by their places in the schema; null for all. Others may be neither
   * read nor checked until it asks for them, which it may as long as it has the block. REQUIRES `isPassing`.
   */
  readonly wants?: (block: BlockHead, schema: unknown) => readonly number[] | null;
}

export interface Log {
  /** The first position that is there: 0, unless the oldest files were removed. */
  readonly start: number;
  /** When the last record before the start was appended; null when nothing was removed. */
  readonly removedUntilMs: number | null;
  /** The position that the next record will get. */
  readonly end: number;
  /** Resolves when the block is durable (L1). Throws LOG_WRITE_FAILED. */
  append(block: Append): Promise<void>;
  /** The block that holds a position, then every later one up to the end at the time of the call (L2, L3). Throws LOG_TRIMMED. */
  read(from: number, options?: LogReading): AsyncIterable<Block>;
  /** Where the first block begins that was appended at this moment or later; the end when there is none. */
  positionAtTime(appendedAtMs: number): Promise<number>;
  /** Where the file begins that holds a position: what is removed together. */
  fileStart(position: number): number;
  /** The largest sequence of a producer, 0 for none. */
  lastSequence(producer: string): number;
  /** The offset that the next event of a partition will get. */
  endOffset(source: string, partition: number): number;
  /** Resolves once the log is longer than `position`, or the signal aborts. */
  waitBeyond(position: number, signal: AbortSignal): Promise<void>;
  /** Rejects with LOG_WRITE_FAILED once nothing can be made durable any more: the process must stop and open it again. */
  readonly failed: Promise<never>;
  close(): Promise<void>;
}

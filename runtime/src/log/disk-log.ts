/**
 * The embedded log: segments in one folder, written by one process (the owner of the store's lock).
 *
 *   append ─► queue (`commit-queue.ts`) ─► one write and one fsync for all that wait ─► every waiting append returns
 *   trim   ─► a new start (`start-file.ts`) ─► the oldest files go
 *
 * After a write that the disk refused (it is full) the file is cut back to its last durable byte, and later appends are
 * tried again. After a failed fsync nothing more is appended: the kernel may have dropped the pages, so only reopening
 * shows what is really there.
 */
import { CodedError } from '../base/coded-error.ts';
import { failure } from '../base/errors.ts';
import { invariant } from '../base/invariant.ts';
import type { Field } from '../data/decode.ts';
import type { Clock } from '../ports/clock.ts';
import type { Disk } from '../ports/disk.ts';
import { COLUMN_SUMS_FROM_BYTES, encodeBlock } from './block.ts';
import type { ColdPlace } from './cold/place.ts';
import { CommitBuffer } from './commit-buffer.ts';
import { CommitQueue } from './commit-queue.ts';
import { isRefusal, reasonOf } from './disk-reasons.ts';
import { FORMAT } from './file-header.ts';
import { type Append, type Block, countOf, type Log, type LogReading } from './log.ts';
import { type LogFileCheck, LogFiles } from './log-files.ts';
import type { RetentionLimits, Trimmed } from './retention.ts';
import { addBlock, type Indexed, type SegmentSummary } from './segment-index.ts';
import { Segment } from './segment.ts';
import { Watchers } from './watchers.ts';

const SEGMENT_BYTES = 64 * 1024 * 1024;

export interface LogPorts {
  readonly disk: Disk;
  readonly clock: Clock;
  /** From which size on another file begins. */
  readonly segmentBytes?: number;
  /** From which size on a body of columns has a checksum for each; see `block.ts`. */
  readonly columnSumsFromBytes?: number;
  /** How long an append waits for others to share its fsync; 0, the default, commits whatever waits at once. */
  readonly commitEveryMs?: number;
  /** Runs before every commit of so many bytes; what it throws keeps all of it out. */
  readonly admit?: (bytes: number) => Promise<void>;
  /** Events before this position are known to have been durable; a log that lacks one is damaged, not torn. */
  readonly seenTo?: number;
  /** What may wait for the disk; see `commit-queue.ts`. */
  readonly queueBytesMax?: number;
  /** Where files lie that went cold; none can without. */
  readonly cold?: ColdPlace;
}

/** A block that is on its way to the disk. */
interface Placed {
  readonly head: Indexed;
  readonly checksum: number;
  readonly bytes: number;
}

/** What the appends of one commit add to, before any of it is durable. */
interface Planned {
  readonly commit: number;
  end: number;
  readonly offsets: Map<string, number>;
  readonly sequences: Map<string, number>;
}

export class DiskLog implements Log {
  readonly #folder: string;
  readonly #disk: Disk;
  readonly #clock: Clock;
  readonly #segmentBytes: number;
  readonly #columnSumsFromBytes: number;
  readonly #admit: (bytes: number) => Promise<void>;
  readonly #files: LogFiles;
  readonly #offsets = new Map<string, number>();
  readonly #sequences = new Map<string, number>();
  readonly #queue: CommitQueue;
  readonly #buffer = new CommitBuffer();
  readonly #watchers = new Watchers();
  #end = 0;
  #broken: unknown = null;
  #onBroken: (error: unknown) => void = () => {};
  readonly failed = new Promise<never>((_, reject) => {
    this.#onBroken = reject;
  });

  private constructor(folder: string, files: LogFiles, ports: LogPorts) {
    this.#folder = folder;
    this.#files = files;
    for (const summary of files.summaries) this.#learnAll(summary);
    this.#disk = ports.disk;
    this.#clock = ports.clock;
    this.#segmentBytes = ports.segmentBytes ?? SEGMENT_BYTES;
    this.#columnSumsFromBytes = ports.columnSumsFromBytes ?? COLUMN_SUMS_FROM_BYTES;
    this.#admit = ports.admit ?? (() => Promise.resolve());
    this.#queue = new CommitQueue({
      ...ports,
      commit: (appends, bytes) => this.#commit(appends, bytes),
      onCommit: () => this.#watchers.notify(),
    });
    this.failed.catch(() => {});
  }

  /** Nothing is appended any more until the log is opened again. */
  #break(error: unknown): void {
    this.#broken ??= error;
    this.#onBroken(error);
  }

  /**
   * Opens or creates the log of a folder. Sealed files are known by their indexes and checked when they are read; the last
   * one is checked whole. Throws LOG_CORRUPT, LOG_UNAVAILABLE, DATA_FOREIGN, DATA_NEWER.
   */
  static async open(folder: string, ports: LogPorts): Promise<DiskLog> {
    try {
      const { disk, cold = null, seenTo = 0 } = ports;
      return new DiskLog(folder, await LogFiles.open(folder, disk, cold, seenTo), ports);
    } catch (error) {
      if (error instanceof CodedError) throw error;
      throw failure('LOG_UNAVAILABLE', { folder, reason: reasonOf(error) }, error);
    }
  }

  #learnAll({ end, offsets, sequences }: Pick<SegmentSummary, 'end' | 'offsets' | 'sequences'>): void {
    this.#end = end;
    for (const [partition, offset] of Object.entries(offsets)) this.#offsets.set(partition, offset);
    for (const [producer, sequence] of Object.entries(sequences)) this.#sequences.set(producer, sequence);
  }

  get start(): number {
    return this.#files.start;
  }

  get removedUntilMs(): number | null {
    return this.#files.removedUntilMs;
  }

  get end(): number {
    return this.#end;
  }

  /** Bytes of all files. */
  get sizeBytes(): number {
    return this.#files.sizeBytes;
  }

  /** When the oldest record was appended; null when there is none. */
  get oldestAtMs(): number | null {
    return this.#files.oldestAtMs;
  }

  lastSequence(producer: string): number {
    return this.#sequences.get(producer) ?? 0;
  }

  endOffset(source: string, partition: number): number {
    return this.#offsets.get(`${source}/${partition}`) ?? 0;
  }

  append(append: Append): Promise<void> {
    invariant(countOf(append) > 0, 'an append has records');
    return this.#queue.append(append);
  }

  /** What waits for the disk. */
  get queueBytes(): number {
    return this.#queue.queueBytes;
  }

  async #commit(appends: readonly Append[], sizeBytes: number): Promise<void> {
    if (this.#broken !== null) throw this.#broken;
    await this.#admit(sizeBytes);
    const segment = await this.#activeSegment();
    const before = segment.sizeBytes;
    const blocks: Placed[] = [];
    this.#buffer.clear();
    const planned: Planned = {
      commit: this.#end,
      end: this.#end,
      offsets: new Map<string, number>(),
      sequences: new Map<string, number>(),
    };
    for (const append of appends) {
      const block = this.#place(append, planned);
      if (block !== null) blocks.push(block);
    }
    if (blocks.length === 0) return;
    try {
      await segment.write(this.#buffer.bytes);
    } catch (error) {
      throw await this.#undo(segment, before, error);
    }
    let at = before;
    for (const { head, checksum, bytes } of blocks) {
      addBlock(segment.summary, head, at, checksum);
      at += bytes;
      this.#learn(head);
    }
  }

  /** Gives an append its place after those planned before it; null when its sequence is known already (L4). */
  #place(append: Append, planned: Planned): Placed | null {
    const { producer, sequence } = append;
    if (producer !== undefined && sequence !== undefined) {
      if (sequence <= (planned.sequences.get(producer) ?? this.lastSequence(producer))) return null;
      planned.sequences.set(producer, sequence);
    }
    const partition = `${append.source}/${append.partition}`;
    const place = {
      commit: planned.commit,
      position: planned.end,
      offset: planned.offsets.get(partition) ?? this.endOffset(append.source, append.partition),
      appendedAtMs: this.#clock.nowMs(),
    };
    const count = countOf(append);
    planned.end += count;
    planned.offsets.set(partition, place.offset + (append.kind === 'events' ? count : 0));
    const block = encodeBlock(
      append,
      place,
      (bytes) => this.#buffer.reserve(bytes),
      this.#columnSumsFromBytes,
    );
    return { head: { ...append, ...place, count }, checksum: block.readUInt32LE(4), bytes: block.length };
  }

  #learn(block: Indexed): void {
    this.#end = block.position + block.count;
    if (block.kind === 'events')
      this.#offsets.set(`${block.source}/${block.partition}`, block.offset + block.count);
    if (block.producer !== undefined && block.sequence !== undefined)
      this.#sequences.set(block.producer, block.sequence);
  }

  async #activeSegment(): Promise<Segment> {
    const { last, isFull, lastChecksum } = this.#files;
    if (last !== undefined && last.format === FORMAT) {
      if (last.isEmpty || (last.sizeBytes < this.#segmentBytes && !isFull)) return last;
    }
    try {
      const segment = await Segment.create(this.#disk, this.#folder, {
        firstPosition: this.#end,
        previous: lastChecksum,
        madeAtMs: this.#clock.nowMs(),
      });
      await this.#files.add(segment);
      return segment;
    } catch (error) {
      const failed = failure('LOG_WRITE_FAILED', { file: this.#folder, reason: reasonOf(error) }, error);
      if (!isRefusal(error)) this.#break(failed);
      throw failed;
    }
  }

  async #undo(segment: Segment, sizeBytes: number, error: unknown): Promise<unknown> {
    const failed = failure('LOG_WRITE_FAILED', { file: segment.file, reason: reasonOf(error) }, error);
    if (!isRefusal(error)) this.#break(failed);
    try {
      await segment.truncate(sizeBytes);
    } catch {
      this.#break(failed);
    }
    return failed;
  }

  /** Removes the oldest files that are over the limits and end before `needed` (L5). Throws LOG_UNAVAILABLE. */
  trim(needed: number, limits: RetentionLimits): Promise<Trimmed> {
    return this.#files.trim(needed, limits);
  }

  /** Lets the oldest file go cold whose events were all appended before; false when there is none. Throws LOG_UNAVAILABLE. */
  roll(olderThanMs: number, fieldsOf: (source: string) => readonly Field[] = () => []): Promise<boolean> {
    return this.#files.roll(olderThanMs, this.#clock, fieldsOf);
  }

  /** No file goes until the function that is returned was called. */
  hold(): () => void {
    return this.#files.hold();
  }

  fileStart(position: number): number {
    return this.#files.fileStart(position) ?? this.#end;
  }

  positionAtTime(appendedAtMs: number): Promise<number> {
    return this.#files.positionAtTime(appendedAtMs, this.#end);
  }

  /** @throws LOG_TRIMMED, LOG_CORRUPT, LOG_UNAVAILABLE */
  read(from: number, reading: LogReading = {}): AsyncIterable<Block> {
    return this.#files.read(from, this.#end, reading);
  }

  /** Reads and checks every byte of every file; hands out each file with its size and the first damage in it. */
  verify(): AsyncIterable<LogFileCheck> {
    return this.#files.verify();
  }

  /** What is durable of each file in the folder, and of the cold ones by their names in their place. */
  get files(): Pick<LogFiles, 'named' | 'cold'> {
    return this.#files;
  }

  waitBeyond(position: number, signal: AbortSignal): Promise<void> {
    return this.#watchers.waitBeyond(position, () => this.#end, signal);
  }

  async close(): Promise<void> {
    await this.#queue.drain();
    await this.#files.close();
  }
}

/**
 * The embedded log: segments in one folder, written by one process (the owner of the store's lock).
 *
 *   append ─► queue ─► one write and one fsync for all that wait (group commit) ─► every waiting append returns
 *
 * After a write that the disk refused (it is full) the file is cut back to its last durable byte, and later appends are
 * tried again. After a failed fsync nothing more is appended: the kernel may have dropped the pages, so only reopening
 * shows what is really there.
 */
import { basename } from 'node:path';
import { CodedError } from '../base/coded-error.ts';
import { failure } from '../base/errors.ts';
import { invariant } from '../base/invariant.ts';
import type { Clock } from '../ports/clock.ts';
import type { Disk, DiskEntry } from '../ports/disk.ts';
import { encodeBlock } from './block.ts';
import { type Append, countOf, type Log, type Block } from './log.ts';
import { addBlock, type Indexed, type SegmentSummary } from './segment-index.ts';
import { Segment, SyncFailed } from './segment.ts';
import { Watchers } from './watchers.ts';

const SEGMENT_BYTES = 64 * 1024 * 1024;
const COMMIT_BYTES_MAX = 8 * 1024 * 1024;
/** What a disk says when it takes no more, and the file is as it was. */
const REFUSALS: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

export interface LogPorts {
  readonly disk: Disk;
  readonly clock: Clock;
  /** From which size on another file begins. */
  readonly segmentBytes?: number;
  /** How long an append waits for others to share its fsync; 0, the default, commits whatever waits at once. */
  readonly commitEveryMs?: number;
  /** Runs before every commit of so many bytes; what it throws keeps all of it out. */
  readonly admit?: (bytes: number) => Promise<void>;
}

/** What reading every byte of a file found. */
export interface LogFileCheck {
  readonly file: string;
  readonly sizeBytes: number;
  readonly damage: CodedError | null;
}

interface Waiting {
  readonly append: Append;
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** A block that is on its way to the disk. */
interface Placed {
  readonly head: Indexed;
  readonly bytes: Buffer;
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
  readonly #commitEveryMs: number;
  readonly #admit: (bytes: number) => Promise<void>;
  readonly #segments: Segment[] = [];
  readonly #offsets = new Map<string, number>();
  readonly #sequences = new Map<string, number>();
  /** Bounded by the senders: each waits for its own append. Never reordered, or a producer's sequences would be. */
  readonly #queue: Waiting[] = [];
  #queueBytes = 0;
  #onFull: () => void = () => {};
  readonly #watchers = new Watchers();
  #end = 0;
  #writing: Promise<void> | null = null;
  #broken: unknown = null;
  #onBroken: (error: unknown) => void = () => {};
  readonly failed = new Promise<never>((_, reject) => {
    this.#onBroken = reject;
  });

  private constructor(folder: string, ports: LogPorts) {
    this.#folder = folder;
    this.#disk = ports.disk;
    this.#clock = ports.clock;
    this.#segmentBytes = ports.segmentBytes ?? SEGMENT_BYTES;
    this.#commitEveryMs = ports.commitEveryMs ?? 0;
    this.#admit = ports.admit ?? (() => Promise.resolve());
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
    const log = new DiskLog(folder, ports);
    try {
      await log.#openSegments();
    } catch (error) {
      for (const segment of log.#segments) await segment.close().catch(() => {});
      if (error instanceof CodedError) throw error;
      throw failure('LOG_UNAVAILABLE', { folder, reason: reasonOf(error) }, error);
    }
    return log;
  }

  async #openSegments(): Promise<void> {
    const [folder, disk] = [this.#folder, this.#disk];
    await disk.makeFolder(folder);
    const files = await listSegments(disk, folder);
    for (const [index, { name, sizeBytes }] of files.entries()) {
      const first = Number(name.slice(0, 20));
      if (first !== this.#end)
        throw failure('LOG_CORRUPT', {
          file: `${folder}/${name}`,
          at: 0,
          reason: `the file from position ${this.#end} is missing`,
        });
      const next = files[index + 1];
      const previous = this.#segments.at(-1)?.summary.lastChecksum ?? 0;
      const place = { firstPosition: first, previous };
      const sealed =
        next === undefined
          ? undefined
          : await Segment.openSealed(disk, folder, {
              ...place,
              sizeBytes,
              end: Number(next.name.slice(0, 20)),
            });
      const segment = sealed ?? (await Segment.open(disk, folder, { ...place, isLast: next === undefined }));
      this.#segments.push(segment);
      this.#learnAll(segment.summary);
    }
    // The last file's name may not be durable yet: a process that died had created it.
    if (files.length > 0) await disk.syncFolder(folder);
  }

  #learnAll({ end, offsets, sequences }: SegmentSummary): void {
    this.#end = end;
    for (const [partition, offset] of Object.entries(offsets)) this.#offsets.set(partition, offset);
    for (const [producer, sequence] of Object.entries(sequences)) this.#sequences.set(producer, sequence);
  }

  get end(): number {
    return this.#end;
  }

  lastSequence(producer: string): number {
    return this.#sequences.get(producer) ?? 0;
  }

  endOffset(source: string, partition: number): number {
    return this.#offsets.get(`${source}/${partition}`) ?? 0;
  }

  async append(append: Append): Promise<void> {
    invariant(countOf(append) > 0, 'an append has records');
    await new Promise<void>((resolve, reject) => {
      const bytes = bytesOf(append);
      this.#queue.push({ append, bytes, resolve, reject });
      this.#queueBytes += bytes;
      if (this.#queueBytes >= COMMIT_BYTES_MAX) this.#onFull();
      this.#writing ??= this.#write();
    });
  }

  async #write(): Promise<void> {
    await this.#gather();
    while (this.#queue.length > 0) {
      const waiting = this.#takeCommit();
      try {
        if (this.#broken !== null) throw this.#broken;
        await this.#admit(waiting.reduce((sum, { bytes }) => sum + bytes, 0));
        await this.#commit(waiting.map(({ append }) => append));
        for (const { resolve } of waiting) resolve();
      } catch (error) {
        for (const { reject } of waiting) reject(error);
      }
      this.#watchers.notify();
      if (this.#queue.length > 0 && this.#commitEveryMs > 0) await this.#gather();
    }
    this.#writing = null;
  }

  /** Waits for more to share the fsync: for one turn of the event loop, or as long as the settings say. */
  async #gather(): Promise<void> {
    if (this.#commitEveryMs === 0) return this.#clock.turn();
    const full = new AbortController();
    this.#onFull = () => full.abort();
    if (this.#queueBytes < COMMIT_BYTES_MAX) await this.#clock.sleep(this.#commitEveryMs, full.signal);
    this.#onFull = () => {};
  }

  #takeCommit(): Waiting[] {
    let bytes = 0;
    let count = 0;
    while (count < this.#queue.length && (count === 0 || bytes < COMMIT_BYTES_MAX)) {
      bytes += this.#queue[count++]?.bytes ?? 0;
    }
    this.#queueBytes -= bytes;
    return this.#queue.splice(0, count);
  }

  async #commit(appends: readonly Append[]): Promise<void> {
    const segment = await this.#activeSegment();
    const before = segment.sizeBytes;
    const blocks: Placed[] = [];
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
      await segment.write(Buffer.concat(blocks.map(({ bytes }) => bytes)));
    } catch (error) {
      throw await this.#undo(segment, before, error);
    }
    let at = before;
    for (const { head, bytes } of blocks) {
      addBlock(segment.summary, head, at, bytes.readUInt32LE(4));
      at += bytes.length;
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
    return { head: { ...append, ...place, count }, bytes: encodeBlock(append, place) };
  }

  #learn(block: Indexed): void {
    this.#end = block.position + block.count;
    if (block.kind === 'events')
      this.#offsets.set(`${block.source}/${block.partition}`, block.offset + block.count);
    if (block.producer !== undefined && block.sequence !== undefined)
      this.#sequences.set(block.producer, block.sequence);
  }

  async #activeSegment(): Promise<Segment> {
    const last = this.#segments.at(-1);
    if (last !== undefined && last.format === 2) {
      if (last.isEmpty || last.sizeBytes < this.#segmentBytes) return last;
    }
    try {
      const segment = await Segment.create(this.#disk, this.#folder, {
        firstPosition: this.#end,
        previous: last?.summary.lastChecksum ?? 0,
        madeAtMs: this.#clock.nowMs(),
      });
      // An empty one of an older format had the same name.
      if (last?.isEmpty === true) await this.#segments.pop()?.close();
      else await last?.seal();
      this.#segments.push(segment);
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

  /** @throws LOG_CORRUPT, LOG_UNAVAILABLE */
  async *read(from: number): AsyncIterable<Block> {
    const end = this.#end;
    for (const segment of this.#segments.slice(segmentOf(this.#segments, from))) {
      try {
        for await (const block of segment.read(from)) {
          if (block.position >= end) return;
          yield block;
        }
      } catch (error) {
        if (error instanceof CodedError) throw error;
        throw failure('LOG_UNAVAILABLE', { folder: segment.file, reason: reasonOf(error) }, error);
      }
    }
  }

  /** Reads and checks every byte of every file; hands out each file with its size and the first damage in it. */
  async *verify(): AsyncIterable<LogFileCheck> {
    let previous = 0;
    for (const segment of this.#segments) {
      yield {
        file: segment.file,
        sizeBytes: segment.sizeBytes,
        damage: await segment.damage(basename(this.#folder), previous),
      };
      previous = segment.summary.lastChecksum;
    }
  }

  /** The files as they are now: what is durable of each, up to the end of a block. Nothing of that changes any more. */
  get files(): readonly { readonly file: string; readonly sizeBytes: number }[] {
    return this.#segments.map(({ file, sizeBytes }) => ({ file, sizeBytes }));
  }

  waitBeyond(position: number, signal: AbortSignal): Promise<void> {
    return this.#watchers.waitBeyond(position, () => this.#end, signal);
  }

  async close(): Promise<void> {
    while (this.#writing !== null) await this.#writing;
    for (const segment of this.#segments) await segment.close();
  }
}

async function listSegments(disk: Disk, folder: string): Promise<DiskEntry[]> {
  const entries = [...(await disk.listAll(folder))].sort((a, b) => (a.name < b.name ? -1 : 1));
  const foreign = entries.find(({ name, kind }) => kind !== 'file' || !/^\d{20}\.(?:log|index)$/.test(name));
  if (foreign !== undefined) {
    const what = foreign.kind === 'file' ? '' : `, a ${foreign.kind}`;
    throw failure('DATA_FOREIGN', { folder, reason: `it holds "${foreign.name}"${what}` });
  }
  return entries.filter(({ name }) => name.endsWith('.log'));
}

/** Index of the file that holds a position, by bisection. */
function segmentOf(segments: readonly Segment[], position: number): number {
  let low = 0;
  let high = segments.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((segments[middle]?.summary.end ?? Infinity) <= position) low = middle + 1;
    else high = middle;
  }
  return low;
}

function bytesOf(append: Append): number {
  if (append.columns !== undefined) return append.columns.bytes.length;
  return append.records.reduce((sum, record) => sum + record.length, 0);
}

/** The disk refused to write, and said so before anything was left to an fsync. */
function isRefusal(error: unknown): boolean {
  return !(error instanceof SyncFailed) && REFUSALS.has((error as NodeJS.ErrnoException).code);
}

function reasonOf(error: unknown): string {
  const { code, message } = (error instanceof SyncFailed ? error.cause : error) as NodeJS.ErrnoException;
  return code === 'ENOSPC' ? 'ENOSPC, the disk is full' : (code ?? message);
}

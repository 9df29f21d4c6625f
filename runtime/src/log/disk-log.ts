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
import { basename, join } from 'node:path';
import { CodedError } from '../base/coded-error.ts';
import { failure } from '../base/errors.ts';
import { invariant } from '../base/invariant.ts';
import type { Clock } from '../ports/clock.ts';
import type { Disk, DiskEntry } from '../ports/disk.ts';
import { encodeBlock } from './block.ts';
import { CommitQueue } from './commit-queue.ts';
import { type Append, countOf, type Log, type Block } from './log.ts';
import { removable, type RetentionLimits, type Trimmed } from './retention.ts';
import { addBlock, type Indexed, type SegmentSummary } from './segment-index.ts';
import { type ReadingRoom, Segment, SyncFailed } from './segment.ts';
import {
  firstStart,
  type LogStart,
  NEXT_START_FILE,
  readStart,
  sizeOf,
  START_FILE,
  startBehind,
  writeStart,
} from './start-file.ts';
import { trimmed } from './trimmed.ts';
import { Watchers } from './watchers.ts';

const SEGMENT_BYTES = 64 * 1024 * 1024;
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
  /** What may wait for the disk; see `commit-queue.ts`. */
  readonly queueBytesMax?: number;
}

/** What reading every byte of a file found. */
export interface LogFileCheck {
  readonly file: string;
  readonly sizeBytes: number;
  readonly damage: CodedError | null;
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

/** More than this is not kept for the next reader. */
const ROOM_BYTES_MAX = 8 * 1024 * 1024;

export class DiskLog implements Log {
  readonly #folder: string;
  readonly #disk: Disk;
  readonly #clock: Clock;
  readonly #segmentBytes: number;
  readonly #admit: (bytes: number) => Promise<void>;
  readonly #segments: Segment[] = [];
  readonly #offsets = new Map<string, number>();
  readonly #sequences = new Map<string, number>();
  readonly #queue: CommitQueue;
  readonly #watchers = new Watchers();
  #start: LogStart;
  /** What the last reader that passed has left for the next. */
  #room: ReadingRoom | null = null;
  #end = 0;
  /** The file that is written to is full, whatever its size. */
  #isFull = false;
  /** Those for whom no file may go at the moment. */
  #holds = 0;
  #broken: unknown = null;
  #onBroken: (error: unknown) => void = () => {};
  readonly failed = new Promise<never>((_, reject) => {
    this.#onBroken = reject;
  });

  private constructor(folder: string, ports: LogPorts) {
    this.#folder = folder;
    this.#start = firstStart(basename(folder));
    this.#disk = ports.disk;
    this.#clock = ports.clock;
    this.#segmentBytes = ports.segmentBytes ?? SEGMENT_BYTES;
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
    const entries = await listFolder(disk, folder);
    await this.#begin(entries);
    const files = entries.filter(({ name }) => name.endsWith('.log') && firstOf(name) >= this.start);
    for (const [index, { name, sizeBytes }] of files.entries()) {
      const first = firstOf(name);
      if (first !== this.#end) throw this.#missing(`${folder}/${name}`);
      const next = files[index + 1];
      const previous = this.#segments.at(-1)?.summary.lastChecksum ?? this.#start.previous;
      const place = { firstPosition: first, previous };
      const sealed =
        next === undefined
          ? undefined
          : await Segment.openSealed(disk, folder, { ...place, sizeBytes, end: firstOf(next.name) });
      const segment = sealed ?? (await Segment.open(disk, folder, { ...place, isLast: next === undefined }));
      this.#segments.push(segment);
      this.#learnAll(segment.summary);
    }
    // The last file's name may not be durable yet: a process that died had created it.
    if (files.length > 0) await disk.syncFolder(folder);
    else if (this.start > 0) throw this.#missing(join(folder, START_FILE));
  }

  #missing(file: string): Error {
    return failure('LOG_CORRUPT', {
      file,
      at: 0,
      reason: `the file from position ${this.#end} is missing`,
    });
  }

  /** Takes in where the log begins, and removes what a crash left of what is before that. */
  async #begin(entries: readonly DiskEntry[]): Promise<void> {
    const start = await readStart(this.#disk, this.#folder, basename(this.#folder));
    this.#start = start;
    this.#learnAll({ end: start.position, offsets: start.offsets, sequences: start.sequences });
    for (const { name } of entries) {
      const isLeft = name === NEXT_START_FILE || (name !== START_FILE && firstOf(name) < start.position);
      if (isLeft) await this.#disk.remove(join(this.#folder, name));
    }
  }

  #learnAll({ end, offsets, sequences }: Pick<SegmentSummary, 'end' | 'offsets' | 'sequences'>): void {
    this.#end = end;
    for (const [partition, offset] of Object.entries(offsets)) this.#offsets.set(partition, offset);
    for (const [producer, sequence] of Object.entries(sequences)) this.#sequences.set(producer, sequence);
  }

  get start(): number {
    return this.#start.position;
  }

  get removedUntilMs(): number | null {
    return this.#start.removedUntilMs;
  }

  get end(): number {
    return this.#end;
  }

  /** Bytes of all files. */
  get sizeBytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.sizeBytes, 0);
  }

  /** When the oldest record was appended; null when there is none. */
  get oldestAtMs(): number | null {
    return this.#segments[0]?.summary.firstAppendedAtMs ?? null;
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
      if (last.isEmpty || (last.sizeBytes < this.#segmentBytes && !this.#isFull)) return last;
    }
    try {
      const segment = await Segment.create(this.#disk, this.#folder, {
        firstPosition: this.#end,
        previous: last?.summary.lastChecksum ?? this.#start.previous,
        madeAtMs: this.#clock.nowMs(),
      });
      // An empty one of an older format had the same name.
      if (last?.isEmpty === true) await this.#segments.pop()?.close();
      else await last?.seal();
      this.#segments.push(segment);
      this.#isFull = false;
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

  /**
   * Removes the oldest files that are over the limits and end before `needed` (L5). The file that is written
   * to is closed when its first event is too old, so that it can go once it is. What fails leaves the log as it was: the next
   * call tries again.
   */
  async trim(needed: number, limits: RetentionLimits): Promise<Trimmed> {
    const last = this.#segments.at(-1);
    if (
      last !== undefined &&
      (last.summary.firstAppendedAtMs ?? Infinity) < (limits.olderThanMs ?? -Infinity)
    )
      this.#isFull = true;
    const files = this.#segments.map(({ summary, sizeBytes }) => ({ ...summary, sizeBytes }));
    const count = this.#holds > 0 ? 0 : removable(files, needed, limits);
    const isHeld = removable(files, Infinity, limits) > count;
    if (count === 0) return { files: 0, isHeld };
    const start = startBehind(
      this.#start,
      this.#segments.slice(0, count).map(({ summary }) => summary),
    );
    try {
      await writeStart(this.#disk, this.#folder, start);
      this.#start = start;
      for (const segment of this.#segments.splice(0, count)) await segment.remove();
    } catch (error) {
      if (error instanceof CodedError) throw error;
      throw failure('LOG_UNAVAILABLE', { folder: this.#folder, reason: reasonOf(error) }, error);
    }
    return { files: count, isHeld };
  }

  /** No file goes until the function that is returned was called. */
  hold(): () => void {
    this.#holds++;
    return () => {
      this.#holds--;
    };
  }

  fileStart(position: number): number {
    return this.#segments[segmentOf(this.#segments, position)]?.firstPosition ?? this.#end;
  }

  async positionAtTime(appendedAtMs: number): Promise<number> {
    const segment = this.#segments.find(
      ({ summary }) => (summary.lastAppendedAtMs ?? -Infinity) >= appendedAtMs,
    );
    if (segment === undefined) return this.#end;
    // The last block that the index names before that moment; the one that is looked for is not far behind it.
    const entry = segment.summary.entries.findLast(([, , atMs]) => atMs < appendedAtMs);
    for await (const block of this.read(entry?.[0] ?? segment.firstPosition))
      if (block.appendedAtMs >= appendedAtMs) return block.position;
    return this.#end;
  }

  /** @throws LOG_TRIMMED, LOG_CORRUPT, LOG_UNAVAILABLE */
  async *read(from: number, { isPassing = false }: { isPassing?: boolean } = {}): AsyncIterable<Block> {
    if (!isPassing) return yield* this.#read(from, null);
    const room = this.#room ?? { bytes: Buffer.alloc(0) };
    // Whoever reads at the same time makes room of their own.
    this.#room = null;
    try {
      yield* this.#read(from, room);
    } finally {
      if (room.bytes.length <= ROOM_BYTES_MAX) this.#room = room;
    }
  }

  async *#read(from: number, room: ReadingRoom | null): AsyncIterable<Block> {
    const end = this.#end;
    if (from < this.start) throw trimmed(this, from);
    for (const segment of this.#segments.slice(segmentOf(this.#segments, from))) {
      try {
        for await (const block of segment.read(from, room)) {
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
    const begin = await this.#startFile();
    if (begin !== null) yield begin;
    let { previous } = this.#start;
    for (const segment of this.#segments) {
      yield {
        file: segment.file,
        sizeBytes: segment.sizeBytes,
        damage: await segment.damage(basename(this.#folder), previous),
      };
      previous = segment.summary.lastChecksum;
    }
  }

  async #startFile(): Promise<LogFileCheck | null> {
    if (this.start === 0) return null;
    const damage = await readStart(this.#disk, this.#folder, basename(this.#folder)).then(
      () => null,
      (error: CodedError) => error,
    );
    return { file: join(this.#folder, START_FILE), sizeBytes: sizeOf(this.#start), damage };
  }

  /**
   * The files as they are now: what is durable of each, up to the end of a block. Nothing of that changes any more, and
   * nothing goes while it is held.
   */
  get files(): readonly { readonly file: string; readonly sizeBytes: number }[] {
    const start = { file: join(this.#folder, START_FILE), sizeBytes: sizeOf(this.#start) };
    const segments = this.#segments.map(({ file, sizeBytes }) => ({ file, sizeBytes }));
    return this.start === 0 ? segments : [start, ...segments];
  }

  waitBeyond(position: number, signal: AbortSignal): Promise<void> {
    return this.#watchers.waitBeyond(position, () => this.#end, signal);
  }

  async close(): Promise<void> {
    await this.#queue.drain();
    for (const segment of this.#segments) await segment.close();
  }
}

/** What a folder of a log holds, in order. Throws DATA_FOREIGN when that is more. */
async function listFolder(disk: Disk, folder: string): Promise<DiskEntry[]> {
  const entries = [...(await disk.listAll(folder))].sort((a, b) => (a.name < b.name ? -1 : 1));
  const isOurs = ({ name, kind }: DiskEntry): boolean =>
    kind === 'file' &&
    (/^\d{20}\.(?:log|index)$/.test(name) || name === START_FILE || name === NEXT_START_FILE);
  const foreign = entries.find((entry) => !isOurs(entry));
  if (foreign !== undefined) {
    const what = foreign.kind === 'file' ? '' : `, a ${foreign.kind}`;
    throw failure('DATA_FOREIGN', { folder, reason: `it holds "${foreign.name}"${what}` });
  }
  return entries;
}

/** The first position of a file, by its name. */
function firstOf(name: string): number {
  return Number(name.slice(0, 20));
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

/** The disk refused to write, and said so before anything was left to an fsync. */
function isRefusal(error: unknown): boolean {
  return !(error instanceof SyncFailed) && REFUSALS.has((error as NodeJS.ErrnoException).code);
}

function reasonOf(error: unknown): string {
  const { code, message } = (error instanceof SyncFailed ? error.cause : error) as NodeJS.ErrnoException;
  return code === 'ENOSPC' ? 'ENOSPC, the disk is full' : (code ?? message);
}

/**
 * The embedded log: segments in one folder, written by one process (the owner of the store's lock).
 *
 *   append ─► queue ─► one write and one fsync for all that wait (group commit) ─► every waiting append returns
 *
 * After a write that the disk refused (it is full) the file is cut back to its last durable byte, and later appends are
 * tried again. After a failed fsync nothing more is appended: the kernel may have dropped the pages, so only reopening
 * shows what is really there.
 */
import { CodedError } from '../base/coded-error.ts';
import { failure } from '../base/errors.ts';
import { invariant } from '../base/invariant.ts';
import type { Clock } from '../ports/clock.ts';
import type { Disk } from '../ports/disk.ts';
import { encodeBlock } from './block.ts';
import { type Append, type BlockHead, countOf, type Log, type Block } from './log.ts';
import { Segment, SyncFailed } from './segment.ts';
import { Watchers } from './watchers.ts';

const SEGMENT_BYTES = 64 * 1024 * 1024;
const COMMIT_BYTES_MAX = 8 * 1024 * 1024;
/** What a disk says when it takes no more, and the file is as it was. */
const REFUSALS: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

interface Waiting {
  readonly append: Append;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** A block that is on its way to the disk. */
interface Placed {
  readonly head: PlacedHead;
  readonly bytes: Buffer;
}

interface PlacedHead extends BlockHead {
  readonly position: number;
  readonly offset: number;
  readonly count: number;
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
  readonly #segments: Segment[] = [];
  readonly #offsets = new Map<string, number>();
  readonly #sequences = new Map<string, number>();
  /** Bounded by the senders: each waits for its own append. Never reordered, or a producer's sequences would be. */
  readonly #queue: Waiting[] = [];
  readonly #watchers = new Watchers();
  #end = 0;
  #writing: Promise<void> | null = null;
  #broken: unknown = null;
  #onBroken: (error: unknown) => void = () => {};
  readonly failed = new Promise<never>((_, reject) => {
    this.#onBroken = reject;
  });

  private constructor(folder: string, disk: Disk, clock: Clock, segmentBytes: number) {
    this.#folder = folder;
    this.#disk = disk;
    this.#clock = clock;
    this.#segmentBytes = segmentBytes;
    this.failed.catch(() => {});
  }

  /** Nothing is appended any more until the log is opened again. */
  #break(error: unknown): void {
    this.#broken ??= error;
    this.#onBroken(error);
  }

  /** Opens or creates the log of a folder and checks all of it. Throws LOG_CORRUPT, LOG_UNAVAILABLE, DATA_FOREIGN. */
  static async open(
    folder: string,
    ports: { disk: Disk; clock: Clock; segmentBytes?: number },
  ): Promise<DiskLog> {
    const log = new DiskLog(folder, ports.disk, ports.clock, ports.segmentBytes ?? SEGMENT_BYTES);
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
    const names = await listSegments(disk, folder);
    for (const [index, name] of names.entries()) {
      const first = Number(name.slice(0, 20));
      if (first !== this.#end)
        throw failure('LOG_CORRUPT', {
          file: `${folder}/${name}`,
          at: 0,
          reason: `the file from position ${this.#end} is missing`,
        });
      const isLast = index === names.length - 1;
      const place = { firstPosition: first, previous: this.#segments.at(-1)?.lastChecksum ?? 0, isLast };
      this.#segments.push(await Segment.open(disk, folder, place, (block) => this.#learn(block)));
    }
    // The last file's name may not be durable yet: a process that died had created it.
    if (names.length > 0) await disk.syncFolder(folder);
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
      this.#queue.push({ append, resolve, reject });
      this.#writing ??= this.#write();
    });
  }

  async #write(): Promise<void> {
    // One turn of the event loop gathers what arrives together.
    await this.#clock.turn();
    while (this.#queue.length > 0) {
      const waiting = this.#takeCommit();
      try {
        if (this.#broken !== null) throw this.#broken;
        await this.#commit(waiting.map(({ append }) => append));
        for (const { resolve } of waiting) resolve();
      } catch (error) {
        for (const { reject } of waiting) reject(error);
      }
      this.#watchers.notify();
    }
    this.#writing = null;
  }

  #takeCommit(): Waiting[] {
    let bytes = 0;
    let count = 0;
    while (count < this.#queue.length && (count === 0 || bytes < COMMIT_BYTES_MAX)) {
      const append = this.#queue[count++]?.append;
      if (append?.columns !== undefined) bytes += append.columns.bytes.length;
      else for (const record of append?.records ?? []) bytes += record.length;
    }
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
      segment.place(head.position, head.count, at, bytes.length);
      at += bytes.length;
      segment.lastChecksum = bytes.readUInt32LE(4);
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

  #learn(block: PlacedHead): void {
    this.#end = block.position + block.count;
    if (block.kind === 'events')
      this.#offsets.set(`${block.source}/${block.partition}`, block.offset + block.count);
    if (block.producer !== undefined && block.sequence !== undefined)
      this.#sequences.set(block.producer, block.sequence);
  }

  async #activeSegment(): Promise<Segment> {
    const last = this.#segments.at(-1);
    if (last !== undefined && last.format === 2) {
      if (last.places.length === 0 || last.sizeBytes < this.#segmentBytes) return last;
    }
    try {
      const segment = await Segment.create(this.#disk, this.#folder, {
        firstPosition: this.#end,
        previous: last?.lastChecksum ?? 0,
        madeAtMs: this.#clock.nowMs(),
      });
      // An empty one of an older format had the same name.
      if (last?.places.length === 0) await this.#segments.pop()?.close();
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

  async *read(from: number): AsyncIterable<Block> {
    const end = this.#end;
    for (const segment of this.#segments) {
      for (const place of segment.places.slice(firstFrom(segment, from))) {
        if (place.position >= end) return;
        yield await segment.readBlock(place);
      }
    }
  }

  waitBeyond(position: number, signal: AbortSignal): Promise<void> {
    return this.#watchers.waitBeyond(position, () => this.#end, signal);
  }

  async close(): Promise<void> {
    while (this.#writing !== null) await this.#writing;
    for (const segment of this.#segments) await segment.close();
  }
}

async function listSegments(disk: Disk, folder: string): Promise<string[]> {
  let names: string[];
  try {
    names = (await disk.list(folder)).sort();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ELOOP') throw failure('DATA_FOREIGN', { folder, reason: message }, error);
    throw error;
  }
  const foreign = names.find((name) => !/^\d{20}\.log$/.test(name));
  if (foreign !== undefined) throw failure('DATA_FOREIGN', { folder, reason: `it holds "${foreign}"` });
  return names;
}

/** Index of the first block of a segment that ends after a position, by bisection. */
function firstFrom(segment: Segment, from: number): number {
  let low = 0;
  let high = segment.places.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const place = segment.places[middle];
    if (place !== undefined && place.position + place.count <= from) low = middle + 1;
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

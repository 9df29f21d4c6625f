/**
 * What the runtime keeps its state, its progress and its views in: an ordered map of bytes with one atomic write. A
 * memory and a RocksDB implementation pass the same suite.
 *
 * Invariants  S1  A commit is visible whole or not at all, also after a crash.
 *             S2  A commit that returned survives the death of the process.
 *             S3  Commits survive a power cut as a prefix: an older state, never a mixed one. The log is ahead of it.
 */
export interface Range {
  readonly gte: Buffer;
  readonly lt: Buffer;
}

export interface Entry {
  readonly key: Buffer;
  readonly value: Buffer;
}

/** A key to read, or all of a range. */
export type Wanted = Buffer | Range;

const CHUNK_BYTES = 64 * 1024;

/** Changes in order; a later one wins over an earlier one of the same key. */
export class Batch {
  readonly operations: Operation[] = [];
  /** Short texts lie together: memory for each of them would cost more than its bytes. */
  #chunk = Buffer.alloc(0);
  #at = 0;

  put(key: Buffer, value: Buffer | string): void {
    this.operations.push({
      kind: 'put',
      key,
      value: typeof value === 'string' ? this.#bytesOf(value) : value,
    });
  }

  #bytesOf(text: string): Buffer {
    const most = 3 * text.length;
    if (most > CHUNK_BYTES / 16) return Buffer.from(text);
    if (this.#at + most > this.#chunk.length) {
      this.#chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
      this.#at = 0;
    }
    const from = this.#at;
    this.#at += this.#chunk.write(text, from);
    return this.#chunk.subarray(from, this.#at);
  }

  delete(key: Buffer): void {
    this.operations.push({ kind: 'delete', key });
  }

  deleteRange(range: Range): void {
    this.operations.push({ kind: 'delete-range', ...range });
  }
}

export type Operation =
  | { readonly kind: 'put'; readonly key: Buffer; readonly value: Buffer }
  | { readonly kind: 'delete'; readonly key: Buffer }
  | ({ readonly kind: 'delete-range' } & Range);

export interface Reads {
  get(key: Buffer): Promise<Buffer | null>;
  /** The values of several keys, in their order: one crossing into the store instead of one for each. */
  getMany(keys: readonly Buffer[]): Promise<readonly (Buffer | null)[]>;
  /** Entries of a range in the order of their keys, as they were when the scan began; or the last ones first. */
  scan(range: Range, options?: ScanOptions): AsyncIterable<Entry>;
}

export interface ScanOptions {
  readonly reverse?: boolean;
  readonly limit?: number;
}

/** The store as it was at one moment, between two commits. */
export interface Snapshot extends Reads {
  release(): Promise<void>;
}

export interface Store extends Reads {
  snapshot(): Snapshot;
  /** Applies a batch atomically (S1, S2). Rejects with STATE_FAILED; nothing of it was then applied. */
  commit(batch: Batch): Promise<void>;
  /** Makes every commit so far survive a power cut. */
  sync(): Promise<void>;
  /** Lets some work see all commits so far in the files of a folder; commits and reads wait until it is done. */
  freeze?(work: (folder: string) => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

/** The entries that are wanted: first the single keys that are there, then range after range. */
export async function readWanted(reads: Reads, wanted: readonly Wanted[]): Promise<readonly Entry[]> {
  const keys = wanted.filter((each): each is Buffer => Buffer.isBuffer(each));
  const values = await reads.getMany(keys);
  const entries = keys.flatMap((key, index): Entry[] => {
    const value = values[index] ?? null;
    return value === null ? [] : [{ key, value }];
  });
  const ranges = wanted.filter((each): each is Range => !Buffer.isBuffer(each));
  for (let from = 0; from < ranges.length; from += SCANS_MAX) {
    const some = ranges.slice(from, from + SCANS_MAX).map((range) => entriesOf(reads, range));
    for (const found of await Promise.all(some)) entries.push(...found);
  }
  return entries;
}

const SCANS_MAX = 64;

async function entriesOf(reads: Reads, range: Range): Promise<Entry[]> {
  const entries: Entry[] = [];
  for await (const entry of reads.scan(range)) entries.push(entry);
  return entries;
}

/** The range of all keys that start with a prefix. REQUIRES a prefix that is not all 0xFF. */
export function prefixRange(prefix: Buffer): Range {
  const end = Buffer.from(prefix);
  for (let i = end.length - 1; i >= 0; i--) {
    if (end[i] !== 0xff) {
      end[i] = (end[i] ?? 0) + 1;
      return { gte: prefix, lt: end.subarray(0, i + 1) };
    }
  }
  throw new Error('a prefix of 0xFF has no end');
}

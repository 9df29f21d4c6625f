/// <reference path="./rocksdb-native.d.ts" />
import { failure } from '../base/errors.ts';
import { systemClock } from '../ports/clock.ts';
import { realDisk } from '../ports/disk.ts';
import type { Batch, Entry, Range, ScanOptions, Snapshot, Store } from './store.ts';

/** The part of `rocksdb-native` that we use; the package has no types. */
interface NativeBatch {
  tryPut(key: Buffer, value: Buffer): void;
  tryDelete(key: Buffer): void;
  tryDeleteRange(start: Buffer, end: Buffer): void;
  flush(): Promise<void>;
  destroy(): void;
}
interface NativeReads {
  get(key: Buffer): Promise<Buffer | null>;
  tryFlush(): void;
}
interface NativeStore {
  ready(): Promise<void>;
  get(key: Buffer): Promise<Buffer | null>;
  read(options: { capacity: number; autoDestroy: boolean }): NativeReads;
  write(options?: { capacity: number }): NativeBatch;
  iterator(
    range: Range,
    options: { reverse: boolean; limit: number; capacity: number },
  ): AsyncIterable<Entry>;
  snapshot(): NativeStore;
  flush(): Promise<void>;
  suspend(): Promise<void>;
  resume(): Promise<void>;
  close(options?: { force: boolean }): Promise<void>;
}
type NativeConstructor = new (path: string, options?: object) => NativeStore;

/** RocksDB flushes at 64 MB by itself. Half of that halves the time of an opening; less makes it compact much more often. */
const UNFLUSHED_BYTES_MAX = 32 * 1024 * 1024;
const SCAN_CAPACITY = 512;
/** After a full disk the native close never settles; a crash at that point loses nothing (S2). */
const CLOSE_MS_MAX = 5_000;

/**
 * The state on disk. A commit goes through RocksDB's write-ahead log without an fsync: it survives the process, and after
 * a power cut an earlier commit is found, from which the log is read again (S3).
 */
export class RocksStore implements Store {
  /** Runs before every commit; what it throws keeps the batch out. */
  beforeCommit: () => Promise<void> = () => Promise.resolve();
  readonly #native: NativeStore;
  readonly #folder: string;
  /** About how much was committed since the last flush: what an opening would read again. */
  #unflushedBytes = 0;
  #flushing: Promise<void> | null = null;
  /** Once a batch was not written, RocksDB takes none until it is opened again, and says no more why. */
  #broken: Error | null = null;

  private constructor(native: NativeStore, folder: string) {
    this.#native = native;
    this.#folder = folder;
  }

  /**
   * Opens or creates a store. RocksDB's own lock makes sure that no second process has it open.
   * @throws NATIVE_MISSING, DATA_LOCKED, STATE_FAILED, STATE_NO_ROOM
   */
  static async open(folder: string): Promise<RocksStore> {
    await realDisk.makeFolder(folder);
    const native = new (await loadNative())(folder);
    try {
      await native.ready();
    } catch (error) {
      const reason = messageOf(error);
      // Not every message with a lock in it is about ours: a damaged block is called one, too.
      if (/While lock file|lock hold by/.test(reason))
        throw failure('DATA_LOCKED', { folder, owner: 'another process' }, error);
      throw failedWith(folder, error);
    }
    return new RocksStore(native, folder);
  }

  get(key: Buffer): Promise<Buffer | null> {
    return this.#guard(this.#native.get(key));
  }

  getMany(keys: readonly Buffer[]): Promise<readonly (Buffer | null)[]> {
    return this.#guard(readMany(this.#native, keys));
  }

  async *scan(range: Range, options: ScanOptions = {}): AsyncIterable<Entry> {
    const snapshot = this.snapshot();
    try {
      yield* snapshot.scan(range, options);
    } finally {
      await snapshot.release();
    }
  }

  snapshot(): Snapshot {
    const native = this.#native.snapshot();
    const folder = this.#folder;
    return {
      get: (key) => this.#guard(native.get(key)),
      getMany: (keys) => this.#guard(readMany(native, keys)),
      async *scan(range, { reverse = false, limit = Infinity } = {}) {
        try {
          yield* native.iterator(range, { reverse, limit, capacity: SCAN_CAPACITY });
        } catch (error) {
          throw failedWith(folder, error);
        }
      },
      release: () => native.close(),
    };
  }

  async commit(batch: Batch): Promise<void> {
    if (batch.operations.length === 0) return;
    if (this.#broken !== null) throw this.#broken;
    await this.beforeCommit();
    const native = this.#native.write({ capacity: Math.max(8, batch.operations.length) });
    let bytes = 0;
    for (const operation of batch.operations) {
      if (operation.kind === 'put') {
        native.tryPut(operation.key, operation.value);
        bytes += operation.key.length + operation.value.length;
      } else if (operation.kind === 'delete') native.tryDelete(operation.key);
      // A range that ends before it begins is empty; RocksDB would refuse the whole batch.
      else if (operation.gte.compare(operation.lt) < 0) native.tryDeleteRange(operation.gte, operation.lt);
    }
    try {
      await this.#guard(native.flush());
    } catch (error) {
      this.#broken ??= error as Error;
      throw this.#broken;
    } finally {
      native.destroy();
    }
    this.#unflushedBytes += bytes;
    this.#flushBehind();
  }

  /**
   * An opening reads all that was not flushed again, and writes it to a file before it goes on. So that this is soon done,
   * RocksDB is told to flush earlier than it would; commits do not wait for it.
   */
  #flushBehind(): void {
    if (this.#unflushedBytes < UNFLUSHED_BYTES_MAX || this.#flushing !== null) return;
    this.#unflushedBytes = 0;
    this.#flushing = this.#native
      .flush()
      // What is wrong with the disk the next commit meets as well.
      .catch(() => {})
      .finally(() => {
        this.#flushing = null;
      });
  }

  sync(): Promise<void> {
    return this.#guard(this.#native.flush());
  }

  async freeze(work: (folder: string) => Promise<void>): Promise<void> {
    // Most of what is in memory goes to files before anybody has to wait.
    await this.sync();
    await this.#guard(this.#native.suspend());
    try {
      await work(this.#folder);
    } finally {
      await this.#guard(this.#native.resume());
    }
  }

  async close(): Promise<void> {
    const closed = new AbortController();
    const timeout = systemClock.sleep(CLOSE_MS_MAX, closed.signal);
    const flushed = this.#flushing ?? Promise.resolve();
    await Promise.race([flushed.then(() => this.#native.close({ force: true })), timeout]);
    closed.abort();
  }

  async #guard<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      throw failedWith(this.#folder, error);
    }
  }
}

function failedWith(folder: string, error: unknown): Error {
  const reason = messageOf(error);
  const code = /no space left|disk quota/i.test(reason) ? 'STATE_NO_ROOM' : 'STATE_FAILED';
  return failure(code, { folder, reason }, error);
}

/** The native batch holds a buffer for its capacity: several of a moderate size instead of one of any. */
const READ_CAPACITY = 1024;

async function readMany(native: NativeStore, keys: readonly Buffer[]): Promise<readonly (Buffer | null)[]> {
  const values: (Buffer | null)[] = [];
  for (let from = 0; from < keys.length; from += READ_CAPACITY) {
    const some = keys.slice(from, from + READ_CAPACITY);
    const batch = native.read({ capacity: some.length, autoDestroy: true });
    const reads = some.map((key) => batch.get(key));
    batch.tryFlush();
    values.push(...(await Promise.all(reads)));
  }
  return values;
}

export async function loadNative(): Promise<NativeConstructor> {
  try {
    const module = await import('rocksdb-native');
    return module.default as NativeConstructor;
  } catch (error) {
    throw failure('NATIVE_MISSING', { reason: messageOf(error).split('\n', 1)[0] ?? '' }, error);
  }
}

function messageOf(error: unknown): string {
  const cause = (error as Error).cause;
  const text = error instanceof Error ? error.message : String(error);
  return cause instanceof Error ? `${text}: ${cause.message}` : text;
}

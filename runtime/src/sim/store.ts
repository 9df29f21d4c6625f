/**
 * A store of the simulated world, with the contract of `state/store.ts` and no more than that: a commit is whole or not
 * there, a killed process leaves every commit, and a power cut a prefix of them that has all that was synced.
 */
import { failure } from '../base/errors.ts';
import { invariant } from '../base/invariant.ts';
import type { Batch, Entry, Operation, Range, ScanOptions, Snapshot, Store } from '../state/store.ts';
import type { SimProcess } from './machine.ts';
import type { SeededRandom } from './seeded-random.ts';
import { SortedMap } from './sorted-map.ts';

/** What of a store is on the disk of its machine. */
export class SimStoreFiles {
  content = new SortedMap();
  #durable = new SortedMap();
  #unsynced: (readonly Operation[])[] = [];
  #owner: SimProcess | null = null;
  /** Commits that power cuts took away. */
  lostCommits = 0;

  commit(operations: readonly Operation[]): void {
    this.content.apply(operations);
    this.#unsynced.push(operations);
  }

  sync(): void {
    this.#durable = this.content.copy();
    this.#unsynced = [];
  }

  powerCut(random: SeededRandom): void {
    const kept = random.chance(0.3) ? 0 : random.between(0, this.#unsynced.length);
    this.lostCommits += this.#unsynced.length - kept;
    for (const operations of this.#unsynced.slice(0, kept)) this.#durable.apply(operations);
    this.content = this.#durable.copy();
    this.#unsynced = [];
  }

  /** False when another process has it. */
  lock(process: SimProcess): boolean {
    if (this.#owner !== null && this.#owner !== process) return false;
    this.#owner = process;
    return true;
  }

  unlock(process: SimProcess): void {
    if (this.#owner === process) this.#owner = null;
  }
}

/** Throws DATA_LOCKED while another process that lives has it open, STATE_FAILED. */
export async function openSimStore(process: SimProcess, folder: string): Promise<Store> {
  const { stores } = process.machine;
  const files = await guarded(
    folder,
    process.operate('store-open', folder, () => {
      const known = stores.get(folder) ?? new SimStoreFiles();
      stores.set(folder, known);
      return known.lock(process) ? known : null;
    }),
  );
  if (files === null) throw failure('DATA_LOCKED', { owner: 'another process', folder });
  return new SimStore(process, folder, files);
}

class SimReads {
  readonly #process: SimProcess;
  readonly #folder: string;
  readonly #content: () => SortedMap;

  constructor(process: SimProcess, folder: string, content: () => SortedMap) {
    this.#process = process;
    this.#folder = folder;
    this.#content = content;
  }

  #read<T>(work: (content: SortedMap) => T): Promise<T> {
    const reading = this.#process.operate('store-read', this.#folder, () => work(this.#content()));
    return guarded(this.#folder, reading);
  }

  get(key: Buffer): Promise<Buffer | null> {
    return this.#read((content) => copyOf(content.get(key.toString('latin1'))));
  }

  getMany(keys: readonly Buffer[]): Promise<readonly (Buffer | null)[]> {
    if (keys.length === 0) return Promise.resolve([]);
    return this.#read((content) => keys.map((key) => copyOf(content.get(key.toString('latin1')))));
  }

  async *scan(range: Range, { reverse = false, limit = Infinity }: ScanOptions = {}): AsyncIterable<Entry> {
    const { keys, values } = await this.#read((content) => content.entries(range));
    const count = Math.min(limit, keys.length);
    for (let index = 0; index < count; index++) {
      const at = reverse ? keys.length - 1 - index : index;
      yield { key: Buffer.from(keys[at] as string, 'latin1'), value: Buffer.from(values[at] as Buffer) };
    }
  }
}

class SimStore extends SimReads implements Store {
  readonly #process: SimProcess;
  readonly #folder: string;
  readonly #files: SimStoreFiles;
  /** As RocksDB does: after a write that failed nothing more is written until it is opened again. */
  #isBroken = false;

  constructor(process: SimProcess, folder: string, files: SimStoreFiles) {
    super(process, folder, () => files.content);
    this.#process = process;
    this.#folder = folder;
    this.#files = files;
  }

  snapshot(): Snapshot {
    const content = this.#files.content.copy();
    let isReleased = false;
    const reads = new SimReads(this.#process, this.#folder, () => {
      invariant(!isReleased, 'a snapshot is not read after its release');
      return content;
    });
    return Object.assign(reads, {
      release: () => {
        isReleased = true;
        return Promise.resolve();
      },
    });
  }

  async commit(batch: Batch): Promise<void> {
    if (batch.operations.length === 0) return;
    const operations = batch.operations.slice();
    await this.#write('store-commit', () => this.#files.commit(operations));
  }

  sync(): Promise<void> {
    return this.#write('store-sync', () => this.#files.sync());
  }

  async #write(kind: 'store-commit' | 'store-sync', work: () => void): Promise<void> {
    if (this.#isBroken)
      throw failure('STATE_FAILED', { folder: this.#folder, reason: 'Batch was not applied' });
    try {
      await guarded(this.#folder, this.#process.operate(kind, this.#folder, work));
    } catch (error) {
      this.#isBroken = true;
      throw error;
    }
  }

  close(): Promise<void> {
    this.#files.unlock(this.#process);
    return Promise.resolve();
  }
}

function copyOf(value: Buffer | undefined): Buffer | null {
  return value === undefined ? null : Buffer.from(value);
}

async function guarded<T>(folder: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw failure('STATE_FAILED', { folder, reason: (error as Error).message }, error);
  }
}

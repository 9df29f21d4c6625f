/**
 * A store of the simulated world, with the contract of `state/store.ts` and no more than that: a commit is whole or not
 * there, a killed process leaves every commit, and a power cut a prefix of them that has all that was synced. It is in files
 * of the disk only while it is frozen, for a snapshot of them.
 */
import { join } from 'node:path';
import { failure } from '../base/errors.ts';
import { invariant } from '../base/invariant.ts';
import type { Batch, Entry, Operation, Range, ScanOptions, Snapshot, Store } from '../state/store.ts';
import type { SimFileSystem } from './disk.ts';
import { errorOf } from './faults.ts';
import type { SimProcess } from './machine.ts';
import type { SeededRandom } from './seeded-random.ts';
import { SortedMap } from './sorted-map.ts';

/** What of a store is on the disk of its machine. */
export class SimStoreFiles {
  content: SortedMap;
  #durable: SortedMap;
  #unsynced: (readonly Operation[])[] = [];
  #owner: SimProcess | null = null;
  /** Commits that power cuts took away. */
  lostCommits = 0;
  /** Settles when what holds it still is done. */
  frozen: Promise<void> | null = null;

  constructor(content = new SortedMap()) {
    this.content = content;
    this.#durable = content.copy();
  }

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
    if (this.#owner !== process) return;
    this.#owner = null;
    this.frozen = null;
  }
}

/** Throws DATA_LOCKED while another process that lives has it open, STATE_FAILED. */
export async function openSimStore(process: SimProcess, folder: string): Promise<Store> {
  const { stores } = process.machine;
  const files = await guarded(
    folder,
    process.operate('store-open', folder, () => {
      const known = stores.get(folder) ?? new SimStoreFiles(contentIn(process.machine.files, folder));
      stores.set(folder, known);
      return known.lock(process) ? known : null;
    }),
  );
  if (files === null) throw failure('DATA_LOCKED', { owner: 'another process', folder });
  return new SimStore(process, folder, files);
}

/** Such a file has all of a store, as it was when it was frozen. Whoever copies the folder copies the store. */
const FROZEN = /^\d{6}\.sst$/;

/** What a copy of a frozen store has; nothing in a folder that holds none. */
function contentIn(files: SimFileSystem, folder: string): SortedMap {
  const node = files.find(folder);
  const names = node?.kind === 'folder' ? [...node.names.keys()].filter((name) => FROZEN.test(name)) : [];
  const last = names.toSorted().at(-1);
  const file = last === undefined ? undefined : files.find(join(folder, last));
  if (file?.kind !== 'file') return new SortedMap();
  const bytes = Buffer.alloc(file.content.sizeBytes);
  file.content.read(bytes, 0);
  return SortedMap.decode(bytes.toString('latin1'));
}

/** Writes the file that has all, durably, in the place of the one before. */
function freeze(files: SimFileSystem, folder: string, content: SortedMap): void {
  files.makeFolder(folder);
  const before = [...files.folder(folder).names.keys()].filter((name) => FROZEN.test(name)).toSorted();
  const number = Number.parseInt(before.at(-1) ?? '0', 10) + 1;
  const name = join(folder, `${String(number).padStart(6, '0')}.sst`);
  const file = files.open(name, true);
  const bytes = Buffer.from(content.encode(), 'latin1');
  if (files.write(file, bytes, 0) < bytes.length) {
    files.remove(name);
    throw errorOf('ENOSPC');
  }
  files.sync(file);
  for (const old of before) files.remove(join(folder, old));
  files.syncFolder(folder);
}

class SimReads {
  readonly #process: SimProcess;
  readonly #folder: string;
  readonly #files: SimStoreFiles;
  readonly #content: () => SortedMap;

  constructor(process: SimProcess, folder: string, files: SimStoreFiles, content: () => SortedMap) {
    this.#process = process;
    this.#folder = folder;
    this.#files = files;
    this.#content = content;
  }

  async #read<T>(work: (content: SortedMap) => T): Promise<T> {
    if (this.#files.frozen !== null) await this.#files.frozen;
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
    super(process, folder, files, () => files.content);
    this.#process = process;
    this.#folder = folder;
    this.#files = files;
  }

  snapshot(): Snapshot {
    const content = this.#files.content.copy();
    let isReleased = false;
    const reads = new SimReads(this.#process, this.#folder, this.#files, () => {
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

  /** Its files are on the disk of the machine, so that whoever copies them copies the store. */
  async freeze(work: (folder: string) => Promise<void>): Promise<void> {
    const [files, folder] = [this.#files, this.#folder];
    await this.#write('store-freeze', () => freeze(this.#process.machine.files, folder, files.content));
    let thaw: () => void = () => {};
    const frozen = new Promise<void>((resolve) => {
      thaw = resolve;
    });
    files.frozen = frozen;
    try {
      await work(folder);
    } finally {
      if (files.frozen === frozen) files.frozen = null;
      thaw();
    }
  }

  async #write(kind: 'store-commit' | 'store-sync' | 'store-freeze', work: () => void): Promise<void> {
    if (this.#files.frozen !== null) await this.#files.frozen;
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

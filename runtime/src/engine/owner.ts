/**
 * Who owns a data folder. RocksDB's lock on `state/LOCK` is the lock of the whole folder: the kernel takes it back when a
 * process dies, whatever comes after under its number. Beside it every opening gets a number, the generation:
 *
 *   owner.json   { format, generation, pid, host, since }    replaced at each opening, before anything else is written
 *   m|owner      the same in the store; the larger generation of the two counts, so a lost state starts none again
 *
 * A lock cannot be broken where it is, but the folder can go away under a process that sleeps: moved, restored from a copy,
 * opened by another. So whoever writes looks first whether `owner.json` is still the file that it wrote, and looks again
 * before it tells anyone that something is durable.
 *
 * Invariants  U5  A process that does not get the folder has changed nothing in it.
 *             U6  Nothing is acknowledged by a process whose folder is not its own any more.
 */
import { join } from 'node:path';
import { failure } from '../base/errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { Disk, DiskFile } from '../ports/disk.ts';
import { fileGuard, type FolderGuard, type ProcessName } from '../ports/lock.ts';
import type { Random } from '../ports/random.ts';
import { metaKey } from '../state/keys.ts';
import { Batch, type Store } from '../state/store.ts';

/** The format of the folder as a whole; its parts have their own. */
const FORMAT = 1;
const FILE = 'owner.json';
const KEY = metaKey('owner');
/** What a data folder holds; one that has something and none of these belongs to somebody else. */
const OURS: ReadonlySet<string> = new Set([
  'log',
  'rejected',
  'state',
  'stage',
  'cold',
  'observed',
  'owner.json',
  'owner.json.next',
  'control.sock',
]);
const RECORD_BYTES_MAX = 4096;
const PARENTS_MAX = 16;

interface OwnerRecord extends ProcessName {
  readonly format: number;
  readonly generation: number;
  readonly since: string;
  /** Which data these are, and from which they were restored: the outside tells them apart by it. */
  readonly data?: string;
  readonly parents?: readonly string[];
}

export interface Owner {
  /** Larger than that of every owner before. */
  readonly generation: number;
  /** Of these data, whoever owns them; other ones where they were restored from a copy, whose names `parents` are. */
  readonly data: string;
  readonly parents: readonly string[];
  /** Throws DATA_TAKEN when the folder is not ours any more (U6). */
  check(): Promise<void>;
  /** Rejects with DATA_TAKEN once a check has failed: the process must stop, and leave the folder as it is. */
  readonly lost: Promise<never>;
  close(): Promise<void>;
}

/** Looks whether a folder may be opened, and changes nothing (U5). Throws DATA_LOCKED, DATA_FOREIGN, DATA_NEWER. */
export async function examineFolder(
  folder: string,
  disk: Disk,
  guard: FolderGuard = fileGuard,
): Promise<void> {
  await refuseLinks(disk, folder);
  const entries = await disk.listAll(folder);
  const [first] = entries.filter(({ name }) => !name.startsWith('.'));
  if (first !== undefined && !entries.some(({ name }) => OURS.has(name)))
    throw failure('DATA_FOREIGN', { folder, reason: `it holds "${first.name}" and no log` });
  refuseNewer(folder, await readRecord(folder, disk));
  const pid = await guard.holderOf(join(folder, 'state', 'LOCK'));
  if (pid !== undefined) throw await lockedBy(folder, disk, pid);
}

async function refuseLinks(disk: Disk, folder: string): Promise<void> {
  for (const path of [folder, ...['log', 'rejected', 'state', 'cold'].map((name) => join(folder, name))]) {
    const kind = await disk.kindOf(path);
    if (kind === undefined) continue;
    if (kind === 'link') throw failure('DATA_FOREIGN', { folder: path, reason: 'it is a symbolic link' });
    if (kind !== 'folder') throw failure('DATA_FOREIGN', { folder: path, reason: 'it is not a folder' });
  }
}

/** The error that says who has a folder, as far as it is known. */
export async function lockedBy(folder: string, disk: Disk, pid?: number): Promise<Error> {
  const record = await readRecord(folder, disk);
  const isIts = record !== undefined && (pid === undefined || record.pid === pid);
  const owner = isIts
    ? `process ${record.pid} on ${record.host} since ${record.since}`
    : pid === undefined
      ? 'another process'
      : `process ${pid}`;
  return failure('DATA_LOCKED', { folder, owner });
}

/** Takes a folder over. REQUIRES its lock. */
export async function takeFolder(
  folder: string,
  ports: {
    readonly disk: Disk;
    readonly clock: Clock;
    readonly random: Random;
    readonly store: Store;
    readonly guard: FolderGuard;
  },
): Promise<Owner> {
  const { disk, clock, random, store, guard } = ports;
  const stored = await store.get(KEY);
  const inStore = stored === null ? undefined : parseRecord(stored.toString());
  refuseNewer(folder, inStore);
  const before = await readRecord(folder, disk);
  const record = {
    format: FORMAT,
    generation: Math.max(inStore?.generation ?? 0, before?.generation ?? 0) + 1,
    since: new Date(clock.nowMs()).toISOString(),
    ...guard.self,
    ...identityOf(before, inStore, random),
  };
  const text = JSON.stringify(record);
  const file = await replaceRecord(folder, disk, text);
  const path = join(folder, FILE);
  const identity = await guard.identityOf(path);
  const batch = new Batch();
  batch.put(KEY, text);
  try {
    await store.commit(batch);
    await store.sync();
  } catch (error) {
    await file.close();
    throw error;
  }
  let onLost: (error: unknown) => void = () => {};
  const lost = new Promise<never>((_, reject) => {
    onLost = reject;
  });
  lost.catch(() => {});
  return {
    generation: record.generation,
    data: record.data,
    parents: record.parents,
    lost,
    async check() {
      if ((await guard.identityOf(path)) === identity) return;
      const error = failure('DATA_TAKEN', { folder, generation: record.generation });
      onLost(error);
      throw error;
    },
    // Open until the end, so that no other file can get its number meanwhile.
    close: () => file.close(),
  };
}

/** A copy of a folder that somebody restored has its state and not its `owner.json`: it goes its own way from here on. */
function identityOf(
  before: OwnerRecord | undefined,
  inStore: OwnerRecord | undefined,
  random: Random,
): { readonly data: string; readonly parents: readonly string[] } {
  if (before?.data !== undefined) return { data: before.data, parents: before.parents ?? [] };
  const parents = inStore?.data === undefined ? [] : [inStore.data, ...(inStore.parents ?? [])];
  return { data: random.uuid(), parents: parents.slice(0, PARENTS_MAX) };
}

async function replaceRecord(folder: string, disk: Disk, text: string): Promise<DiskFile> {
  const next = join(folder, `${FILE}.next`);
  await disk.remove(next);
  const file = await disk.open(next, { create: true });
  await file.write(Buffer.from(text), 0);
  await file.sync();
  await disk.rename(next, join(folder, FILE));
  await disk.syncFolder(folder);
  return file;
}

async function readRecord(folder: string, disk: Disk): Promise<OwnerRecord | undefined> {
  if ((await disk.kindOf(join(folder, FILE))) !== 'file') return undefined;
  const file = await disk.open(join(folder, FILE), { create: false });
  try {
    const bytes = Buffer.alloc(RECORD_BYTES_MAX);
    const length = await file.read(bytes, 0);
    return parseRecord(bytes.toString('utf8', 0, length));
  } finally {
    await file.close();
  }
}

/** A record that cannot be read says nothing: it names the owner, the lock decides. */
function parseRecord(text: string): OwnerRecord | undefined {
  try {
    const value = JSON.parse(text) as OwnerRecord | null;
    return value !== null && Number.isSafeInteger(value.generation) ? value : undefined;
  } catch {
    return undefined;
  }
}

function refuseNewer(folder: string, record: OwnerRecord | undefined): void {
  if (record !== undefined && record.format > FORMAT)
    throw failure('DATA_NEWER', { file: join(folder, FILE) });
}

/** A disk whose every change is the owner's (U6): it looks before it writes, and after a sync that others will rely on. */
export function ownersDisk(disk: Disk, owner: Pick<Owner, 'check'>): Disk {
  const first = async <T>(work: () => Promise<T>): Promise<T> => {
    await owner.check();
    return work();
  };
  return {
    list: (folder) => disk.list(folder),
    listAll: (folder) => disk.listAll(folder),
    kindOf: (path) => disk.kindOf(path),
    freeBytes: (folder) => disk.freeBytes(folder),
    makeFolder: (folder) => first(() => disk.makeFolder(folder)),
    rename: (from, to) => first(() => disk.rename(from, to)),
    link: (from, to) => first(() => disk.link(from, to)),
    remove: (file) => first(() => disk.remove(file)),
    removeFolder: (folder) => first(() => disk.removeFolder(folder)),
    async syncFolder(folder) {
      await disk.syncFolder(folder);
      await owner.check();
    },
    async open(path, options) {
      if (options.create) await owner.check();
      const file = await disk.open(path, options);
      return {
        read: (buffer, position) => file.read(buffer, position),
        readNow: (buffer, position) => file.readNow(buffer, position),
        size: () => file.size(),
        close: () => file.close(),
        write: (bytes, position) => first(() => file.write(bytes, position)),
        truncate: (size) => first(() => file.truncate(size)),
        async sync() {
          await file.sync();
          await owner.check();
        },
      };
    },
  };
}

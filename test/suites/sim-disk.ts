/**
 * A disk in memory that can fail, fill up and lose power: what the log is tested against.
 *
 *   write ─► pages (what readers see) ─► sync ─► durable (what a power cut leaves)
 *
 * A failed sync drops the pages it could not write from what a later sync would write, and goes on showing them, as Linux
 * does. A file's name is durable once its folder was synced.
 */
import { basename, dirname } from 'node:path';
import type { Disk, DiskEntry, DiskFile } from '../../runtime/src/ports/disk.ts';

type Operation =
  | 'open'
  | 'write'
  | 'sync'
  | 'truncate'
  | 'syncFolder'
  | 'list'
  | 'makeFolder'
  | 'rename'
  | 'link'
  | 'remove';

export interface Fault {
  /** Which counted operation fails, from 1. */
  readonly at: number;
  readonly code: string;
  /** False: only this operation fails. */
  readonly forEver?: boolean;
  /** Only these are counted; all when absent. */
  readonly only?: readonly Operation[];
}

type Change = { readonly at: number; readonly bytes: Buffer } | { readonly size: number };

interface SimFile {
  pages: Buffer;
  durable: Buffer;
  unsynced: Change[];
  isNamed: boolean;
}

/** What a power cut keeps of the writes that no sync had reached. */
export type Survivors = (unsynced: readonly Change[]) => readonly Change[];

export const NOTHING: Survivors = () => [];
export const EVERYTHING: Survivors = (unsynced) => unsynced;

/** The first `count` bytes that were written since the last sync. */
export function prefix(count: number): Survivors {
  return (unsynced) => {
    let left = count;
    return unsynced.flatMap((change): Change[] => {
      if ('size' in change) return [change];
      const bytes = change.bytes.subarray(0, left);
      left -= bytes.length;
      return bytes.length > 0 ? [{ at: change.at, bytes }] : [];
    });
  };
}

/** The pages for which `keeps` is true, in no order: the rest of the file reads as zeros. */
export function pages(pageBytes: number, keeps: (page: number) => boolean): Survivors {
  return (unsynced) => {
    let page = 0;
    return unsynced.flatMap((change) => {
      if ('size' in change) return [change];
      const kept: Change[] = [];
      for (let from = 0; from < change.bytes.length; from += pageBytes) {
        if (keeps(page++))
          kept.push({ at: change.at + from, bytes: change.bytes.subarray(from, from + pageBytes) });
      }
      return kept;
    });
  };
}

export class SimDisk implements Disk {
  readonly files = new Map<string, SimFile>();
  /** Every operation so far, for counting. */
  readonly operations: Operation[] = [];
  fault: Fault | null = null;
  /** How many bytes the disk holds at most. */
  spaceBytes = Infinity;
  /** The most bytes that one write takes. */
  writeBytesMax = Infinity;
  /** Called before each sync of a file: a moment at which the power may go. */
  beforeSync: () => void = () => {};
  #counted = 0;

  /** Fails when the fault says so. */
  #count(operation: Operation): void {
    this.operations.push(operation);
    const { fault } = this;
    if (fault === null || (fault.only !== undefined && !fault.only.includes(operation))) return;
    this.#counted++;
    const hit = fault.forEver === true ? this.#counted >= fault.at : this.#counted === fault.at;
    if (hit) throw errorOf(fault.code);
  }

  count(operation: Operation): number {
    return this.operations.filter((each) => each === operation).length;
  }

  /** True when the fault was reached. */
  get isFaultReached(): boolean {
    return this.fault !== null && this.#counted >= this.fault.at;
  }

  heal(): void {
    this.fault = null;
    this.#counted = 0;
  }

  /** The power goes; what was synced is there afterwards, and whatever `survivors` picks of the rest. */
  crash(survivors: Survivors): void {
    for (const [path, file] of this.files) {
      const kept = survivors(file.unsynced);
      if (!file.isNamed && kept !== file.unsynced) {
        this.files.delete(path);
        continue;
      }
      file.durable = kept.reduce(apply, file.durable);
      file.pages = Buffer.from(file.durable);
      file.unsynced = [];
      file.isNamed = true;
    }
    this.heal();
  }

  clone(): SimDisk {
    const copy = new SimDisk();
    for (const [path, file] of this.files) copy.files.set(path, { ...file, unsynced: [...file.unsynced] });
    return copy;
  }

  async makeFolder(): Promise<void> {
    this.#count('makeFolder');
  }

  async list(folder: string): Promise<string[]> {
    this.#count('list');
    return [...this.files.keys()].filter((path) => dirname(path) === folder).map((path) => basename(path));
  }

  async syncFolder(folder: string): Promise<void> {
    this.#count('syncFolder');
    for (const [path, file] of this.files) if (dirname(path) === folder) file.isNamed = true;
  }

  async listAll(folder: string): Promise<DiskEntry[]> {
    this.#count('list');
    const entries = new Map<string, DiskEntry>();
    for (const [path, file] of this.files) {
      if (!path.startsWith(`${folder}/`)) continue;
      const [name = '', ...rest] = path.slice(folder.length + 1).split('/');
      const kind = rest.length === 0 ? 'file' : 'folder';
      entries.set(name, { name, kind, sizeBytes: kind === 'file' ? file.pages.length : 0 });
    }
    return [...entries.values()];
  }

  async kindOf(path: string): Promise<DiskEntry['kind'] | undefined> {
    if (this.files.has(path)) return 'file';
    return [...this.files.keys()].some((each) => each.startsWith(`${path}/`)) ? 'folder' : undefined;
  }

  async rename(from: string, to: string): Promise<void> {
    this.#count('rename');
    this.files.set(to, this.#known(from));
    this.files.delete(from);
  }

  async link(from: string, to: string): Promise<void> {
    this.#count('link');
    this.files.set(to, this.#known(from));
  }

  async remove(file: string): Promise<void> {
    this.#count('remove');
    this.files.delete(file);
  }

  async removeFolder(folder: string): Promise<void> {
    for (const path of this.files.keys()) if (path.startsWith(`${folder}/`)) await this.remove(path);
  }

  async freeBytes(): Promise<number> {
    return Math.max(0, this.spaceBytes - this.#usedBytes());
  }

  #usedBytes(): number {
    return [...this.files.values()].reduce((sum, each) => sum + each.pages.length, 0);
  }

  #known(path: string): SimFile {
    const file = this.files.get(path);
    if (file === undefined) throw errorOf('ENOENT');
    return file;
  }

  async open(path: string, { create }: { readonly create: boolean }): Promise<DiskFile> {
    this.#count('open');
    const known = this.files.get(path);
    if (create && known !== undefined) throw errorOf('EEXIST');
    if (!create && known === undefined) throw errorOf('ENOENT');
    const file = known ?? {
      pages: Buffer.alloc(0),
      durable: Buffer.alloc(0),
      unsynced: [],
      isNamed: false,
    };
    this.files.set(path, file);
    return this.#fileOf(file);
  }

  #fileOf(file: SimFile): DiskFile {
    return {
      write: async (bytes, at) => {
        this.#count('write');
        const used = this.#usedBytes();
        const grows = Math.max(0, at + bytes.length - file.pages.length);
        const fits = grows <= this.spaceBytes - used ? bytes.length : this.spaceBytes - used;
        if (fits <= 0) throw errorOf('ENOSPC');
        const written = Buffer.from(bytes.subarray(0, Math.min(fits, this.writeBytesMax)));
        const change = { at, bytes: written };
        file.pages = apply(file.pages, change);
        file.unsynced.push(change);
        return written.length;
      },
      read: async (buffer, at) => file.pages.copy(buffer, 0, at, at + buffer.length),
      readNow: (buffer, at) => file.pages.copy(buffer, 0, at, at + buffer.length),
      sync: async () => {
        this.beforeSync();
        const { unsynced } = file;
        file.unsynced = [];
        this.#count('sync');
        file.durable = unsynced.reduce(apply, file.durable);
      },
      truncate: async (size) => {
        this.#count('truncate');
        file.pages = apply(file.pages, { size });
        file.unsynced.push({ size });
      },
      size: async () => file.pages.length,
      close: async () => {},
    };
  }
}

function apply(content: Buffer, change: Change): Buffer {
  const size = 'size' in change ? change.size : Math.max(content.length, change.at + change.bytes.length);
  const result = Buffer.alloc(size);
  content.copy(result, 0, 0, size);
  if ('bytes' in change) change.bytes.copy(result, change.at);
  return result;
}

function errorOf(code: string): Error {
  return Object.assign(new Error(`${code} (simulated)`), { code });
}

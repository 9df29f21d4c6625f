/**
 * The disk of the simulator without its world: every operation is done at once, faults and power cuts come when a test says
 * so, and files can be looked at and changed from outside.
 */
import { dirname } from 'node:path';
import type { Disk } from '../../runtime/src/ports/disk.ts';
import { type PowerCut, simDisk, SimFileSystem } from '../../runtime/src/sim/disk.ts';
import { errorOf, type OperationKind } from '../../runtime/src/sim/faults.ts';
import { SeededRandom } from '../../runtime/src/sim/seeded-random.ts';

export interface Fault {
  /** Which counted operation fails, from 1. */
  readonly at: number;
  readonly code: string;
  /** False: only this operation fails. */
  readonly forEver?: boolean;
  /** Only these are counted; all but reads when absent. */
  readonly only?: readonly OperationKind[];
}

/** What a power cut keeps of the writes that no sync had reached. */
export type Survivors = PowerCut['changes'];
type Change = ReturnType<Survivors>[number];

export const NOTHING: Survivors = () => [];
/** Of names as well, which any other takes away unless their folder was synced. */
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

/** What a file holds for readers; who changes the bytes changes the file. */
interface Held {
  readonly pages: Buffer;
}

/** The files of a disk by their paths; what is put there is durable. */
class Files {
  readonly #files: () => SimFileSystem;

  constructor(files: () => SimFileSystem) {
    this.#files = files;
  }

  *[Symbol.iterator](): IterableIterator<[string, Held]> {
    for (const path of this.keys()) yield [path, this.get(path) as Held];
  }

  keys(): readonly string[] {
    return [...this.#files().files()].map(([path]) => path);
  }

  values(): readonly Held[] {
    return [...this].map(([, held]) => held);
  }

  has(path: string): boolean {
    return this.#files().find(path)?.kind === 'file';
  }

  get(path: string): Held | undefined {
    const file = this.#files().find(path);
    if (file?.kind !== 'file') return undefined;
    const { buffer, byteOffset, length } = file.content.bytes;
    return { pages: Buffer.from(buffer, byteOffset, length) };
  }

  set(path: string, held: Held): this {
    this.delete(path);
    const files = this.#files();
    files.makeFolder(dirname(path));
    const file = files.open(path, true);
    if (held.pages.length > 0) files.write(file, Buffer.from(held.pages), 0);
    files.sync(file);
    files.syncFolder(dirname(path));
    return this;
  }

  delete(path: string): void {
    if (!this.has(path)) return;
    this.#files().remove(path);
    this.#files().syncFolder(dirname(path));
  }
}

const READS: ReadonlySet<OperationKind> = new Set(['read']);

export class SimDisk implements Disk {
  #system: SimFileSystem;
  readonly #disk: Disk;
  readonly files = new Files(() => this.#system);
  /** Every operation so far but reads, for counting. */
  readonly operations: OperationKind[] = [];
  fault: Fault | null = null;
  /** The most bytes that one write takes. */
  writeBytesMax = Infinity;
  /** Called before each sync of a file: a moment at which the power may go. */
  beforeSync: () => void = () => {};
  #counted = 0;

  constructor(system = new SimFileSystem(new SeededRandom(1))) {
    this.#system = system;
    const machine = { files: system };
    this.#disk = simDisk({ machine, operate: (kind, _, work) => this.#operate(kind, work) });
  }

  /** How many bytes the disk holds at most. */
  set spaceBytes(bytes: number) {
    this.#system.spaceBytes = bytes;
  }

  async #operate<T>(kind: OperationKind, work: (share: number) => T): Promise<T> {
    if (kind === 'sync') this.beforeSync();
    if (this.#fails(kind)) {
      // What it had to write is forgotten, and perhaps in part on the disk.
      if (kind === 'sync') work(0);
      throw errorOf(this.fault?.code ?? '');
    }
    return work(1);
  }

  #fails(kind: OperationKind): boolean {
    if (!READS.has(kind)) this.operations.push(kind);
    const { fault } = this;
    if (fault === null || !(fault.only?.includes(kind) ?? !READS.has(kind))) return false;
    this.#counted++;
    return fault.forEver === true ? this.#counted >= fault.at : this.#counted === fault.at;
  }

  count(kind: OperationKind): number {
    return this.operations.filter((each) => each === kind).length;
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
    this.#system.powerCut({ keepsNames: survivors === EVERYTHING, changes: survivors });
    this.heal();
  }

  clone(): SimDisk {
    return new SimDisk(this.#system.clone());
  }

  makeFolder: Disk['makeFolder'] = (folder) => this.#disk.makeFolder(folder);
  list: Disk['list'] = (folder) => this.#disk.list(folder);
  listAll: Disk['listAll'] = (folder) => this.#disk.listAll(folder);
  kindOf: Disk['kindOf'] = (path) => this.#disk.kindOf(path);
  syncFolder: Disk['syncFolder'] = (folder) => this.#disk.syncFolder(folder);
  rename: Disk['rename'] = (from, to) => this.#disk.rename(from, to);
  link: Disk['link'] = (from, to) => this.#disk.link(from, to);
  remove: Disk['remove'] = (file) => this.#disk.remove(file);
  removeFolder: Disk['removeFolder'] = (folder) => this.#disk.removeFolder(folder);
  freeBytes(folder: string): Promise<number> {
    return this.#disk.freeBytes(folder);
  }

  open: Disk['open'] = async (path, options) => {
    const file = await this.#disk.open(path, options);
    return { ...file, write: (bytes, at) => file.write(bytes.subarray(0, this.writeBytesMax), at) };
  };
}

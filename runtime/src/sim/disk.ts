/**
 * A disk of the simulated world. Readers see every operation at once; a power cut shows what was synced and some of the
 * rest.
 *
 *   write, truncate ─► content  (what readers see)     pending ─► sync ─────────► durable
 *   create, rename… ─► names    (what readers see)     pending ─► sync a folder ─► durable names
 *
 * Of what is pending a power cut keeps nothing, all, the first so many bytes, or any pieces in any order: gaps read as
 * zeros. A sync that fails drops what it had to write: readers go on seeing it, no later sync writes it (as Linux does).
 */
import { basename, dirname, join } from 'node:path';
import type { Disk, DiskEntry, DiskFile } from '../ports/disk.ts';
import { Content, type FileChange } from './file-content.ts';
import { errorOf, type OperationKind } from './faults.ts';
import type { SeededRandom } from './seeded-random.ts';

type Node = FileNode | FolderNode;

interface FileNode {
  readonly kind: 'file';
  readonly content: Content;
  durable: Content;
  pending: FileChange[];
}

interface FolderNode {
  readonly kind: 'folder';
  names: Map<string, Node>;
  durable: Map<string, Node>;
}

/** Names that change together; null: the name is gone. */
type NameChange = readonly {
  readonly folder: FolderNode;
  readonly name: string;
  readonly node: Node | null;
}[];

const newFolder = (): FolderNode => ({ kind: 'folder', names: new Map(), durable: new Map() });

/** A header of 64 bytes is written whole or not at all, as one of 512 is by a real disk. */
const SECTOR_BITS_MIN = 6;
/** What one power cut keeps of what is pending. */
const SURVIVALS = ['nothing', 'everything', 'beginning', 'pieces'] as const;

/** What a power cut keeps, when somebody says it instead of the seed. */
export interface PowerCut {
  /** Whether names that no sync of their folder reached are kept. */
  readonly keepsNames: boolean;
  /** Of what is pending of each file. */
  readonly changes: (pending: readonly FileChange[]) => readonly FileChange[];
}

export class SimFileSystem {
  readonly #random: SeededRandom;
  readonly #root = newFolder();
  #pendingNames: NameChange[] = [];
  /** How many bytes fit. */
  spaceBytes = Infinity;
  /** Pieces that power cuts took away: a cut that takes nothing away tests nothing. */
  lostChanges = 0;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  get usedBytes(): number {
    return bytesIn(this.#root, new Set());
  }

  get freeBytes(): number {
    if (this.spaceBytes === Infinity) return Infinity;
    return Math.max(0, this.spaceBytes - this.usedBytes);
  }

  find(path: string): Node | undefined {
    let node: Node | undefined = this.#root;
    for (const name of path.split('/')) {
      if (name === '' || name === '.') continue;
      node = node?.kind === 'folder' ? node.names.get(name) : undefined;
    }
    return node;
  }

  folder(path: string): FolderNode {
    const node = this.find(path);
    if (node === undefined) throw errorOf('ENOENT');
    if (node.kind === 'file') throw errorOf('ENOTDIR');
    return node;
  }

  /** With its parents and durable names, as the contract of a disk says. */
  makeFolder(path: string): void {
    let folder = this.#root;
    for (const name of path.split('/')) {
      if (name === '' || name === '.') continue;
      const next = folder.names.get(name) ?? newFolder();
      if (next.kind === 'file') throw errorOf('ENOTDIR');
      folder.names.set(name, next);
      folder.durable.set(name, next);
      folder = next;
    }
  }

  /** All files by their paths. */
  *files(folder = this.#root, path = ''): Iterable<readonly [path: string, file: FileNode]> {
    for (const [name, node] of folder.names) {
      if (node.kind === 'file') yield [`${path}/${name}`, node];
      else yield* this.files(node, `${path}/${name}`);
    }
  }

  /** Another disk that holds the same, pending or not. */
  clone(): SimFileSystem {
    const copy = new SimFileSystem(this.#random.fork());
    copy.spaceBytes = this.spaceBytes;
    const copies = new Map<Node, Node>([[this.#root, copy.#root]]);
    const fill = (from: FolderNode, to: FolderNode): void => {
      for (const which of ['names', 'durable'] as const)
        for (const [name, node] of from[which]) to[which].set(name, copyOf(node));
    };
    const copyOf = (node: Node): Node => {
      const known = copies.get(node);
      if (known !== undefined) return known;
      const made = node.kind === 'folder' ? newFolder() : copyOfFile(node);
      copies.set(node, made);
      if (node.kind === 'folder' && made.kind === 'folder') fill(node, made);
      return made;
    };
    fill(this.#root, copy.#root);
    copy.#pendingNames = this.#pendingNames.map((change) =>
      change.map(({ folder, name, node }) => ({
        folder: copyOf(folder) as FolderNode,
        name,
        node: node === null ? null : copyOf(node),
      })),
    );
    return copy;
  }

  open(path: string, create: boolean): FileNode {
    const folder = this.folder(dirname(path));
    const known = folder.names.get(basename(path));
    if (create ? known !== undefined : known === undefined) throw errorOf(create ? 'EEXIST' : 'ENOENT');
    if (known?.kind === 'folder') throw errorOf('EISDIR');
    if (known !== undefined) return known;
    const made: FileNode = { kind: 'file', content: new Content(), durable: new Content(), pending: [] };
    this.#change([{ folder, name: basename(path), node: made }]);
    return made;
  }

  rename(from: string, to: string): void {
    const node = this.find(from);
    if (node === undefined) throw errorOf('ENOENT');
    const there = this.find(to);
    if (there?.kind === 'folder' && there.names.size > 0) throw errorOf('ENOTEMPTY');
    this.#change([
      { folder: this.folder(dirname(from)), name: basename(from), node: null },
      { folder: this.folder(dirname(to)), name: basename(to), node },
    ]);
  }

  link(from: string, to: string): void {
    const node = this.find(from);
    if (node === undefined) throw errorOf('ENOENT');
    if (this.find(to) !== undefined) throw errorOf('EEXIST');
    this.#change([{ folder: this.folder(dirname(to)), name: basename(to), node }]);
  }

  remove(path: string): void {
    const node = this.find(path);
    if (node === undefined) return;
    this.#change([{ folder: this.folder(dirname(path)), name: basename(path), node: null }]);
  }

  #change(change: NameChange): void {
    for (const { folder, name, node } of change) setName(folder.names, name, node);
    this.#pendingNames.push(change);
  }

  syncFolder(path: string): void {
    const folder = this.folder(path);
    this.#pendingNames = this.#pendingNames.filter((change) => {
      if (!change.some((part) => part.folder === folder)) return true;
      makeDurable(change);
      return false;
    });
  }

  /** Writes what fits; returns how many bytes. Throws ENOSPC when nothing does. */
  write(file: FileNode, bytes: Uint8Array, at: number): number {
    const grows = Math.max(0, at + bytes.length - file.content.sizeBytes);
    const { freeBytes } = this;
    const fits = grows <= freeBytes ? bytes.length : bytes.length - grows + freeBytes;
    if (fits <= 0) throw errorOf('ENOSPC');
    this.#apply(file, { at, bytes: Uint8Array.prototype.slice.call(bytes, 0, fits) });
    return fits;
  }

  truncate(file: FileNode, size: number): void {
    this.#apply(file, { size });
  }

  #apply(file: FileNode, change: FileChange): void {
    file.content.apply(change);
    file.pending.push(change);
  }

  sync(file: FileNode): void {
    for (const change of file.pending) file.durable.apply(change);
    file.pending = [];
  }

  /** A sync that fails: some of it may be written; of the rest nobody will know any more that it was to be. */
  failSync(file: FileNode): void {
    for (const change of file.pending) if (this.#random.chance(0.3)) file.durable.apply(change);
    file.pending = [];
  }

  powerCut(said?: PowerCut): void {
    const random = this.#random;
    const survival = said === undefined ? random.pick(SURVIVALS) : said.keepsNames ? 'everything' : 'nothing';
    const keeps = (index: number, count: number): boolean =>
      survival === 'everything' ||
      (survival === 'beginning' && index < count * random.next()) ||
      (survival === 'pieces' && random.chance(0.5));
    for (const [index, change] of this.#pendingNames.entries()) {
      if (keeps(index, this.#pendingNames.length)) makeDurable(change);
      else this.lostChanges++;
    }
    this.#pendingNames = [];
    this.#restart(this.#root, new Set(), said?.changes ?? this.#drawn());
  }

  #drawn(): PowerCut['changes'] {
    const survival = this.#random.pick(SURVIVALS);
    return (pending) => this.#survivors(pending, survival);
  }

  #restart(folder: FolderNode, seen: Set<Node>, survivors: PowerCut['changes']): void {
    folder.names = new Map(folder.durable);
    for (const node of folder.names.values()) {
      if (seen.has(node)) continue;
      seen.add(node);
      if (node.kind === 'folder') {
        this.#restart(node, seen, survivors);
        continue;
      }
      const kept = survivors(node.pending);
      for (const change of kept) node.durable.apply(change);
      node.pending = [];
      node.content.become(node.durable);
    }
  }

  #survivors(pending: readonly FileChange[], survival: (typeof SURVIVALS)[number]): FileChange[] {
    const random = this.#random;
    if (survival === 'everything') return [...pending];
    this.lostChanges += pending.length;
    if (survival === 'nothing') return [];
    const bytes = pending.reduce((sum, change) => sum + ('bytes' in change ? change.bytes.length : 1), 0);
    if (survival === 'beginning') return beginningOf(pending, random.below(bytes + 1));
    // Sectors, each of which reached the disk or did not. They are small, as simulated files are.
    const sectorBytes = 2 ** random.between(SECTOR_BITS_MIN, 12);
    return pending.flatMap((change) => {
      if ('size' in change) return random.chance(0.5) ? [change] : [];
      const kept: FileChange[] = [];
      for (let from = 0; from < change.bytes.length;) {
        const to = from + sectorBytes - ((change.at + from) % sectorBytes);
        if (random.chance(0.5)) kept.push({ at: change.at + from, bytes: change.bytes.subarray(from, to) });
        from = to;
      }
      return kept;
    });
  }
}

function copyOfFile(file: FileNode): FileNode {
  const copy: FileNode = {
    kind: 'file',
    content: new Content(),
    durable: new Content(),
    pending: [...file.pending],
  };
  copy.content.become(file.content);
  copy.durable.become(file.durable);
  return copy;
}

function bytesIn(folder: FolderNode, seen: Set<Node>): number {
  let bytes = 0;
  for (const node of folder.names.values()) {
    if (seen.has(node)) continue;
    seen.add(node);
    bytes += node.kind === 'folder' ? bytesIn(node, seen) : node.content.sizeBytes;
  }
  return bytes;
}

function beginningOf(pending: readonly FileChange[], bytes: number): FileChange[] {
  const kept: FileChange[] = [];
  let left = bytes;
  for (const change of pending) {
    if (left <= 0) break;
    if ('size' in change) kept.push(change);
    else kept.push({ at: change.at, bytes: change.bytes.subarray(0, left) });
    left -= 'bytes' in change ? change.bytes.length : 1;
  }
  return kept;
}

function setName(names: Map<string, Node>, name: string, node: Node | null): void {
  if (node === null) names.delete(name);
  else names.set(name, node);
}

function makeDurable(change: NameChange): void {
  for (const { folder, name, node } of change) setName(folder.durable, name, node);
}

/** Whoever works on a disk, and decides when each operation is done and what becomes of it. */
export interface DiskUser {
  readonly machine: { readonly files: SimFileSystem };
  /** See SimProcess. */
  operate<T>(kind: OperationKind, path: string, work: (share: number) => T): Promise<T>;
}

/** The disk as a process sees it. */
export function simDisk(owner: DiskUser): Disk {
  const files = (): SimFileSystem => owner.machine.files;
  const disk: Disk = {
    makeFolder: (folder) => owner.operate('make-folder', folder, () => files().makeFolder(folder)),
    async list(folder) {
      const entries = await disk.listAll(folder);
      return entries.filter(({ kind }) => kind === 'file').map(({ name }) => name);
    },
    listAll: (folder) =>
      owner.operate('list', folder, () => {
        const node = files().find(folder);
        return node?.kind === 'folder' ? [...node.names].map(entryOf) : [];
      }),
    kindOf: (path) => owner.operate('list', path, () => files().find(path)?.kind),
    open: (file, { create }) =>
      owner.operate('open', file, () => handleOf(owner, file, files().open(file, create))),
    syncFolder: (folder) => owner.operate('sync-folder', folder, () => files().syncFolder(folder)),
    rename: (from, to) => owner.operate('rename', to, () => files().rename(from, to)),
    link: (from, to) => owner.operate('link', to, () => files().link(from, to)),
    remove: (file) => owner.operate('remove', file, () => files().remove(file)),
    async removeFolder(folder) {
      for (const { name, kind } of await disk.listAll(folder))
        await (kind === 'folder' ? disk.removeFolder(join(folder, name)) : disk.remove(join(folder, name)));
      await disk.remove(folder);
    },
    freeBytes: (folder) => owner.operate('list', folder, () => files().freeBytes),
  };
  return disk;
}

function entryOf([name, node]: readonly [string, Node]): DiskEntry {
  return { name, kind: node.kind, sizeBytes: node.kind === 'file' ? node.content.sizeBytes : 0 };
}

function handleOf(owner: DiskUser, path: string, file: FileNode): DiskFile {
  const { files } = owner.machine;
  return {
    write: (bytes, at) =>
      owner.operate('write', path, (share) => {
        const count = share === 1 ? bytes.length : Math.max(1, Math.floor(bytes.length * share));
        return files.write(file, bytes.subarray(0, count), at);
      }),
    read: (buffer, at) => owner.operate('read', path, () => file.content.read(buffer, at)),
    readNow: (buffer, at) => file.content.read(buffer, at),
    sync: () =>
      owner.operate('sync', path, (share) => {
        if (share < 1) files.failSync(file);
        else files.sync(file);
      }),
    truncate: (size) => owner.operate('truncate', path, () => files.truncate(file, size)),
    size: () => owner.operate('read', path, () => file.content.sizeBytes),
    close: () => Promise.resolve(),
  };
}

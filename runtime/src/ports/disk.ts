/** Files come in through here, so that tests can fill the disk, fail an fsync or tear a write. */
import { constants, type Dirent, promises as fs, readSync, type Stats } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

export interface DiskFile {
  /** May write less than it was given; returns how many bytes. */
  write(bytes: Uint8Array, position: number): Promise<number>;
  /** May read less than fits; 0 at the end. */
  read(buffer: Uint8Array, position: number): Promise<number>;
  /** As `read`, and the process waits for it: for what is small and rarely asked for. */
  readNow(buffer: Uint8Array, position: number): number;
  sync(): Promise<void>;
  truncate(size: number): Promise<void>;
  size(): Promise<number>;
  close(): Promise<void>;
}

export interface Disk {
  /** Creates a folder and its parents, readable for its owner only unless `shared`, with durable names. */
  makeFolder(folder: string, options?: { readonly shared?: boolean }): Promise<void>;
  /** Names of the plain files of a folder; symbolic links are refused with ELOOP. */
  list(folder: string): Promise<string[]>;
  /**
   * Opens a file for reading and writing, or for reading alone; never through a symbolic link. A new one is for its owner
   * only unless `shared`: then for whom the process says by its umask.
   */
  open(file: string, options: OpenFileOptions): Promise<DiskFile>;
  /** Makes names in a folder durable. */
  syncFolder(folder: string): Promise<void>;
  /** What a folder holds, of any kind, in no order; nothing when there is no such folder. */
  listAll(folder: string): Promise<readonly DiskEntry[]>;
  /** What a path is, or undefined when nothing is there; a link is not followed. */
  kindOf(path: string): Promise<DiskEntry['kind'] | undefined>;
  /** Gives a file or a folder another name, which may be that of a file; durable once both folders are synced. */
  rename(from: string, to: string): Promise<void>;
  /** Gives a file a second name. */
  link(from: string, to: string): Promise<void>;
  /** Removes a file; none may be there. */
  remove(file: string): Promise<void>;
  /** Removes a folder and all in it; none may be there. */
  removeFolder(folder: string): Promise<void>;
  /** How many bytes may still be written where a folder is, or its nearest parent that is there. */
  freeBytes(folder: string): Promise<number>;
}

export interface OpenFileOptions {
  readonly create: boolean;
  readonly readOnly?: boolean;
  readonly shared?: boolean;
}

export interface DiskEntry {
  readonly name: string;
  readonly kind: 'file' | 'folder' | 'link' | 'other';
  /** Bytes of a file, 0 for anything else. */
  readonly sizeBytes: number;
}

export const realDisk: Disk = {
  async makeFolder(folder, { shared = false } = {}) {
    const path = resolve(folder);
    const firstMade = (await fs.mkdir(path, { recursive: true, mode: shared ? 0o777 : 0o700 })) ?? path;
    // The parent of a folder that was there already too: whoever made it may have died before this.
    for (let made = path; made.length >= firstMade.length; made = dirname(made)) {
      await realDisk.syncFolder(dirname(made));
      if (made === dirname(made)) break;
    }
  },

  async list(folder) {
    const entries = await fs.readdir(folder, { withFileTypes: true });
    const link = entries.find((entry) => entry.isSymbolicLink());
    if (link !== undefined)
      throw Object.assign(new Error(`${link.name} is a symbolic link`), { code: 'ELOOP' });
    return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
  },

  async open(file, { create, readOnly = false, shared = false }) {
    const exclusive = create ? constants.O_CREAT | constants.O_EXCL : 0;
    const access = readOnly ? constants.O_RDONLY : constants.O_RDWR;
    const handle = await fs.open(file, access | constants.O_NOFOLLOW | exclusive, shared ? 0o666 : 0o600);
    return {
      write: async (bytes, position) => (await handle.write(bytes, 0, bytes.length, position)).bytesWritten,
      read: async (buffer, position) => (await handle.read(buffer, 0, buffer.length, position)).bytesRead,
      readNow: (buffer, position) => readSync(handle.fd, buffer, 0, buffer.length, position),
      sync: () => handle.datasync(),
      truncate: (size) => handle.truncate(size),
      size: async () => (await handle.stat()).size,
      close: () => handle.close(),
    };
  },

  async syncFolder(folder) {
    const handle = await fs.open(folder, constants.O_RDONLY);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },

  async listAll(folder) {
    const entries = await unless('ENOENT', fs.readdir(folder, { withFileTypes: true }));
    const found: DiskEntry[] = [];
    for (const entry of entries ?? []) {
      const kind = kindOf(entry);
      const path = join(folder, entry.name);
      // It may go while we look: others remove files.
      const stats = kind === 'file' ? await unless('ENOENT', fs.lstat(path)) : undefined;
      if (kind !== 'file' || stats !== undefined)
        found.push({ name: entry.name, kind, sizeBytes: stats?.size ?? 0 });
    }
    return found;
  },

  async kindOf(path) {
    const stats = await unless('ENOENT', fs.lstat(path));
    return stats === undefined ? undefined : kindOf(stats);
  },

  rename: (from, to) => fs.rename(from, to),
  link: (from, to) => fs.link(from, to),
  remove: (file) => fs.rm(file, { force: true }),
  removeFolder: (folder) => fs.rm(folder, { recursive: true, force: true }),

  async freeBytes(folder) {
    const stats = await unless('ENOENT', fs.statfs(folder));
    if (stats !== undefined) return stats.bavail * stats.bsize;
    return realDisk.freeBytes(dirname(resolve(folder)));
  },
};

function kindOf(entry: Dirent | Stats): DiskEntry['kind'] {
  if (entry.isSymbolicLink()) return 'link';
  if (entry.isDirectory()) return 'folder';
  return entry.isFile() ? 'file' : 'other';
}

/** What came of some work, or undefined when it failed with this code. */
async function unless<T>(code: string, work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === code) return undefined;
    throw error;
  }
}

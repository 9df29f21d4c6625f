/** Files come in through here, so that tests can fill the disk, fail an fsync or tear a write. */
import { constants, promises as fs } from 'node:fs';
import { dirname, resolve } from 'node:path';

export interface DiskFile {
  /** May write less than it was given; returns how many bytes. */
  write(bytes: Uint8Array, position: number): Promise<number>;
  /** May read less than fits; 0 at the end. */
  read(buffer: Uint8Array, position: number): Promise<number>;
  sync(): Promise<void>;
  truncate(size: number): Promise<void>;
  size(): Promise<number>;
  close(): Promise<void>;
}

export interface Disk {
  /** Creates a folder and its parents, readable for its owner only, with durable names. */
  makeFolder(folder: string): Promise<void>;
  /** Names of the plain files of a folder; symbolic links are refused with ELOOP. */
  list(folder: string): Promise<string[]>;
  /** Opens a file for reading and writing; never through a symbolic link. */
  open(file: string, options: { readonly create: boolean }): Promise<DiskFile>;
  /** Makes names in a folder durable. */
  syncFolder(folder: string): Promise<void>;
}

export const realDisk: Disk = {
  async makeFolder(folder) {
    const path = resolve(folder);
    const firstMade = (await fs.mkdir(path, { recursive: true, mode: 0o700 })) ?? path;
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

  async open(file, { create }) {
    const exclusive = create ? constants.O_CREAT | constants.O_EXCL : 0;
    const handle = await fs.open(file, constants.O_RDWR | constants.O_NOFOLLOW | exclusive, 0o600);
    return {
      write: async (bytes, position) => (await handle.write(bytes, 0, bytes.length, position)).bytesWritten,
      read: async (buffer, position) => (await handle.read(buffer, 0, buffer.length, position)).bytesRead,
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
};

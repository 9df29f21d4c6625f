/** The few things that writing a project asks of a disk. Tests pass a disk that fails at any chosen call. */
import { constants } from 'node:fs';
import { lstat, mkdir, open, readdir, rename, rm, rmdir } from 'node:fs/promises';
import process from 'node:process';

export interface Disk {
  /** Makes one folder. Fails when anything has that name already. */
  makeFolder(path: string): Promise<void>;
  /** Makes a file with its bytes on the disk, not only handed to it. Fails when anything has that name already. */
  makeFile(path: string, bytes: Uint8Array): Promise<void>;
  /** Makes the names inside a folder durable. */
  syncFolder(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** True when anything has that name, be it a link to nowhere. */
  exists(path: string): Promise<boolean>;
  names(folder: string): Promise<readonly string[]>;
  /** Removes a file or a folder with all it holds; a link is removed, never followed. */
  remove(path: string): Promise<void>;
  /** Removes a folder, but only when it is empty. */
  removeEmpty(path: string): Promise<void>;
}

const CREATE = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | (constants.O_NOFOLLOW ?? 0);

export const realDisk: Disk = {
  async makeFolder(path) {
    await mkdir(path);
  },
  async makeFile(path, bytes) {
    const file = await open(path, CREATE, 0o666);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
  },
  async syncFolder(path) {
    // Windows cannot open folders, and makes names durable by itself.
    if (process.platform === 'win32') return;
    const folder = await open(path, constants.O_RDONLY);
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  },
  rename,
  async exists(path) {
    return (await lstat(path).catch(() => undefined)) !== undefined;
  },
  names: (folder) => readdir(folder),
  remove: (path) => rm(path, { recursive: true, force: true, maxRetries: 3 }),
  removeEmpty: (path) => rmdir(path),
};

/** A disk without faults that ends with the process: what the log of a simulated pipeline is written to. */
import { basename, dirname } from 'node:path';
import { failure } from '../base/errors.ts';
import type { Disk, DiskEntry, DiskFile } from '../ports/disk.ts';

class MemoryFile {
  #bytes = Buffer.alloc(0);
  size = 0;

  write(bytes: Uint8Array, position: number): number {
    const end = position + bytes.length;
    if (end > this.#bytes.length) {
      const larger = Buffer.alloc(Math.max(end, 2 * this.#bytes.length, 4096));
      this.#bytes.copy(larger, 0, 0, this.size);
      this.#bytes = larger;
    }
    this.#bytes.set(bytes, position);
    this.size = Math.max(this.size, end);
    return bytes.length;
  }

  read(into: Uint8Array, position: number): number {
    const end = Math.min(this.size, position + into.length);
    if (end <= position) return 0;
    into.set(this.#bytes.subarray(position, end));
    return end - position;
  }

  truncate(size: number): void {
    this.#bytes.fill(0, size);
    this.size = size;
  }
}

export function memoryDisk(): Disk {
  const files = new Map<string, MemoryFile>();
  const inFolder = (folder: string): DiskEntry[] =>
    [...files]
      .filter(([path]) => dirname(path) === folder)
      .map(([path, { size }]) => ({ name: basename(path), kind: 'file', sizeBytes: size }));
  const nothing = (): Promise<void> => Promise.resolve();
  const cannot = (): Promise<never> =>
    Promise.reject(failure('LOG_UNAVAILABLE', { folder: 'memory', reason: 'a simulated disk has no names' }));
  return {
    makeFolder: nothing,
    syncFolder: nothing,
    list: (folder) => Promise.resolve(inFolder(folder).map(({ name }) => name)),
    listAll: (folder) => Promise.resolve(inFolder(folder)),
    kindOf: (path) => Promise.resolve(files.has(path) ? 'file' : undefined),
    rename: cannot,
    link: cannot,
    remove: (path) => {
      files.delete(path);
      return nothing();
    },
    removeFolder: (folder) => {
      for (const path of files.keys()) if (path.startsWith(`${folder}/`)) files.delete(path);
      return nothing();
    },
    freeBytes: () => Promise.resolve(Infinity),
    open: (path, { create }) => {
      const known = files.get(path);
      if (known === undefined && !create)
        return Promise.reject(Object.assign(new Error(path), { code: 'ENOENT' }));
      const file = known ?? new MemoryFile();
      files.set(path, file);
      return Promise.resolve(handleOf(file));
    },
  };
}

function handleOf(file: MemoryFile): DiskFile {
  return {
    write: (bytes, position) => Promise.resolve(file.write(bytes, position)),
    read: (into, position) => Promise.resolve(file.read(into, position)),
    readNow: (into, position) => file.read(into, position),
    sync: () => Promise.resolve(),
    truncate: (size) => Promise.resolve(file.truncate(size)),
    size: () => Promise.resolve(file.size),
    close: () => Promise.resolve(),
  };
}

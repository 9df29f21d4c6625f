/**
 * Where cold files are kept. A folder is the first such place; an object store can be another, since a file is there whole or
 * not at all and never changes.
 *
 *   log/<first position, 20 digits>.parquet               the blocks of a file of the log
 *   events/<source>/<first position, 20 digits>.parquet   its events of one source, as columns
 */
import { dirname, join } from 'node:path';
import type { Disk } from '../../ports/disk.ts';
import { writeAll } from '../framed.ts';

export interface ColdPlace {
  /** For messages. */
  readonly name: string;
  /** What is there, with its size in bytes. */
  list(): Promise<ReadonlyMap<string, number>>;
  /** Writes a file whole and durably, in place of one that is there. */
  put(name: string, bytes: Uint8Array): Promise<void>;
  /** Bytes [at, at + length) of a file, or fewer at its end. Throws ENOENT. */
  read(name: string, at: number, length: number): Promise<Buffer>;
  /** Removes a file; none may be there. */
  remove(name: string): Promise<void>;
}

const INCOMING = 'incoming';

/** The place that a folder is. Nothing is made before the first `put`. */
export function coldFolder(disk: Disk, folder: string): ColdPlace {
  const listOf = async (path: string, found: Map<string, number>): Promise<void> => {
    for (const { name, kind, sizeBytes } of await disk.listAll(join(folder, path))) {
      const inner = path === '' ? name : `${path}/${name}`;
      if (kind === 'folder') await listOf(inner, found);
      else found.set(inner, sizeBytes);
    }
  };
  return {
    name: folder,
    async list() {
      const found = new Map<string, number>();
      await listOf('', found);
      return found;
    },
    async put(name, bytes) {
      const target = join(folder, name);
      const written = join(folder, INCOMING, name.replaceAll('/', '-'));
      for (const each of [dirname(written), dirname(target)]) await disk.makeFolder(each);
      await disk.remove(written);
      const handle = await disk.open(written, { create: true });
      try {
        await writeAll(handle, bytes, 0);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await disk.rename(written, target);
      await disk.syncFolder(dirname(target));
    },
    async read(name, at, length) {
      const handle = await disk.open(join(folder, name), { create: false, readOnly: true });
      try {
        const buffer = Buffer.allocUnsafeSlow(length);
        let read = 0;
        for (let count = -1; read < length && count !== 0; read += count)
          count = await handle.read(buffer.subarray(read), at + read);
        return buffer.subarray(0, read);
      } finally {
        await handle.close();
      }
    },
    remove: (name) => disk.remove(join(folder, name)),
  };
}

/**
 * Where snapshots are kept. A folder is the first such place; an object store can be another, since nothing here is ever
 * changed in part: what is put is there whole or not at all.
 *
 *   files/<sha-256>                     what the manifests name, each content once
 *   manifests/<generation, 10 digits>   one for each snapshot
 *   incoming/                           what is being written; nothing in it counts
 */
import { join } from 'node:path';
import type { Disk, DiskFile } from '../ports/disk.ts';

export type Shelf = 'files' | 'manifests';

export interface SnapshotPlace {
  /** For messages. */
  readonly name: string;
  /** What is on a shelf, with its size in bytes. */
  list(shelf: Shelf): Promise<ReadonlyMap<string, number>>;
  /** Writes a name whole; one that is there is replaced on the shelf of files, and refused with EEXIST on that of manifests. */
  put(shelf: Shelf, name: string, pieces: AsyncIterable<Uint8Array>): Promise<void>;
  /** Makes durable what was put on a shelf or removed from it. */
  settle(shelf: Shelf): Promise<void>;
  /** The content from its first byte on. */
  read(shelf: Shelf, name: string): AsyncIterable<Buffer>;
  remove(shelf: Shelf, name: string): Promise<void>;
  /** Removes what a `put` left that was cut off. */
  clear(): Promise<void>;
}

const PIECE_BYTES = 1024 * 1024;

/** The place that a folder is. Nothing is made before the first `put`. */
export function folderPlace(disk: Disk, folder: string): SnapshotPlace {
  const shelfOf = (shelf: Shelf): string => join(folder, shelf);
  return {
    name: folder,
    async list(shelf) {
      const entries = await disk.listAll(shelfOf(shelf));
      return new Map(entries.map(({ name, sizeBytes }) => [name, sizeBytes]));
    },
    async put(shelf, name, pieces) {
      const incoming = join(folder, 'incoming');
      for (const each of [incoming, shelfOf(shelf)]) await disk.makeFolder(each);
      const written = join(incoming, name);
      await disk.remove(written);
      await writeFile(disk, written, pieces);
      if (shelf === 'files') return disk.rename(written, join(shelfOf(shelf), name));
      await disk.link(written, join(shelfOf(shelf), name));
      await disk.remove(written);
    },
    settle: (shelf) => disk.syncFolder(shelfOf(shelf)),
    read: (shelf, name) => readFile(disk, join(shelfOf(shelf), name)),
    remove: (shelf, name) => disk.remove(join(shelfOf(shelf), name)),
    clear: () => disk.removeFolder(join(folder, 'incoming')),
  };
}

/** Writes a new file and makes its content durable. */
export async function writeFile(disk: Disk, file: string, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  const handle = await disk.open(file, { create: true });
  try {
    let at = 0;
    for await (const piece of pieces) {
      await writeAll(handle, piece, at);
      at += piece.length;
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function writeAll(handle: DiskFile, bytes: Uint8Array, at: number): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    const count = await handle.write(bytes.subarray(written), at + written);
    if (count === 0) throw Object.assign(new Error('the disk took no bytes'), { code: 'ENOSPC' });
    written += count;
  }
}

/** The first bytes of a file, or all of it, in pieces. */
export async function* readFile(disk: Disk, file: string, bytesMax = Infinity): AsyncIterable<Buffer> {
  const handle = await disk.open(file, { create: false, readOnly: true });
  try {
    for (let at = 0; at < bytesMax;) {
      const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, bytesMax - at));
      const count = await handle.read(piece, at);
      if (count === 0) return;
      yield piece.subarray(0, count);
      at += count;
    }
  } finally {
    await handle.close();
  }
}

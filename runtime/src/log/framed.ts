/**
 * A small file that is read whole. Numbers are little-endian.
 *
 *   0  magic, 8 bytes     8  u32  CRC-32 of everything after     12  u32  length     16  JSON
 */
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import type { Disk, DiskFile } from '../ports/disk.ts';

const HEADER_BYTES = 16;
const MAGIC_BYTES = 8;
/** How the name of a file ends that is to replace another; a crash may leave one. */
export const NEXT = '.next';

export function encodeFramed(magic: string, value: unknown): Buffer {
  const json = Buffer.from(JSON.stringify(value));
  const bytes = Buffer.alloc(HEADER_BYTES + json.length);
  bytes.write(magic, 'latin1');
  bytes.writeUInt32LE(json.length, 12);
  bytes.set(json, HEADER_BYTES);
  bytes.writeUInt32LE(crc32(bytes.subarray(12)), 8);
  return bytes;
}

/** The value in these bytes, or undefined when they are not whole. */
export function decodeFramed(magic: string, bytes: Buffer): unknown {
  if (bytes.length < HEADER_BYTES || bytes.toString('latin1', 0, MAGIC_BYTES) !== magic) return undefined;
  if (bytes.length !== HEADER_BYTES + bytes.readUInt32LE(12)) return undefined;
  if (bytes.readUInt32LE(8) !== crc32(bytes.subarray(12))) return undefined;
  return JSON.parse(bytes.toString('utf8', HEADER_BYTES));
}

/** All bytes of a file; undefined when there is none. */
export async function readWhole(disk: Disk, file: string): Promise<Buffer | undefined> {
  if ((await disk.kindOf(file)) !== 'file') return undefined;
  const handle = await disk.open(file, { create: false });
  try {
    const bytes = Buffer.alloc(await handle.size());
    let read = 0;
    for (let count = -1; read < bytes.length && count !== 0; read += count)
      count = await handle.read(bytes.subarray(read), read);
    return bytes.subarray(0, read);
  } finally {
    await handle.close();
  }
}

/** Puts a value in place of a file, durably: beside it, then renamed. */
export async function replaceFramed(disk: Disk, file: string, magic: string, value: unknown): Promise<void> {
  const next = `${file}${NEXT}`;
  await disk.remove(next);
  const handle = await disk.open(next, { create: true });
  try {
    await writeAll(handle, encodeFramed(magic, value), 0);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await disk.rename(next, file);
  await disk.syncFolder(dirname(file));
}

export async function writeAll(handle: DiskFile, bytes: Uint8Array, at: number): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    const count = await handle.write(bytes.subarray(written), at + written);
    if (count === 0) throw Object.assign(new Error('the disk took no bytes'), { code: 'ENOSPC' });
    written += count;
  }
}

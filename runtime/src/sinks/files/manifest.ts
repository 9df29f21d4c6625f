/**
 * The files of a sink and the manifest that says which of them count:
 *
 *   delays/manifest-000000000042.json                         the newest is the one with the largest number
 *   delays/day=2001-01-16/000000000042-5f2c81a0-7.parquet     number of its manifest, data, generation of its writer
 *   delays/.….part                                            what is being written
 *
 * A manifest is made under another name and then linked to its own, which fails when there is one: of two who want to write
 * the next, one wins. Numbers only grow, so what an owner that slept links below the newest is never read.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { failure } from '../../base/errors.ts';
import type { Disk } from '../../ports/disk.ts';
import type { Marker } from '../sink.ts';
import { Output } from './output.ts';

export interface ManifestFile {
  /** Below the folder, with `/`. */
  readonly name: string;
  /** From when on the rows in it are, as epoch milliseconds; null for all rows, or those without a time. */
  readonly fromMs: number | null;
  readonly rows: number;
  readonly bytes: number;
  readonly sha256: string;
}

export interface Manifest extends Marker {
  readonly format: 1;
  readonly pipeline: string;
  readonly view: string;
  readonly fileFormat: string;
  readonly partition: string;
  readonly files: readonly ManifestFile[];
}

const NAME = /^manifest-(\d{12})\.json$/;
const MANIFEST_BYTES_MAX = 64_000_000;

export function manifestName(number: number): string {
  return `manifest-${String(number).padStart(12, '0')}.json`;
}

/** Numbers of the manifests of a folder, the largest first. */
export async function manifestsIn(disk: Disk, folder: string): Promise<number[]> {
  const entries = await disk.listAll(folder);
  return entries.flatMap(({ name }) => NAME.exec(name)?.slice(1).map(Number) ?? []).sort((a, b) => b - a);
}

/** The newest manifest, null when there is none. Throws SINK_FAILED when it is damaged. */
export async function readNewest(
  disk: Disk,
  folder: string,
): Promise<{ readonly number: number; readonly manifest: Manifest } | null> {
  for (;;) {
    const [number] = await manifestsIn(disk, folder);
    if (number === undefined) return null;
    const path = join(folder, manifestName(number));
    const text = await readText(disk, path);
    // Whoever wrote a newer one has removed it meanwhile.
    if (text !== undefined) return { number, manifest: parseManifest(path, text) };
  }
}

async function readText(disk: Disk, path: string): Promise<string | undefined> {
  if ((await disk.kindOf(path)) === undefined) return undefined;
  let file;
  try {
    file = await disk.open(path, { create: false, readOnly: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const bytes = Buffer.alloc(Math.min(await file.size(), MANIFEST_BYTES_MAX));
    let length = 0;
    for (let more = -1; more !== 0 && length < bytes.length; length += more)
      more = await file.read(bytes.subarray(length), length);
    return bytes.toString('utf8', 0, length);
  } finally {
    await file.close();
  }
}

function parseManifest(path: string, text: string): Manifest {
  const damaged = (reason: string): Error =>
    failure('SINK_FAILED', { place: path, reason: `${reason}; move the folder away, and it is filled anew` });
  let value: { checksum?: unknown; format?: unknown };
  try {
    value = JSON.parse(text) as typeof value;
  } catch {
    throw damaged('the manifest is not JSON');
  }
  const { checksum, ...manifest } = value;
  if (checksum !== checksumOf(manifest)) throw damaged('the manifest does not have its checksum');
  if (manifest.format !== 1) throw damaged('the manifest is of a newer version');
  return manifest as Manifest;
}

function checksumOf(manifest: object): string {
  return createHash('sha256').update(JSON.stringify(manifest)).digest('hex');
}

/**
 * Makes a manifest the newest; false when somebody else has one of this number or a larger one. Nothing else is changed.
 * When it throws, it may have happened.
 */
export async function commitManifest(
  disk: Disk,
  folder: string,
  number: number,
  manifest: Manifest,
): Promise<boolean> {
  const name = manifestName(number);
  const part = join(folder, `.${name}-${manifest.data.slice(0, 8)}-${manifest.generation}.part`);
  const output = await Output.create(disk, part);
  try {
    const text = JSON.stringify({ ...manifest, checksum: checksumOf(manifest) });
    await output.append(Buffer.from(text));
    await output.finish();
  } catch (error) {
    await output.abandon();
    throw error;
  }
  const isFirst = await disk.link(part, join(folder, name)).then(
    () => true,
    (error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    },
  );
  await disk.remove(part);
  await disk.syncFolder(folder);
  // Its own number may be free again: then a larger one is there.
  const isNewest = (await manifestsIn(disk, folder))[0] === number;
  if (isFirst && !isNewest) await disk.remove(join(folder, name));
  return isFirst && isNewest;
}

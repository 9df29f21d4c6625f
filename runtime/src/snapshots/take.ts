/**
 * Takes a snapshot: files that do not change while they are read go to a place, those that are there already are not
 * copied again, and a manifest written last makes a snapshot of them.
 *
 *   files ─► read their ends: as the last manifest notes? ─ yes ─► there already
 *                                                         ─ no ──► read whole: content there? ── no ─► put
 *         ─► settle ─► manifest ─► settle ─► older manifests than `keep` go ─► files that no manifest names go
 *
 * Invariants  U1  A snapshot whose manifest is there is whole, also after a crash at any moment.
 *             U2  Taking a snapshot never touches what a manifest that stays names.
 */
import { createHash } from 'node:crypto';
import { failure } from '../base/errors.ts';
import type { Disk } from '../ports/disk.ts';
import { Checksum } from './checksums.ts';
import {
  encodeManifest,
  generationsAt,
  type Manifest,
  type ManifestFile,
  manifestName,
  readManifest,
} from './manifest.ts';
import { readFile, type SnapshotPlace } from './place.ts';

/** A file to be copied: its first bytes, which do not change. */
export interface SourceFile {
  /** Where it lies below the data folder. */
  readonly path: string;
  /** Where it is now. */
  readonly from: string;
  readonly bytes: number;
}

export interface TakeOptions {
  readonly place: SnapshotPlace;
  readonly disk: Disk;
  readonly files: readonly SourceFile[];
  readonly pipeline: string;
  readonly position: number;
  /** How many snapshots stay at the place, this one included. */
  readonly keep: number;
  readonly nowMs: number;
  /** Aborting leaves the place as it was. */
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: { readonly doneBytes: number; readonly totalBytes: number }) => void;
}

export interface TakenSnapshot {
  readonly generation: number;
  readonly position: number;
  readonly takenAt: string;
  readonly files: number;
  readonly bytes: number;
  readonly copiedFiles: number;
  readonly copiedBytes: number;
}

/** Throws SNAPSHOT_FOREIGN, DATA_NEWER, SNAPSHOT_FAILED; the reason of the signal when it aborts. */
export async function takeSnapshot(options: TakeOptions): Promise<TakenSnapshot> {
  const { place, signal } = options;
  const generations = await generationsAt(place);
  const known = await knownManifests(options, generations);
  try {
    await place.clear();
    const { files, copied } = await copyFiles(options, known[0]?.files ?? []);
    const manifest = {
      pipeline: options.pipeline,
      generation: (generations[0] ?? 0) + 1,
      takenAt: new Date(options.nowMs).toISOString(),
      position: options.position,
      files,
    };
    await place.settle('files');
    signal.throwIfAborted();
    await place.put('manifests', manifestName(manifest.generation), only(encodeManifest(manifest)));
    await place.settle('manifests');
    await prune(
      options,
      [files, ...known.slice(0, options.keep - 1).map((each) => each.files)],
      [manifest.generation, ...known.slice(0, options.keep - 1).map(({ generation }) => generation)],
    );
    await place.clear();
    const { generation, position, takenAt } = manifest;
    return {
      generation,
      position,
      takenAt,
      files: files.length,
      bytes: sumOf(files),
      copiedFiles: copied.length,
      copiedBytes: sumOf(copied),
    };
  } catch (error) {
    if (signal.aborted) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    throw failure('SNAPSHOT_FAILED', { place: place.name, reason: code ?? message }, error);
  }
}

/** The manifests that are there and can be read, the newest first. */
async function knownManifests(
  { place, pipeline }: TakeOptions,
  generations: readonly number[],
): Promise<readonly Manifest[]> {
  const known: Manifest[] = [];
  for (const generation of generations) {
    const manifest = await readManifest(place, generation).catch((error: unknown) => {
      if ((error as { code?: unknown }).code === 'SNAPSHOT_DAMAGED') return null;
      throw error;
    });
    if (manifest === null) continue;
    if (manifest.pipeline !== pipeline)
      throw failure('SNAPSHOT_FOREIGN', {
        place: place.name,
        reason: `it holds snapshots of the pipeline "${manifest.pipeline}"`,
      });
    known.push(manifest);
  }
  return known;
}

async function copyFiles(
  { place, disk, files, signal, onProgress }: TakeOptions,
  before: readonly ManifestFile[],
): Promise<{ readonly files: ManifestFile[]; readonly copied: readonly ManifestFile[] }> {
  const there = new Map(await place.list('files'));
  const noted = new Map(before.map((file) => [file.ends, file]));
  const taken: ManifestFile[] = [];
  const copied: ManifestFile[] = [];
  const totalBytes = sumOf(files);
  let doneBytes = 0;
  for (const source of files) {
    signal.throwIfAborted();
    const isThere = ({ sha256, bytes }: ManifestFile): boolean => there.get(sha256) === bytes;
    const ends = await endsOf(disk, source);
    const same = noted.get(ends);
    if (same !== undefined && isThere(same)) {
      taken.push({ ...same, path: source.path });
    } else {
      const file = await noteFile(disk, source, ends, signal);
      if (!isThere(file)) {
        await place.put('files', file.sha256, checked(disk, source, file, signal));
        there.set(file.sha256, file.bytes);
        copied.push(file);
      }
      taken.push(file);
    }
    doneBytes += source.bytes;
    onProgress?.({ doneBytes, totalBytes });
  }
  return { files: taken, copied };
}

const FIRST_BYTES = 4096;
const LAST_BYTES = 64 * 1024;

/** RocksDB's files end with an identity of their own, and the log's begin and end with checksums of what came before. */
async function endsOf(disk: Disk, { path, from, bytes }: SourceFile): Promise<string> {
  const hash = createHash('sha256').update(`${path} ${bytes} `);
  const handle = await disk.open(from, { create: false, readOnly: true });
  try {
    for (const [at, length] of [
      [0, Math.min(FIRST_BYTES, bytes)],
      [Math.max(0, bytes - LAST_BYTES), Math.min(LAST_BYTES, bytes)],
    ] as const) {
      const buffer = Buffer.alloc(length);
      let read = 0;
      for (let count = -1; read < length && count !== 0; read += count)
        count = await handle.read(buffer.subarray(read), at + read);
      if (read < length) throw new Error(`${from} ends before byte ${at + length}`);
      hash.update(buffer);
    }
  } finally {
    await handle.close();
  }
  return hash.digest('hex');
}

async function noteFile(
  disk: Disk,
  { path, from, bytes }: SourceFile,
  ends: string,
  signal: AbortSignal,
): Promise<ManifestFile> {
  const checksum = new Checksum();
  for await (const piece of readFile(disk, from, bytes)) {
    signal.throwIfAborted();
    checksum.add(piece);
  }
  const found = checksum.take();
  if (found.bytes !== bytes) throw new Error(`${from} ends at byte ${found.bytes}, not ${bytes}`);
  return { path, ...found, crc32: [...found.crc32], ends };
}

/** The content once more, which must be what was noted: a disk that reads two things for one file is broken. */
async function* checked(
  disk: Disk,
  { from, bytes }: SourceFile,
  noted: ManifestFile,
  signal: AbortSignal,
): AsyncIterable<Buffer> {
  const checksum = new Checksum();
  for await (const piece of readFile(disk, from, bytes)) {
    signal.throwIfAborted();
    checksum.add(piece);
    yield piece;
  }
  if (checksum.take().sha256 !== noted.sha256) throw new Error(`${from} changed while it was read`);
}

// oxlint-disable-next-line require-await
async function* only(bytes: Buffer): AsyncIterable<Buffer> {
  yield bytes;
}

/** Manifests first, and durably: one that came back after a power cut must find its files. */
async function prune(
  { place }: TakeOptions,
  kept: readonly (readonly ManifestFile[])[],
  generations: readonly number[],
): Promise<void> {
  const isKept = new Set(generations.map(manifestName));
  const old = [...(await place.list('manifests')).keys()].filter((name) => !isKept.has(name));
  for (const name of old) await place.remove('manifests', name);
  if (old.length > 0) await place.settle('manifests');
  const named = new Set(kept.flat().map(({ sha256 }) => sha256));
  for (const name of (await place.list('files')).keys())
    if (!named.has(name)) await place.remove('files', name);
}

function sumOf(files: readonly { readonly bytes: number }[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}

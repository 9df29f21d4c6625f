/**
 * Makes a data folder from a snapshot.
 *
 *   manifest ─► each file, checked while it is copied ─► DIR.restoring ─► everything durable ─► renamed to DIR
 *
 * Invariants  U3  The data folder is there whole or not at all; a restore that failed leaves nothing behind, one that was
 *                 killed a folder that the next one clears away.
 *             U4  What is restored is, byte for byte, what was taken.
 */
import { dirname, join } from 'node:path';
import { CodedError } from '../base/coded-error.ts';
import { failure } from '../base/errors.ts';
import type { Disk } from '../ports/disk.ts';
import { generationsAt, type Manifest, readManifest } from './manifest.ts';
import { type SnapshotPlace, writeFile } from './place.ts';
import { summaryOf, verified, type VerifiedSnapshot } from './verify.ts';

export interface RestoreOptions {
  readonly place: SnapshotPlace;
  readonly disk: Disk;
  /** The data folder to make. REQUIRES that nobody uses it. */
  readonly folder: string;
  /** Whose snapshot it must be. */
  readonly pipeline: string;
  /** Which; the newest unless said. */
  readonly generation?: number;
  /** When the newest is damaged: take the one before it, and say so. */
  readonly orPrevious?: boolean;
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: { readonly doneBytes: number; readonly totalBytes: number }) => void;
}

export interface RestoredSnapshot extends VerifiedSnapshot {
  /** Newer ones that are damaged, and why. */
  readonly skipped: readonly { readonly generation: number; readonly reason: string }[];
}

/** Throws RESTORE_OCCUPIED, RESTORE_FAILED, SNAPSHOT_NONE, SNAPSHOT_DAMAGED, SNAPSHOT_FOREIGN, DATA_NEWER. */
export async function restoreSnapshot(options: RestoreOptions): Promise<RestoredSnapshot> {
  const { place, disk, folder, generation, orPrevious = false } = options;
  await refuseOccupied(disk, folder);
  const there = await generationsAt(place);
  const candidates = generation === undefined ? there : there.filter((each) => each === generation);
  const skipped: { generation: number; reason: string }[] = [];
  for (const [index, candidate] of candidates.entries()) {
    try {
      const manifest = await restoreGeneration(options, candidate);
      return { ...summaryOf(manifest), skipped };
    } catch (error) {
      const isDamaged = error instanceof CodedError && error.code === 'SNAPSHOT_DAMAGED';
      if (!isDamaged || !orPrevious || index === candidates.length - 1) throw error;
      skipped.push({ generation: candidate, reason: error.message });
    }
  }
  throw failure('SNAPSHOT_NONE', { place: place.name });
}

/** An empty folder is as good as none. */
async function refuseOccupied(disk: Disk, folder: string): Promise<void> {
  const kind = await disk.kindOf(folder);
  if (kind === undefined) return;
  if (kind !== 'folder' || (await disk.listAll(folder)).length > 0)
    throw failure('RESTORE_OCCUPIED', { folder });
}

async function restoreGeneration(options: RestoreOptions, generation: number): Promise<Manifest> {
  const { place, disk, folder, pipeline, signal } = options;
  const manifest = await readManifest(place, generation);
  if (manifest.pipeline !== pipeline)
    throw failure('SNAPSHOT_FOREIGN', {
      place: place.name,
      reason: `its snapshots are of the pipeline "${manifest.pipeline}", not of "${pipeline}"`,
    });
  const staging = `${folder}.restoring`;
  try {
    await disk.removeFolder(staging);
    await copyInto(options, manifest, staging);
    signal.throwIfAborted();
    await disk.rename(staging, folder);
    await disk.syncFolder(dirname(folder));
    return manifest;
  } catch (error) {
    await disk.removeFolder(staging).catch(() => {});
    if (signal.aborted || error instanceof CodedError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    throw failure('RESTORE_FAILED', { folder, reason: code ?? message }, error);
  }
}

async function copyInto(
  { place, disk, signal, onProgress }: RestoreOptions,
  manifest: Manifest,
  staging: string,
): Promise<void> {
  await disk.makeFolder(staging);
  const there = await place.list('files');
  const { bytes: totalBytes } = summaryOf(manifest);
  const folders = new Set([staging]);
  let doneBytes = 0;
  for (const file of manifest.files) {
    signal.throwIfAborted();
    const target = join(staging, file.path);
    await disk.makeFolder(dirname(target));
    folders.add(dirname(target));
    await writeFile(disk, target, verified(place, there, file));
    doneBytes += file.bytes;
    onProgress?.({ doneBytes, totalBytes });
  }
  for (const each of folders) await disk.syncFolder(each);
}

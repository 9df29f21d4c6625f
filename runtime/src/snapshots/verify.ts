/** Reads every byte of a snapshot and compares it with its manifest. */
import { failure } from '../base/errors.ts';
import { Checksum, differsAt } from './checksums.ts';
import { generationsAt, type Manifest, type ManifestFile, readManifest } from './manifest.ts';
import type { SnapshotPlace } from './place.ts';

export interface VerifiedSnapshot {
  readonly pipeline: string;
  readonly generation: number;
  readonly position: number;
  readonly takenAt: string;
  readonly files: number;
  readonly bytes: number;
}

/**
 * Checks the newest snapshot of a place, or that of a generation.
 * @throws SNAPSHOT_NONE, SNAPSHOT_DAMAGED, SNAPSHOT_FOREIGN, DATA_NEWER
 */
export async function verifySnapshot(place: SnapshotPlace, generation?: number): Promise<VerifiedSnapshot> {
  const chosen = generation ?? (await generationsAt(place))[0];
  if (chosen === undefined) throw failure('SNAPSHOT_NONE', { place: place.name });
  const manifest = await readManifest(place, chosen);
  const there = await place.list('files');
  for (const file of manifest.files) {
    for await (const piece of verified(place, there, file)) void piece;
  }
  return summaryOf(manifest);
}

export function summaryOf(manifest: Manifest): VerifiedSnapshot {
  const { pipeline, generation, position, takenAt, files } = manifest;
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  return { pipeline, generation, position, takenAt, files: files.length, bytes };
}

/** The content of a file, which ends with an error when it is not the one that the manifest names: SNAPSHOT_DAMAGED. */
export async function* verified(
  place: SnapshotPlace,
  there: ReadonlyMap<string, number>,
  file: ManifestFile,
): AsyncIterable<Buffer> {
  const name = `${place.name}/files/${file.sha256}`;
  const damaged = (at: number, reason: string): Error =>
    failure('SNAPSHOT_DAMAGED', { file: name, at, reason: `${reason}; it is ${file.path}` });
  if (!there.has(file.sha256)) throw damaged(0, 'the file is missing');
  const checksum = new Checksum();
  for await (const piece of place.read('files', file.sha256)) {
    checksum.add(piece);
    yield piece;
  }
  const found = checksum.take();
  const at = differsAt(file, found);
  if (at === null) return;
  const short = found.bytes < file.bytes ? `it ends at byte ${found.bytes} of ${file.bytes}` : null;
  throw damaged(at, short ?? 'its checksum does not match');
}

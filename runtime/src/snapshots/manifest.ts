/**
 * The manifest of a snapshot: written last, so a snapshot is there when its manifest is.
 *
 *   { format, kind, pipeline, generation, takenAt, position, files: [{ path, bytes, sha256, crc32, ends }] } \n
 *   SHA-256 of the line above, in hexadecimal \n
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { failure } from '../base/errors.ts';
import type { Checksums } from './checksums.ts';
import type { SnapshotPlace } from './place.ts';

const FORMAT = 1;
const KIND = 'pipeline-snapshot';
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const manifestSchema = z.strictObject({
  format: z.literal(FORMAT),
  kind: z.literal(KIND),
  pipeline: z.string(),
  generation: z.int().min(1),
  takenAt: z.iso.datetime(),
  /** Of the log: events before it are in the state. */
  position: z.int().min(0),
  files: z.array(
    z.strictObject({
      /** Below the data folder; no part of it begins with a dot. */
      path: z.string().regex(/^(?:[\w-][\w.=-]*\/)+[\w-][\w.=-]*$/),
      bytes: z.int().min(0),
      sha256,
      crc32: z.array(z.int().min(0)),
      /** SHA-256 of its first and last bytes, which tells files that never change apart without reading them. */
      ends: sha256,
    }),
  ),
});

export type Manifest = z.output<typeof manifestSchema>;
export type ManifestFile = Manifest['files'][number] & Checksums;

export function manifestName(generation: number): string {
  return String(generation).padStart(10, '0');
}

export function encodeManifest(manifest: Omit<Manifest, 'format' | 'kind'>): Buffer {
  const text = `${JSON.stringify({ format: FORMAT, kind: KIND, ...manifest })}\n`;
  return Buffer.from(`${text}${hash(text)}\n`);
}

const hash = (text: string): string => createHash('sha256').update(text).digest('hex');

/** The generations at a place, the newest first; what else is there is not ours. Throws SNAPSHOT_FOREIGN. */
export async function generationsAt(place: SnapshotPlace): Promise<readonly number[]> {
  const names = [...(await place.list('manifests')).keys()];
  const foreign = names.find((name) => !/^\d{10}$/.test(name));
  if (foreign !== undefined)
    throw failure('SNAPSHOT_FOREIGN', { place: place.name, reason: `it holds manifests/${foreign}` });
  return names.map(Number).sort((a, b) => b - a);
}

/** Reads and checks a manifest. Throws SNAPSHOT_DAMAGED, SNAPSHOT_FOREIGN, DATA_NEWER. */
export async function readManifest(place: SnapshotPlace, generation: number): Promise<Manifest> {
  const file = `${place.name}/manifests/${manifestName(generation)}`;
  const pieces: Buffer[] = [];
  for await (const piece of place.read('manifests', manifestName(generation))) pieces.push(piece);
  const text = Buffer.concat(pieces).toString('utf8');
  const end = text.indexOf('\n') + 1;
  if (end === 0 || text.slice(end) !== `${hash(text.slice(0, end))}\n`)
    throw failure('SNAPSHOT_DAMAGED', { file, at: Math.max(0, end), reason: 'its checksum does not match' });
  return checked(JSON.parse(text.slice(0, end)), generation, file);
}

function checked(value: unknown, generation: number, file: string): Manifest {
  const { kind, format } = z.looseObject({ kind: z.unknown(), format: z.unknown() }).parse(value);
  if (kind !== KIND) throw failure('SNAPSHOT_FOREIGN', { place: file, reason: 'it is not of a snapshot' });
  if (typeof format === 'number' && format > FORMAT) throw failure('DATA_NEWER', { file });
  const manifest = manifestSchema.safeParse(value);
  if (!manifest.success || manifest.data.generation !== generation)
    throw failure('SNAPSHOT_DAMAGED', {
      file,
      at: 0,
      reason: 'it is that of another generation, or of none',
    });
  return manifest.data;
}

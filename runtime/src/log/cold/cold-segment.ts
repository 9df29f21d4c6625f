/**
 * A file of the log that lies in Parquet: the same blocks, byte for byte, so every reader finds the same positions, offsets,
 * times of append, producers and records. Each block carries its checksum; the file's own are in the manifest.
 */
import { join } from 'node:path';
import { CodedError } from '../../base/coded-error.ts';
import { failure } from '../../base/errors.ts';
import type { Disk } from '../../ports/disk.ts';
import { decodeBlock, decodeLengths, type StoredBlock } from '../block.ts';
import { encodeFramed, readWhole } from '../framed.ts';
import type { SegmentSummary } from '../segment-index.ts';
import { checkedReads, COLD_MAGIC, type ColdManifest, damageIn, readManifest } from './manifest.ts';
import { COMPRESSORS } from './parquet.ts';
import type { ColdPlace } from './place.ts';

/** The one column of the file of blocks that a replay reads. */
export const BLOCK_COLUMN = 'block';

export class ColdSegment {
  readonly file: string;
  readonly firstPosition: number;
  readonly summary: SegmentSummary;
  readonly isEmpty = false;
  readonly #disk: Disk;
  readonly #place: ColdPlace;
  readonly manifest: ColdManifest;
  /** The manifest. */
  readonly manifestFile: string;

  constructor(disk: Disk, manifestFile: string, manifest: ColdManifest, place: ColdPlace) {
    this.#disk = disk;
    this.#place = place;
    this.manifest = manifest;
    this.manifestFile = manifestFile;
    this.file = `${place.name}/${manifest.files[0].name}`;
    this.firstPosition = manifest.summary.firstPosition;
    this.summary = manifest.summary;
  }

  static nameOf(firstPosition: number): string {
    return `${String(firstPosition).padStart(20, '0')}.cold`;
  }

  /** Of what lies in the place. */
  get sizeBytes(): number {
    return this.manifest.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  get manifestBytes(): number {
    return encodeFramed(COLD_MAGIC, this.manifest).length;
  }

  /** The blocks from the one that holds a position, row group by row group. Throws LOG_CORRUPT. */
  async *read(from: number, _how: unknown = null): AsyncIterable<StoredBlock> {
    const { groups, summary } = this.manifest;
    const { parquetMetadataAsync } = await import('hyparquet');
    const first = Math.max(
      0,
      groups.findLastIndex((position) => position <= from),
    );
    let position = groups[first] ?? summary.firstPosition;
    try {
      const buffer = this.#buffer;
      const metadata = await parquetMetadataAsync(buffer);
      let rowStart = 0;
      for (const [index, group] of metadata.row_groups.entries()) {
        const rowEnd = rowStart + Number(group.num_rows);
        if (index >= first)
          for (const bytes of await this.#bytesOf(buffer, metadata, rowStart, rowEnd)) {
            const lengths = decodeLengths(bytes);
            const block = lengths === undefined ? undefined : decodeBlock(bytes, lengths);
            if (block?.position !== position) throw new Error(`no block of position ${position}`);
            position += block.count;
            if (position > from) yield block;
          }
        rowStart = rowEnd;
      }
      if (position !== summary.end) throw new Error(`it ends at position ${position}, not ${summary.end}`);
    } catch (error) {
      throw await this.#failureOf(error);
    }
  }

  get #buffer() {
    const [file] = this.manifest.files;
    const read = checkedReads(this.#place, file);
    return {
      byteLength: file.sizeBytes,
      slice: async (start: number, end = file.sizeBytes): Promise<ArrayBuffer> => {
        const bytes = await read(start, end);
        return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer;
      },
    };
  }

  async #bytesOf(
    file: { readonly byteLength: number; slice(start: number, end?: number): Promise<ArrayBuffer> },
    metadata: object,
    rowStart: number,
    rowEnd: number,
  ): Promise<Buffer[]> {
    const { parquetReadObjects } = await import('hyparquet');
    const rows = await parquetReadObjects({
      file,
      metadata: metadata as never,
      columns: [BLOCK_COLUMN],
      rowStart,
      rowEnd,
      compressors: COMPRESSORS,
      utf8: false,
    });
    return rows.map((row) => {
      const bytes = row[BLOCK_COLUMN] as Uint8Array;
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    });
  }

  /** What a reader of Parquet says of damaged bytes says nothing of where they are: the checksums do. */
  async #failureOf(error: unknown): Promise<unknown> {
    if (error instanceof CodedError) return error;
    const { code = '', message } = error as NodeJS.ErrnoException;
    const damage = await damageIn(this.#place, this.manifest.files[0]).catch(() => null);
    if (damage !== null) return damage;
    // What a disk says is no damage: EIO, EMFILE.
    if (/^E[A-Z0-9]+$/.test(code)) return error;
    return failure('LOG_CORRUPT', { file: this.file, at: 0, reason: message }, error);
  }

  /** Reads and checks every byte of all its files; returns the first damage. */
  async damage(logName: string, previous: number): Promise<CodedError | null> {
    if (this.manifest.previous !== previous)
      return failure('LOG_CORRUPT', {
        file: this.manifestFile,
        at: 0,
        reason: 'it belongs to another time of this log',
      });
    try {
      readManifest(this.manifestFile, await readWhole(this.#disk, this.manifestFile), logName);
      for (const file of this.manifest.files) {
        const damage = await damageIn(this.#place, file);
        if (damage !== null) return damage;
      }
      for await (const { records, count, position } of this.read(0))
        if (records.length !== count) throw new Error(`the block of position ${position} has other records`);
      return null;
    } catch (error) {
      if (error instanceof CodedError) return error;
      return failure('LOG_CORRUPT', { file: this.file, at: 0, reason: (error as Error).message }, error);
    }
  }

  /** Removes its files. REQUIRES that the log begins behind it, durably. */
  async remove(): Promise<void> {
    for (const { name } of this.manifest.files) await this.#place.remove(name);
    await this.#disk.remove(this.manifestFile);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** Opens a file that went cold, by its manifest. Throws LOG_CORRUPT, DATA_NEWER. */
export async function openCold(
  disk: Disk,
  { folder, name, logName, place }: { folder: string; name: string; logName: string; place: ColdPlace },
): Promise<ColdSegment> {
  const file = join(folder, name);
  return new ColdSegment(disk, file, readManifest(file, await readWhole(disk, file), logName), place);
}

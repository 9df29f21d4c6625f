/**
 * Delivers a view to files. Each partition that changed is written anew, as a whole, beside what is there:
 *
 *   rows ─► .….part ─► fsync ─► rename ─► fsync of its folder ─► manifest (the commit) ─► what it replaced is removed
 *
 * A reader takes the files that the newest manifest names (see manifest.ts); when one is gone meanwhile, it takes the newest
 * manifest again. Between deliveries the folder has no other files, so that whoever reads all of it reads the same.
 */
import { dirname, join } from 'node:path';
import { CodedError } from '../../base/coded-error.ts';
import { failure } from '../../base/errors.ts';
import type { FileFormat, FilesTarget, Partition } from '../../config/sinks.ts';
import type { Disk } from '../../ports/disk.ts';
import type { ViewLayout } from '../../views/layout.ts';
import { clashOf, flatColumns } from '../columns.ts';
import {
  type Claim,
  claimed,
  type Delivery,
  type Marker,
  refuseClaim,
  refuseDelivery,
  type Sink,
} from '../sink.ts';
import { writerOf } from './formats.ts';
import {
  commitManifest,
  type Manifest,
  type ManifestFile,
  manifestName,
  manifestsIn,
  readNewest,
} from './manifest.ts';
import { Output } from './output.ts';
import { type Partitioning, PARTITIONINGS } from './partition.ts';

export interface FileSinkOptions extends Pick<FilesTarget, 'folder' | 'format' | 'partition'> {
  readonly disk: Disk;
  readonly pipeline: string;
  readonly view: string;
  readonly sink: string;
}

/** A manifest names so many files at most. */
const FILES_MAX = 20_000;
const CLAIMS_MAX = 100;
/** Files of ours: the number of their manifest first. */
const OURS = /^\.?(?:manifest-)?(\d{12})-[\da-f]{8}-\d+\.(?:jsonl|csv|parquet)(?:\.part)?$/;
const MANIFEST_PART = /^\.manifest-(\d{12})\.json-.*\.part$/;
/** What may come right when somebody makes room. */
const MAY_PASS: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE', 'EAGAIN', 'EBUSY']);

export class FileSink implements Sink {
  readonly guarantee = 'exactly-once';
  readonly place: string;
  readonly shape: string;
  readonly #options: FileSinkOptions;
  readonly #format: FileFormat;
  /** The newest manifest, while this owner has the sink. */
  #number = 0;
  #files: readonly ManifestFile[] = [];
  /** What a delivery wrote of which we do not know whether it counts. */
  #unsure: readonly ManifestFile[] = [];

  constructor(options: FileSinkOptions) {
    this.#options = options;
    this.#format = options.format;
    this.place = `files ${options.folder}`;
    this.shape = JSON.stringify(['files', options.format, options.partition ?? null]);
  }

  async check(layout: ViewLayout, claim: Claim | null): Promise<void> {
    this.#partitionOf(layout);
    const clash = clashOf(flatColumns(layout.columns));
    if (clash !== undefined && this.#format !== 'jsonl')
      throw failure('SINK_INVALID', {
        sink: this.#options.sink,
        problem: `two columns of view "${layout.view.name}" would be named "${clash}"; rename one, or use jsonl`,
      });
    await this.#guarded(async () => {
      const newest = await this.#newest();
      refuseClaim(this.place, newest?.manifest ?? null, claim);
    });
  }

  #partitionOf(layout: ViewLayout): Partition {
    const { partition, sink, view } = this.#options;
    if (partition === undefined) return layout.isByTime ? 'day' : 'none';
    if (partition === 'none' || layout.isByTime) return partition;
    throw failure('SINK_INVALID', {
      sink,
      problem: `view "${view}" has no window and no time of its own, so it has no partition by ${partition}; say partition: none`,
    });
  }

  async #newest(): Promise<{ readonly number: number; readonly manifest: Manifest } | null> {
    const { disk, folder, pipeline, view } = this.#options;
    const foreign = (reason: string): Error => failure('SINK_FOREIGN', { place: this.place, reason });
    const kind = await disk.kindOf(folder);
    if (kind !== undefined && kind !== 'folder') throw foreign('it is no folder');
    const newest = await readNewest(disk, folder);
    if (newest === null) {
      const other = (await disk.listAll(folder)).find(({ name }) => !name.startsWith('.'));
      if (other !== undefined) throw foreign(`it holds "${other.name}" and no manifest`);
    } else if (newest.manifest.pipeline !== pipeline || newest.manifest.view !== view) {
      const { pipeline: theirs, view: other } = newest.manifest;
      throw foreign(`it holds view "${other}" of pipeline "${theirs}"`);
    }
    return newest;
  }

  async claim(claim: Claim): Promise<Marker | null> {
    const { disk, folder } = this.#options;
    return this.#guarded(async () => {
      await disk.makeFolder(folder, { shared: true });
      for (let attempt = 0; attempt < CLAIMS_MAX; attempt++) {
        const newest = await this.#newest();
        const found = newest?.manifest ?? null;
        refuseClaim(this.place, found, claim);
        const number = (newest?.number ?? 0) + 1;
        const files = found?.files ?? [];
        const { fileFormat = this.#format, partition = '' } = found ?? {};
        const manifest = { ...this.#manifest(claimed(found, claim), fileFormat, partition), files };
        // Somebody else was first: he may be a later owner, or one that is refused after this.
        if (!(await commitManifest(disk, folder, number, manifest))) continue;
        this.#number = number;
        this.#files = files;
        await this.#tidy();
        return found;
      }
      throw failure('SINK_UNAVAILABLE', { place: this.place, reason: 'others write there all the time' });
    });
  }

  #manifest(marker: Marker, fileFormat: string, partition: string): Omit<Manifest, 'files'> {
    const { data, generation, sequence, commits, position } = marker;
    const { pipeline, view } = this.#options;
    return {
      format: 1,
      pipeline,
      view,
      data,
      generation,
      sequence,
      commits,
      position,
      fileFormat,
      partition,
    };
  }

  /** Removes what those left that wrote before the claim: nothing of it counts, and nothing of it can any more. */
  async #tidy(): Promise<void> {
    const { disk, folder } = this.#options;
    const counts = new Set(this.#files.map(({ name }) => name));
    const isLeft = (name: string, path: string): boolean => {
      const number = (OURS.exec(name) ?? MANIFEST_PART.exec(name))?.[1];
      return number !== undefined && Number(number) <= this.#number && !counts.has(path);
    };
    for (const { name, kind } of await disk.listAll(folder)) {
      if (kind === 'file' && isLeft(name, name)) await disk.remove(join(folder, name));
      if (kind !== 'folder' || !/^(?:window|hour|day)=/.test(name)) continue;
      for (const entry of await disk.listAll(join(folder, name)))
        if (entry.kind === 'file' && isLeft(entry.name, `${name}/${entry.name}`))
          await disk.remove(join(folder, name, entry.name));
    }
    await this.#removeOlder();
  }

  async #removeOlder(): Promise<void> {
    const { disk, folder } = this.#options;
    for (const number of await manifestsIn(disk, folder))
      if (number < this.#number) await disk.remove(join(folder, manifestName(number)));
  }

  marker(): Promise<Marker | null> {
    return this.#guarded(async () => {
      const newest = await this.#newest();
      // Ours that we did not hear of: the next one comes behind it.
      if (newest !== null && newest.number > this.#number) {
        this.#number = newest.number;
        this.#files = newest.manifest.files;
        await this.#tidy();
      } else await this.#remove(this.#unsure);
      this.#unsure = [];
      return newest?.manifest ?? null;
    });
  }

  deliver(delivery: Delivery): Promise<void> {
    return this.#guarded(() =>
      this.#deliver(delivery).catch(async (error: unknown) => {
        // Another owner tidied up behind us.
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') await this.#refused(delivery, []);
        throw error;
      }),
    );
  }

  async #deliver(delivery: Delivery): Promise<void> {
    const { disk, folder } = this.#options;
    const newest = await this.#newest();
    refuseDelivery(this.place, newest?.manifest ?? null, delivery);
    const number = this.#number + 1;
    const partition = this.#partitionOf(delivery.layout);
    const written = await this.#write(delivery, number, PARTITIONINGS[partition]);
    const files = [...written.kept, ...written.files];
    this.#unsure = written.files;
    const manifest = { ...this.#manifest(delivery.marker, this.#format, partition), files };
    const isCommitted = await commitManifest(disk, folder, number, manifest);
    this.#unsure = [];
    if (!isCommitted) await this.#refused(delivery, written.files);
    const counts = new Set(files.map(({ name }) => name));
    const replaced = this.#files.filter(({ name }) => !counts.has(name));
    this.#number = number;
    this.#files = files;
    await this.#remove(replaced);
    await this.#removeOlder();
  }

  async #remove(files: readonly ManifestFile[]): Promise<void> {
    for (const { name } of files) await this.#options.disk.remove(join(this.#options.folder, name));
  }

  /** What was written for nothing goes. */
  async #refused(delivery: Delivery, files: readonly ManifestFile[]): Promise<never> {
    await this.#remove(files);
    refuseDelivery(this.place, (await this.#newest())?.manifest ?? null, delivery);
    throw failure('SINK_MOVED', { place: this.place });
  }

  /** Writes the partitions that changed; `kept` are the files of the others. */
  async #write(
    delivery: Delivery,
    number: number,
    partitioning: Partitioning,
  ): Promise<{ readonly files: readonly ManifestFile[]; readonly kept: readonly ManifestFile[] }> {
    const starts = await startsOf(delivery, partitioning);
    const isKept = ({ fromMs }: ManifestFile): boolean => !starts.has(fromMs ?? -Infinity);
    const kept = delivery.isWhole ? [] : this.#files.filter(isKept);
    if (starts.size + kept.length > FILES_MAX)
      throw failure('SINK_FAILED', {
        place: this.place,
        reason: `more than ${FILES_MAX} partitions; choose a longer one, such as day`,
      });
    const files: ManifestFile[] = [];
    try {
      for (const startMs of [...starts].sort((a, b) => a - b)) {
        const file = await this.#writePartition(delivery, number, partitioning, startMs);
        if (file !== null) files.push(file);
      }
    } catch (error) {
      await this.#remove(files).catch(() => {});
      throw error;
    }
    return { files, kept };
  }

  /** Null when no row is there. */
  async #writePartition(
    delivery: Delivery,
    number: number,
    partitioning: Partitioning,
    startMs: number,
  ): Promise<ManifestFile | null> {
    const { disk, folder } = this.#options;
    const { marker, layout } = delivery;
    const { data, generation } = marker;
    const base = `${String(number).padStart(12, '0')}-${data.slice(0, 8)}-${generation}.${this.#format}`;
    const below = partitioning.folderOf(startMs);
    const name = below === '' ? base : `${below}/${base}`;
    const path = join(folder, name);
    const part = join(dirname(path), `.${base}.part`);
    let output: Output | null = null;
    let count = 0;
    try {
      let writer: Awaited<ReturnType<typeof writerOf>> | null = null;
      for await (const piece of delivery.rows(startMs, partitioning.endOf(startMs))) {
        if (output === null) {
          await disk.makeFolder(dirname(path), { shared: true });
          output = await Output.create(disk, part);
          writer = await writerOf(this.#format, layout, output);
        }
        const copies = piece.flatMap((each) => Array.from({ length: each.count }, () => each.row));
        count += copies.length;
        await writer?.write(copies);
      }
      if (output === null) return null;
      await writer?.finish();
      const { bytes, sha256 } = await output.finish();
      await disk.rename(part, path);
      await disk.syncFolder(dirname(path));
      return { name, fromMs: startMs === -Infinity ? null : startMs, rows: count, bytes, sha256 };
    } catch (error) {
      await output?.abandon();
      await disk.remove(part).catch(() => {});
      throw error;
    }
  }

  /** What a disk says has a code. */
  async #guarded<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (error instanceof CodedError || code === undefined) throw error;
      const row = MAY_PASS.has(code) ? 'SINK_UNAVAILABLE' : 'SINK_FAILED';
      throw failure(row, { place: this.place, reason: code }, error);
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** Where the partitions begin that have a row that may differ. */
async function startsOf(delivery: Delivery, partitioning: Partitioning): Promise<Set<number>> {
  const { layout } = delivery;
  const starts = new Set<number>();
  for await (const piece of delivery.keys())
    for (const key of piece)
      starts.add(partitioning.startOf(layout.isByTime ? layout.timeOf(key) : -Infinity));
  return starts;
}

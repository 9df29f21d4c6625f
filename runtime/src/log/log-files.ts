/**
 * The files of a log, from its start to the one that is written to.
 *
 *   start ─► cold (Parquet, `cold/`) ─► sealed, known by their indexes ─► the last one, which is written to
 *
 * The oldest go by retention, the next oldest go cold; neither changes a position. One of the two is done at a time.
 */
import { basename, join } from 'node:path';
import { CodedError } from '../base/coded-error.ts';
import { failure } from '../base/errors.ts';
import { Turns } from '../base/turns.ts';
import type { Field } from '../data/decode.ts';
import type { Clock } from '../ports/clock.ts';
import type { Disk, DiskEntry } from '../ports/disk.ts';
import { newRoom, type Reading, type ReadingRoom } from './block-reader.ts';
import { ColdSegment, openCold } from './cold/cold-segment.ts';
import type { ColdPlace } from './cold/place.ts';
import { rollFile } from './cold/roll.ts';
import { reasonOf } from './disk-reasons.ts';
import { NEXT } from './framed.ts';
import type { Block, LogReading } from './log.ts';
import { removable, type RetentionLimits, type Trimmed } from './retention.ts';
import type { SegmentSummary } from './segment-index.ts';
import { Segment } from './segment.ts';
import { type LogStart, readStart, sizeOf, START_FILE, startBehind, writeStart } from './start-file.ts';
import { trimmed } from './trimmed.ts';

/** More than this is not kept for the next reader. */
const ROOM_BYTES_MAX = 8 * 1024 * 1024;

type LogFile = Segment | ColdSegment;

/** What reading every byte of a file found. */
export interface LogFileCheck {
  readonly file: string;
  readonly sizeBytes: number;
  readonly damage: CodedError | null;
}

/** A file, and what it is called from the data folder on. */
interface NamedFile {
  readonly file: string;
  readonly sizeBytes: number;
}

export class LogFiles {
  readonly #folder: string;
  readonly #logName: string;
  readonly #disk: Disk;
  readonly #place: ColdPlace | null;
  readonly #files: LogFile[] = [];
  readonly #tidying = new Turns();
  #start: LogStart;
  /** The file that is written to is full, whatever its size. */
  isFull = false;
  /** Those for whom no file may go at the moment. */
  #holds = 0;
  /** What the last reader that passed has left for the next. */
  #room: ReadingRoom | null = null;

  private constructor(folder: string, disk: Disk, place: ColdPlace | null, start: LogStart) {
    this.#folder = folder;
    this.#logName = basename(folder);
    this.#disk = disk;
    this.#place = place;
    this.#start = start;
  }

  /** Opens the files of a folder, which must hold everything up to `seenTo`. Throws LOG_CORRUPT, DATA_FOREIGN, DATA_NEWER, and what the disk says. */
  static async open(folder: string, disk: Disk, place: ColdPlace | null, seenTo: number): Promise<LogFiles> {
    await disk.makeFolder(folder);
    const entries = await listFolder(disk, folder);
    const files = new LogFiles(folder, disk, place, await readStart(disk, folder, basename(folder)));
    try {
      const { kept, left } = files.#sort(entries);
      await files.#openAll(kept, seenTo);
      for (const name of left) await disk.remove(join(folder, name));
      await files.#clearPlace();
    } catch (error) {
      await files.close().catch(() => {});
      throw error;
    }
    return files;
  }

  /** What is of the log, and what a crash left of what is not any more. */
  #sort(entries: readonly DiskEntry[]): {
    readonly kept: readonly DiskEntry[];
    readonly left: readonly string[];
  } {
    const left: string[] = [];
    const isCold = new Set(
      entries.filter(({ name }) => name.endsWith('.cold')).map(({ name }) => firstOf(name)),
    );
    const kept: DiskEntry[] = [];
    for (const entry of entries) {
      const { name } = entry;
      if (name === START_FILE) continue;
      const isGone = firstOf(name) < this.start || (isCold.has(firstOf(name)) && !name.endsWith('.cold'));
      if (name.endsWith(NEXT) || isGone) left.push(name);
      else if (!name.endsWith('.index')) kept.push(entry);
    }
    return { kept, left };
  }

  async #openAll(entries: readonly DiskEntry[], seenTo: number): Promise<void> {
    const [folder, disk] = [this.#folder, this.#disk];
    let due = this.start;
    for (const [index, { name, sizeBytes }] of entries.entries()) {
      const first = firstOf(name);
      if (first !== due) throw this.#missing(due, `${folder}/${name}`);
      const next = entries[index + 1];
      const place = { firstPosition: first, previous: this.lastChecksum };
      const file = name.endsWith('.cold')
        ? await this.#openCold(name, place.previous)
        : ((next === undefined
            ? undefined
            : await Segment.openSealed(disk, folder, { ...place, sizeBytes, end: firstOf(next.name) })) ??
          (await Segment.open(disk, folder, { ...place, isLast: next === undefined, seenTo })));
      this.#files.push(file);
      due = file.summary.end;
    }
    const isCut = this.#files.at(-1) instanceof ColdSegment || (entries.length === 0 && this.start > 0);
    if (isCut) throw this.#missing(due, join(folder, START_FILE));
    // The last file's name may not be durable yet: a process that died had created it.
    if (entries.length > 0) await disk.syncFolder(folder);
  }

  async #openCold(name: string, previous: number): Promise<ColdSegment> {
    const manifestFile = join(this.#folder, name);
    if (this.#place === null)
      throw failure('LOG_CORRUPT', { file: manifestFile, at: 0, reason: 'nobody said where cold files are' });
    const cold = await openCold(this.#disk, {
      folder: this.#folder,
      name,
      logName: this.#logName,
      place: this.#place,
    });
    if (cold.manifest.previous !== previous)
      throw failure('LOG_CORRUPT', {
        file: manifestFile,
        at: 0,
        reason: 'it belongs to another time of this log',
      });
    return cold;
  }

  /** Cold files that nothing names: of a roll that did not come to its manifest, or of a removal that did not end. */
  async #clearPlace(): Promise<void> {
    if (this.#place === null) return;
    const there = await this.#place.list();
    for (const { name, sizeBytes } of this.cold) {
      const found = there.get(name);
      if (found === sizeBytes) continue;
      const reason =
        found === undefined ? 'the file is missing' : `it has ${found} bytes, and had ${sizeBytes}`;
      const at = Math.min(found ?? 0, sizeBytes);
      throw failure('LOG_CORRUPT', { file: `${this.#place.name}/${name}`, at, reason });
    }
    const named = new Set(this.cold.map(({ name }) => name));
    for (const name of there.keys()) if (!named.has(name)) await this.#place.remove(name);
  }

  #missing(position: number, file: string): Error {
    return failure('LOG_CORRUPT', { file, at: 0, reason: `the file from position ${position} is missing` });
  }

  get start(): number {
    return this.#start.position;
  }

  get removedUntilMs(): number | null {
    return this.#start.removedUntilMs;
  }

  /** What is known of all that was ever in the log, in its order. */
  get summaries(): readonly Pick<SegmentSummary, 'end' | 'offsets' | 'sequences'>[] {
    return [{ ...this.#start, end: this.#start.position }, ...this.#files.map(({ summary }) => summary)];
  }

  /** Of the last block; of the one before the start while there is none. */
  get lastChecksum(): number {
    return this.#files.at(-1)?.summary.lastChecksum ?? this.#start.previous;
  }

  /** Bytes of all files. */
  get sizeBytes(): number {
    return this.#files.reduce((sum, file) => sum + file.sizeBytes, 0);
  }

  /** When the oldest record was appended; null when there is none. */
  get oldestAtMs(): number | null {
    return this.#files[0]?.summary.firstAppendedAtMs ?? null;
  }

  /** The file that is written to. */
  get last(): Segment | undefined {
    return this.#files.at(-1) as Segment | undefined;
  }

  /** The next file to write to. The last one is sealed; it goes when it is empty, since the next has its name. */
  async add(segment: Segment): Promise<void> {
    const { last } = this;
    if (last?.isEmpty === true) await this.#files.pop()?.close();
    else await last?.seal();
    this.#files.push(segment);
    this.isFull = false;
  }

  /**
   * Removes the oldest files that are over the limits and end before `needed` (L5). What fails leaves the log as it was: the
   * next call tries again.
   */
  trim(needed: number, limits: RetentionLimits): Promise<Trimmed> {
    return this.#tidying.take(async () => {
      this.#closeOld(limits.olderThanMs ?? -Infinity);
      const known = this.#files.map(({ summary, sizeBytes }) => ({ ...summary, sizeBytes }));
      const count = this.#holds > 0 ? 0 : removable(known, needed, limits);
      const isHeld = removable(known, Infinity, limits) > count;
      if (count === 0) return { files: 0, isHeld };
      const going = this.#files.slice(0, count).map(({ summary }) => summary);
      const start = startBehind(this.#start, going);
      await this.#saying(async () => {
        await writeStart(this.#disk, this.#folder, start);
        this.#start = start;
        for (const file of this.#files.splice(0, count)) await file.remove();
      });
      return { files: count, isHeld };
    });
  }

  /** The file that is written to ends when its first event is too old, so that it can go or go cold once it is. */
  #closeOld(olderThanMs: number): void {
    if ((this.last?.summary.firstAppendedAtMs ?? Infinity) < olderThanMs) this.isFull = true;
  }

  /** Lets the oldest sealed file go cold whose events are all older; false when there is none. */
  roll(olderThanMs: number, clock: Clock, fieldsOf: (source: string) => readonly Field[]): Promise<boolean> {
    return this.#tidying.take(async () => {
      this.#closeOld(olderThanMs);
      const index = this.#files.findIndex((file) => file instanceof Segment);
      const hot = this.#files[index];
      const isOld = (hot?.summary.lastAppendedAtMs ?? Infinity) < olderThanMs;
      if (this.#place === null || !(hot instanceof Segment) || hot === this.last || !isOld) return false;
      const previous = this.#files[index - 1]?.summary.lastChecksum ?? this.#start.previous;
      const [disk, folder, place] = [this.#disk, this.#folder, this.#place];
      const { log } = this.#start;
      await this.#saying(async () => {
        const cold = await rollFile({ disk, clock, folder, place, log, fieldsOf }, hot, previous);
        this.#files[index] = cold;
        // A snapshot may be giving it a second name: then the next opening removes it.
        if (this.#holds === 0) await hot.remove();
      });
      return true;
    });
  }

  async #saying(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (error instanceof CodedError || code === undefined) throw error;
      throw failure('LOG_UNAVAILABLE', { folder: this.#folder, reason: reasonOf(error) }, error);
    }
  }

  /** No file goes until the function that is returned was called. */
  hold(): () => void {
    this.#holds++;
    return () => {
      this.#holds--;
    };
  }

  fileStart(position: number): number | undefined {
    return this.#files[this.#indexOf(position)]?.firstPosition;
  }

  /** Index of the file that holds a position, by bisection. */
  #indexOf(position: number): number {
    let low = 0;
    let high = this.#files.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#files[middle]?.summary.end ?? Infinity) <= position) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The position of the first block that was appended at this moment or later. */
  async positionAtTime(appendedAtMs: number, end: number): Promise<number> {
    const file = this.#files.find(({ summary }) => (summary.lastAppendedAtMs ?? -Infinity) >= appendedAtMs);
    if (file === undefined) return end;
    // The last block that the index names before that moment; the one that is looked for is not far behind it.
    const entry = file.summary.entries.findLast(([, , atMs]) => atMs < appendedAtMs);
    for await (const block of this.read(entry?.[0] ?? file.firstPosition, end))
      if (block.appendedAtMs >= appendedAtMs) return block.position;
    return end;
  }

  /** Blocks from the one that holds a position up to an end. Throws LOG_TRIMMED, LOG_CORRUPT, LOG_UNAVAILABLE. */
  async *read(
    from: number,
    end: number,
    { isPassing = false, wants }: LogReading = {},
  ): AsyncIterable<Block> {
    if (!isPassing) return yield* this.#read(from, end, {});
    const room = this.#room ?? newRoom();
    // Whoever reads at the same time makes room of their own.
    this.#room = null;
    try {
      yield* this.#read(from, end, { room, wants });
    } finally {
      if (room.bytes.length <= ROOM_BYTES_MAX) this.#room = room;
    }
  }

  async *#read(from: number, end: number, how: Reading): AsyncIterable<Block> {
    if (from < this.start) throw trimmed(this, from);
    let position = from;
    while (position < end) {
      const file = this.#files[this.#indexOf(position)];
      if (file === undefined) return;
      try {
        for await (const block of file.read(position, how)) {
          if (block.position >= end) return;
          position = block.position + block.count;
          yield block;
        }
      } catch (error) {
        // It went, or went cold, between finding and opening it.
        if ((error as NodeJS.ErrnoException).code === 'ENOENT' && !this.#files.includes(file)) {
          if (position < this.start) throw trimmed(this, position);
          continue;
        }
        if (error instanceof CodedError) throw error;
        throw failure('LOG_UNAVAILABLE', { folder: file.file, reason: reasonOf(error) }, error);
      }
    }
  }

  /** Reads and checks every byte of every file; hands out each file with its size and the first damage in it. */
  async *verify(): AsyncIterable<LogFileCheck> {
    if (this.start > 0) {
      const damage = await readStart(this.#disk, this.#folder, this.#logName).then(
        () => null,
        (error: CodedError) => error,
      );
      yield { file: join(this.#folder, START_FILE), sizeBytes: sizeOf(this.#start), damage };
    }
    let { previous } = this.#start;
    for (const file of this.#files) {
      const { sizeBytes } = file;
      yield { file: file.file, sizeBytes, damage: await file.damage(this.#logName, previous) };
      previous = file.summary.lastChecksum;
    }
  }

  /**
   * The files as they are now: what is durable of each, up to the end of a block. Nothing of that changes any more, and
   * nothing goes while it is held.
   */
  get named(): readonly NamedFile[] {
    const start = { file: join(this.#folder, START_FILE), sizeBytes: sizeOf(this.#start) };
    const files = this.#files.map((file) =>
      file instanceof ColdSegment
        ? { file: file.manifestFile, sizeBytes: file.manifestBytes }
        : { file: file.file, sizeBytes: file.sizeBytes },
    );
    return this.start === 0 ? files : [start, ...files];
  }

  /** The cold files, by their names in their place. */
  get cold(): readonly { readonly name: string; readonly sizeBytes: number }[] {
    return this.#files.flatMap((file) => (file instanceof ColdSegment ? file.manifest.files : []));
  }

  async close(): Promise<void> {
    await this.#tidying.take(() => Promise.resolve());
    for (const file of this.#files) await file.close();
  }
}

/** What a folder of a log holds, in order. Throws DATA_FOREIGN when that is more. */
async function listFolder(disk: Disk, folder: string): Promise<readonly DiskEntry[]> {
  const entries = [...(await disk.listAll(folder))].sort((a, b) => (a.name < b.name ? -1 : 1));
  const ours = /^(?:\d{20}\.(?:log|index|cold|cold\.next)|start|start\.next)$/;
  const foreign = entries.find(({ name, kind }) => kind !== 'file' || !ours.test(name));
  if (foreign !== undefined) {
    const what = foreign.kind === 'file' ? '' : `, a ${foreign.kind}`;
    throw failure('DATA_FOREIGN', { folder, reason: `it holds "${foreign.name}"${what}` });
  }
  return entries;
}

/** The first position of a file, by its name. */
function firstOf(name: string): number {
  return Number(name.slice(0, 20));
}

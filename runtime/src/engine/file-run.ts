/**
 * Runs a definition over finite files to their end, in one pass and in memory: nothing of it outlives the process, so it
 * needs no log and no commits. It is the streaming architecture without them: batch by batch, the operators go on from
 * where they were, and every view could be read at any time.
 *
 *   file ─► chunks of lines ─► scanner ─► columns ─┬─► generated code        ─► rows of the view
 *                                                  └─► rows ─► interpreter ──►
 *
 * What a view has that no code is generated for, the interpreter runs. Under `correct` every event counts, so nothing is
 * late and windows close at the end.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { extname } from 'node:path';
import { gateOf } from '../compile/gate.ts';
import { type Scanner, scannerFor, type ScannerOptions } from '../compile/jit/scanner.ts';
import { BATCH_ROWS_MAX, type ColumnBatch } from '../data/columns.ts';
import { failure } from '../base/errors.ts';
import { fileLines } from '../ingest/files.ts';
import type { Line } from '../ingest/lines.ts';
import { EVENT_BYTES_MAX } from '../data/line.ts';
import { isTable } from '../plan/event-time.ts';
import type { Plan, SourcePlan } from '../plan/node.ts';
import { sourcesOf } from '../plan/walk.ts';
import { Times } from '../loop/times.ts';
import { FileView, type FileViewOptions } from './file-view.ts';

const CHUNK_BYTES = 1 << 20;
/** For the beginning of a line that is not whole: as much as shows that it is too long. */
const ROOM_BYTES = EVENT_BYTES_MAX + 2;

export interface FileRunOptions extends FileViewOptions {
  readonly plan: Plan;
  /** Which event times can be right; all of them unless said. */
  readonly plausible?: (source: SourcePlan) => NonNullable<ScannerOptions['plausible']>;
  /** Called with what was wrong with a line, counted from 1. */
  readonly onProblem?: (source: string, line: number, problem: string) => void;
}

export class FileRun {
  readonly views: readonly FileView[];
  readonly #options: FileRunOptions;
  readonly #times: Times;
  rejected = 0;
  #events = 0;

  constructor(options: FileRunOptions) {
    this.#options = options;
    this.#times = new Times(options.plan);
    this.views = options.plan.views.map((view) => new FileView(options.plan, view, options));
  }

  /**
   * Feeds the events of a file to a source. REQUIRES tables before those who look them up.
   * @throws FILE_UNREADABLE, FILE_INVALID, USAGE for an unknown kind of file
   */
  async feedFile(source: SourcePlan, path: string, signal?: AbortSignal): Promise<void> {
    if (isJsonLines(path)) await this.feedJsonLines(source, path, signal);
    else await this.feedPieces(source, piecesOf(fileLines(path, source.fields)), signal);
  }

  /** Feeds the JSON lines of a file, whatever its name. Throws FILE_UNREADABLE. */
  async feedJsonLines(source: SourcePlan, path: string, signal?: AbortSignal): Promise<void> {
    const feeder = this.#feeder(source);
    const file = await openEvents(path);
    try {
      const read = async (into: Buffer, at: number): Promise<number> =>
        (await file.read(into, at, CHUNK_BYTES)).bytesRead;
      while (signal?.aborted !== true && (await feeder.read(read)) > 0);
    } finally {
      await file.close();
    }
    feeder.end();
  }

  /** Feeds pieces of JSON lines. */
  async feedPieces(source: SourcePlan, pieces: AsyncIterable<Buffer>, signal?: AbortSignal): Promise<void> {
    const feeder = this.#feeder(source);
    for await (const piece of pieces) {
      if (signal?.aborted === true) return;
      for (let at = 0; at < piece.length; at += CHUNK_BYTES)
        feeder.take(piece.subarray(at, at + CHUNK_BYTES));
    }
    feeder.end();
  }

  #feeder(source: SourcePlan): Feeder {
    const needed = [...new Set(this.views.flatMap((view) => view.neededOf(source)))];
    const gate = this.views.every(({ isCompiled }) => isCompiled)
      ? gateOf(this.#options.plan, source.name)
      : null;
    const isTimed = !isTable(source);
    const scanner = scannerFor(source, needed, {
      ...(gate !== null && { only: gate }),
      ...(this.#options.plausible !== undefined && isTimed && { plausible: this.#options.plausible(source) }),
      jit: this.#options.jit,
    });
    const time = this.#times.of(source.name);
    const firstPosition = this.#events;
    const watermarks = new Float64Array(BATCH_ROWS_MAX);
    const { delayMs } = source.watermark;
    const readers = this.views.filter((view) => view.reads(source.name));
    return new Feeder(scanner, (batch) => {
      this.#events = firstPosition + scanner.events;
      for (let row = 0; row < batch.n; row++)
        watermarks[row] = isTimed ? (batch.maxTimesBefore[row] as number) - delayMs : -Infinity;
      time?.observe(0, scanner.maxTimeMs);
      for (const { ordinal, problem } of scanner.problems) {
        this.rejected++;
        this.#options.onProblem?.(source.name, ordinal + 1, problem);
      }
      const watermarkMs = isTimed ? this.#times.jointMs(source.name) : -Infinity;
      for (const view of readers) view.process(source, batch, { watermarks, watermarkMs, firstPosition });
    });
  }

  /** No event will follow: everything closes. */
  end(): void {
    for (const { name } of this.#options.plan.sources) this.#times.of(name)?.end();
    for (const view of this.views) view.end();
  }
}

/** Cuts what is read into whole lines and hands on batches. A piece of a line waits in front of the next chunk. */
class Feeder {
  readonly #scanner: Scanner;
  readonly #onBatch: (batch: ColumnBatch) => void;
  readonly #chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES + ROOM_BYTES);
  #filled = 0;

  constructor(scanner: Scanner, onBatch: (batch: ColumnBatch) => void) {
    this.#scanner = scanner;
    this.#onBatch = onBatch;
  }

  async read(read: (into: Buffer, at: number) => Promise<number>): Promise<number> {
    const bytes = await read(this.#chunk, this.#filled);
    this.#filled += bytes;
    this.#scanLines();
    return bytes;
  }

  take(piece: Buffer): void {
    piece.copy(this.#chunk, this.#filled);
    this.#filled += piece.length;
    this.#scanLines();
  }

  #scanLines(): void {
    const to = this.#filled === 0 ? 0 : this.#chunk.lastIndexOf(10, this.#filled - 1) + 1;
    this.#scan(to);
    this.#chunk.copy(this.#chunk, 0, to, this.#filled);
    // Of a line over the limit the beginning is enough to reject it; the rest is read and forgotten.
    this.#filled = Math.min(this.#filled - to, ROOM_BYTES);
  }

  #scan(to: number): void {
    for (let at = 0; at < to;) {
      at = this.#scanner.scan(this.#chunk, at, to);
      this.#onBatch(this.#scanner.batch);
    }
  }

  end(): void {
    this.#scan(this.#filled);
    this.#filled = 0;
  }
}

/** Whether a plan reads a table before a view could look it up: tables come first. */
export function tablesFirst(plan: Plan): readonly SourcePlan[] {
  const used = new Set(plan.views.flatMap(({ node }) => sourcesOf(plan, node).map(({ name }) => name)));
  return plan.sources
    .filter(({ name }) => used.has(name))
    .toSorted((a, b) => Number(isTable(b)) - Number(isTable(a)));
}

function isJsonLines(path: string): boolean {
  return ['.jsonl', '.ndjson'].includes(extname(path).toLowerCase());
}

async function openEvents(path: string): Promise<FileHandle> {
  try {
    const file = await open(path, 'r');
    if ((await file.stat()).isFile()) return file;
    await file.close();
  } catch (error) {
    const isAbsent = (error as { code?: string }).code === 'ENOENT';
    const reason = isAbsent ? 'there is no such file' : (error as Error).message;
    throw failure('FILE_UNREADABLE', { file: path, reason }, error);
  }
  throw failure('FILE_UNREADABLE', { file: path, reason: 'it is not a file' });
}

const PIECE_CHARACTERS = 1 << 16;

/** Lines as pieces of bytes. */
async function* piecesOf(lines: AsyncIterable<Line>): AsyncIterable<Buffer> {
  let piece = '';
  for await (const { text } of lines) {
    piece += `${text}\n`;
    if (piece.length < PIECE_CHARACTERS) continue;
    yield Buffer.from(piece);
    piece = '';
  }
  yield Buffer.from(piece);
}

/** What is generated for the views of a plan. */
export function codeOfViews(
  plan: Plan,
): readonly { readonly view: string; readonly code: string | null; readonly because: string | null }[] {
  return new FileRun({ plan, jit: 'on' }).views.map((view) => ({
    view: view.layout.view.name,
    code: view.code(),
    because: view.interpretedBecause,
  }));
}

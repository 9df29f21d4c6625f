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
import type { FileHandle } from 'node:fs/promises';
import { extname } from 'node:path';
import { BATCH_ROWS_MAX } from '../data/columns.ts';
import { failure } from '../base/errors.ts';
import { fileLines } from '../ingest/files.ts';
import type { Line } from '../ingest/lines.ts';
import { isTable } from '../plan/event-time.ts';
import type { Plan, SourcePlan } from '../plan/node.ts';
import { sourcesOf } from '../plan/walk.ts';
import { open } from '../ports/files.ts';
import { Times } from '../loop/times.ts';
import { CHUNK_BYTES, FileLines } from './file-lines.ts';
import { type Plausible, runScanner } from './file-scanner.ts';
import { FileView, type FileViewOptions } from './file-view.ts';
import type { ViewLayout } from '../views/layout.ts';

export interface FileRunOptions extends FileViewOptions {
  readonly plan: Plan;
  /** Which event times can be right; all of them unless said. */
  readonly plausible?: (source: SourcePlan) => Plausible;
  /** Called with what was wrong with a line, counted from 1. */
  readonly onProblem?: (source: string, line: number, problem: string) => void;
}

/** What is known of one view of a run. */
export interface FileRunView {
  readonly layout: ViewLayout;
  readonly late: number;
  readonly rejected: number;
  /** Why the first rows were rejected. */
  readonly reasons: readonly string[];
  /** Why the interpreter runs it; null when generated code does. */
  readonly interpretedBecause: string | null;
  /** Why one of several workers has all of its rows; null where they are divided, or there is but one. */
  readonly undivided: string | null;
  readonly stateBytes: number;
  /** Writes the rows as lines of JSON. */
  writeJson(write: (bytes: Uint8Array) => void): void | Promise<void>;
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
   * @throws FILE_UNREADABLE, FILE_INVALID, USAGE for an unknown kind of file, the reason of the signal
   */
  async feedFile(source: SourcePlan, path: string, signal?: AbortSignal): Promise<void> {
    if (isJsonLines(path)) await this.feedJsonLines(source, path, signal);
    else await this.feedPieces(source, piecesOf(fileLines(path, source.fields)), signal);
  }

  /** Feeds the JSON lines of a file, whatever its name. Throws FILE_UNREADABLE, the reason of the signal. */
  async feedJsonLines(source: SourcePlan, path: string, signal?: AbortSignal): Promise<void> {
    const lines = this.#linesOf(source);
    const file = await openEvents(path);
    try {
      const read = async (into: Buffer, at: number): Promise<number> =>
        (await file.read(into, at, CHUNK_BYTES)).bytesRead;
      // Half of the events are no result: an interrupted run has none.
      do signal?.throwIfAborted();
      while ((await lines.read(read)) > 0);
    } finally {
      await file.close();
    }
    lines.end();
  }

  /** Feeds pieces of JSON lines. Throws the reason of the signal. */
  async feedPieces(source: SourcePlan, pieces: AsyncIterable<Buffer>, signal?: AbortSignal): Promise<void> {
    const lines = this.#linesOf(source);
    for await (const piece of pieces) {
      signal?.throwIfAborted();
      for (let at = 0; at < piece.length; at += CHUNK_BYTES) lines.take(piece.subarray(at, at + CHUNK_BYTES));
    }
    lines.end();
  }

  #linesOf(source: SourcePlan): FileLines {
    const { plan, jit, plausible } = this.#options;
    const isTimed = !isTable(source);
    const scanner = runScanner(plan, this.views, source, {
      jit,
      ...(plausible !== undefined && { plausible: plausible(source) }),
    });
    const time = this.#times.of(source.name);
    const firstPosition = this.#events;
    const watermarks = new Float64Array(BATCH_ROWS_MAX);
    const { delayMs } = source.watermark;
    const readers = this.views.filter((view) => view.reads(source.name));
    const processBatch = (): void => {
      const { batch } = scanner;
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
    };
    return new FileLines((chunk, to) => {
      for (let at = 0; at < to;) {
        at = scanner.scan(chunk, at, to);
        processBatch();
      }
    });
  }

  /** No event will follow: everything closes. */
  end(): void {
    for (const { name } of this.#options.plan.sources) this.#times.of(name)?.end();
    for (const view of this.views) view.end();
  }

  /** Nothing is open. */
  close(): void {}
}

/** Whether a plan reads a table before a view could look it up: tables come first. */
export function tablesFirst(plan: Plan): readonly SourcePlan[] {
  const used = new Set(plan.views.flatMap(({ node }) => sourcesOf(plan, node).map(({ name }) => name)));
  return plan.sources
    .filter(({ name }) => used.has(name))
    .toSorted((a, b) => Number(isTable(b)) - Number(isTable(a)));
}

export function isJsonLines(path: string): boolean {
  return ['.jsonl', '.ndjson'].includes(extname(path).toLowerCase());
}

/** Throws FILE_UNREADABLE. */
export async function openEvents(path: string): Promise<FileHandle> {
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
export async function* piecesOf(lines: AsyncIterable<Line>): AsyncIterable<Buffer> {
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

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
import { closeSync, openSync, readSync } from 'node:fs';
import { gateOf } from '../compile/gate.ts';
import { type Scanner, scannerFor, SIDE_BYTES_MIN } from '../compile/jit/scanner.ts';
import { BATCH_ROWS_MAX, type ColumnBatch } from '../data/columns.ts';
import { isTable } from '../plan/event-time.ts';
import type { Plan, SourcePlan } from '../plan/node.ts';
import { sourcesOf } from '../plan/walk.ts';
import { Times } from '../loop/times.ts';
import { FileView, type FileViewOptions } from './file-view.ts';

const CHUNK_BYTES = 1 << 20;

export interface FileRunOptions extends FileViewOptions {
  readonly plan: Plan;
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

  /** Feeds the JSON lines of a file to a source. REQUIRES tables before those who look them up. */
  feedFile(source: SourcePlan, file: string): void {
    const descriptor = openSync(file, 'r');
    try {
      this.#feed(source, (into, at) => readSync(descriptor, into, at, CHUNK_BYTES, null));
    } finally {
      closeSync(descriptor);
    }
  }

  /** Feeds pieces of JSON lines, each behind a line feed. */
  async feedPieces(source: SourcePlan, pieces: AsyncIterable<Buffer>): Promise<void> {
    const feeder = this.#feeder(source);
    for await (const piece of pieces) {
      for (let at = 0; at < piece.length; at += CHUNK_BYTES) feeder.take(piece.subarray(at, at + CHUNK_BYTES));
    }
    feeder.end();
  }

  #feed(source: SourcePlan, read: (into: Buffer, at: number) => number): void {
    const feeder = this.#feeder(source);
    for (let bytes = feeder.read(read); bytes > 0; bytes = feeder.read(read));
    feeder.end();
  }

  #feeder(source: SourcePlan): Feeder {
    const needed = [...new Set(this.views.flatMap((view) => view.neededOf(source)))];
    const gate = this.views.every(({ isCompiled }) => isCompiled) ? gateOf(this.#options.plan, source.name) : null;
    const scanner = scannerFor(source, needed, {
      ...(gate !== null && { only: gate }),
      jit: this.#options.jit,
    });
    const time = this.#times.of(source.name);
    const firstPosition = this.#events;
    const watermarks = new Float64Array(BATCH_ROWS_MAX);
    const { delayMs } = source.watermark;
    const isTimed = !isTable(source);
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
  readonly #batch: ColumnBatch;
  readonly #onBatch: (batch: ColumnBatch) => void;
  #chunk = Buffer.allocUnsafeSlow(2 * CHUNK_BYTES + 2 * SIDE_BYTES_MIN);
  #spare = Buffer.allocUnsafeSlow(2 * CHUNK_BYTES + 2 * SIDE_BYTES_MIN);
  #filled = 0;

  constructor(scanner: Scanner, onBatch: (batch: ColumnBatch) => void) {
    this.#scanner = scanner;
    this.#batch = scanner.newBatch();
    this.#onBatch = onBatch;
  }

  read(read: (into: Buffer, at: number) => number): number {
    const bytes = read(this.#chunk, this.#filled);
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
    const to = this.#chunk.lastIndexOf(10, this.#filled - 1) + 1;
    if (this.#filled === 0 || to === 0) return this.#cutLong();
    const rest = this.#chunk.copy(this.#spare, 0, to, this.#filled);
    this.#scan(to);
    [this.#chunk, this.#spare] = [this.#spare, this.#chunk];
    this.#filled = rest;
  }

  /** A line over the limit is rejected by its beginning; the rest of it is read and forgotten by the next line feed. */
  #cutLong(): void {
    if (this.#filled <= CHUNK_BYTES + SIDE_BYTES_MIN) return;
    this.#filled = CHUNK_BYTES + SIDE_BYTES_MIN;
  }

  #scan(to: number): void {
    for (let at = 0; at < to; ) {
      at = this.#scanner.scan(this.#chunk, at, to, this.#batch);
      this.#onBatch(this.#batch);
    }
  }

  end(): void {
    if (this.#filled > 0) this.#scan(this.#filled);
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

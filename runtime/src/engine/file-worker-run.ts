/**
 * One worker of a run: it reads some chunks of an input, and processes its own rows of all of them in their order.
 *
 *   claim a chunk ─► scan ─► split by owner ─► publish ─┐
 *   the next chunk in order, from whichever worker ◄────┘ ─► own rows ─► views
 *
 * Invariants  Q1  What a worker computes depends on the input alone: its rows come in the order of the input, each with the
 *                 watermark that all events before it make, whoever reads which chunk and whenever.
 */
import type { MessagePort } from 'node:worker_threads';
import { encodeKey } from '../data/key.ts';
import { BATCH_ROWS_MAX, type ColumnBatch } from '../data/columns.ts';
import type { Scanner } from '../compile/jit/scanner.ts';
import { isTable } from '../plan/event-time.ts';
import type { SourcePlan } from '../plan/node.ts';
import { Times } from '../loop/times.ts';
import { runScanner } from './file-scanner.ts';
import { FileView } from './file-view.ts';
import { type ChunkReader, FileChunks, HandedChunks } from './file-worker-chunks.ts';
import { Control, Exchange, PagePool } from './file-worker-exchange.ts';
import {
  type Answer,
  type ChunkMessage,
  type ChunkProblem,
  type Command,
  type FeedCommand,
  IMPLAUSIBLE,
  type WorkerData,
} from './file-worker-messages.ts';
import { PageWriter, readPage } from './file-worker-page.ts';
import { columnsOfRoute, Splitter } from './file-worker-split.ts';

/** How many pieces of rows may wait for the main thread. */
const PIECES_MAX = 512;

export class WorkerRun {
  readonly #data: WorkerData;
  readonly #control: Control;
  readonly #views: readonly FileView[];
  readonly #times: Times;
  readonly #pool = new PagePool();
  readonly #answer: (answer: Answer, transfer?: readonly ArrayBuffer[]) => void;
  #pieces = 0;

  constructor(data: WorkerData, port: MessagePort) {
    this.#data = data;
    this.#control = new Control(data.workers, data.control);
    this.#views = data.plan.views.map((view) => new FileView(data.plan, view, data.options));
    this.#times = new Times(data.plan);
    this.#answer = (answer, transfer = []) => port.postMessage(answer, transfer);
  }

  do(command: Command): void {
    switch (command.kind) {
      case 'feed': {
        this.#pool.freeAll();
        const events = new Feed(
          this.#data,
          this.#control,
          this.#views,
          this.#times,
          this.#pool,
          command,
          this.#answer,
        ).run();
        return this.#answer({ kind: 'done', events });
      }
      case 'end':
        return this.#end();
      case 'rows':
        return command.ordered ? this.#ordered(command.view) : this.#rows(command.view);
    }
  }

  #end(): void {
    for (const { name } of this.#data.plan.sources) this.#times.of(name)?.end();
    for (const view of this.#views) view.end();
    const views = this.#views.map(({ late, rejected, reasons, stateBytes, interpretedBecause }) => ({
      late,
      rejected,
      reasons,
      stateBytes,
      interpretedBecause,
    }));
    this.#answer({ kind: 'counts', views });
  }

  #rows(view: number): void {
    this.#views[view]?.writeJson((piece) => {
      if (piece.length === 0) return;
      for (;;) {
        const { changes } = this.#control;
        if (this.#control.isStopped) return;
        if (this.#pieces - this.#control.takenFrom(this.#data.worker) < PIECES_MAX) break;
        this.#control.wait(changes);
      }
      this.#pieces++;
      const bytes = new Uint8Array(piece);
      this.#answer({ kind: 'piece', bytes }, [bytes.buffer]);
    });
    this.#answer({ kind: 'done', events: 0 });
  }

  #ordered(index: number): void {
    const keys: Buffer[] = [];
    const lines: Buffer[] = [];
    const view = this.#views[index];
    for (const { key, row } of view?.ordered() ?? []) {
      keys.push(encodeKey(key));
      lines.push(Buffer.from(`${JSON.stringify(view?.toJson(row))}\n`));
    }
    this.#answer({
      kind: 'ordered',
      keys: Buffer.concat(keys),
      keyEnds: endsOf(keys),
      lines: Buffer.concat(lines),
      lineEnds: endsOf(lines),
    });
  }
}

function endsOf(pieces: readonly Buffer[]): Uint32Array {
  let end = 0;
  return Uint32Array.from(pieces, ({ length }) => (end += length));
}

/** One input, from its first chunk to its last. */
class Feed {
  readonly #data: WorkerData;
  readonly #control: Control;
  readonly #views: readonly FileView[];
  readonly #times: Times;
  readonly #pool: PagePool;
  readonly #command: FeedCommand;
  readonly #answer: (answer: Answer) => void;
  readonly #source: SourcePlan;
  readonly #scanner: Scanner;
  readonly #reader: ChunkReader;
  readonly #exchange: Exchange;
  /** Of each group that reads the source. */
  readonly #parts: readonly (Part | null)[];
  /** Whether a chunk may be read by any worker, or only by the one whose turn it is. */
  readonly #isClaimed: boolean;
  readonly #watermarks = new Float64Array(BATCH_ROWS_MAX);
  readonly #ordinals = new Float64Array(BATCH_ROWS_MAX);
  #ownNext: number;
  #memoryChunk = 0;
  #events = 0;
  #maxTimeMs = -Infinity;

  constructor(
    data: WorkerData,
    control: Control,
    views: readonly FileView[],
    times: Times,
    pool: PagePool,
    command: FeedCommand,
    answer: (answer: Answer) => void,
  ) {
    this.#data = data;
    this.#control = control;
    this.#views = views;
    this.#times = times;
    this.#pool = pool;
    this.#command = command;
    this.#answer = answer;
    const source = data.plan.sources.find(({ name }) => name === command.source) as SourcePlan;
    const routes = data.groups.flatMap((group) => group.routes.get(source.name) ?? []);
    this.#source = source;
    this.#scanner = this.#scannerOf(routes.flatMap(columnsOfRoute));
    this.#reader =
      command.fd === null
        ? new HandedChunks(data.lines, command.feed, () => answer({ kind: 'took' }))
        : new FileChunks(command.fd, data.chunkBytes);
    this.#exchange = new Exchange(control, data.ports, command.feed);
    this.#parts = data.groups.map((group) => this.#partOf(group));
    this.#isClaimed = command.fd !== null && routes.every(({ kind }) => kind !== 'anywhere');
    this.#ownNext = data.worker;
  }

  #scannerOf(more: readonly string[]): Scanner {
    const { plausible } = this.#command;
    return runScanner(this.#data.plan, this.#views, this.#source, {
      jit: this.#data.options.jit,
      more,
      ...(plausible !== null && {
        plausible: { ...plausible, problem: (timeMs: number) => `${IMPLAUSIBLE}${timeMs}` },
      }),
    });
  }

  #partOf(group: WorkerData['groups'][number]): Part | null {
    const route = group.routes.get(this.#source.name);
    if (route === undefined) return null;
    const views = group.views.map((index) => this.#views[index] as FileView);
    const needed = new Set(views.flatMap((view) => view.neededOf(this.#source)));
    const columns = this.#scanner.batch.columns
      .map(({ column }) => column)
      .filter(({ name }) => needed.has(name));
    // Generated code sees rows in their order and needs no places.
    const withPlaces = views.some(({ isCompiled }) => !isCompiled);
    const writer = new PageWriter(columns, withPlaces, (bytes) =>
      this.#pool.take(bytes, this.#memoryChunk, this.#control.consumedByAll),
    );
    return { views, columns, writer, splitter: new Splitter(route, this.#data.workers) };
  }

  /** Returns how many events there were; less when the run was stopped. */
  run(): number {
    for (let next = 0; !this.#control.isStopped;) {
      const { changes } = this.#control;
      const message = this.#exchange.take(next);
      if (message !== undefined) {
        if (message.isEnd) break;
        this.#consume(message);
        this.#control.consumed(this.#data.worker, ++next);
      } else if (!this.#readOne()) this.#control.wait(changes);
    }
    return this.#events;
  }

  /** Reads a chunk and publishes it, if there is one to read now. */
  #readOne(): boolean {
    const chunk = this.#isClaimed ? this.#control.claim() : this.#ownNext;
    if (chunk < 0 || !this.#control.isInWindow(chunk)) return false;
    const lines = this.#reader.read(chunk);
    if (lines === undefined) return false;
    this.#ownNext += this.#data.workers;
    const { feed } = this.#command;
    const scanner = this.#scanner;
    scanner.events = 0;
    scanner.maxTimeMs = -Infinity;
    const batches: ChunkMessage['batches'][number][] = [];
    const problems: ChunkProblem[] = [];
    this.#memoryChunk = chunk;
    for (let at = lines?.from ?? 0; at < (lines?.to ?? 0);) {
      at = scanner.scan(lines?.bytes as Buffer, at, lines?.to ?? 0);
      const { batch } = scanner;
      batches.push({
        maxTimeMs: scanner.maxTimeMs,
        pages: this.#parts.map((part) =>
          part === null || batch.n === 0 ? null : part.writer.write(batch, part.splitter.split(batch, chunk)),
        ),
      });
      for (const { ordinal, problem } of scanner.problems) problems.push({ ordinal, problem });
    }
    const { events, maxTimeMs } = scanner;
    this.#exchange.publish({ feed, chunk, isEnd: lines === null, events, maxTimeMs, batches, problems });
    return true;
  }

  #consume({ batches, events, maxTimeMs, problems }: ChunkMessage): void {
    const { worker } = this.#data;
    const { name } = this.#source;
    if (worker === 0 && problems.length > 0) {
      const all = problems.map(({ ordinal, problem }) => ({ ordinal: ordinal + this.#events, problem }));
      this.#answer({ kind: 'problems', source: name, problems: all });
    }
    for (const batch of batches) {
      this.#times.of(name)?.observe(0, Math.max(this.#maxTimeMs, batch.maxTimeMs));
      const watermarkMs = isTable(this.#source) ? -Infinity : this.#times.jointMs(name);
      for (const [index, part] of this.#parts.entries()) {
        const page = batch.pages[index];
        if (part === null || page === undefined) continue;
        const rows = page === null ? emptyBatch(part) : readPage(page, part.columns, worker);
        this.#process(part, rows, watermarkMs, page?.offsets === null);
      }
    }
    this.#events += events;
    this.#maxTimeMs = Math.max(this.#maxTimeMs, maxTimeMs);
  }

  #process({ views }: Part, batch: ColumnBatch, watermarkMs: number, isEverywhere: boolean): void {
    const watermarks = this.#watermarks;
    const ordinals = this.#ordinals;
    const isTimed = !isTable(this.#source);
    const { delayMs } = this.#source.watermark;
    for (let row = 0; row < batch.n; row++) {
      const maxMs = Math.max(this.#maxTimeMs, batch.maxTimesBefore[row] as number);
      watermarks[row] = isTimed ? maxMs - delayMs : -Infinity;
      ordinals[row] = (batch.ordinals[row] as number) + this.#events;
    }
    const { firstPosition } = this.#command;
    for (const view of views) {
      const { rejected, reasons } = view;
      const kept = reasons.length;
      view.process(this.#source, { ...batch, ordinals }, { watermarks, watermarkMs, firstPosition });
      // What every worker sees is counted once.
      if (!isEverywhere || this.#data.worker === 0) continue;
      view.rejected = rejected;
      reasons.length = kept;
    }
  }
}

interface Part {
  readonly views: readonly FileView[];
  readonly columns: readonly ColumnBatch['columns'][number]['column'][];
  readonly writer: PageWriter;
  readonly splitter: Splitter;
}

/** Nothing of the batch is for the views, but time goes on. */
function emptyBatch({ columns }: Part): ColumnBatch {
  const buffer = new SharedArrayBuffer(0);
  return readPage({ buffer, rows: 0, offsets: null, lists: [] }, columns, 0);
}

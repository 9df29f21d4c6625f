/**
 * A run over finite files in several threads. The rows of a view are divided by the hash of a column that all its memory
 * goes by (compile/partition.ts), so every worker has a part of the view and the parts are put one behind the other.
 *
 *   file ─┬─► worker 0: reads chunks, sends rows to their owners, processes its own ─┬─► rows of worker 0, rows of worker 1, …
 *         └─► worker 1: likewise ────────────────────────────────────────────────────┘
 *
 * What comes first goes wrong once: the first error of a worker stops all of them.
 *
 * Invariants  Q2  Any number of workers gives the same rows and the same counts of late and rejected ones.
 *             Q3  After `close`, or an error, no thread of the run is left.
 */
import type { MessagePort, Worker } from 'node:worker_threads';
import { failure } from '../base/errors.ts';
import { partitionOf } from '../compile/partition.ts';
import { isTable } from '../plan/event-time.ts';
import type { SourcePlan } from '../plan/node.ts';
import { fileLines } from '../ingest/files.ts';
import { sourcesOf } from '../plan/walk.ts';
import { MessageChannel } from '../ports/threads.ts';
import { ViewLayout } from '../views/layout.ts';
import { CHUNK_BYTES, FileLines } from './file-lines.ts';
import {
  FileRun,
  type FileRunOptions,
  type FileRunView,
  isJsonLines,
  openEvents,
  piecesOf,
} from './file-run.ts';
import type { Plausible } from './file-scanner.ts';
import { Control } from './file-worker-exchange.ts';
import {
  type Answer,
  type ChunkProblem,
  type Command,
  IMPLAUSIBLE,
  type LinesMessage,
  type ViewCounts,
  type WorkerData,
  type WorkerGroup,
} from './file-worker-messages.ts';
import { mergeOrdered, type OrderedRows } from './file-worker-rows.ts';
import { startWorker } from './file-worker-start.ts';

export interface FileWorkersOptions extends FileRunOptions {
  /** How many threads; 1 is none but this one. */
  readonly workers: number;
  /** How much of a file a worker reads at a time. */
  readonly chunkBytes?: number;
}

/** A run in as many threads as are asked for. */
export async function openFileRun(options: FileWorkersOptions): Promise<FileRun | FileWorkers> {
  const { plan, workers } = options;
  if (workers === 1) return new FileRun(options);
  // Code is no data: it cannot be handed to a thread.
  if (plan.functions.length > 0)
    return new FileRun({ ...options, undivided: 'its functions run in the thread that loaded them' });
  return FileWorkers.open(options);
}

export class FileWorkers {
  readonly views: readonly WorkersView[];
  rejected = 0;
  readonly #options: FileWorkersOptions;
  readonly #control: Control;
  readonly #threads: readonly Thread[];
  #events = 0;
  #feeds = 0;
  /** The first one; after it there is nothing to go on with. */
  #error: Error | null = null;

  static async open(options: FileWorkersOptions): Promise<FileWorkers> {
    const { workers } = options;
    const control = new Control(workers);
    const ports = meshOf(workers);
    const { groups, undivided } = groupsOf(options);
    const threads: Thread[] = [];
    try {
      for (let worker = 0; worker < workers; worker++) {
        const { port1, port2 } = new MessageChannel();
        const own = ports[worker] as readonly (MessagePort | null)[];
        const data: WorkerData = {
          plan: options.plan,
          options: {
            jit: options.jit,
            ...(options.times !== undefined && { times: options.times }),
            ...(options.ordered !== undefined && { ordered: options.ordered }),
          },
          groups,
          worker,
          workers,
          chunkBytes: options.chunkBytes ?? CHUNK_BYTES,
          control: control.buffer,
          ports: own,
          lines: port2,
        };
        const transfer = [port2, ...own.filter((port) => port !== null)];
        threads.push(new Thread(await startWorker(data, transfer), port1));
      }
    } catch (error) {
      await Promise.all(threads.map((thread) => thread.stop()));
      throw error;
    }
    return new FileWorkers(options, control, threads, undivided);
  }

  private constructor(
    options: FileWorkersOptions,
    control: Control,
    threads: readonly Thread[],
    undivided: readonly (string | null)[],
  ) {
    this.#options = options;
    this.#control = control;
    this.#threads = threads;
    this.views = options.plan.views.map(
      (view, index) =>
        new WorkersView(new ViewLayout(options.plan, view), undivided[index] ?? null, (write) =>
          this.#write(index, write),
        ),
    );
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
    const file = await openEvents(path);
    try {
      await this.#feed(source, file.fd, signal);
    } finally {
      // No worker reads any more: it has answered, or it is gone.
      await file.close();
    }
  }

  /** Feeds pieces of JSON lines. Throws the reason of the signal. */
  async feedPieces(source: SourcePlan, pieces: AsyncIterable<Buffer>, signal?: AbortSignal): Promise<void> {
    await this.#feed(source, null, signal, (feed, ended) => this.#handOver(pieces, feed, ended));
  }

  async #feed(
    source: SourcePlan,
    fd: number | null,
    signal: AbortSignal | undefined,
    handOver?: (feed: number, ended: () => boolean) => Promise<void>,
  ): Promise<void> {
    signal?.throwIfAborted();
    const plausible = isTable(source) ? undefined : this.#options.plausible?.(source);
    const feed = ++this.#feeds;
    this.#control.reset();
    const command: Command = {
      kind: 'feed',
      feed,
      source: source.name,
      fd,
      firstPosition: this.#events,
      plausible: plausible === undefined ? null : { fromMs: plausible.fromMs, toMs: plausible.toMs },
    };
    const onAbort = (): void => this.#control.stop();
    signal?.addEventListener('abort', onAbort);
    let isOver = false;
    try {
      const all = this.#all(command, (answer) => {
        if (answer.kind === 'problems') this.#problems(answer, plausible);
      });
      const handing = handOver?.(feed, () => isOver);
      // Workers that wait for lines would wait for ever.
      handing?.catch(() => this.#control.stop());
      const answers = await all.finally(() => void (isOver = true));
      await handing;
      signal?.throwIfAborted();
      const [first] = answers;
      if (first?.kind === 'done') this.#events += first.events;
    } catch (error) {
      isOver = true;
      await this.close();
      throw error;
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  /** Gives whole lines to the workers in turn, a few ahead of what they have taken. */
  async #handOver(pieces: AsyncIterable<Buffer>, feed: number, isOver: () => boolean): Promise<void> {
    const { length } = this.#threads;
    const before = this.#threads.reduce((sum, { took }) => sum + took, 0);
    let chunk = 0;
    const give = (lines: Uint8Array | null): void => {
      this.#threads[chunk % length]?.give({ feed, chunk: chunk++, lines });
      this.#control.changed();
    };
    const cut = new FileLines((bytes, to) => give(new Uint8Array(bytes.subarray(0, to))));
    for await (const piece of pieces) {
      for (let at = 0; at < piece.length; at += CHUNK_BYTES) cut.take(piece.subarray(at, at + CHUNK_BYTES));
      const ahead = (): number => chunk - this.#threads.reduce((sum, { took }) => sum + took, -before);
      while (!isOver() && ahead() > 2 * length)
        await Promise.race(this.#threads.map((thread) => thread.next()));
      if (isOver()) return;
    }
    cut.end();
    for (let worker = 0; worker < length; worker++) give(null);
  }

  #problems(
    { source, problems }: { readonly source: string; readonly problems: readonly ChunkProblem[] },
    plausible: Plausible | undefined,
  ): void {
    for (const { ordinal, problem } of problems) {
      this.rejected++;
      const text = problem.startsWith(IMPLAUSIBLE)
        ? (plausible?.problem(Number(problem.slice(IMPLAUSIBLE.length))) ?? problem)
        : problem;
      this.#options.onProblem?.(source, ordinal + 1, text);
    }
  }

  /** No event will follow: everything closes. */
  async end(): Promise<void> {
    const answers = await this.#all({ kind: 'end' });
    for (const [index, view] of this.views.entries())
      view.counts = answers.flatMap((answer) =>
        answer.kind === 'counts' ? [answer.views[index] as ViewCounts] : [],
      );
  }

  /** The rows of each worker as they come, the first's first. */
  async #write(view: number, write: (bytes: Uint8Array) => void): Promise<void> {
    const ordered = this.#options.ordered === true;
    const waiting = this.#threads.map((): Uint8Array[] => []);
    let writing = 0;
    const writeWaiting = (): void => {
      for (const bytes of waiting[writing]?.splice(0) ?? []) {
        write(bytes);
        this.#control.took(writing);
      }
    };
    const answers = await this.#all({ kind: 'rows', view, ordered }, (answer, worker) => {
      if (answer.kind === 'piece') waiting[worker]?.push(answer.bytes);
      writeWaiting();
      while (this.#threads[writing]?.isIdle === true && writing < this.#threads.length - 1) {
        writing++;
        writeWaiting();
      }
    });
    for (; writing < this.#threads.length; writing++) writeWaiting();
    const parts = answers.filter((answer): answer is OrderedRows => answer.kind === 'ordered');
    mergeOrdered(parts, write);
  }

  /** Sends a command to all workers; resolves when all have answered, rejects with the first error. */
  async #all(
    command: Command,
    onAnswer: (answer: Answer, worker: number) => void = () => {},
  ): Promise<Answer[]> {
    if (this.#error !== null) throw this.#error;
    try {
      return await Promise.all(
        this.#threads.map((thread, worker) => thread.ask(command, (answer) => onAnswer(answer, worker))),
      );
    } catch (error) {
      this.#error ??= error as Error;
      await this.close();
      throw error;
    }
  }

  /** Ends all threads. */
  async close(): Promise<void> {
    this.#control.stop();
    await Promise.all(this.#threads.map((thread) => thread.stop()));
  }
}

class WorkersView implements FileRunView {
  readonly layout: ViewLayout;
  readonly undivided: string | null;
  readonly writeJson: (write: (bytes: Uint8Array) => void) => Promise<void>;
  /** Of each worker, at the end. */
  counts: readonly ViewCounts[] = [];

  constructor(layout: ViewLayout, undivided: string | null, writeJson: WorkersView['writeJson']) {
    this.layout = layout;
    this.undivided = undivided;
    this.writeJson = writeJson;
  }

  get late(): number {
    return this.counts.reduce((sum, { late }) => sum + late, 0);
  }

  get rejected(): number {
    return this.counts.reduce((sum, { rejected }) => sum + rejected, 0);
  }

  get reasons(): readonly string[] {
    return this.counts.flatMap(({ reasons }) => reasons);
  }

  get interpretedBecause(): string | null {
    return this.counts[0]?.interpretedBecause ?? null;
  }

  get stateBytes(): number {
    return this.counts.reduce((sum, { stateBytes }) => sum + stateBytes, 0);
  }
}

/** One thread, which is asked one thing at a time. */
class Thread {
  took = 0;
  readonly #worker: Worker;
  readonly #lines: MessagePort;
  #asked: {
    answer: (answer: Answer) => void;
    done: (answer: Answer) => void;
    fail: (error: Error) => void;
  } | null = null;
  #error: Error | null = null;
  #onNext: (() => void)[] = [];

  constructor(worker: Worker, lines: MessagePort) {
    this.#worker = worker;
    this.#lines = lines;
    worker.on('message', (answer: Answer) => this.#take(answer));
    worker.on('error', (error) => this.#fail(error));
    worker.on('exit', () => this.#fail(new Error('a worker ended before its work was done')));
  }

  get isIdle(): boolean {
    return this.#asked === null;
  }

  ask(command: Command, onAnswer: (answer: Answer) => void): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#error !== null) return reject(this.#error);
      this.#asked = { answer: onAnswer, done: resolve, fail: reject };
      this.#worker.postMessage(command, []);
    });
  }

  give(message: LinesMessage): void {
    this.#lines.postMessage(message, message.lines === null ? [] : [message.lines.buffer as ArrayBuffer]);
  }

  /** When the thread has said something more. */
  next(): Promise<void> {
    if (this.#error !== null) return Promise.resolve();
    return new Promise((resolve) => void this.#onNext.push(resolve));
  }

  #take(answer: Answer): void {
    if (answer.kind === 'took') this.took++;
    else if (answer.kind === 'failed')
      this.#fail(Object.assign(new Error(answer.message), { stack: answer.stack }));
    else {
      const asked = this.#asked;
      const isLast = answer.kind === 'done' || answer.kind === 'counts' || answer.kind === 'ordered';
      if (isLast) this.#asked = null;
      try {
        asked?.answer(answer);
        if (isLast) asked?.done(answer);
      } catch (error) {
        asked?.fail(error as Error);
      }
    }
    for (const resolve of this.#onNext.splice(0)) resolve();
  }

  #fail(error: Error): void {
    this.#error ??= error;
    this.#asked?.fail(this.#error);
    this.#asked = null;
    for (const resolve of this.#onNext.splice(0)) resolve();
  }

  async stop(): Promise<void> {
    this.#lines.close();
    await this.#worker.terminate();
  }
}

/** Views with the same routes share the pages of their events. */
function groupsOf({ plan, workers }: FileWorkersOptions): {
  readonly groups: readonly WorkerGroup[];
  readonly undivided: readonly (string | null)[];
} {
  const groups = new Map<string, { views: number[]; routes: WorkerGroup['routes'] }>();
  const undivided: (string | null)[] = [];
  for (const [index, view] of plan.views.entries()) {
    const partition = partitionOf(plan, view);
    const isDivided = !('undivided' in partition);
    undivided.push(isDivided ? null : partition.undivided);
    // Views that are not divided are not all given to one worker.
    const worker = undivided.filter((reason) => reason !== null).length % workers;
    const routes: WorkerGroup['routes'] = isDivided
      ? partition
      : new Map(sourcesOf(plan, view.node).map(({ name }) => [name, { kind: 'one', worker }]));
    const name = JSON.stringify([...routes].toSorted(([a], [b]) => (a < b ? -1 : 1)));
    const group = groups.get(name) ?? { views: [], routes };
    group.views.push(index);
    groups.set(name, group);
  }
  return { groups: [...groups.values()], undivided };
}

/** A port between every two workers. */
function meshOf(workers: number): (MessagePort | null)[][] {
  const ports = Array.from({ length: workers }, () =>
    Array.from({ length: workers }, (): MessagePort | null => null),
  );
  for (let a = 0; a < workers; a++) {
    for (let b = 0; b < a; b++) {
      const { port1, port2 } = new MessageChannel();
      (ports[a] as (MessagePort | null)[])[b] = port1;
      (ports[b] as (MessagePort | null)[])[a] = port2;
    }
  }
  return ports;
}

/** @throws USAGE for what is no number of workers */
export function workersOf(text: string): number {
  if (!/^[1-9]\d?$/.test(text) || Number(text) > WORKERS_MAX)
    throw failure('USAGE', { message: `--workers ${text}: say a number from 1 to ${WORKERS_MAX}.` });
  return Number(text);
}

export const WORKERS_MAX = 64;

/**
 * How the workers of a run share the chunks of an input: who reads which, and that each gets all of them in their order.
 *
 *   claim k ─► scan ─► publish: message to every other worker, then ready[k % RING] = k + 1 ─► take, in order of k
 *
 * Every change of the shared words also adds one to the first, which is what everybody waits on, so nobody sleeps through
 * a change.
 *
 * Nobody claims a chunk that is `window` or more ahead of the slowest worker: memory is bounded. The slowest never waits
 * for good: the chunk that it needs is either claimed, and whoever claimed it goes on until it is published, or it may
 * claim it itself.
 */
import type { MessagePort } from 'node:worker_threads';
import { receiveMessageOnPort } from '../ports/threads.ts';
import type { ChunkMessage } from './file-worker-messages.ts';

const CHANGES = 0;
const STOPPED = 1;
const CLAIMED = 2;
const WORDS = 3;

/** How many chunks, for each worker, the first may be ahead of the last. */
const AHEAD = 3;

/** The words that all threads of a run share. */
export class Control {
  readonly buffer: SharedArrayBuffer;
  readonly window: number;
  readonly #words: Int32Array;
  readonly #workers: number;

  constructor(workers: number, buffer = new SharedArrayBuffer(4 * (WORDS + (2 + AHEAD) * workers))) {
    this.buffer = buffer;
    this.window = AHEAD * workers;
    this.#words = new Int32Array(buffer);
    this.#workers = workers;
  }

  /** Begins a new input. REQUIRES that all workers are idle. */
  reset(): void {
    for (let word = CLAIMED; word < this.#words.length; word++) Atomics.store(this.#words, word, 0);
    this.changed();
  }

  get isStopped(): boolean {
    return Atomics.load(this.#words, STOPPED) === 1;
  }

  stop(): void {
    Atomics.store(this.#words, STOPPED, 1);
    this.changed();
  }

  changed(): void {
    Atomics.add(this.#words, CHANGES, 1);
    Atomics.notify(this.#words, CHANGES);
  }

  get changes(): number {
    return Atomics.load(this.#words, CHANGES);
  }

  /** Returns when something has changed since `changes`. */
  wait(changes: number): void {
    Atomics.wait(this.#words, CHANGES, changes);
  }

  /** The chunk that the caller is to read now, or -1 when all are too far ahead. */
  claim(): number {
    for (;;) {
      const chunk = Atomics.load(this.#words, CLAIMED);
      if (!this.isInWindow(chunk)) return -1;
      if (Atomics.compareExchange(this.#words, CLAIMED, chunk, chunk + 1) === chunk) return chunk;
    }
  }

  isInWindow(chunk: number): boolean {
    return chunk < this.consumedByAll + this.window;
  }

  /** How many chunks the slowest worker is done with. */
  get consumedByAll(): number {
    let least = Infinity;
    for (let worker = 0; worker < this.#workers; worker++)
      least = Math.min(least, Atomics.load(this.#words, WORDS + worker));
    return least;
  }

  consumed(worker: number, chunks: number): void {
    Atomics.store(this.#words, WORDS + worker, chunks);
    this.changed();
  }

  publish(chunk: number): void {
    Atomics.store(this.#words, this.#readyWord(chunk), chunk + 1);
    this.changed();
  }

  isReady(chunk: number): boolean {
    return Atomics.load(this.#words, this.#readyWord(chunk)) === chunk + 1;
  }

  /** How many pieces of its rows the main thread has taken from a worker. */
  takenFrom(worker: number): number {
    return Atomics.load(this.#words, this.#takenWord(worker));
  }

  took(worker: number): void {
    Atomics.add(this.#words, this.#takenWord(worker), 1);
    this.changed();
  }

  #readyWord(chunk: number): number {
    return WORDS + 2 * this.#workers + (chunk % this.window);
  }

  #takenWord(worker: number): number {
    return WORDS + this.#workers + worker;
  }
}

/** One worker's end of the exchange, for one input. */
export class Exchange {
  readonly #control: Control;
  readonly #ports: readonly (MessagePort | null)[];
  readonly #feed: number;
  readonly #arrived = new Map<number, ChunkMessage>();

  constructor(control: Control, ports: readonly (MessagePort | null)[], feed: number) {
    this.#control = control;
    this.#ports = ports;
    this.#feed = feed;
  }

  publish(message: ChunkMessage): void {
    this.#arrived.set(message.chunk, message);
    for (const port of this.#ports) port?.postMessage(message);
    this.#control.publish(message.chunk);
  }

  /** A chunk when it is there. */
  take(chunk: number): ChunkMessage | undefined {
    if (!this.#control.isReady(chunk)) return undefined;
    if (!this.#arrived.has(chunk)) this.#receive();
    const message = this.#arrived.get(chunk);
    this.#arrived.delete(chunk);
    return message;
  }

  #receive(): void {
    for (const port of this.#ports) {
      if (port === null) continue;
      for (;;) {
        const received = receiveMessageOnPort(port);
        if (received === undefined) break;
        const message = received.message as ChunkMessage;
        if (message.feed === this.#feed) this.#arrived.set(message.chunk, message);
      }
    }
  }
}

/** Shared memory of pages, used again when all workers have read what was in it. */
export class PagePool {
  readonly #pages: { readonly buffer: SharedArrayBuffer; chunk: number }[] = [];

  /** Memory for a page of a chunk. `consumed` is how many chunks all workers are done with. */
  take(bytes: number, chunk: number, consumed: number): SharedArrayBuffer {
    const free = this.#pages.find((page) => page.chunk < consumed && page.buffer.byteLength >= bytes);
    if (free !== undefined) {
      free.chunk = chunk;
      return free.buffer;
    }
    // What is too small is given back.
    const small = this.#pages.findIndex((page) => page.chunk < consumed);
    if (small >= 0) this.#pages.splice(small, 1);
    const buffer = new SharedArrayBuffer(Math.ceil((1.25 * bytes) / PAGE_UNIT_BYTES) * PAGE_UNIT_BYTES);
    this.#pages.push({ buffer, chunk });
    return buffer;
  }

  /** Of a new input: nobody reads any page. */
  freeAll(): void {
    for (const page of this.#pages) page.chunk = -1;
  }
}

const PAGE_UNIT_BYTES = 65_536;

/**
 * Time in which nothing happens by itself: it stands still while somebody works, and jumps to the next moment that somebody
 * waits for when everybody waits. A day of a pipeline takes as long as its work, and the same work takes the same steps.
 *
 *   sleep ─► the sleepers, earliest first ─► everybody waits? ─► time is that of the first, who goes on
 */
import process from 'node:process';
import { invariant } from '../base/invariant.ts';
import { type Clock, systemClock } from '../ports/clock.ts';

interface Sleeper {
  readonly atMs: number;
  readonly order: number;
  /** Null once it was woken by its signal. */
  wake: (() => void) | null;
}

/** Turns of the real event loop for what does not wait here, such as the first import of a module. */
const REAL_TURNS_MAX = 100_000;

export class VirtualClock implements Clock {
  #nowMs: number;
  #order = 0;
  /** A heap: no sleeper is due before its parent. */
  readonly #sleepers: Sleeper[] = [];

  constructor(startMs: number) {
    this.#nowMs = startMs;
  }

  /** In whole milliseconds, as real clocks have it. */
  nowMs(): number {
    return Math.floor(this.#nowMs);
  }

  /** Work takes parts of a millisecond, too. */
  get exactMs(): number {
    return this.#nowMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => {
      const sleeper: Sleeper = { atMs: this.#nowMs + Math.max(0, ms), order: this.#order++, wake: null };
      const wake = (): void => {
        sleeper.wake = null;
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      sleeper.wake = wake;
      // Infinity is for ever: only the signal wakes.
      if (ms < Infinity) this.#push(sleeper);
      signal?.addEventListener('abort', wake, { once: true });
    });
  }

  turn(): Promise<void> {
    return Promise.resolve();
  }

  /** Lets time pass until some work is done, and gives its result. Throws when it waits for nothing that can come. */
  async run<T>(work: Promise<T>): Promise<T> {
    let isDone = false;
    const done = (): void => {
      isDone = true;
    };
    work.then(done, done);
    let idleTurns = 0;
    for (;;) {
      await everybodyWaits();
      if (isDone) return work;
      const next = this.#pop();
      if (next === undefined) {
        invariant(++idleTurns <= REAL_TURNS_MAX, 'somebody waits for a time that comes');
        await systemClock.turn();
        continue;
      }
      idleTurns = 0;
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.wake?.();
    }
  }

  #push(sleeper: Sleeper): void {
    const heap = this.#sleepers;
    let at = heap.push(sleeper) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(sleeper, heap[parent] as Sleeper)) break;
      heap[at] = heap[parent] as Sleeper;
      at = parent;
    }
    heap[at] = sleeper;
  }

  /** The next who still sleeps. */
  #pop(): Sleeper | undefined {
    for (;;) {
      const first = this.#sleepers[0];
      const last = this.#sleepers.pop();
      if (first === undefined || last === undefined) return undefined;
      if (this.#sleepers.length > 0) this.#sink(last);
      if (first.wake !== null) return first;
    }
  }

  /** Puts a sleeper in the place of the first. */
  #sink(sleeper: Sleeper): void {
    const heap = this.#sleepers;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Sleeper, heap[child] as Sleeper)) child++;
      if (!isBefore(heap[child] as Sleeper, sleeper)) break;
      heap[at] = heap[child] as Sleeper;
      at = child;
    }
    heap[at] = sleeper;
  }
}

function isBefore(a: Sleeper, b: Sleeper): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

/** Resolves when no promise can go on by itself: ticks run when the queue of microtasks is empty. */
function everybodyWaits(): Promise<void> {
  return new Promise((resolve) => {
    queueMicrotask(() => process.nextTick(resolve));
  });
}

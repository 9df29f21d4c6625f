/**
 * A world in which nothing happens but by the seed: whoever waits for a disk, a store or a time waits here, and each step
 * lets one of those go on that could.
 *
 *   sleep ─► timers, in the order of their times ─┐ time moves on when nobody is ready, and a little with each step
 *   work  ───────────────────────────────────────┴─► ready ─► one of them, drawn ─► runs until everybody waits again
 *
 * What belongs to a process stops with it: its work is dropped when it is killed and held while it is paused.
 */
import process from 'node:process';
import { systemClock } from '../ports/clock.ts';
import { SeededRandom } from './seeded-random.ts';

/** Whose work it is. */
export interface Owner {
  /** Work of a paused owner waits. */
  readonly isPaused: boolean;
  readonly isAlive: boolean;
}

interface Task {
  readonly owner: Owner;
  readonly run: () => void;
}

interface Timer extends Task {
  readonly atMs: number;
  readonly order: number;
}

const STEP_MS_MAX = 3;
/** A world that takes more steps than this goes in circles. */
const STEPS_MAX = 300_000;
/** Turns of the real event loop for what does not wait here, such as the first import of a module. */
const REAL_TURNS_MAX = 1_000;

export class World {
  readonly random: SeededRandom;
  #nowMs: number;
  #ready: Task[] = [];
  /** Latest first, so that the next one is the last. */
  readonly #timers: Timer[] = [];
  #order = 0;
  /** How often somebody went on. */
  steps = 0;
  /** Of everything that was drawn so far: two runs of one seed have the same. */
  digest = 0;

  constructor(seed: number, startMs: number) {
    this.random = new SeededRandom(seed);
    this.#nowMs = startMs;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Wall clocks jump; who sleeps does not notice. */
  jumpMs = 0;

  /** Work that is done in one of the next steps, at the earliest after a while. */
  post(owner: Owner, run: () => void, afterMs = 0): void {
    if (!owner.isAlive) return;
    if (afterMs <= 0) this.#ready.push({ owner, run });
    // Time is whole milliseconds, as clocks say it.
    else this.#sleep({ owner, run, atMs: this.#nowMs + Math.ceil(afterMs), order: this.#order++ });
  }

  #sleep(timer: Timer): void {
    let at = this.#timers.length;
    while (at > 0 && isBefore(this.#timers[at - 1] as Timer, timer)) at--;
    this.#timers.splice(at, 0, timer);
  }

  /** What belongs to an owner that is gone is never done. */
  forget(owner: Owner): void {
    this.#ready = this.#ready.filter((task) => task.owner !== owner);
    for (let at = this.#timers.length - 1; at >= 0; at--)
      if (this.#timers[at]?.owner === owner) this.#timers.splice(at, 1);
  }

  /** Steps until some work is done, and gives its result. Throws when it waits for nothing that can come. */
  run<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      let isDone = false;
      const done = (): void => {
        isDone = true;
      };
      work.then(done, done);
      let idleTurns = 0;
      const goOn = (): void => {
        if (isDone) return resolve(work);
        try {
          if (this.#step()) idleTurns = 0;
          else if (++idleTurns > REAL_TURNS_MAX) throw new Error('the simulated world stands still');
          else return void systemClock.turn().then(() => whenEverybodyWaits(goOn));
        } catch (error) {
          return reject(error);
        }
        whenEverybodyWaits(goOn);
      };
      whenEverybodyWaits(goOn);
    });
  }

  #step(): boolean {
    this.#nowMs += this.random.below(STEP_MS_MAX + 1);
    let count = this.#wake();
    if (count === 0) {
      const next = this.#timers.findLast(({ owner }) => !owner.isPaused);
      if (next === undefined) return false;
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      count = this.#wake();
    }
    const at = this.#indexOf(this.random.below(count));
    const [task] = this.#ready.splice(at, 1);
    if (++this.steps > STEPS_MAX) throw new Error('the simulated world goes in circles');
    this.digest = (Math.imul(this.digest, 31) + at + this.#nowMs) | 0;
    task?.run();
    return true;
  }

  /** Makes ready whoever slept until now; returns how many are ready. */
  #wake(): number {
    for (let next = this.#timers.at(-1); next !== undefined && next.atMs <= this.#nowMs;) {
      this.#ready.push(next);
      this.#timers.pop();
      next = this.#timers.at(-1);
    }
    let count = 0;
    for (const { owner } of this.#ready) if (!owner.isPaused) count++;
    return count;
  }

  #indexOf(number: number): number {
    let left = number;
    return this.#ready.findIndex(({ owner }) => !owner.isPaused && left-- === 0);
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

const SETTLED = Promise.resolve();

/** Calls back when no promise can go on by itself: ticks run when the queue of microtasks is empty. */
function whenEverybodyWaits(goOn: () => void): void {
  void SETTLED.then(() => process.nextTick(goOn));
}

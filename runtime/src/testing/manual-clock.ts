import { type Clock, systemClock } from '../ports/clock.ts';

/** A clock that stands still until a test moves it; sleepers wake in the order of their times. */
export class ManualClock implements Clock {
  #nowMs: number;
  readonly #sleepers: { readonly atMs: number; readonly wake: () => void }[] = [];

  constructor(nowMs = Date.UTC(2001, 0, 1)) {
    this.#nowMs = nowMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (ms <= 0 || signal?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      this.#sleepers.push({ atMs: this.#nowMs + ms, wake });
      signal?.addEventListener('abort', wake, { once: true });
    });
  }

  turn(): Promise<void> {
    return systemClock.turn();
  }

  /** Moves time on and lets everything run that was waiting for it. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      await settleTasks();
      const due = this.#sleepers.filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.#sleepers.splice(this.#sleepers.indexOf(due), 1);
      this.#nowMs = Math.max(this.#nowMs, due.atMs);
      due.wake();
    }
    this.#nowMs = untilMs;
    await settleTasks();
  }
}

/** Lets pending promises and immediates run: enough turns for work that touches no disk. */
async function settleTasks(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await systemClock.turn();
}

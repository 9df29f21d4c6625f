import type { Clock } from '../ports/clock.ts';

/** Wakes whoever waits for something to change. */
export class Bell {
  #waiting = new Set<() => void>();

  ring(): void {
    const waiting = this.#waiting;
    this.#waiting = new Set();
    for (const wake of waiting) wake();
  }

  /** Resolves at the next ring, after a while, or when the signal aborts. */
  async wait(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
    const rung = new AbortController();
    const wake = (): void => rung.abort();
    this.#waiting.add(wake);
    signal.addEventListener('abort', wake, { once: true });
    if (signal.aborted) wake();
    await clock.sleep(ms, rung.signal);
    signal.removeEventListener('abort', wake);
    this.#waiting.delete(wake);
  }
}

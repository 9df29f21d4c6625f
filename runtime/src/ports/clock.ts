/** Time comes in through here, and whose turn it is, so that a test or a simulation decides both. */
export interface Clock {
  /** Epoch milliseconds. */
  nowMs(): number;
  /** Milliseconds since some moment, which nobody can set: what waits is measured with. Absent where nobody sets `nowMs`. */
  elapsedMs?(): number;
  /** Resolves after a while, or at once when the signal aborts. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Lets everything run first that is ready to run. */
  turn(): Promise<void>;
}

/** For what waits: a wall clock may be set meanwhile, by hours or by years. */
export function elapsedMs(clock: Clock): number {
  return clock.elapsedMs === undefined ? clock.nowMs() : clock.elapsedMs();
}

const TIMER_MS_MAX = 2 ** 31 - 1;

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  elapsedMs: () => Math.floor(performance.now()),
  sleep(ms, signal) {
    if (signal?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, Math.min(Math.max(0, ms), TIMER_MS_MAX));
      signal?.addEventListener('abort', done, { once: true });
    });
  },
  turn: () => new Promise((resolve) => setImmediate(resolve)),
};

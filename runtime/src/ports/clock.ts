/** Time comes in through here, so that a test or a simulation decides what time it is. */
export interface Clock {
  /** Epoch milliseconds. */
  nowMs(): number;
  /** Resolves after a while, or at once when the signal aborts. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

const TIMER_MS_MAX = 2 ** 31 - 1;

export const systemClock: Clock = {
  nowMs: () => Date.now(),
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
};

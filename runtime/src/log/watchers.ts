/** Those who wait for the log to grow. */
export class Watchers {
  readonly #checks = new Set<() => void>();

  /** The log may have grown. */
  notify(): void {
    for (const check of this.#checks) check();
  }

  /** Resolves once `end` is beyond a position, or the signal aborts. */
  waitBeyond(position: number, end: () => number, signal: AbortSignal): Promise<void> {
    if (end() > position || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const check = (): void => {
        if (end() <= position && !signal.aborted) return;
        this.#checks.delete(check);
        signal.removeEventListener('abort', check);
        resolve();
      };
      this.#checks.add(check);
      signal.addEventListener('abort', check);
    });
  }
}

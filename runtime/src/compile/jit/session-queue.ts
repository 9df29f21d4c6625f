/** When sessions may be over: each is listed under an end that it once had, and looked at again when that has passed. */
export class SessionQueue {
  readonly #widthMs: number;
  readonly #lists = new Map<number, number[]>();

  constructor(gapMs: number) {
    this.#widthMs = Math.max(1, Math.floor(gapMs / 16));
  }

  add(endMs: number, at: number): void {
    const key = Math.floor(endMs / this.#widthMs);
    const list = this.#lists.get(key);
    if (list === undefined) this.#lists.set(key, [at]);
    else list.push(at);
  }

  /** Takes out the sessions that may have ended by then. */
  take(untilMs: number): readonly number[] {
    const last = Math.floor(untilMs / this.#widthMs);
    const due = [...this.#lists.keys()].filter((key) => key <= last).sort((a, b) => a - b);
    const taken: number[] = [];
    for (const key of due) {
      for (const at of this.#lists.get(key) ?? []) taken.push(at);
      this.#lists.delete(key);
    }
    return taken;
  }
}

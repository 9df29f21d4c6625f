/**
 * Items that wait for a time: whatever is due comes out in the order of time, items of one time in the order in which
 * they were added.
 *
 *   heap of the different times ──► time → its items
 */
export class TimeQueue<T> {
  readonly #items = new Map<number, T[]>();
  #size = 0;
  /** A binary heap, the smallest time first. */
  readonly #times: number[] = [];

  get size(): number {
    return this.#size;
  }

  add(timeMs: number, item: T): void {
    this.#size++;
    const items = this.#items.get(timeMs);
    if (items !== undefined) {
      items.push(item);
      return;
    }
    this.#items.set(timeMs, [item]);
    this.#rise(timeMs);
  }

  /** Removes and returns the items of all times up to this one. */
  take(untilMs: number): T[] {
    const due: T[] = [];
    for (let first = this.#times[0]; first !== undefined && first <= untilMs; first = this.#times[0]) {
      for (const item of this.#items.get(first) ?? []) due.push(item);
      this.#items.delete(first);
      this.#dropFirst();
    }
    this.#size -= due.length;
    return due;
  }

  /** The items of all times up to this one, which stay; in no order. */
  *upTo(untilMs: number): Iterable<T> {
    for (const [timeMs, items] of this.#items) if (timeMs <= untilMs) yield* items;
  }

  #rise(timeMs: number): void {
    const times = this.#times;
    let index = times.length;
    times.push(timeMs);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = times[parent] as number;
      if (above <= timeMs) break;
      times[index] = above;
      index = parent;
    }
    times[index] = timeMs;
  }

  #dropFirst(): void {
    const times = this.#times;
    const last = times.pop() as number;
    if (times.length === 0) return;
    let index = 0;
    for (;;) {
      let child = index * 2 + 1;
      if (child >= times.length) break;
      if (child + 1 < times.length && (times[child + 1] as number) < (times[child] as number)) child++;
      const below = times[child] as number;
      if (below >= last) break;
      times[index] = below;
      index = child;
    }
    times[index] = last;
  }
}

/**
 * Events and rows that were rejected during an epoch. An event that waits for its time may be found wrong long after its
 * first reading, and a computation that begins again finds the same ones: each is kept and counted once.
 */
import type { Batch, Reads } from '../state/store.ts';

interface Rejection {
  readonly key: Buffer;
  readonly value: string;
  readonly isNew: boolean;
}

export class Rejections {
  readonly #found = new Map<string, Rejection>();

  /** `isNew`: no epoch before can have found it. */
  add(key: Buffer, value: string, isNew: boolean): void {
    const name = key.toString('latin1');
    const known = this.#found.get(name);
    if (known?.isNew !== true) this.#found.set(name, { key, value, isNew });
  }

  /** Writes those that no epoch before has found, and says how many there are; nothing is left. */
  async take(batch: Batch, store: Reads): Promise<number> {
    let count = 0;
    for (const { key, value, isNew } of this.#found.values()) {
      if (!isNew && (await store.get(key)) !== null) continue;
      batch.put(key, value);
      count++;
    }
    this.#found.clear();
    return count;
  }
}

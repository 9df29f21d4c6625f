/** How the logs know what a producer has sent: the numbers of its lines count within one source and one partition. */
import type { Log } from '../log/log.ts';

export class Producer {
  readonly #name: string;
  readonly #source: string;

  constructor(name: string, source: string) {
    this.#name = name;
    this.#source = source;
  }

  /** The name that a block of events carries. No name that comes from outside has a line break in it. */
  inLog(partition: number): string {
    return `${this.#name}/${partition}\n${this.#source}`;
  }

  get inRejected(): string {
    return `${this.#name}\n${this.#source}`;
  }

  /** The number of the last line that is in a partition of the log; 0 when none is. */
  lastInLog(log: Log, partition: number): number {
    // Up to version 0.1 the names had no source.
    return Math.max(log.lastSequence(this.inLog(partition)), log.lastSequence(`${this.#name}/${partition}`));
  }

  lastRejected(rejected: Log): number {
    return Math.max(rejected.lastSequence(this.inRejected), rejected.lastSequence(this.#name));
  }
}

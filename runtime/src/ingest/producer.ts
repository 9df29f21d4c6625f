/** How the logs know what a producer has sent: the numbers of its lines count within one source and one partition. */
import type { Log } from '../log/log.ts';

/** Log → name in the rejected log → when the last who asked is done. */
const TURNS = new WeakMap<Log, Map<string, Promise<unknown>>>();

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

  /**
   * Looks what the log has and appends the rest, while no other stream of the same name does: a sender that was believed to
   * be dead may go on beside the one that took its place, and what one of them appends the other must see.
   */
  async inTurn<T>(log: Log, work: () => Promise<T>): Promise<T> {
    const turns = TURNS.get(log) ?? new Map<string, Promise<unknown>>();
    TURNS.set(log, turns);
    const name = this.inRejected;
    const turn = (turns.get(name) ?? Promise.resolve()).then(work);
    const settled = turn.catch(() => {});
    turns.set(name, settled);
    try {
      return await turn;
    } finally {
      if (turns.get(name) === settled) turns.delete(name);
    }
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

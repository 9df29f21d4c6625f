/** Counts what is read of a log, so that the work of a pipeline can be compared and paid for with time. */
import type { Block, Log } from '../log/log.ts';

export class ReadMeter {
  readonly #log: Log;
  /** Events that were read for the first time, and events that were read again. */
  first = 0;
  again = 0;
  /** What lies before it was read before. */
  #reached = 0;
  /** Of the last block that was handed out: where its reader began, where it ends. */
  #lastStart = 0;
  #lastEnd = 0;

  /** From now on the log is read through the meter. */
  constructor(log: Log) {
    this.#log = log;
    const read = log.read.bind(log);
    log.read = (from, options) => this.#metered(from, read(from, options));
  }

  get events(): number {
    return this.first + this.again;
  }

  /** What is read from now on is read for the first time: by a job that begins anew. */
  beginAnew(): void {
    this.#reached = 0;
    this.#lastStart = this.#lastEnd = this.#log.end;
  }

  async *#metered(from: number, blocks: AsyncIterable<Block>): AsyncIterable<Block> {
    // Who stopped within a block goes on there: the rest of it was counted, but not read.
    if (from >= this.#lastStart && from < this.#lastEnd) this.#uncount(from);
    for await (const block of blocks) {
      const start = Math.max(from, block.position);
      const end = block.kind === 'events' ? block.position + block.count : start;
      this.#lastStart = start;
      this.#lastEnd = end;
      this.#count(start, end);
      yield block;
    }
  }

  #count(start: number, end: number): void {
    const fresh = Math.max(0, end - Math.max(start, this.#reached));
    this.first += fresh;
    this.again += end - start - fresh;
    this.#reached = Math.max(this.#reached, end);
  }

  #uncount(from: number): void {
    if (this.#lastEnd < this.#reached) {
      this.again -= this.#lastEnd - from;
      return;
    }
    this.first -= this.#lastEnd - from;
    this.#reached = from;
  }
}

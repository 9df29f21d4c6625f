/**
 * The appends that wait for the disk, in their order: never another, or a producer's sequences would be reordered.
 *
 *   append ─► waits for room ─► queue, at most `queueBytesMax` ─► one commit for what waits (group commit) ─► returns
 */
import type { Clock } from '../ports/clock.ts';
import { type Append, bytesOf } from './log.ts';

/** As much as one write and one fsync take. */
const COMMIT_BYTES_MAX = 8 * 1024 * 1024;
/** So much waits for nobody: an fsync of it costs little more than the writing. */
const ENOUGH_BYTES = 512 * 1024;
/** Several commits, so that one is gathered while another is written. */
const QUEUE_BYTES_MAX = 32 * 1024 * 1024;

interface Waiting {
  readonly append: Append;
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export interface CommitQueueOptions {
  readonly clock: Clock;
  /** How long an append waits for others to share its fsync, unless enough waits; 0 commits whatever waits at once. */
  readonly commitEveryMs?: number | undefined;
  /** What may wait; an append that does not fit stays with its sender. One that is larger than all of it waits alone. */
  readonly queueBytesMax?: number | undefined;
  /** Makes appends of so many bytes durable, all or none. */
  readonly commit: (appends: readonly Append[], bytes: number) => Promise<void>;
  /** Called after each commit, also one that failed. */
  readonly onCommit: () => void;
}

export class CommitQueue {
  readonly #options: CommitQueueOptions;
  readonly #commitEveryMs: number;
  readonly #queueBytesMax: number;
  readonly #queue: Waiting[] = [];
  /** In the order in which they came; while there are any, nobody goes past them. */
  readonly #outside: Waiting[] = [];
  #queueBytes = 0;
  #onFull: () => void = () => {};
  #writing: Promise<void> | null = null;

  constructor(options: CommitQueueOptions) {
    this.#options = options;
    this.#commitEveryMs = options.commitEveryMs ?? 0;
    this.#queueBytesMax = options.queueBytesMax ?? QUEUE_BYTES_MAX;
  }

  /** What waits inside. */
  get queueBytes(): number {
    return this.#queueBytes;
  }

  /** Resolves when the append is durable. */
  append(append: Append): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      this.#outside.push({ append, bytes: bytesOf(append), resolve, reject });
      this.#letIn();
      this.#writing ??= this.#write();
    });
  }

  #letIn(): void {
    for (let next = this.#outside[0]; next !== undefined; next = this.#outside[0]) {
      if (this.#queue.length > 0 && this.#queueBytes + next.bytes > this.#queueBytesMax) break;
      this.#outside.shift();
      this.#queue.push(next);
      this.#queueBytes += next.bytes;
    }
    if (this.#queueBytes >= ENOUGH_BYTES || this.#outside.length > 0) this.#onFull();
  }

  /** Resolves when nothing waits any more. */
  async drain(): Promise<void> {
    while (this.#writing !== null) await this.#writing;
  }

  async #write(): Promise<void> {
    await this.#gather();
    while (this.#queue.length > 0) {
      const { waiting, bytes } = this.#take();
      try {
        await this.#options.commit(
          waiting.map(({ append }) => append),
          bytes,
        );
        for (const { resolve } of waiting) resolve();
      } catch (error) {
        for (const { reject } of waiting) reject(error);
      }
      this.#options.onCommit();
      if (this.#queue.length > 0 && this.#commitEveryMs > 0) await this.#gather();
    }
    this.#writing = null;
  }

  /** Waits for more to share the fsync: for one turn of the event loop, or as long as the settings say. */
  async #gather(): Promise<void> {
    const { clock } = this.#options;
    if (this.#commitEveryMs === 0) return clock.turn();
    const full = new AbortController();
    this.#onFull = () => full.abort();
    if (this.#queueBytes < ENOUGH_BYTES && this.#outside.length === 0)
      await clock.sleep(this.#commitEveryMs, full.signal);
    this.#onFull = () => {};
  }

  #take(): { readonly waiting: readonly Waiting[]; readonly bytes: number } {
    let bytes = 0;
    let count = 0;
    while (count < this.#queue.length && (count === 0 || bytes < COMMIT_BYTES_MAX))
      bytes += this.#queue[count++]?.bytes ?? 0;
    const waiting = this.#queue.splice(0, count);
    this.#queueBytes -= bytes;
    this.#letIn();
    return { waiting, bytes };
  }
}

/**
 * Room on the disk of a data folder. The last of it, the reserve, is for what must go on when all else is used up:
 *
 *   free  ≥ reserve        all goes on
 *         < reserve, or 0  nothing is taken in; what is in the log is computed, and everybody reads
 *         < reserve / 2    no epoch, run or snapshot begins either, so that the state never meets a full disk
 *
 * How much is free is looked at now and then while a pipeline runs, and before something is written when that was too
 * long ago or too much was written since.
 *
 * Invariants  U7  Below the reserve no event is accepted; readers are answered as before.
 *             U8  What was refused for want of room is taken again as soon as there is room, without a restart.
 */
import { failure } from '../base/errors.ts';
import { formatSize } from '../base/sizes.ts';
import type { DiskStatus } from '../host/host.ts';
import { type Clock, elapsedMs } from '../ports/clock.ts';

/** A look lasts so long. */
const LOOK_MS = 1_000;
/** And for so much that is written. */
const LOOK_SHARE = 1 / 8;
const PAUSE_SHARE = 1 / 2;

export interface RoomOptions {
  readonly folder: string;
  /** 0: no reserve is kept. */
  readonly reserveBytes: number;
  readonly clock: Clock;
  readonly freeBytes: () => Promise<number>;
}

export class Room {
  readonly #options: RoomOptions;
  #freeBytes = Infinity;
  #lookedAtMs = -Infinity;
  #writtenBytes = 0;
  #looking: Promise<void> | null = null;
  #refusals = 0;
  /** Called when the intake or the epochs stop or go on. */
  onChange: (status: DiskStatus) => void = () => {};
  #shown = 'open running';

  constructor(options: RoomOptions) {
    this.#options = options;
  }

  get status(): DiskStatus {
    const { reserveBytes } = this.#options;
    return {
      freeBytes: Number.isFinite(this.#freeBytes) ? this.#freeBytes : null,
      reserveBytes,
      intake: this.#freeBytes < Math.max(reserveBytes, 1) ? 'refused' : 'open',
      epochs: this.#freeBytes < reserveBytes * PAUSE_SHARE ? 'paused' : 'running',
      refusals: this.#refusals,
    };
  }

  /** Lets so many bytes of events in, or throws DISK_FULL (U7). */
  async admit(bytes: number): Promise<void> {
    this.#writtenBytes += bytes;
    await this.#lookIfDue();
    if (this.status.intake === 'open') return;
    this.#refusals++;
    throw this.#full('No event was accepted');
  }

  /** Lets an epoch, a run or a command begin, or throws DISK_FULL. */
  async begin(): Promise<void> {
    await this.#lookIfDue();
    if (this.status.epochs === 'paused') throw this.#full('Nothing of it was begun');
  }

  #full(consequence: string): Error {
    const { folder, reserveBytes } = this.#options;
    const free = formatSize(this.#freeBytes);
    return failure('DISK_FULL', { folder, free, reserve: formatSize(reserveBytes), consequence });
  }

  /** Resolves when work may begin again (U8), or the signal aborts. */
  async regained(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#lookIfDue();
      if (this.status.epochs === 'running') return;
      await this.#options.clock.sleep(LOOK_MS, signal);
    }
  }

  /** Looks now and then, so that `status` is true and changes are told also when nothing happens. */
  async watch(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.look();
      await this.#options.clock.sleep(LOOK_MS, signal);
    }
  }

  async #lookIfDue(): Promise<void> {
    const { clock, reserveBytes } = this.#options;
    const ageMs = elapsedMs(clock) - this.#lookedAtMs;
    const isDue = ageMs >= LOOK_MS || this.#writtenBytes > reserveBytes * LOOK_SHARE;
    if (reserveBytes > 0 && isDue) await this.look();
  }

  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = null;
    });
    return this.#looking;
  }

  async #look(): Promise<void> {
    const { clock, freeBytes } = this.#options;
    this.#writtenBytes = 0;
    try {
      this.#freeBytes = await freeBytes();
    } catch {
      // A disk that does not say how full it is may still say so when it is written to.
    }
    this.#lookedAtMs = elapsedMs(clock);
    const { status } = this;
    const shown = `${status.intake} ${status.epochs}`;
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.onChange(status);
  }
}

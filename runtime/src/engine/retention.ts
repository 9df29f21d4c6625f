/**
 * Lets the oldest files of the log go that the settings allow and nobody needs; and of what was rejected, with each append that
 * makes it more than it may be: whoever sends nonsense without end fills no disk with it.
 *
 *   every minute ─► a turn: no epoch, run or command is at work ─► the smallest hold ─► the state is made durable ─► files go
 *                ─► files that are old enough go cold, one after the other, while everybody works on
 *
 * Who needs the log says so: each layer, version, pending correction and open partition (see loop/reach.ts), and whoever else
 * registers a hold, such as a sink that has not delivered everything yet.
 *
 * Invariants  U9  Nothing is removed from the log that a restart may need, also after a power cut: what was computed from it
 *                 is durable before.
 */
import { CodedError } from '../base/coded-error.ts';
import type { Turns } from '../base/turns.ts';
import type { Field } from '../data/decode.ts';
import type { LogStatus } from '../host/host.ts';
import type { RetentionLimits } from '../log/retention.ts';
import type { Hold } from '../loop/reach.ts';
import type { Clock } from '../ports/clock.ts';
import type { DataFolder } from './data-folder.ts';

const EVERY_MS = 60_000;
/** What may be otherwise at the next try. */
const LATER: ReadonlySet<string> = new Set(['LOG_UNAVAILABLE', 'DISK_FULL']);

/** A disk that refuses may be asked again; one that breaks, as an fsync that fails says, may not. */
const isForLater = (error: unknown): boolean =>
  error instanceof CodedError &&
  LATER.has(error.code) &&
  (error.cause as NodeJS.ErrnoException | undefined)?.code !== 'EIO';

export interface RetentionPolicy {
  /** Bytes of what was rejected. */
  readonly rejectedSize?: number | undefined;
  /** How long events are kept after they were appended. */
  readonly time?: number | undefined;
  /** Bytes of the log. */
  readonly size?: number | undefined;
  /** How long after they were appended events go cold. */
  readonly coldAfter?: number | undefined;
}

export interface RetentionOptions {
  readonly data: DataFolder;
  readonly clock: Clock;
  readonly policy: RetentionPolicy;
  readonly turns: Turns;
  /** What the layers need. */
  readonly holds: () => readonly Hold[];
  /** The fields of a source: the columns of its cold files. */
  readonly fieldsOf: (source: string) => readonly Field[];
}

export class Retention {
  readonly #options: RetentionOptions;
  readonly #others = new Set<() => readonly Hold[]>();
  #heldBy: string | null = null;
  #lastFailure: string | null = null;

  constructor(options: RetentionOptions) {
    this.#options = options;
  }

  get #isAsked(): boolean {
    const { time, size } = this.#options.policy;
    return time !== undefined || size !== undefined;
  }

  /** Somebody besides the layers needs the log; returns how to end that. */
  register(holds: () => readonly Hold[]): () => void {
    this.#others.add(holds);
    return () => this.#others.delete(holds);
  }

  /** Until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    await this.trimRejected();
    while ((this.#isAsked || this.#options.policy.coldAfter !== undefined) && !signal.aborted) {
      await this.apply();
      while (!signal.aborted && (await this.roll()));
      await this.#options.clock.sleep(EVERY_MS, signal);
    }
  }

  /** Lets the oldest go of what was rejected, when it is more than it may be. Looks only at a number when it is not. */
  async trimRejected(): Promise<void> {
    const { data, policy } = this.#options;
    const { rejectedSize = Infinity } = policy;
    if ((data.rejectedBytes?.() ?? 0) <= rejectedSize) return;
    await this.#trying(undefined, async () => {
      await data.trimRejected?.(rejectedSize);
    });
  }

  /** Removes what may go now; returns how many files. What the disk refuses is tried again later. Throws when it breaks. */
  async apply(): Promise<number> {
    const { data, turns, policy, clock } = this.#options;
    if (!this.#isAsked || data.trim === undefined) return 0;
    const limits = {
      ...(policy.time !== undefined && { olderThanMs: clock.nowMs() - policy.time }),
      ...(policy.size !== undefined && { sizeBytesMax: policy.size }),
    };
    return this.#trying(0, () => turns.takeAnyway(() => this.#remove(limits)));
  }

  /** Lets one file of the log go cold; false when none is old enough. */
  async roll(): Promise<boolean> {
    const { data, policy, clock, fieldsOf } = this.#options;
    const { coldAfter } = policy;
    if (coldAfter === undefined || data.roll === undefined) return false;
    return this.#trying(false, async () => {
      await data.room?.begin();
      return (await data.roll?.(clock.nowMs() - coldAfter, fieldsOf)) ?? false;
    });
  }

  async #trying<T>(otherwise: T, work: () => Promise<T>): Promise<T> {
    try {
      const result = await work();
      this.#lastFailure = null;
      return result;
    } catch (error) {
      if (!isForLater(error)) throw error;
      this.#lastFailure = (error as CodedError).message;
      return otherwise;
    }
  }

  async #remove(limits: RetentionLimits): Promise<number> {
    const { data, holds } = this.#options;
    const all = [...holds(), ...[...this.#others].flatMap((each) => each())];
    const first = all.toSorted((a, b) => a.position - b.position)[0];
    // A power cut may take back what was committed, and then it is computed again from the log (S3).
    await data.store.sync();
    const result = await data.trim?.(first?.position ?? data.log.end, limits);
    this.#heldBy = result?.isHeld === true ? (first?.because ?? null) : null;
    return result?.files ?? 0;
  }

  get status(): LogStatus | null {
    const { data } = this.#options;
    const { log } = data;
    const use = data.logUse?.();
    if (use === undefined) return null;
    return {
      start: log.start,
      end: log.end,
      ...use,
      heldBy: this.#heldBy,
      lastFailure: this.#lastFailure,
    };
  }
}

/** The snapshots that a running pipeline takes: when it is asked, and after every so many epochs. One at a time. */
import { z } from 'zod';
import { CodedError } from '../base/coded-error.ts';
import { failure } from '../base/errors.ts';
import type { SnapshotStatus } from '../host/host.ts';
import type { Clock } from '../ports/clock.ts';
import { folderPlace } from '../snapshots/place.ts';
import { takeSnapshot } from '../snapshots/take.ts';
import type { DataFolder } from './data-folder.ts';

export interface SnapshotPolicy {
  readonly folder: string;
  readonly everyEpochs: number;
  readonly keep: number;
}

interface SnapshotsOptions {
  readonly data: DataFolder;
  readonly clock: Clock;
  readonly pipeline: string;
  readonly policy: SnapshotPolicy | null;
}

const requestSchema = z.strictObject({ folder: z.string().min(1), keep: z.int().min(1) });

export class Snapshots {
  readonly #options: SnapshotsOptions;
  #status: SnapshotStatus = { running: null, last: null, failures: 0, lastFailure: null };
  #running: { readonly folder: string; readonly work: Promise<void>; readonly stop: AbortController } | null =
    null;
  #epochs = 0;

  constructor(options: SnapshotsOptions) {
    this.#options = options;
  }

  get status(): SnapshotStatus | null {
    const { running, last, failures } = this.#status;
    return running === null && last === null && failures === 0 ? null : this.#status;
  }

  /** An epoch was committed: perhaps it is time. What fails is counted, and tried again after as many epochs. */
  epochCommitted(): void {
    const { policy } = this.#options;
    if (policy === null || ++this.#epochs < policy.everyEpochs || this.#running !== null) return;
    this.#epochs = 0;
    this.#start(policy.folder, policy.keep);
  }

  /** `snapshot` begins one, `snapshot-status` says how far it is, `snapshot-stop` leaves it. */
  command(name: string, params: unknown): Promise<SnapshotStatus> {
    if (name === 'snapshot') {
      const { folder, keep } = requestSchema.parse(params);
      if (this.#running !== null) throw failure('SNAPSHOT_RUNNING', { place: this.#running.folder });
      this.#start(folder, keep);
    }
    if (name === 'snapshot-stop') this.#running?.stop.abort();
    return Promise.resolve(this.#status);
  }

  /** Leaves the one that is running. */
  async close(): Promise<void> {
    this.#running?.stop.abort();
    await this.#running?.work;
  }

  #start(folder: string, keep: number): void {
    const stop = new AbortController();
    this.#status = { ...this.#status, running: { doneBytes: 0, totalBytes: 0 } };
    const work = this.#take(folder, keep, stop.signal)
      .then(
        (last) => {
          this.#status = { ...this.#status, last, lastFailure: null };
        },
        (error: unknown) => {
          const reason = error instanceof CodedError ? error.message : String(error);
          const lastFailure = stop.signal.aborted ? 'stopped' : reason;
          this.#status = { ...this.#status, failures: this.#status.failures + 1, lastFailure };
        },
      )
      .finally(() => {
        this.#running = null;
        this.#status = { ...this.#status, running: null };
      });
    this.#running = { folder, work, stop };
  }

  async #take(folder: string, keep: number, signal: AbortSignal): Promise<SnapshotStatus['last']> {
    const { data, clock, pipeline } = this.#options;
    const { disk, stage: hold } = data;
    if (hold === undefined || disk === undefined)
      throw failure('SNAPSHOT_FAILED', { place: folder, reason: 'the data is not on disk' });
    await data.room?.begin();
    const stage = await hold();
    try {
      return await takeSnapshot({
        place: folderPlace(disk, folder),
        disk,
        files: stage.files,
        pipeline,
        position: stage.position,
        keep,
        nowMs: clock.nowMs(),
        signal,
        onProgress: (running) => {
          this.#status = { ...this.#status, running };
        },
      });
    } finally {
      await stage.release();
    }
  }
}

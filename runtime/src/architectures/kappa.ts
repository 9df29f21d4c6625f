/**
 * Kappa: one job over a retained log. To change the logic or to reprocess, a second version of the job reads the same log
 * from its beginning beside the live one; when it has caught up, readers are moved to it at once, and can be moved back.
 *
 *   log ─┬─► version v1 (live)       ──► views ◄── readers follow the alias
 *        └─► version v2 (candidate)  ──► views     promote v2: alias = v2, v1 is kept up to date for a rollback
 *
 * Each version keeps the plan it was started with, so the live one goes on unchanged while `pipeline.ts` is edited.
 *
 * Invariants  K1  A reader sees one version whole: the alias is read in the same snapshot as the rows.
 *             K2  `promote` and `rollback` move the alias in one durable commit.
 */
import { z } from 'zod';
import { failure } from '../base/errors.ts';
import { NAME_SHAPE } from '../data/value.ts';
import { type EpochRows, Job } from '../loop/job.ts';
import { Layer } from '../loop/layer.ts';
import { holdsOf } from '../loop/reach.ts';
import { hashOf } from '../plan/hash.ts';
import type { Plan } from '../plan/node.ts';
import { parsePlan } from '../plan/parse.ts';
import type { VersionStatus } from '../host/host.ts';
import { trimmed } from '../log/trimmed.ts';
import { elapsedMs } from '../ports/clock.ts';
import { metaKey } from '../state/keys.ts';
import { Batch, type Reads } from '../state/store.ts';
import {
  type Arrangement,
  type ArrangementOptions,
  type Command,
  correctionsOf,
  unreachableOf,
  wholeView,
} from './arrangement.ts';
import { Corrections, drain, either, waitForData } from './pace.ts';

const ALIAS = metaKey('kappa');
/** A candidate that is further behind than this many epochs is not promoted: readers would wait for it. */
const PROMOTE_EPOCHS_MAX = 16;

const REPLAY_REMEDY =
  'A version from the beginning cannot be computed any more. `pipeline replay --partial` replays what is left; windows that began before are then incomplete.';

interface SavedAlias {
  readonly live: string;
  readonly previous: string | null;
  readonly versions: Readonly<
    Record<
      string,
      {
        readonly plan: Plan;
        readonly createdAtMs: number;
        readonly rate: number | null;
        /** Where in the log it begins; absent for the beginning. */
        readonly startAt?: number;
      }
    >
  >;
}

interface Version {
  readonly name: string;
  readonly job: Job;
  readonly corrections: Corrections;
  readonly createdAtMs: number;
  /** Most events a second while it catches up; null: as fast as it can. */
  readonly rate: number | null;
  /** By the time that passes. */
  nextEpochAtMs: number;
}

const replaySchema = z.strictObject({
  as: z.string().optional(),
  plan: z.unknown(),
  rate: z.number().positive().nullish(),
  /** From the first event that was appended then or later. */
  fromMs: z.number().optional(),
  /** From what is left of a log whose beginning was removed. */
  partial: z.boolean().default(false),
});
const versionSchema = z.strictObject({ version: z.string() });

export async function kappa(options: ArrangementOptions): Promise<Arrangement> {
  const versions = await Versions.open(options);
  const { config, ports, turns } = options;
  return {
    get serving() {
      return versions.live.job.layer;
    },
    get jobs() {
      return versions.all.map(({ job }) => job);
    },
    nextRunAtMs: null,
    get waitingLate() {
      return versions.live.job.layer.waitingLate;
    },
    get unreachableLate() {
      return unreachableOf(versions.live.job.layer);
    },
    holds: () => versions.all.flatMap(({ job }) => holdsOf(job.layer, 'corrections')),
    get corrections() {
      return correctionsOf(versions.live.job.layer);
    },
    get versions() {
      return versions.status();
    },
    locate: (reads, view) => versions.locate(reads, view),
    async settle(signal) {
      for (const { job } of versions.all) {
        await drain(job, config.trigger, turns, signal);
        await turns.take(() => job.correct());
      }
    },
    async run(signal) {
      while (!signal.aborted) {
        await drain(versions.live.job, config.trigger, turns, signal);
        await versions.live.corrections.runIfDue();
        const behind = await versions.stepOthers();
        if (behind) continue;
        const atMostMs = Math.min(versions.live.corrections.dueInMs, versions.nextStepInMs);
        const limits = { gatherMs: config.trigger.every, rowsMax: config.trigger.rows, atMostMs };
        const { position } = versions.live.job.layer;
        await either(signal, (stop) => [waitForData(ports, position, limits, stop), versions.nextReplay()]);
      }
    },
    commands: versions.commands,
  };
}

class Versions {
  readonly #options: ArrangementOptions;
  readonly #versions = new Map<string, Version>();
  #alias: SavedAlias;
  #onReplay: () => void = () => {};

  private constructor(options: ArrangementOptions, alias: SavedAlias) {
    this.#options = options;
    this.#alias = alias;
  }

  static async open(options: ArrangementOptions): Promise<Versions> {
    const { ports, plan, allowed } = options;
    const bytes = await ports.store.get(ALIAS);
    const startAt = allowed.partial === true ? ports.log.start : 0;
    const first = { plan, createdAtMs: ports.clock.nowMs(), rate: null, ...(startAt > 0 && { startAt }) };
    const alias =
      bytes === null
        ? { live: 'v1', previous: null, versions: { v1: first } }
        : (JSON.parse(bytes.toString()) as SavedAlias);
    const versions = new Versions(options, alias);
    for (const name of Object.keys(alias.versions)) await versions.#start(name);
    if (bytes === null) await versions.#save(alias, new Batch());
    return versions;
  }

  async #start(name: string): Promise<void> {
    const { ports, config, turns } = this.#options;
    const saved = this.#alias.versions[name];
    if (saved === undefined) return;
    const { startAt = 0 } = saved;
    const job = await Job.open(await Layer.open(layerOf(name), this.#planOf(saved.plan), ports, { startAt }));
    const corrections = new Corrections(job, config.corrections.every, ports.clock, turns);
    const { createdAtMs, rate } = saved;
    this.#versions.set(name, {
      name,
      job,
      corrections,
      createdAtMs,
      rate,
      nextEpochAtMs: elapsedMs(ports.clock),
    });
  }

  /** A version that runs the definition at hand, as most do, runs that object: what is known of it is known already. */
  #planOf(saved: Plan): Plan {
    const { plan } = this.#options;
    return JSON.stringify(saved) === JSON.stringify(plan) ? plan : parsePlan(saved);
  }

  async #save(alias: SavedAlias, batch: Batch): Promise<void> {
    batch.put(ALIAS, JSON.stringify(alias));
    await this.#options.ports.store.commit(batch);
    await this.#options.ports.store.sync();
    this.#alias = alias;
  }

  get all(): readonly Version[] {
    return [...this.#versions.values()];
  }

  get live(): Version {
    return this.#versionOf(this.#alias.live);
  }

  #versionOf(name: string): Version {
    const version = this.#versions.get(name);
    if (version === undefined) {
      throw failure('VERSION_INVALID', {
        problem: `There is no version "${name}". There are: ${[...this.#versions.keys()].join(', ')}.`,
      });
    }
    return version;
  }

  async locate(reads: Reads, view: string): ReturnType<Arrangement['locate']> {
    const bytes = await reads.get(ALIAS);
    const name = bytes === null ? this.#alias.live : (JSON.parse(bytes.toString()) as SavedAlias).live;
    return wholeView(this.#versionOf(name).job.layer, view);
  }

  /** One epoch for each version that is behind and may; true when one of them could go on at once. */
  async stepOthers(): Promise<boolean> {
    const { config, ports, turns } = this.#options;
    let goOn = false;
    for (const version of this.all) {
      if (version === this.live || version.job.isCaughtUp || version.nextEpochAtMs > elapsedMs(ports.clock))
        continue;
      const before = version.job.layer.position;
      const rows = version.rate === null ? config.trigger : atRate(config.trigger, version.rate);
      // A version that was dropped while this waited for its turn must not write again.
      await turns.take(async () => this.#versions.has(version.name) && version.job.epoch(rows));
      const events = version.job.layer.position - before;
      if (version.rate !== null)
        version.nextEpochAtMs = elapsedMs(ports.clock) + (events / version.rate) * 1000;
      if (version.job.isCaughtUp) await turns.take(() => version.job.correct());
      else goOn ||= version.nextEpochAtMs <= elapsedMs(ports.clock);
    }
    return goOn;
  }

  get nextStepInMs(): number {
    const waiting = this.all.filter((version) => version !== this.live && !version.job.isCaughtUp);
    return Math.max(
      0,
      Math.min(...waiting.map(({ nextEpochAtMs }) => nextEpochAtMs)) - elapsedMs(this.#options.ports.clock),
    );
  }

  status(): VersionStatus[] {
    const { live, previous } = this.#alias;
    return this.all.map(({ name, job, createdAtMs }) => ({
      name,
      role: name === live ? 'live' : name === previous ? 'previous' : 'candidate',
      lagEvents: this.#options.ports.log.end - job.layer.position,
      createdAtMs,
    }));
  }

  readonly commands: Readonly<Record<string, Command>> = {
    replay: (params) => this.#options.turns.take(() => this.#replay(params)),
    promote: (params) => this.#options.turns.take(() => this.#promote(versionSchema.parse(params).version)),
    rollback: () => this.#options.turns.takeAnyway(() => this.#rollback()),
    versions: () => Promise.resolve(this.status()),
    // Also on a full disk: it frees room.
    drop: (params) => this.#options.turns.takeAnyway(() => this.#drop(versionSchema.parse(params).version)),
  };

  /** Resolves when a version is added, so that a loop that waits for events begins with it. */
  nextReplay(): Promise<void> {
    return new Promise((resolve) => {
      this.#onReplay = resolve;
    });
  }

  async #replay(params: Readonly<Record<string, unknown>>): Promise<unknown> {
    const { as, plan: data, rate = null, fromMs, partial } = replaySchema.parse(params);
    const plan = parsePlan(data);
    const { log } = this.#options.ports;
    const startAt = fromMs === undefined ? (partial ? log.start : 0) : await log.positionAtTime(fromMs);
    if (startAt < log.start) throw trimmed(log, startAt, REPLAY_REMEDY);
    const name = as ?? this.#nextName();
    if (!NAME_SHAPE.test(name))
      throw failure('VERSION_INVALID', {
        problem: `"${name}" cannot name a version: start with a letter, then letters, digits and _.`,
      });
    if (this.#versions.has(name))
      throw failure('VERSION_INVALID', {
        problem: `Version "${name}" exists already. Choose another name with --as, or remove it with \`pipeline versions --drop ${name}\`.`,
      });
    // What a dropped version of this name may have left behind when the process died half way.
    await Layer.forget(layerOf(name), this.#options.ports.store);
    const createdAtMs = this.#options.ports.clock.nowMs();
    const version = { plan, createdAtMs, rate, ...(startAt > 0 && { startAt }) };
    await this.#save({ ...this.#alias, versions: { ...this.#alias.versions, [name]: version } }, new Batch());
    await this.#start(name);
    this.#onReplay();
    return {
      version: name,
      sameAsLive: hashOf(plan) === hashOf(this.live.job.layer.plan),
      events: log.end - startAt,
      ...(startAt > 0 && { from: startAt }),
    };
  }

  #nextName(): string {
    let number = this.#versions.size + 1;
    while (this.#versions.has(`v${number}`)) number++;
    return `v${number}`;
  }

  async #promote(name: string): Promise<unknown> {
    const { config, ports } = this.#options;
    const version = this.#versionOf(name);
    if (name === this.#alias.live)
      throw failure('VERSION_INVALID', { problem: `Version "${name}" is live already.` });
    const lag = ports.log.end - version.job.layer.position;
    if (lag > config.trigger.rows * PROMOTE_EPOCHS_MAX) {
      throw failure('VERSION_INVALID', {
        problem: `Version "${name}" is ${lag} events behind. Wait until \`pipeline versions\` shows that it has caught up.`,
      });
    }
    while (await version.job.epoch(config.trigger));
    await version.job.correct();
    await this.#save({ ...this.#alias, live: name, previous: this.#alias.live }, new Batch());
    return { live: name, previous: this.#alias.previous };
  }

  async #rollback(): Promise<unknown> {
    const { live, previous } = this.#alias;
    if (previous === null)
      throw failure('VERSION_INVALID', { problem: `There is no version before "${live}" to go back to.` });
    await this.#save({ ...this.#alias, live: previous, previous: live }, new Batch());
    return { live: previous, previous: live };
  }

  async #drop(name: string): Promise<unknown> {
    this.#versionOf(name);
    if (name === this.#alias.live)
      throw failure('VERSION_INVALID', { problem: `Version "${name}" is live. Promote another one first.` });
    const { [name]: _, ...versions } = this.#alias.versions;
    const previous = this.#alias.previous === name ? null : this.#alias.previous;
    this.#versions.delete(name);
    await this.#save({ ...this.#alias, previous, versions }, new Batch());
    await Layer.forget(layerOf(name), this.#options.ports.store);
    return { dropped: name };
  }
}

function layerOf(version: string): string {
  return `kappa-${version}`;
}

/** An epoch of a version that is kept at a rate is of at most a second. */
function atRate({ rows }: EpochRows, eventsPerSecond: number): EpochRows {
  const most = Math.max(1, Math.min(rows, Math.ceil(eventsPerSecond)));
  return { rows: most, catchUpRows: most };
}

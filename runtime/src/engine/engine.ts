/**
 * A pipeline that can run: one log, one store and the arrangement of an architecture over them. The command line, the HTTP
 * API and the tests talk to this and to nothing behind it.
 */
import { getHeapStatistics } from 'node:v8';
import { arrange } from '../architectures/arrange.ts';
import type { Arrangement } from '../architectures/arrangement.ts';
import { CodedError } from '../base/coded-error.ts';
import { failure } from '../base/errors.ts';
import type { ProjectConfig } from '../config/project.ts';
import { acceptLines, type Door } from '../ingest/accept.ts';
import { InFlight } from '../ingest/in-flight.ts';
import { acceptBytes } from '../ingest/accept-bytes.ts';
import type { Line } from '../ingest/lines.ts';
import { inBatches, type Pace, UNPACED } from '../ingest/pace.ts';
import { firstRecords } from '../log/columns/texts.ts';
import { trimmed } from '../log/trimmed.ts';
import { NOTHING_ALLOWED } from '../loop/adoption.ts';
import { type LayerCommit, Layer, type LayerPorts } from '../loop/layer.ts';
import { Turns } from '../base/turns.ts';
import { Latency } from '../observe/latency.ts';
import { Recorder } from '../observe/recorder.ts';
import type { Allowed } from '../plan/compare.ts';
import type { Plan, SourcePlan } from '../plan/node.ts';
import type { Clock } from '../ports/clock.ts';
import type {
  Host,
  IngestResult,
  JsonRow,
  LateRow,
  RejectedRow,
  Status,
  ViewChange,
  ViewQuery,
} from '../host/host.ts';
import { openFormat } from '../state/format.ts';
import { metaKey } from '../state/keys.ts';
import type { Sinks } from '../sinks/sinks.ts';
import { Batch, type Store } from '../state/store.ts';
import { readView } from '../views/reader.ts';
import type { DataFolder } from './data-folder.ts';
import { IdleWatch } from './idle-watch.ts';
import { RejectedEvents } from './rejected-events.ts';
import { Retention } from './retention.ts';
import { Snapshots } from './snapshots.ts';
import { checkSchemas } from './schemas.ts';
import { openSinks, type SinkPorts } from './sinks.ts';
import { statusOf } from './status.ts';

/** Layers of every architecture, for `rebuild`. */
const LAYERS = ['live', 'scheduled', 'speed', 'batch'] as const;

/** What operators may take of the heap unless the project says: epochs, views and answers need room beside them. */
const HEAP_SHARE = 0.25;

const REBUILD_REMEDY =
  'Nothing was changed. `pipeline run --rebuild --partial` computes everything again from what is left; windows that began before are then incomplete.';

export interface EngineOptions {
  readonly plan: Plan;
  readonly config: ProjectConfig;
  readonly data: DataFolder;
  readonly clock: Clock;
  /** Forget what was computed and begin at the start of the log: after a change of the definition. */
  readonly rebuild?: boolean;
  /** Take over a changed definition before a backfill; only batch can. */
  readonly adopt?: boolean;
  /** What of a changed definition may be taken over besides what is compatible. */
  readonly allowed?: Allowed;
  /** Where sinks write; the real disk unless said. */
  readonly sinkPorts?: SinkPorts;
  /** Told of each commit of any layer, before anybody else. */
  readonly onCommit?: (commit: LayerCommit) => void;
}

export class Engine implements Host {
  readonly config: ProjectConfig;
  readonly data: DataFolder;
  readonly clock: Clock;
  readonly latency = new Latency();
  readonly startedAtMs: number;
  running = false;
  /** What the files define, as opposed to what Kappa's live version was started with. */
  readonly plan: Plan;
  readonly #listeners = new Map<string, Set<(changes: readonly ViewChange[]) => void>>();
  readonly #idle: IdleWatch;
  #arrangement: Arrangement | null = null;
  readonly #committers = new Set<() => void>();
  readonly snapshots: Snapshots;
  /** Null when no view is delivered anywhere. */
  sinks: Sinks | null = null;
  #recorder: Recorder | null = null;
  readonly retention: Retention;
  readonly #inFlight = new InFlight();
  readonly #rejected: RejectedEvents;
  readonly #turns: Turns;

  private constructor({ plan, config, data, clock }: EngineOptions) {
    this.plan = plan;
    this.config = config;
    this.data = data;
    this.clock = clock;
    this.startedAtMs = clock.nowMs();
    this.snapshots = new Snapshots({ data, clock, pipeline: plan.name, policy: config.snapshots ?? null });
    this.#turns = new Turns(() => data.room?.begin() ?? Promise.resolve());
    this.retention = new Retention({
      data,
      clock,
      policy: {
        ...config.log.retention,
        coldAfter: config.log.cold?.after,
        rejectedSize: config.rejected.size,
      },
      turns: this.#turns,
      holds: () => this.arrangement.holds(),
      fieldsOf: (source) => plan.sources.find(({ name }) => name === source)?.fields ?? [],
    });
    this.#rejected = new RejectedEvents(data, clock, () => this.arrangement.serving);
    this.#idle = new IdleWatch(plan, data.log, clock, config.log.partitions);
  }

  /** Opens the layers where they stopped. Throws DEFINITION_CHANGED and what the data may throw. */
  static async open(options: EngineOptions): Promise<Engine> {
    const engine = new Engine(options);
    const { log } = options.data;
    await openFormat(options.data.store);
    engine.sinks = await openSinks(options, () => engine.arrangement);
    const store = engine.sinks?.store ?? options.data.store;
    const { allowed = NOTHING_ALLOWED } = options;
    const noteSchemas = await checkSchemas(options.data, options.plan, allowed);
    if (options.rebuild === true) {
      if (log.start > 0 && allowed.partial !== true) throw trimmed(log, 0, REBUILD_REMEDY);
      await forgetEverything(store);
    }
    const ports: LayerPorts = {
      store,
      log,
      clock: options.clock,
      memoryBytesMax: options.config.state.memory ?? getHeapStatistics().heap_size_limit * HEAP_SHARE,
      jit: options.config.runtime.jit,
      sinksKeepUp: (signal) => engine.sinks?.keepUp(signal) ?? Promise.resolve(),
      onCommit: (commit) => {
        options.onCommit?.(commit);
        engine.#committed(commit);
      },
    };
    const { plan, config } = options;
    engine.#arrangement = await arrange(config.architecture, {
      plan,
      config,
      ports,
      turns: engine.#turns,
      adopt: options.adopt ?? false,
      allowed,
    });
    await noteSchemas();
    engine.#record(options.rebuild === true ? log.end : 0);
    return engine;
  }

  /** Notes what is measured from now on; what is computed again up to a position was noted when it came. */
  #record(from: number): void {
    const { data, plan, clock, config } = this;
    if (data.observed === undefined) return;
    this.#recorder = new Recorder({
      place: data.observed,
      log: data.log,
      firstRecords,
      plan,
      clock,
      architecture: config.architecture,
      slaSeconds: config.freshness / 1000,
      totals: () => ({
        late: this.arrangement.serving.progress.late,
        rejected: this.rejectedCount,
        corrections: this.arrangement.corrections.runs,
      }),
      from,
    });
  }

  get arrangement(): Arrangement {
    if (this.#arrangement === null) throw new Error('an engine is open before it is used');
    return this.#arrangement;
  }

  /** Makes everything in the log visible: what `--once` does. */
  settle(signal: AbortSignal = new AbortController().signal): Promise<void> {
    const { arrangement, sinks } = this;
    if (sinks === null) return arrangement.settle(signal);
    return sinks.during((stop) => arrangement.settle(stop), signal);
  }

  /** Runs until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    this.running = true;
    const stop = new AbortController();
    const forward = (): void => stop.abort();
    signal.addEventListener('abort', forward, { once: true });
    if (signal.aborted) stop.abort();
    try {
      // A failure of either ends both: a pipeline that half runs would look alive.
      const ending = (error: unknown): never => {
        forward();
        throw error;
      };
      const { room } = this.data;
      const watching = room === undefined ? [] : [room.watch(stop.signal)];
      const parts = [
        this.#runArrangement(stop.signal),
        this.#idle.run(stop.signal),
        this.retention.run(stop.signal),
        ...watching,
      ];
      const computing = Promise.all(parts.map((part) => part.catch(ending)));
      // What the last epoch changed is delivered too.
      const computed = new AbortController();
      const delivering = this.sinks?.run(computed.signal).catch(ending);
      const running = Promise.all([computing.finally(() => computed.abort()), delivering]);
      const { log, rejected, owner } = this.data;
      const failures = [...(owner === undefined ? [] : [owner.lost]), log.failed, rejected.failed];
      try {
        await Promise.race([running, ...failures].map((part) => part.catch(ending)));
      } finally {
        // What has begun is finished before the store is closed.
        await running.catch(() => {});
      }
    } finally {
      signal.removeEventListener('abort', forward);
      this.running = false;
    }
  }

  /** Epochs pause while the disk is full: between two of them, where nothing is half done. */
  async #runArrangement(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.arrangement.run(signal);
      } catch (error) {
        if (!(error instanceof CodedError) || error.code !== 'DISK_FULL') throw error;
        await this.data.room?.regained(signal);
      }
    }
  }

  async close(): Promise<void> {
    await this.#recorder?.close();
    await this.snapshots.close();
    await this.sinks?.close();
    await this.data.close();
  }

  status(): Promise<Status> {
    return statusOf(this);
  }

  async query(view: string, query: ViewQuery): Promise<readonly JsonRow[]> {
    const snapshot = this.data.store.snapshot();
    try {
      const { layout, parts } = await this.arrangement.locate(snapshot, view);
      return await readView(snapshot, layout, parts, query);
    } finally {
      await snapshot.release();
    }
  }

  subscribe(view: string, onChange: (changes: readonly ViewChange[]) => void): () => void {
    const known = this.arrangement.serving.plan.views.map((each) => each.name);
    if (!known.includes(view)) throw failure('VIEW_UNKNOWN', { view, known });
    const listeners = this.#listeners.get(view) ?? new Set();
    this.#listeners.set(view, listeners.add(onChange));
    return () => listeners.delete(onChange);
  }

  /** Resolves at the next commit that readers can see. */
  nextCommit(): Promise<void> {
    return new Promise((resolve) => {
      this.#committers.add(resolve);
    });
  }

  #committed({ layer, changes, arrivals }: LayerCommit): void {
    this.snapshots.epochCommitted();
    const arrangement = this.#arrangement;
    if (arrangement === null || (layer !== arrangement.serving && arrangement.lambda === undefined)) return;
    for (const resolve of this.#committers) resolve();
    this.#committers.clear();
    const nowMs = this.clock.nowMs();
    if (layer === arrangement.serving) {
      for (const { appendedAtMs, records } of arrivals) this.latency.add(nowMs - appendedAtMs, records);
      this.#recorder?.committed(arrivals);
    }
    for (const layout of layer.layouts) {
      const listeners = this.#listeners.get(layout.view.name);
      if (listeners === undefined || listeners.size === 0) continue;
      const rows = (changes.get(layout.view.name) ?? []).map(({ old, row }) => ({
        key: layout.keyToJson(row ?? old ?? []),
        row: row === null ? null : layout.toJson(row),
      }));
      if (rows.length > 0) for (const listener of listeners) listener(rows);
    }
  }

  /** The door of a source. Throws SOURCE_UNKNOWN. */
  door(source: string): Door {
    const plan = this.#sourceOf(source);
    const { log, rejected } = this.data;
    const onAppend = (name: string, partition: number): void => this.#idle.heard(name, partition);
    return {
      source: plan,
      log,
      rejected,
      clock: this.clock,
      partitions: this.config.log.partitions,
      onAppend,
      inFlight: this.#inFlight,
      onReject: () => this.retention.trimRejected(),
      dropsUnknown: this.config.log.undeclared === 'drop',
    };
  }

  #sourceOf(source: string): SourcePlan {
    const plan = this.plan.sources.find((candidate) => candidate.name === source);
    if (plan === undefined)
      throw failure('SOURCE_UNKNOWN', { source, known: this.plan.sources.map((each) => each.name) });
    return plan;
  }

  ingest(source: string, lines: AsyncIterable<Uint8Array>, producer?: string): Promise<IngestResult> {
    return acceptBytes(this.door(source), lines, producer);
  }

  /** Takes lines, paced or not; with a producer's name those that it sent before are recognised. */
  ingestLines(
    source: string,
    lines: AsyncIterable<Line>,
    options: {
      readonly producer?: string;
      readonly dueMs?: Pace['dueMs'];
      readonly signal?: AbortSignal;
      readonly onProgress?: (total: IngestResult) => void;
    },
  ): Promise<IngestResult> {
    const { producer, dueMs = UNPACED, signal = new AbortController().signal, onProgress } = options;
    return acceptLines(
      this.door(source),
      inBatches(lines, { dueMs, clock: this.clock, signal }),
      producer,
      onProgress,
    );
  }

  /** Says that no event will follow, so that every window closes: the end of a finite input. */
  async end(): Promise<void> {
    for (const { name } of this.plan.sources) {
      await this.data.log.append({ kind: 'end', source: name, partition: 0, records: ['{}'] });
    }
  }

  async late(limit: number): Promise<readonly LateRow[]> {
    const rows = await this.arrangement.serving.newestLate(limit);
    return rows.sort((a, b) => b.offset - a.offset).slice(0, limit);
  }

  rejected(limit: number): Promise<readonly RejectedRow[]> {
    return this.#rejected.newest(limit);
  }

  /** How many events were rejected at the door and not taken since, or by an expression. */
  get rejectedCount(): number {
    return this.#rejected.count;
  }

  async command(name: string, params: unknown): Promise<unknown> {
    if (name.startsWith('snapshot')) return this.snapshots.command(name, params);
    if (name === 'replay-late') return this.#replayLate();
    if (name === 'replay-rejected') return this.#rejected.replay(this.plan);
    const command = this.arrangement.commands[name];
    if (command === undefined) {
      const where = name === 'backfill' ? 'batch and lambda' : 'kappa';
      return Promise.reject(
        failure('ARCHITECTURE_CANNOT', { command: name, architecture: this.config.architecture, where }),
      );
    }
    const result = await command((params ?? {}) as Record<string, unknown>);
    // A version that begins later does not know who was put to sleep before, and would wait for them for ever.
    if (name === 'replay') this.#idle.wake();
    return result;
  }

  /** Admits the late events that were kept aside. The decision is a record of the log, so a replay takes them as well. */
  async #replayLate(): Promise<unknown> {
    const layer = this.arrangement.serving;
    const pairs = new Map<string, Map<string, [number, number]>>();
    for await (const { row } of layer.lateEntries()) {
      const { then } = this.#sourceOf(row.source).lateness;
      if (then === 'correct' || layer.isAdmitted(row)) continue;
      const ofSource = pairs.get(row.source) ?? new Map<string, [number, number]>();
      pairs.set(row.source, ofSource.set(`${row.partition}/${row.offset}`, [row.partition, row.offset]));
    }
    let admitted = 0;
    for (const [source, ofSource] of pairs) {
      admitted += ofSource.size;
      await this.data.log.append({
        kind: 'admit',
        source,
        partition: 0,
        records: [JSON.stringify([...ofSource.values()])],
      });
    }
    return { admitted };
  }
}

async function forgetEverything(store: Store): Promise<void> {
  const kappa = await store.get(metaKey('kappa'));
  const versions =
    kappa === null ? [] : Object.keys((JSON.parse(kappa.toString()) as { versions: object }).versions);
  for (const layer of [...LAYERS, ...versions.map((version) => `kappa-${version}`)])
    await Layer.forget(layer, store);
  const batch = new Batch();
  for (const name of ['kappa', 'lambda']) batch.delete(metaKey(name));
  await store.commit(batch);
}

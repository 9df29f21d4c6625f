/**
 * One architecture over a workload, in virtual time: the real engine, log, epochs, layers and views; only the disk, the
 * store and the clock are simulated.
 *
 *   workload ─► sender ─► door, log ─► engine ─► store ─► commits ─┬─► ages of what readers see
 *                            work takes virtual time (costs.ts) ───┴─► windows: what is in, when
 *
 * Nothing looks at a real clock, so the same workload and settings give the same figures, bit for bit.
 */
import { createHash } from 'node:crypto';
import { type Architecture, defaultConfig, type ProjectConfig } from '../config/project.ts';
import type { DataFolder } from '../engine/data-folder.ts';
import { Engine } from '../engine/engine.ts';
import { DiskLog } from '../log/disk-log.ts';
import type { LayerCommit } from '../loop/layer.ts';
import type { Plan } from '../plan/node.ts';
import { Ages, type CurvePoint, type Stretch } from './ages.ts';
import { COSTS, type Costs } from './costs.ts';
import { type Computation, definitionOf, Lines, SOURCE, VIEW } from './definition.ts';
import { memoryDisk } from './memory-disk.ts';
import { ReadMeter } from './read-meter.ts';
import { OrderedStore } from './ordered-store.ts';
import { Sight, type SightFigures } from './sight.ts';
import { VirtualClock } from './virtual-clock.ts';
import { type WindowFigures, Windows } from './windows.ts';
import type { Workload } from './workload.ts';

/** How an architecture is set: what the advisor gives it. */
export interface SimulatedSettings {
  readonly architecture: Architecture;
  /** The trigger of a micro-batch, how long a stream gathers. */
  readonly triggerEveryMs: number;
  /** The schedule of a batch, and of Lambda's batch layer. */
  readonly batchEveryMs: number;
  readonly partitionMs: number;
  readonly correctionsEveryMs: number;
}

export interface Simulation {
  readonly workload: Workload;
  readonly computation: Computation;
  readonly settings: SimulatedSettings;
  /** At which age results are read. */
  readonly promiseMs: number;
  /** How often the sender sends what has arrived. */
  readonly tickMs: number;
  /** When readers come: from the first arrival until the last one unless said. */
  readonly readers?: readonly Stretch[];
  /** Whether history is processed again in the end. */
  readonly reprocess: boolean;
  readonly costs?: Costs;
  readonly signal?: AbortSignal;
  /** Called now and then with the share of the events that were sent. */
  readonly onProgress?: (share: number) => void;
}

export interface Simulated {
  readonly events: number;
  readonly rejected: number;
  readonly ageP50Ms: number;
  readonly ageP99Ms: number;
  readonly curve: readonly CurvePoint[];
  readonly windows: WindowFigures;
  readonly sight: SightFigures;
  /** Runs that folded late events in; of a batch layer, its runs. */
  readonly correctionRuns: number;
  readonly late: number;
  readonly commits: number;
  /** Blocks that the events were appended in. */
  readonly appends: number;
  /** Events that were read from the log, each as often as it was. */
  readonly eventsRead: number;
  readonly entriesWritten: number;
  readonly logBytes: number;
  /** Of operators, at the most: when all windows are over, nothing is left of it. */
  readonly stateBytes: number;
  readonly viewBytes: number;
  /** The rest of the store: late events, the timeline, progress. */
  readonly otherBytes: number;
  readonly reprocess: {
    readonly ms: number;
    /** The part of it that commits take, whatever is in them. */
    readonly commitsMs: number;
    readonly eventsRead: number;
    readonly sameRows: boolean;
  } | null;
  readonly rows: { readonly count: number; readonly digest: string };
}

/** Runs an architecture over the workload to its end. The promise rejects when `signal` aborts. */
export async function simulate(simulation: Simulation): Promise<Simulated> {
  const run = new SimulatedRun(simulation);
  return run.clock.run(run.run());
}

/** Kinds of keys that are neither state nor rows (see state/keys.ts). */
const OTHER_KINDS = ['m', 'p', 'i', 't', 'l', 'a', 'r', 'd'] as const;
/** Lines that are sent at once. */
const LINES_MAX = 4096;
/** A little less than half of an interval. */
const RUNS_BESIDE = 0.4531;
const NEVER = new AbortController().signal;

class SimulatedRun {
  readonly clock: VirtualClock;
  readonly #given: Simulation;
  readonly #plan: Plan;
  readonly #config: ProjectConfig;
  readonly #lines: Lines;
  /** When each event is sent: at the end of the tick in which it arrives. */
  readonly #sentAtMs: Float64Array;
  readonly #ages: Ages;
  readonly #windows: Windows;
  readonly #sight: Sight;
  readonly #store: OrderedStore;
  readonly #costs: Costs;
  #log!: DiskLog;
  #reads!: ReadMeter;
  readonly #disk = memoryDisk();
  #engine!: Engine;
  #commits = 0;
  #corrections = 0;
  #appends = 0;
  #entries = 0;
  #writes = 0;
  #stateBytes = 0;
  /** Events read that were paid for with time. */
  #paid = { first: 0, again: 0 };
  #isMeasuring = true;

  constructor(given: Simulation) {
    const { workload, settings, computation, promiseMs, tickMs } = given;
    const { arrivalMs } = workload;
    const first = arrivalMs[0] ?? 0;
    // After the last event has happened only stragglers come.
    const happened = workload.eventMs.reduce((latest, timeMs) => Math.max(latest, timeMs), first);
    const last = Math.min(arrivalMs.at(-1) ?? first, happened);
    const { architecture, triggerEveryMs, batchEveryMs } = settings;
    this.#given = given;
    this.#costs = given.costs ?? COSTS;
    this.#plan = definitionOf(computation).plan;
    this.#config = configOf(settings);
    // Windows end at round times; runs begin beside them, in no whole relation, so that none always comes at their end.
    const everyMs = architecture === 'batch' ? batchEveryMs : triggerEveryMs;
    const startMs = Math.floor(Math.floor(first / everyMs) * everyMs - RUNS_BESIDE * everyMs);
    this.clock = new VirtualClock(startMs);
    this.#lines = new Lines(workload);
    this.#sentAtMs = arrivalMs.map((atMs) => Math.ceil(atMs / tickMs) * tickMs);
    this.#ages = new Ages(this.#sentAtMs, given.readers ?? [wholeIntervals(startMs, everyMs, first, last)]);
    this.#sight = new Sight(workload, computation, this.#sentAtMs);
    this.#windows = new Windows(workload, computation.windowMs, promiseMs);
    this.#store = new OrderedStore(({ operations }) => this.#pay(operations));
  }

  /** Lets time pass for what was read and is written. */
  async #pay(operations: number): Promise<void> {
    const { eventUs, againUs, entryUs, commitUs } = this.#costs;
    const { first, again } = this.#reads;
    const readUs = (first - this.#paid.first) * eventUs + (again - this.#paid.again) * againUs;
    this.#paid = { first, again };
    this.#entries += operations;
    this.#writes++;
    await this.clock.sleep((readUs + operations * entryUs + commitUs) / 1000);
  }

  async #open(rebuild: boolean): Promise<Engine> {
    const data: DataFolder = {
      log: this.#log,
      rejected: await DiskLog.open('/rejected', { disk: this.#disk, clock: this.clock }),
      store: this.#store,
      close: () => Promise.resolve(),
    };
    return Engine.open({
      plan: this.#plan,
      config: this.#config,
      data,
      clock: this.clock,
      rebuild,
      onCommit: (commit) => this.#committed(commit),
    });
  }

  #committed(commit: LayerCommit): void {
    if (!this.#isMeasuring) return;
    this.#commits++;
    this.#stateBytes = Math.max(this.#stateBytes, this.#store.bytesOf('s'));
    const { arrangement } = this.#engine;
    const nowMs = this.clock.exactMs;
    const { lambda } = arrangement;
    const boundaryMs = lambda === undefined ? null : (lambda.coveredUntilMs ?? -Infinity);
    const isBatchLayer = commit.layer !== arrangement.serving;
    // Between its runs the batch layer's boundary is where its last commit left it.
    if (lambda === undefined || isBatchLayer) this.#boundaryMs = boundaryMs;
    this.#windows.commit(nowMs, commit, lambda === undefined ? null : this.#boundaryMs);
    this.#ages.commit(nowMs, arrangement.serving.position);
    this.#sight.commit(nowMs, arrangement.serving.position);
    const { runs } = arrangement.corrections;
    if (runs > this.#corrections && this.#given.computation.policy === 'correct')
      this.#sight.correct(nowMs, commit.layer.position);
    this.#corrections = runs;
  }

  #boundaryMs: number | null = -Infinity;

  async run(): Promise<Simulated> {
    this.#log = await DiskLog.open('/log', { disk: this.#disk, clock: this.clock });
    this.#reads = new ReadMeter(this.#log);
    this.#engine = await this.#open(false);
    const stop = new AbortController();
    const running = this.#engine.run(stop.signal);
    await Promise.race([running, this.#send()]);
    await this.#engine.end();
    await Promise.race([running, this.#tail()]);
    stop.abort();
    await running;
    await this.#engine.settle(NEVER);
    return this.#figures();
  }

  async #send(): Promise<void> {
    const { signal, onProgress } = this.#given;
    const sentAtMs = this.#sentAtMs;
    const events = sentAtMs.length;
    let nextProgress = 0;
    for (let from = 0; from < events;) {
      await this.clock.sleep((sentAtMs[from] as number) - this.clock.exactMs);
      signal?.throwIfAborted();
      // What came while the last ones were made durable goes together.
      const nowMs = this.clock.exactMs;
      let to = from + 1;
      while (to < events && to - from < LINES_MAX && (sentAtMs[to] as number) <= nowMs) to++;
      await this.clock.sleep(this.#costs.syncUs / 1000);
      await this.#engine.ingest(SOURCE, once(this.#lines.of(from, to)));
      this.#appends++;
      from = to;
      if (from < nextProgress) continue;
      nextProgress = from + events / 100;
      onProgress?.(from / events);
    }
  }

  /** Readers of the last windows, and who folds late events in, still come. */
  async #tail(): Promise<void> {
    const { batchEveryMs, correctionsEveryMs } = this.#given.settings;
    const restMs = Math.max(0, this.#windows.readUntilMs - this.clock.exactMs);
    await this.clock.sleep(restMs + batchEveryMs + correctionsEveryMs);
  }

  async #figures(): Promise<Simulated> {
    const rows = await this.#rows();
    this.#ages.commit(Infinity, this.#sentAtMs.length);
    this.#isMeasuring = false;
    const { arrangement } = this.#engine;
    const [ageP50Ms = 0, ageP99Ms = 0] = this.#ages.quantiles([0.5, 0.99]);
    const measured = {
      events: this.#given.workload.keys.length,
      rejected: this.#engine.rejectedCount,
      ageP50Ms,
      ageP99Ms,
      curve: this.#ages.curve(),
      windows: this.#windows.figures(),
      sight: this.#sight.figures(this.#given.computation.windowMs, this.#given.promiseMs),
      correctionRuns: arrangement.corrections.runs,
      late: arrangement.serving.progress.late,
      commits: this.#commits,
      appends: this.#appends,
      eventsRead: this.#reads.events,
      entriesWritten: this.#entries,
      logBytes: await this.#logBytes(),
      stateBytes: this.#stateBytes,
      viewBytes: this.#store.bytesOf('v'),
      otherBytes: OTHER_KINDS.reduce((sum, kind) => sum + this.#store.bytesOf(kind), 0),
      rows,
    };
    return { ...measured, reprocess: this.#given.reprocess ? await this.#reprocess(rows.digest) : null };
  }

  async #logBytes(): Promise<number> {
    const files = await this.#disk.listAll('/log');
    return files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) + this.#lines.missingBytes;
  }

  async #rows(): Promise<Simulated['rows']> {
    const rows = await this.#engine.query(VIEW, { where: {} });
    const hash = createHash('sha256');
    for (const row of rows) hash.update(`${JSON.stringify(row)}\n`);
    return { count: rows.length, digest: hash.digest('hex') };
  }

  /** All of history once more, as the architecture does it: over what it has, or beside it. */
  async #reprocess(digest: string): Promise<NonNullable<Simulated['reprocess']>> {
    const fromMs = this.clock.exactMs;
    const readBefore = this.#reads.events;
    const writesBefore = this.#writes;
    await REPROCESS[this.#given.settings.architecture](this);
    const ms = this.clock.exactMs - fromMs;
    const eventsRead = this.#reads.events - readBefore;
    const commitsMs = ((this.#writes - writesBefore) * this.#costs.commitUs) / 1000;
    return { ms, commitsMs, eventsRead, sameRows: (await this.#rows()).digest === digest };
  }

  async backfill(): Promise<void> {
    await this.#engine.command('backfill', {});
  }

  async rebuild(): Promise<void> {
    this.#reads.beginAnew();
    this.#engine = await this.#open(true);
    await this.#engine.settle(NEVER);
  }

  async replay(): Promise<void> {
    this.#reads.beginAnew();
    await this.#engine.command('replay', { as: 'again', plan: this.#plan });
    await this.#engine.settle(NEVER);
    await this.#engine.command('promote', { version: 'again' });
  }
}

const REPROCESS: Readonly<Record<Architecture, (run: SimulatedRun) => Promise<void>>> = {
  batch: (run) => run.backfill(),
  'micro-batch': (run) => run.rebuild(),
  streaming: (run) => run.rebuild(),
  lambda: (run) => run.backfill(),
  kappa: (run) => run.replay(),
};

/** Readers come for a whole number of intervals, or half of one would count as much as all of another. */
function wholeIntervals(startMs: number, everyMs: number, firstMs: number, lastMs: number): [number, number] {
  const fromMs = startMs + Math.ceil((firstMs - startMs) / everyMs) * everyMs;
  const count = Math.floor((lastMs - fromMs) / everyMs);
  return count < 1 ? [firstMs, Math.max(lastMs, firstMs + 1)] : [fromMs, fromMs + count * everyMs];
}

function configOf(settings: SimulatedSettings): ProjectConfig {
  const base = defaultConfig(settings.architecture);
  return {
    ...base,
    trigger: { ...base.trigger, every: settings.triggerEveryMs },
    batch: { every: settings.batchEveryMs, partition: settings.partitionMs },
    corrections: { every: settings.correctionsEveryMs },
  };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}

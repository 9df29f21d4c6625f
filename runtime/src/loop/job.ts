/**
 * The incremental computation of a layer: epoch after epoch it reads what is new, runs the operators and commits.
 *
 *   read [position, position + rows) ─► operators ─► advance to the watermark ─► flush ─► one atomic commit
 *
 * Micro-batch, streaming, Lambda's speed layer and each version of Kappa are this, with other triggers. How the log is cut
 * into epochs changes nothing but the moment at which rows become visible.
 */
import { KEPT } from '../compile/lower.ts';
import type { Collector } from '../operators/operator.ts';
import { prefixOf } from '../state/keys.ts';
import { Batch, prefixRange } from '../state/store.ts';
import { type RowChange, ViewChanges } from '../views/changes.ts';
import type { ViewLayout } from '../views/layout.ts';
import { EventBatches } from './event-batches.ts';
import { GeneratedView, OUTGROWN } from './generated-view.ts';
import { InterpretedView } from './interpreted-view.ts';
import type { Layer } from './layer.ts';
import { readEvents } from './reader.ts';
import { isGone } from './reach.ts';
import { EVERYTHING, recompute, type Slice } from './recompute.ts';
import type { ViewRun } from './view-run.ts';

/** Of the records of one epoch: their rows are in memory until it is committed, once or twice. */
const EPOCH_BYTES_MAX = 64 * 1024 * 1024;

/** One view of the job. What runs it may be replaced behind a commit: the store has all that another needs to go on. */
interface ViewJob {
  readonly layout: ViewLayout;
  readonly changes: ViewChanges;
  run: ViewRun;
}

/** An epoch that has so many rows to write ends with the block that it reads. */
const CHANGES_MAX = 65_536;

/** The most records of an epoch: as a rule, and while more than that wait. */
export interface EpochRows {
  readonly rows: number;
  readonly catchUpRows: number;
}

export class Job {
  readonly layer: Layer;
  readonly #views: ViewJob[] = [];
  readonly #batches: EventBatches;
  /** The batch of the epoch that is running: where late events go. */
  #batch = new Batch();

  private constructor(layer: Layer) {
    this.layer = layer;
    this.#batches = new EventBatches(layer.plan);
  }

  /** Restores the views as the last commit left them. */
  static async open(layer: Layer): Promise<Job> {
    const job = new Job(layer);
    for (const layout of layer.layouts) {
      const changes = new ViewChanges(layout);
      job.#views.push({ layout, changes, run: await job.#restored(layout, changes) });
    }
    return job;
  }

  /** What runs a view, from the store: generated code if there is some, and if its state fits into memory. */
  async #restored(layout: ViewLayout, changes: ViewChanges): Promise<ViewRun> {
    const { layer } = this;
    const made = GeneratedView.make({ layer, layout, changes, batch: this.#batch });
    if ('unsupported' in made) return this.#interpret(layout, changes, made.unsupported);
    const problem = await made.restore(layer.ports.memoryBytesMax / layer.layouts.length);
    return problem === null ? made : this.#interpret(layout, changes, problem);
  }

  async #interpret(layout: ViewLayout, changes: ViewChanges, because: string): Promise<ViewRun> {
    const run = this.#interpreted(layout, changes, because);
    await run.restore();
    return run;
  }

  #interpreted(layout: ViewLayout, next: Collector, because: string, recomputes = false): InterpretedView {
    const { layer } = this;
    return new InterpretedView({ layer, layout, next, batch: this.#batch, recomputes, because });
  }

  /** Why the interpreter runs a view; null when generated code does. */
  interpretedBecause(view: string): string | null {
    return this.#views.find(({ layout }) => layout.view.name === view)?.run.interpretedBecause ?? null;
  }

  get stateKeys(): number {
    return this.#views.reduce((sum, { run }) => sum + run.size, 0);
  }

  /** An estimate of what the operators take in memory. */
  get memoryBytes(): number {
    return this.#views.reduce((sum, { run }) => sum + run.memoryBytes, 0);
  }

  /**
   * Everything is saved: what was not touched lately may go, down to a part of the memory so that this is rare. Generated
   * code forgets nothing: the interpreter takes the largest of its views over.
   */
  async #spill(): Promise<void> {
    const { memoryBytesMax } = this.layer.ports;
    while (this.memoryBytes > memoryBytesMax) {
      const [largest] = this.#views
        .filter(({ run }) => run.interpretedBecause === null)
        .toSorted((a, b) => b.run.memoryBytes - a.run.memoryBytes);
      if (largest === undefined) break;
      largest.run = await this.#interpret(largest.layout, largest.changes, OUTGROWN);
    }
    const { memoryBytes } = this;
    if (memoryBytes <= memoryBytesMax) return;
    const share = 1 - (KEPT * memoryBytesMax) / memoryBytes;
    for (const { run } of this.#views)
      if (run instanceof InterpretedView) run.chain.spill(share * run.memoryBytes);
  }

  get isCaughtUp(): boolean {
    return this.layer.position >= this.layer.ports.log.end;
  }

  /**
   * How many records the next epoch takes: while more than usual wait, as many as are taken at once. What an epoch costs
   * whatever is in it is then shared by more; the interpreter, which is slow, would keep readers waiting for it.
   */
  #rowsOf({ rows, catchUpRows }: EpochRows): number {
    const waiting = this.layer.ports.log.end - this.layer.position;
    if (waiting <= rows || this.#views.some(({ run }) => run.interpretedBecause !== null)) return rows;
    return Math.max(rows, Math.min(waiting, catchUpRows));
  }

  /** Runs one epoch of so many records, and of about `bytesMax` bytes at most; false when there was nothing to read. */
  async epoch(epochRows: EpochRows, bytesMax = EPOCH_BYTES_MAX): Promise<boolean> {
    const { layer } = this;
    if (this.isCaughtUp) return false;
    const startedAtMs = layer.ports.clock.nowMs();
    this.#batch = new Batch();
    for (const { run } of this.#views) run.goesOn(this.#batch);
    const to = Math.min(layer.position + this.#rowsOf(epochRows), layer.ports.log.end);
    const position = await this.#read(to, bytesMax);
    const changes = new Map<string, readonly RowChange[]>();
    for (const view of this.#views) {
      await view.run.settle(layer.viewWatermarkMs(view.layout));
      view.run.persist(this.#batch);
      const taken = await view.changes.take(layer.name, this.#batch, layer.ports.store);
      layer.addRows(view.layout.view.name, taken.rowsAdded);
      changes.set(view.layout.view.name, taken.changes);
    }
    // A row that waited for its session may be late only now.
    await layer.markAdmitted(this.#batch);
    await layer.commit(this.#batch, { position, startedAtMs, changes });
    await this.#spill();
    return true;
  }

  #read(to: number, bytesMax: number): Promise<number> {
    const { layer } = this;
    return readEvents({
      log: layer.ports.log,
      plan: layer.plan,
      times: layer.times,
      from: layer.position,
      to,
      bytesMax,
      freshFrom: 0,
      handlers: {
        ...layer.intake(this.#batch),
        event: (row, at) => {
          layer.timeline.event(at.source, at.eventTimeMs);
          layer.countEvents(at.source, 1);
          for (const { run } of this.#views) run.push(row, at);
        },
        events: (events) => {
          const { source, batch } = events;
          layer.timeline.events(source.name, batch.times, batch.n);
          layer.countEvents(source.name, batch.n);
          for (const { run } of this.#views) run.process(events);
        },
      },
      isFull: () => this.#views.some(({ changes }) => changes.size >= CHANGES_MAX),
      batches: this.#views.some(({ run }) => run.interpretedBecause === null) ? this.#batches : undefined,
      fieldsOf: (source) => this.#fieldsOf(source),
    });
  }

  #fieldsOf(source: string): readonly string[] | null {
    const fields = this.#views.map(({ run }) => run.fieldsOf(source));
    return fields.includes(null) ? null : [...new Set((fields as (readonly string[])[]).flat())];
  }

  /**
   * Takes the late events that wait: recomputes only the windows they touch, from the log; the whole of a view that is not
   * made of slices, whose operators then go on from there.
   */
  async correct(): Promise<boolean> {
    const { layer } = this;
    if (layer.layouts.every((layout) => layer.correctable(layout).length === 0)) return false;
    const startedAtMs = layer.ports.clock.nowMs();
    const batch = new Batch();
    this.#batch = batch;
    const changes = new Map<string, readonly RowChange[]>();
    const corrected: ViewJob[] = [];
    for (const view of this.#views) {
      const { layout } = view;
      const { name } = layout.view;
      for (const markMs of layer.correctable(layout))
        if (isGone(layer, layout, sliceOf(layout, markMs))) layer.giveUp(name, markMs, batch);
      const marks = layer.correctable(layout);
      if (marks.length === 0) continue;
      const isWhole = layout.slices === null;
      const wasGenerated = view.run.interpretedBecause === null;
      const rows = isWhole ? await this.#correctWhole(view) : await this.#correctSlices(view);
      // The interpreter goes on with what it computed; generated code reads it from the store.
      if (isWhole && wasGenerated) corrected.push(view);
      changes.set(name, rows);
      for (const markMs of marks) layer.clearDirty(name, markMs, batch);
    }
    layer.progress.corrections++;
    layer.progress.lastCorrectionAtMs = startedAtMs;
    await layer.commit(batch, { position: layer.position, startedAtMs, changes });
    for (const view of corrected) view.run = await this.#restored(view.layout, view.changes);
    return true;
  }

  #correctSlices({ layout }: ViewJob): Promise<readonly RowChange[]> {
    const { layer } = this;
    const slices = layer.correctable(layout).map((markMs) => sliceOf(layout, markMs));
    const options = { slices, freshFrom: Infinity, to: layer.position, closedOnly: true, batch: this.#batch };
    return recompute({ layer, layout, ...options });
  }

  async #correctWhole(view: ViewJob): Promise<readonly RowChange[]> {
    const { layer } = this;
    const { layout, changes } = view;
    const batch = this.#batch;
    let next: Collector = changes;
    const relay: Collector = { push: (row, weight, at) => next.push(row, weight, at) };
    const run = this.#interpreted(layout, relay, view.run.interpretedBecause ?? '', true);
    const rows = await recompute({
      layer,
      layout,
      slices: [EVERYTHING],
      freshFrom: Infinity,
      to: layer.position,
      closedOnly: false,
      batch,
      operatorsOf: (collector) => {
        next = collector;
        return run.chain;
      },
    });
    next = changes;
    view.run = run;
    batch.deleteRange(prefixRange(prefixOf('s', layer.name, layout.view.name)));
    run.persist(batch);
    return rows;
  }
}

/** The slice of a window that late events wait for. */
function sliceOf(layout: ViewLayout, markMs: number): Slice {
  return { fromMs: markMs, toMs: markMs + (layout.slices?.windowMs ?? 0) };
}

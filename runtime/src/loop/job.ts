/**
 * The incremental computation of a layer: epoch after epoch it reads what is new, runs the operators and commits.
 *
 *   read [position, position + rows) ─► operators ─► advance to the watermark ─► flush ─► one atomic commit
 *
 * Micro-batch, streaming, Lambda's speed layer and each version of Kappa are this, with other triggers. How the log is cut
 * into epochs changes nothing but the moment at which rows become visible.
 */
import { type Chain, KEPT, lower } from '../compile/lower.ts';
import type { Collector } from '../operators/operator.ts';
import { codeOf } from '../plan/code.ts';
import { prefixOf } from '../state/keys.ts';
import { Batch, prefixRange, readWanted } from '../state/store.ts';
import { type RowChange, ViewChanges } from '../views/changes.ts';
import type { ViewLayout } from '../views/layout.ts';
import { LateRows } from './late.ts';
import type { Layer } from './layer.ts';
import { readEvents } from './reader.ts';
import { EVERYTHING, recompute } from './recompute.ts';

/** One view of the job. A correction of the whole view puts other operators in place of these. */
interface ViewJob {
  readonly layout: ViewLayout;
  readonly changes: ViewChanges;
  chain: Chain;
  late: LateRows;
}

export class Job {
  readonly layer: Layer;
  readonly #views: readonly ViewJob[];
  /** The batch of the epoch that is running: where late events go. */
  #batch = new Batch();

  private constructor(layer: Layer) {
    this.layer = layer;
    this.#views = layer.layouts.map((layout) => {
      const changes = new ViewChanges(layout);
      return { layout, changes, ...this.#operators(layout, changes, { recomputes: false }) };
    });
  }

  /** Restores the operators as the last commit left them. */
  static async open(layer: Layer): Promise<Job> {
    const job = new Job(layer);
    for (const { chain } of job.#views)
      await chain.restore((range) => readWanted(layer.ports.store, [range]));
    return job;
  }

  #operators(
    layout: ViewLayout,
    next: Collector,
    options: { readonly recomputes: boolean },
  ): { chain: Chain; late: LateRows } {
    const { layer } = this;
    const late = new LateRows(layer, layout, this.#batch, options);
    const chain = lower({
      plan: layer.plan,
      view: layout.view,
      code: codeOf(layer.plan),
      statePrefix: prefixOf('s', layer.name, layout.view.name),
      next,
      late,
      onError: (error, at, row) => layer.rejectRow(layout, at, row, error),
    });
    return { chain, late };
  }

  get stateKeys(): number {
    return this.#views.reduce((sum, { chain }) => sum + chain.size, 0);
  }

  /** An estimate of what the operators take in memory. */
  get memoryBytes(): number {
    return this.#views.reduce((sum, { chain }) => sum + chain.memoryBytes, 0);
  }

  /** Everything is saved: what was not touched lately may go, down to a part of the memory so that this is rare. */
  #spill(): void {
    const { memoryBytes } = this;
    const { memoryBytesMax } = this.layer.ports;
    if (memoryBytes <= memoryBytesMax) return;
    const share = 1 - (KEPT * memoryBytesMax) / memoryBytes;
    for (const { chain } of this.#views) chain.spill(share * chain.memoryBytes);
  }

  get isCaughtUp(): boolean {
    return this.layer.position >= this.layer.ports.log.end;
  }

  /** Runs one epoch of at most `rowsMax` records; false when there was nothing to read. */
  async epoch(rowsMax: number): Promise<boolean> {
    const { layer } = this;
    if (this.isCaughtUp) return false;
    const startedAtMs = layer.ports.clock.nowMs();
    this.#batch = new Batch();
    for (const { late } of this.#views) late.goesOn(this.#batch);
    const to = Math.min(layer.position + rowsMax, layer.ports.log.end);
    const position = await this.#read(to);
    await layer.markAdmitted(this.#batch);
    const changes = new Map<string, readonly RowChange[]>();
    for (const view of this.#views) {
      await view.chain.settleSpilled(layer.viewWatermarkMs(view.layout), (wanted) =>
        readWanted(layer.ports.store, wanted),
      );
      view.chain.persist(this.#batch);
      const taken = await view.changes.take(layer.name, this.#batch, layer.ports.store);
      layer.addRows(view.layout.view.name, taken.rowsAdded);
      changes.set(view.layout.view.name, taken.changes);
    }
    await layer.commit(this.#batch, { position, startedAtMs, changes });
    this.#spill();
    return true;
  }

  #read(to: number): Promise<number> {
    const { layer } = this;
    return readEvents({
      log: layer.ports.log,
      plan: layer.plan,
      times: layer.times,
      from: layer.position,
      to,
      freshFrom: 0,
      handlers: {
        ...layer.intake(this.#batch),
        event: (row, at) => {
          layer.timeline.event(at.source, at.eventTimeMs);
          layer.countEvent(at.source);
          for (const { chain } of this.#views) chain.push(row, at);
        },
      },
    });
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
    for (const view of this.#views) {
      const { layout } = view;
      const marks = layer.correctable(layout);
      if (marks.length === 0) continue;
      const rows = layout.slices === null ? await this.#correctWhole(view) : await this.#correctSlices(view);
      changes.set(layout.view.name, rows);
      for (const markMs of marks) layer.clearDirty(layout.view.name, markMs, batch);
    }
    layer.progress.corrections++;
    layer.progress.lastCorrectionAtMs = startedAtMs;
    await layer.commit(batch, { position: layer.position, startedAtMs, changes });
    return true;
  }

  #correctSlices({ layout }: ViewJob): Promise<readonly RowChange[]> {
    const { layer } = this;
    const windowMs = layout.slices?.windowMs ?? 0;
    const slices = layer.correctable(layout).map((fromMs) => ({ fromMs, toMs: fromMs + windowMs }));
    const options = { slices, freshFrom: Infinity, to: layer.position, closedOnly: true, batch: this.#batch };
    return recompute({ layer, layout, ...options });
  }

  async #correctWhole(view: ViewJob): Promise<readonly RowChange[]> {
    const { layer } = this;
    const { layout } = view;
    const batch = this.#batch;
    let next: Collector = view.changes;
    const relay: Collector = { push: (row, weight, at) => next.push(row, weight, at) };
    const operators = this.#operators(layout, relay, { recomputes: true });
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
        return operators.chain;
      },
    });
    next = view.changes;
    view.chain = operators.chain;
    view.late = operators.late;
    batch.deleteRange(prefixRange(prefixOf('s', layer.name, layout.view.name)));
    operators.chain.persist(batch);
    return rows;
  }
}

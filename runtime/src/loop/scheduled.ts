/**
 * The scheduled computation of a layer: a run takes what arrived since the last one, finds the partitions of event time
 * that it touches and overwrites each of them as a whole.
 *
 *   run ─► look through the new records ─► touched partitions ─► recompute them from the log ─► one atomic commit
 *
 * The batch architecture is this on a schedule; Lambda's batch layer is this for windows that are over.
 */
import { mayGenerate } from '../compile/jit/may-generate.ts';
import { Batch } from '../state/store.ts';
import type { RowChange } from '../views/changes.ts';
import type { ViewLayout } from '../views/layout.ts';
import { eventBatchesOf } from './event-batches.ts';
import type { Layer } from './layer.ts';
import { readEvents } from './reader.ts';
import { trimmed } from '../log/trimmed.ts';
import { isGone, stretchesOf } from './reach.ts';
import { EVERYTHING, mergeSlices, recompute, type Slice, splitByReach, takeNew } from './recompute.ts';

export interface RunOptions {
  /** Stops before this position of the log. */
  readonly to: number;
  /** Partitions that are computed again although nothing new touched them. */
  readonly also?: Slice;
  /** What else belongs into the atomic commit. */
  readonly finish?: (batch: Batch) => Promise<void>;
}

export class ScheduledLayer {
  readonly layer: Layer;
  readonly #partitionMs: number;
  readonly #closedOnly: boolean;

  constructor(layer: Layer, options: { readonly partitionMs: number; readonly closedOnly: boolean }) {
    this.layer = layer;
    this.#partitionMs = options.partitionMs;
    this.#closedOnly = options.closedOnly;
  }

  /** Runs once; returns how many partitions were computed and how many rows differ. Throws LOG_TRIMMED before it begins. */
  async run({
    to,
    also,
    finish,
  }: RunOptions): Promise<{ readonly partitions: number; readonly rowsChanged: number }> {
    const { layer } = this;
    const startedAtMs = layer.ports.clock.nowMs();
    if (also !== undefined) this.#refuseGone(also);
    const batch = new Batch();
    const freshFrom = layer.position;
    const before = new Map(layer.layouts.map((layout) => [layout, layer.viewWatermarkMs(layout)]));
    const touched = await this.#look(to, batch);
    const changes = new Map<string, readonly RowChange[]>();
    let partitions = 0;
    for (const layout of layer.layouts) {
      const slices = this.#slicesOf(
        layout,
        touched.get(layout) ?? new Set(),
        before.get(layout) ?? -Infinity,
      );
      if (also !== undefined) slices.push(layout.slices === null ? EVERYTHING : this.#aligned(also));
      if (slices.length === 0) continue;
      const { whole, gone } = splitByReach(layer, layout, slices);
      partitions += this.#partitionsIn(whole);
      const options = { layer, layout, freshFrom, to, closedOnly: this.#closedOnly, batch };
      const rows = whole.length === 0 ? [] : await recompute({ ...options, slices: whole });
      const added = gone.length === 0 ? [] : await takeNew({ ...options, slices: gone });
      changes.set(layout.view.name, [...rows, ...added]);
      for (const markMs of layer.correctable(layout)) {
        if (isGone(layer, layout, this.#aligned({ fromMs: markMs, toMs: markMs + 1 })))
          layer.giveUp(layout.view.name, markMs, batch);
        else layer.clearDirty(layout.view.name, markMs, batch);
      }
    }
    layer.progress.runs++;
    layer.progress.lastRunAtMs = startedAtMs;
    await finish?.(batch);
    await layer.commit(batch, { position: to, startedAtMs, changes });
    return { partitions, rowsChanged: [...changes.values()].reduce((sum, rows) => sum + rows.length, 0) };
  }

  /** Reads the new records once: time, timeline, counters, and which partitions they touch. */
  async #look(to: number, batch: Batch): Promise<Map<ViewLayout, Set<number>>> {
    const { layer } = this;
    const touched = new Map(layer.layouts.map((layout) => [layout, new Set<number>()]));
    await readEvents({
      log: layer.ports.log,
      plan: layer.plan,
      times: layer.times,
      from: layer.position,
      to,
      freshFrom: 0,
      handlers: {
        ...layer.intake(batch),
        event: (_, at) => {
          layer.timeline.event(at.source, at.eventTimeMs);
          layer.countEvents(at.source, 1);
          for (const [layout, starts] of touched)
            if (readsOf(layout, at.source)) starts.add(this.#partitionOf(layout, at.eventTimeMs));
        },
        events: ({ source: { name }, batch: { times, n } }) => {
          layer.timeline.events(name, times, n);
          layer.countEvents(name, n);
          for (const [layout, starts] of touched)
            if (readsOf(layout, name)) this.#partitionsOf(layout, times.subarray(0, n), starts);
        },
      },
      batches: layer.ports.jit === 'on' && mayGenerate() ? eventBatchesOf(layer.plan) : undefined,
      fieldsOf: () => [],
    });
    await layer.markAdmitted(batch);
    return touched;
  }

  /** What somebody asks to have computed again must be there as a whole. */
  #refuseGone(also: Slice): void {
    const { layer } = this;
    const { log } = layer.ports;
    for (const layout of layer.layouts) {
      const slice = layout.slices === null ? EVERYTHING : this.#aligned(also);
      if (!isGone(layer, layout, slice)) continue;
      const wholeFromMs = this.#wholeFromMs(layout);
      const remedy =
        wholeFromMs === null
          ? `View "${layout.view.name}" is computed as a whole, which is not possible any more.`
          : `All events of view "${layout.view.name}" are there from ${new Date(wholeFromMs).toISOString()} on: \`pipeline backfill --from\` that or later.`;
      throw trimmed(log, layer.beganAt(layout.view.name), `Nothing was computed again. ${remedy}`);
    }
  }

  /** The start of the first partition from which on nothing was removed; null for a view without partitions. */
  #wholeFromMs(layout: ViewLayout): number | null {
    if (layout.slices === null) return null;
    const { start } = this.layer.ports.log;
    const removed = stretchesOf(this.layer, layout, EVERYTHING).filter(({ from }) => from < start);
    const lastMs = Math.max(...removed.map(({ hiMs }) => hiMs));
    return this.#aligned({ fromMs: lastMs, toMs: lastMs + 1 }).toMs;
  }

  /** Where the partition of event time begins that an event belongs to. */
  #partitionOf(layout: ViewLayout, eventTimeMs: number): number {
    return Math.floor(layout.startOf(eventTimeMs) / this.#partitionMs) * this.#partitionMs;
  }

  #partitionsOf(layout: ViewLayout, times: Float64Array, starts: Set<number>): void {
    let last = NaN;
    for (const timeMs of times) {
      const start = this.#partitionOf(layout, timeMs);
      if (start !== last) starts.add(start);
      last = start;
    }
  }

  #slicesOf(layout: ViewLayout, starts: ReadonlySet<number>, watermarkBeforeMs: number): Slice[] {
    const { slices: grid } = layout;
    const marks = this.layer.correctable(layout);
    if (grid === null) {
      const hasMoved = this.layer.viewWatermarkMs(layout) > watermarkBeforeMs;
      return starts.size > 0 || marks.length > 0 || hasMoved ? [EVERYTHING] : [];
    }
    const slices = [...starts].map((fromMs) => ({ fromMs, toMs: fromMs + this.#partitionMs }));
    for (const startMs of marks) slices.push({ fromMs: startMs, toMs: startMs + 1 });
    const closed = this.#closedSince(layout, grid.windowMs, watermarkBeforeMs);
    return (closed === null ? slices : [...slices, closed]).map((slice) => this.#aligned(slice));
  }

  /** The starts of windows that the watermark has passed since the last run. */
  #closedSince(layout: ViewLayout, windowMs: number, beforeMs: number): Slice | null {
    const nowMs = this.layer.viewWatermarkMs(layout);
    const isFirst = beforeMs === -Infinity && this.layer.position === (this.layer.progress.start ?? 0);
    if (windowMs === 0 || nowMs <= beforeMs || isFirst) return null;
    const length = windowMs - 1 + layout.allowedMs;
    return { fromMs: beforeMs - length, toMs: nowMs - length + 1 };
  }

  /** How many partitions the slices cover; a view without time is one. */
  #partitionsIn(slices: readonly Slice[]): number {
    const covered = mergeSlices(slices).map(({ fromMs, toMs }) => (toMs - fromMs) / this.#partitionMs);
    return covered.reduce((sum, count) => sum + (Number.isFinite(count) ? count : 1), 0);
  }

  #aligned({ fromMs, toMs }: Slice): Slice {
    const size = this.#partitionMs;
    return { fromMs: Math.floor(fromMs / size) * size, toMs: Math.ceil(toMs / size) * size };
  }
}

function readsOf(layout: ViewLayout, source: string): boolean {
  return layout.sources.some(({ name }) => name === source);
}

/**
 * Computes parts of the views again from the log and replaces what stands there: the batch run, Lambda's batch layer, a
 * backfill and a correction are all this, with other slices.
 *
 *   slices of event time ─► stretches of the log that have events there ─► fresh operators ─► replace the rows of the slices
 *
 * Invariants  R1  Running it again changes nothing: rows of a slice are replaced as a whole.
 *             R2  An event is late exactly when it was at its first reading. It is taken all the same when its window is
 *                 over and the policy is `correct`, or when it was admitted.
 */
import { lower } from '../compile/lower.ts';
import { RowError } from '../expr/functions.ts';
import { isOver } from '../operators/operator.ts';
import type { Batch } from '../state/store.ts';
import { type RowChange, ViewChanges } from '../views/changes.ts';
import type { ViewLayout } from '../views/layout.ts';
import type { Layer } from './layer.ts';
import { readEvents, Times } from './reader.ts';

/** A range of window starts, or of event times for a view without windows: [fromMs, toMs). */
export interface Slice {
  readonly fromMs: number;
  readonly toMs: number;
}

export const EVERYTHING: Slice = { fromMs: -Infinity, toMs: Infinity };

export interface RecomputeOptions {
  readonly layer: Layer;
  readonly layout: ViewLayout;
  readonly slices: readonly Slice[];
  /** Events from this position on are read for the first time by this layer: their lateness is counted. */
  readonly freshFrom: number;
  /** Leave out windows that are still open (Lambda's batch layer). */
  readonly closedOnly: boolean;
  readonly batch: Batch;
}

/** Adds the new content of the slices to the batch; returns the rows that differ. */
export async function recompute(options: RecomputeOptions): Promise<readonly RowChange[]> {
  const slices = mergeSlices(options.slices);
  const changes = new ViewChanges(options.layout);
  await readSlices(options, slices, changes);
  const rows = collect(changes);
  return replace(options, slices, rows);
}

async function readSlices(
  options: RecomputeOptions,
  slices: readonly Slice[],
  next: ViewChanges,
): Promise<void> {
  const { layer, layout, batch, freshFrom, closedOnly } = options;
  const { source, windowMs } = layout;
  const { allowedMs } = source.lateness;
  const watermarkMs = layer.watermarkMs(source.name);
  const chain = lower({
    plan: layer.plan,
    view: layout.view,
    statePrefix: Buffer.alloc(0),
    next,
    late: {
      allowedMs,
      takes(at, startMs, endMs) {
        layer.late(layout, at, [startMs, endMs], batch);
        const wanted = source.lateness.then === 'correct' || layer.isAdmitted(at);
        return wanted && isOver(endMs, allowedMs, watermarkMs);
      },
    },
  });
  const startOf = (eventTimeMs: number): number =>
    windowMs === 0 ? eventTimeMs : Math.floor(eventTimeMs / windowMs) * windowMs;
  const stretches = new Set(
    slices.flatMap(({ fromMs, toMs }) => layer.timeline.within(source.name, fromMs, toMs + windowMs)),
  );
  for (const stretch of stretches) {
    await readEvents({
      log: layer.ports.log,
      plan: layer.plan,
      times: new Times(layer.plan, { [source.name]: stretch.time }),
      from: stretch.from,
      to: stretch.to,
      freshFrom,
      handlers: {
        event(row, at) {
          if (at.source !== source.name) return;
          const startMs = startOf(at.eventTimeMs);
          if (!slices.some(({ fromMs, toMs }) => startMs >= fromMs && startMs < toMs)) return;
          if (closedOnly && windowMs > 0 && !isOver(startMs + windowMs, allowedMs, watermarkMs)) return;
          try {
            chain.input.push(row, 1, at);
          } catch (error) {
            if (!(error instanceof RowError)) throw error;
            layer.rejectRow(layout, at, error, batch);
          }
        },
        rejected() {},
        admit() {},
      },
    });
  }
  chain.group?.advance(watermarkMs);
  chain.group?.flush();
}

/** The rows that the operators handed on, by key. */
function collect(changes: ViewChanges): Map<string, RowChange> {
  const rows = new Map<string, RowChange>();
  for (const [key, change] of changes.entries())
    if (change.row !== null) rows.set(key.toString('latin1'), change);
  return rows;
}

async function replace(
  { layer, layout, batch }: RecomputeOptions,
  slices: readonly Slice[],
  rows: Map<string, RowChange>,
): Promise<readonly RowChange[]> {
  const prefix = layout.prefix(layer.name);
  const changed: RowChange[] = [];
  let rowsAdded = 0;
  const ranges = layout.shape === 'grouped' ? [EVERYTHING] : slices;
  for (const { fromMs, toMs } of ranges) {
    for await (const { key, value } of layer.ports.store.scan(layout.range(layer.name, fromMs, toMs))) {
      const name = key.toString('latin1', prefix.length);
      const row = rows.get(name)?.row ?? null;
      rows.delete(name);
      if (row !== null && layout.encode(row) === value.toString()) continue;
      if (row === null) {
        batch.delete(key);
        rowsAdded--;
      } else {
        batch.put(key, layout.encode(row));
      }
      changed.push({ old: layout.decode(value), row });
    }
  }
  for (const [name, { row }] of rows) {
    if (row === null) continue;
    batch.put(Buffer.concat([prefix, Buffer.from(name, 'latin1')]), layout.encode(row));
    changed.push({ old: null, row });
    rowsAdded++;
  }
  layer.addRows(layout.view.name, rowsAdded);
  return changed;
}

/** Sorted, disjoint slices that cover the same times. */
export function mergeSlices(slices: readonly Slice[]): readonly Slice[] {
  const merged: { fromMs: number; toMs: number }[] = [];
  for (const { fromMs, toMs } of [...slices].sort((a, b) => a.fromMs - b.fromMs)) {
    const last = merged.at(-1);
    if (last !== undefined && fromMs <= last.toMs) last.toMs = Math.max(last.toMs, toMs);
    else merged.push({ fromMs, toMs });
  }
  return merged;
}

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
import { type Chain, lower } from '../compile/lower.ts';
import { type Collector, isOver, type LateRule } from '../operators/operator.ts';
import { codeOf } from '../plan/code.ts';
import type { Batch } from '../state/store.ts';
import { type KeyedChange, type RowChange, ViewChanges } from '../views/changes.ts';
import type { ViewLayout } from '../views/layout.ts';
import { eventBatchesOf } from './event-batches.ts';
import { GeneratedRecompute } from './generated-recompute.ts';
import { LateRows } from './late.ts';
import type { Layer } from './layer.ts';
import { type Handlers, readEvents } from './reader.ts';
import { isGone, stretchesOf } from './reach.ts';
import { Times } from './times.ts';

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
  /** Reads the log up to here. */
  readonly to: number;
  readonly batch: Batch;
  /** The operators to use; fresh ones that are forgotten unless said. */
  readonly operatorsOf?: (next: Collector) => Chain;
}

/** Adds the new content of the slices to the batch; returns the rows that differ. */
export async function recompute(options: RecomputeOptions): Promise<readonly RowChange[]> {
  const slices = mergeSlices(options.slices);
  const changes = new ViewChanges(options.layout);
  await readSlices(options, slices, changes);
  const rows = collect(changes);
  return replace(options, slices, rows);
}

/**
 * Takes the new events of slices whose old ones were removed from the log. Those that are late are counted and kept; rows of
 * one event each come beside those that stand there; the row of a window stays, since a part of it is all that is left.
 */
export async function takeNew(options: Omit<RecomputeOptions, 'operatorsOf'>): Promise<readonly RowChange[]> {
  const { layer, layout, batch, freshFrom } = options;
  const changes = new ViewChanges(layout);
  const late = new LateRows(layer, layout, batch, { recomputes: false });
  const newOnly = { ...options, operatorsOf: freshOperators(options, late), fromPosition: freshFrom };
  await readSlices(newOnly, mergeSlices(options.slices), changes);
  if (layout.slices?.windowMs !== 0) return [];
  const { changes: rows, rowsAdded } = await changes.take(layer.name, batch, layer.ports.store);
  layer.addRows(layout.view.name, rowsAdded);
  return rows;
}

/** Whether a slice can be computed again as a whole. */
export function splitByReach(
  layer: Layer,
  layout: ViewLayout,
  slices: readonly Slice[],
): { readonly whole: readonly Slice[]; readonly gone: readonly Slice[] } {
  const gone = slices.filter((slice) => isGone(layer, layout, slice));
  return { whole: slices.filter((slice) => !gone.includes(slice)), gone };
}

async function readSlices(
  options: RecomputeOptions & { readonly fromPosition?: number },
  slices: readonly Slice[],
  next: ViewChanges,
): Promise<void> {
  const { layer, layout, batch, freshFrom, closedOnly, fromPosition = 0 } = options;
  const wants = wantsOf(options, slices);
  const late = new LateRows(layer, layout, batch, { recomputes: true, listsAll: closedOnly });
  const generated =
    options.operatorsOf === undefined ? GeneratedRecompute.make({ layer, layout, next, late, wants }) : null;
  const { operatorsOf = freshOperators(options, late) } = options;
  const chain = generated === null ? operatorsOf(next) : null;
  const handlers: Handlers = {
    event: (row, at) => {
      if (at.position >= fromPosition && wants(at.eventTimeMs)) chain?.push(row, at);
    },
    events: (events) => generated?.process(events),
    rejected() {},
    admit() {},
  };
  const { log } = layer.ports;
  const { plan } = layer;
  const batches = generated === null ? undefined : eventBatchesOf(plan);
  const fieldsOf = (source: string): readonly string[] => generated?.fieldsOf(source) ?? [];
  const reading = { log, plan, freshFrom, handlers, batches, fieldsOf };
  if (layout.slices === null) {
    const from = layer.beganAt(layout.view.name);
    await readEvents({ ...reading, times: new Times(plan), from, to: options.to });
  } else {
    const source = layout.sources[0]?.name ?? '';
    const stretches = new Set(slices.flatMap((slice) => stretchesOf(layer, layout, slice)));
    for (const { from, to, time } of stretches) {
      if (to <= fromPosition) continue;
      await readEvents({ ...reading, times: new Times(plan, { [source]: time }), from, to });
    }
  }
  (generated ?? chain)?.settle(layer.viewWatermarkMs(layout));
}

function freshOperators({ layer, layout }: RecomputeOptions, late: LateRule): (next: Collector) => Chain {
  return (next) =>
    lower({
      plan: layer.plan,
      view: layout.view,
      code: codeOf(layer.plan),
      statePrefix: Buffer.alloc(0),
      next,
      late,
      onError: (error, at, row) => layer.rejectRow(layout, at, row, error),
    });
}

/** Whether an event at a time belongs to the slices. */
function wantsOf(
  { layer, layout, closedOnly }: RecomputeOptions,
  slices: readonly Slice[],
): (eventTimeMs: number) => boolean {
  if (layout.slices === null) return () => true;
  const { windowMs } = layout.slices;
  const watermarkMs = layer.viewWatermarkMs(layout);
  return (eventTimeMs) => {
    const startMs = layout.startOf(eventTimeMs);
    if (!slices.some(({ fromMs, toMs }) => startMs >= fromMs && startMs < toMs)) return false;
    return !closedOnly || windowMs === 0 || isOver(startMs + windowMs, layout.allowedMs, watermarkMs);
  };
}

/** The rows that the operators handed on, by key. */
function collect(changes: ViewChanges): Map<string, KeyedChange> {
  const rows = new Map<string, KeyedChange>();
  for (const change of changes.entries())
    if (change.row !== null) rows.set(change.key.toString('latin1'), change);
  return rows;
}

async function replace(
  { layer, layout, batch }: RecomputeOptions,
  slices: readonly Slice[],
  rows: Map<string, KeyedChange>,
): Promise<readonly RowChange[]> {
  const prefix = layout.prefix(layer.name);
  const changed: RowChange[] = [];
  let rowsAdded = 0;
  const ranges = layout.slices === null ? [EVERYTHING] : slices;
  for (const { fromMs, toMs } of ranges) {
    for await (const { key, value } of layer.ports.store.scan(layout.range(layer.name, fromMs, toMs))) {
      const name = key.toString('latin1', prefix.length);
      const change = rows.get(name);
      rows.delete(name);
      const stored = layout.decode(value);
      if (change === undefined) {
        batch.delete(key);
        rowsAdded -= stored.count;
        changed.push({ old: stored.row, row: null });
        continue;
      }
      const encoded = layout.encode(change.row ?? [], change.count);
      if (encoded === value.toString()) continue;
      batch.put(key, encoded);
      rowsAdded += change.count - stored.count;
      changed.push({ old: stored.row, row: change.row });
    }
  }
  for (const [name, { row, count }] of rows) {
    batch.put(Buffer.concat([prefix, Buffer.from(name, 'latin1')]), layout.encode(row ?? [], count));
    changed.push({ old: null, row });
    rowsAdded += count;
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

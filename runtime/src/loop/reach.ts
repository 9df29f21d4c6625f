/**
 * What of the log a layer still needs, and what of it is out of reach because its oldest files were removed.
 *
 *   removed │ out of reach: windows with events there   needed from here on ─► position ─► not read yet
 *           start                                        min of the holds
 *
 * Retention removes nothing behind the smallest hold. What is computed again later than that (an event that is late for a
 * window whose events are gone) leaves the rows as they are: replacing them by a part would lose what they hold.
 */
import { isOver } from '../operators/operator.ts';
import { isTable } from '../plan/event-time.ts';
import { isWindowKey, nodesOf } from '../plan/walk.ts';
import type { ViewLayout } from '../views/layout.ts';
import type { Layer } from './layer.ts';
import type { Slice } from './recompute.ts';
import type { Stretch } from './timeline.ts';

/** Somebody needs the log from a position on. */
export interface Hold {
  readonly position: number;
  readonly because: string;
}

/** What a layer computes again: nothing; windows that late events touch; whole partitions of event time, of so many ms. */
export type Recomputes = 'nothing' | 'corrections' | { readonly partitionMs: number };

/** The stretches that hold the events of a slice; those from before the view began are none of its own. */
export function stretchesOf(layer: Layer, layout: ViewLayout, { fromMs, toMs }: Slice): readonly Stretch[] {
  const source = layout.sources[0]?.name ?? '';
  const began = layer.beganAt(layout.view.name);
  const windowMs = layout.slices?.windowMs ?? 0;
  return layer.timeline.within(source, fromMs, toMs + windowMs).filter(({ from }) => from >= began);
}

/** Whether events of a slice were removed from the log. */
export function isGone(layer: Layer, layout: ViewLayout, slice: Slice): boolean {
  const { start } = layer.ports.log;
  if (layout.slices === null) return layer.beganAt(layout.view.name) < start;
  return stretchesOf(layer, layout, slice).some(({ from }) => from < start);
}

/** Everything that a layer needs of the log. */
export function holdsOf(layer: Layer, recomputes: Recomputes): readonly Hold[] {
  const unread = { position: layer.position, because: `"${layer.name}" has not read on` };
  if (recomputes === 'nothing') return [unread];
  return [unread, ...layer.layouts.flatMap((layout) => holdsOfView(layer, layout, recomputes))];
}

function holdsOfView(
  layer: Layer,
  layout: ViewLayout,
  recomputes: Exclude<Recomputes, 'nothing'>,
): readonly Hold[] {
  const { name } = layout.view;
  const marks = [...(layer.dirty.get(name)?.keys() ?? [])];
  const corrects = layout.sources.some((source) => !isTable(source) && source.lateness.then === 'correct');
  const isScheduled = recomputes !== 'corrections';
  if (layout.slices === null) {
    const isNeeded = isScheduled || marks.length > 0 || (corrects && mayBeLate(layout));
    const because = `view "${name}" is computed again as a whole`;
    return isNeeded ? [{ position: layer.beganAt(name), because }] : [];
  }
  const { windowMs } = layout.slices;
  const slices = marks.map((fromMs) => ({ fromMs, toMs: fromMs + Math.max(1, windowMs) }));
  const pending = firstOf(layer, layout, slices, `late events of view "${name}" wait for a correction`);
  if (windowMs === 0 || (!isScheduled && !corrects)) return pending;
  const openMs = firstOpenMs(layer, layout, windowMs);
  const size = isScheduled ? recomputes.partitionMs : 1;
  const open = { fromMs: Math.floor(openMs / size) * size, toMs: Infinity };
  return [...pending, ...firstOf(layer, layout, [open], `windows of view "${name}" are open`)];
}

function firstOf(layer: Layer, layout: ViewLayout, slices: readonly Slice[], because: string): Hold[] {
  const { start } = layer.ports.log;
  const stretches = slices
    .filter((slice) => !isGone(layer, layout, slice))
    .flatMap((slice) => stretchesOf(layer, layout, slice));
  const position = Math.min(...stretches.map(({ from }) => from));
  return Number.isFinite(position) && position >= start ? [{ position, because }] : [];
}

/** The start of the first window that an event in time can still change. */
function firstOpenMs(layer: Layer, layout: ViewLayout, windowMs: number): number {
  const watermarkMs = layer.viewWatermarkMs(layout);
  if (!Number.isFinite(watermarkMs)) return watermarkMs;
  const startMs = layout.startOf(watermarkMs - layout.allowedMs - windowMs);
  return isOver(startMs + windowMs, layout.allowedMs, watermarkMs) ? startMs + windowMs : startMs;
}

/** Whether an event can come too late for a view: not where nothing is ever over. */
function mayBeLate({ view }: ViewLayout): boolean {
  return nodesOf(view.node).some((node) => {
    if (node.kind === 'group') return node.keys.some(isWindowKey) || node.ttlMs !== null;
    return !['source', 'filter', 'map', 'union', 'unnest'].includes(node.kind);
  });
}

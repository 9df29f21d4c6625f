/**
 * A layer takes over another plan than it ran: what is compatible keeps its state (see plan/compare.ts), new views are
 * computed from the beginning of the log, views that are gone take their rows along. All of it is one commit, after which the
 * layer runs the new plan; before it, the old one.
 */
import { failure } from '../base/errors.ts';
import { lower } from '../compile/lower.ts';
import { codeOf } from '../plan/code.ts';
import {
  type Allowed,
  comparePlans,
  describeChange,
  type PlanComparison,
  refusals,
} from '../plan/compare.ts';
import type { Plan } from '../plan/node.ts';
import { parsePlan } from '../plan/parse.ts';
import { planKey, prefixOf } from '../state/keys.ts';
import { type Batch, prefixRange, type Reads } from '../state/store.ts';
import { LateRows } from './late.ts';
import type { Layer } from './layer.ts';
import { trimmed } from '../log/trimmed.ts';
import { isGone } from './reach.ts';
import { EVERYTHING, recompute } from './recompute.ts';

export const NOTHING_ALLOWED: Allowed = { fromNowOn: false, drop: [], partial: false };

const REMEDY =
  'Take the change back, or compute everything again from the log with `pipeline run --rebuild`; under batch, `pipeline backfill` computes some partitions with it.';

const WAYS_OUT = [
  REMEDY,
  'Under kappa, `pipeline replay` runs it as a new version beside the live one.',
] as const;

/** The plan that a layer ran last; null when none is stored, or one that is no plan any more. */
export async function storedPlan(reads: Reads, layer: string): Promise<Plan | null> {
  const bytes = await reads.get(planKey(layer));
  if (bytes === null) return null;
  try {
    return parsePlan(JSON.parse(bytes.toString()));
  } catch {
    return null;
  }
}

/** What changes for a layer. Throws DEFINITION_CHANGED with what stands in the way. */
export async function adoptable(
  reads: Reads,
  layer: string,
  now: Plan,
  progress: { readonly offsets: Readonly<Record<string, number>> },
  allowed: Allowed,
): Promise<PlanComparison> {
  const old = await storedPlan(reads, layer);
  if (old === null) throw failure('DEFINITION_CHANGED', { remedy: REMEDY });
  const comparison = comparePlans(old, now);
  const refused = refusals(comparison, allowed);
  const differences = [
    ...refused.map(describeChange),
    ...passedOver(old, now, progress.offsets).map(
      (source) => `source "${source}": none → new (events of it are in the log that were passed over)`,
    ),
  ];
  if (differences.length === 0) return comparison;
  const ways: string[] = [...WAYS_OUT];
  if (refused.some(({ verdict }) => verdict === 'from-now-on'))
    ways.push('With `pipeline run --from-now-on`, results so far stay and what comes is computed with it.');
  if (refused.some(({ verdict }) => verdict === 'drops'))
    ways.push('With `pipeline run --drop VIEW`, a view that is gone is removed with its rows.');
  throw failure('DEFINITION_CHANGED', { differences, remedy: ways.join('\n') });
}

/** New sources whose events were in the log before, while no view read them. */
function passedOver(old: Plan, now: Plan, offsets: Readonly<Record<string, number>>): string[] {
  const names = now.sources
    .map(({ name }) => name)
    .filter((name) => !old.sources.some((each) => each.name === name));
  return names.filter((name) => Object.keys(offsets).some((key) => key.startsWith(`${name}/`)));
}

/** Adds to the batch what the views of a layer lose. */
export function dropViews(layer: Layer, views: readonly string[], batch: Batch): void {
  for (const view of views) {
    for (const kind of ['s', 'v', 'l', 'd'] as const)
      batch.deleteRange(prefixRange(prefixOf(kind, layer.name, view)));
    delete layer.progress.rows[view];
    const { [view]: _, ...began } = layer.progress.began ?? {};
    if (layer.progress.began !== undefined) layer.progress.began = began;
  }
}

/**
 * Computes views from the beginning of the log to where the layer stands and adds their rows to the batch, and what their
 * nodes remember. Late events of that time count where the policy says so, and can be admitted later. A log whose beginning was
 * removed is enough only when `isPartial` says so. Throws LOG_TRIMMED.
 */
export async function startViews(
  layer: Layer,
  views: readonly string[],
  {
    isIncremental,
    closedOnly,
    isPartial,
  }: Readonly<Record<'isIncremental' | 'closedOnly' | 'isPartial', boolean>>,
  batch: Batch,
): Promise<void> {
  for (const layout of layer.layouts) {
    if (!views.includes(layout.view.name)) continue;
    if (isGone(layer, layout, EVERYTHING)) beginLater(layer, layout.view.name, isPartial);
    const chains: { persist(batch: Batch): void }[] = [];
    await recompute({
      layer,
      layout,
      slices: [EVERYTHING],
      freshFrom: Infinity,
      to: layer.position,
      closedOnly,
      batch,
      operatorsOf: (next) => {
        const chain = lower({
          plan: layer.plan,
          view: layout.view,
          code: codeOf(layer.plan),
          statePrefix: prefixOf('s', layer.name, layout.view.name),
          next,
          late: new LateRows(layer, layout, batch, { recomputes: true, listsAll: true }),
          onError: (error, at, row) => layer.rejectRow(layout, at, row, error),
        });
        chains.push(chain);
        return chain;
      },
    });
    if (isIncremental) for (const chain of chains) chain.persist(batch);
  }
}

/** A view begins where the log does now: with the first stretch that can still be read. */
function beginLater(layer: Layer, view: string, isPartial: boolean): void {
  const { log } = layer.ports;
  if (!isPartial) {
    const remedy = `View "${view}" is new and would lack them: with \`pipeline run --partial\` it is computed from what is left.`;
    throw trimmed(log, layer.beganAt(view), remedy);
  }
  const position = layer.timeline.firstFrom(log.start) ?? layer.position;
  layer.progress.began = { ...layer.progress.began, [view]: position };
}

/**
 * The contract of an architecture: an arrangement of layers over one log and one store. Nothing outside this folder knows
 * which one is running.
 */
import { failure } from '../base/errors.ts';
import type { Job } from '../loop/job.ts';
import type { Layer, LayerPorts } from '../loop/layer.ts';
import type { Turns } from '../base/turns.ts';
import type { Hold } from '../loop/reach.ts';
import type { ProjectConfig } from '../config/project.ts';
import type { Allowed } from '../plan/compare.ts';
import type { Plan } from '../plan/node.ts';
import type { VersionStatus } from '../host/host.ts';
import type { Reads } from '../state/store.ts';
import { type ViewPart, WHOLE } from '../views/reader.ts';
import type { ViewLayout } from '../views/layout.ts';

export interface Arrangement {
  /** The layer that readers see: its plan, its counters, its watermarks. */
  readonly serving: Layer;
  /** Layers in the order in which they see the log. */
  readonly jobs: readonly Job[];
  /** Makes everything that is in the log visible, late events included: what `--once` does. */
  settle(signal: AbortSignal): Promise<void>;
  /** Runs until the signal aborts; whatever is running then is finished. */
  run(signal: AbortSignal): Promise<void>;
  /** Where the rows of a view are, as of the moment of `reads`. Throws VIEW_UNKNOWN. */
  locate(reads: Reads, view: string): Promise<Located>;
  readonly nextRunAtMs: number | null;
  readonly waitingLate: number;
  /** Late events that no correction can take any more: other events of their windows were removed from the log. */
  readonly unreachableLate: number;
  /** What every layer still needs of the log. REQUIRES that none of them is at work. */
  holds(): readonly Hold[];
  /** How often late events were folded in, and when last: batch runs do it where there is a batch layer. */
  readonly corrections: { readonly runs: number; readonly lastAtMs: number | null };
  readonly lambda?: {
    readonly coveredUntilMs: number | null;
    readonly batchRuns: number;
    readonly lastBatchAtMs: number | null;
  };
  /** Rows of a view that another layer than `serving` holds. */
  rowsBeside?(view: string): number;
  readonly versions?: readonly VersionStatus[];
  readonly commands: Readonly<Record<string, Command>>;
}

/** A command of one architecture, such as `backfill` or `promote`. */
export type Command = (params: Readonly<Record<string, unknown>>) => Promise<unknown>;

export interface Located {
  readonly layout: ViewLayout;
  readonly parts: readonly ViewPart[];
}

/** The layout of a view of a layer. Throws VIEW_UNKNOWN. */
export function layoutOf(layer: Layer, view: string): ViewLayout {
  const layout = layer.layouts.find((candidate) => candidate.view.name === view);
  if (layout === undefined)
    throw failure('VIEW_UNKNOWN', { view, known: layer.plan.views.map((each) => each.name) });
  return layout;
}

export function unreachableOf({ progress }: Layer): number {
  return progress.unreachable ?? 0;
}

/** The corrections of an incremental layer. */
export function correctionsOf({ progress }: Layer): Arrangement['corrections'] {
  return { runs: progress.corrections, lastAtMs: progress.lastCorrectionAtMs };
}

/** The runs of a scheduled layer, each of which folds late events in. */
export function runsOf({ progress }: Layer): Arrangement['corrections'] {
  return { runs: progress.runs, lastAtMs: progress.lastRunAtMs };
}

/** A view that lies whole in one layer. */
export function wholeView(layer: Layer, view: string): Promise<Located> {
  return Promise.resolve({ layout: layoutOf(layer, view), parts: [{ layer: layer.name, ...WHOLE }] });
}

export interface ArrangementOptions {
  readonly plan: Plan;
  readonly config: ProjectConfig;
  readonly ports: LayerPorts;
  /** Epochs, runs and commands take turns: none begins while another is under way. */
  readonly turns: Turns;
  /** Take over a definition that changed, where that needs no operator state: before a backfill. */
  readonly adopt?: boolean;
  /** What of a changed definition may be taken over besides what is compatible. */
  readonly allowed: Allowed;
}

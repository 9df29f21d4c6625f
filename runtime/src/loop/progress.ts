/** What a layer keeps of how far it is, in the store as JSON, and of which plan it is the progress. */
import { createHash } from 'node:crypto';
import { hashOf } from '../plan/hash.ts';
import type { Plan } from '../plan/node.ts';
import { STATE_FORMAT } from '../state/format.ts';
import { progressKey } from '../state/keys.ts';
import type { Store } from '../state/store.ts';
import { layoutsOf } from '../views/layout.ts';
import type { SavedTime } from './times.ts';

export interface Progress {
  /** How its state is laid out: see state/format.ts; absent in format 1, which has `planHash` for `hash`. */
  format: number;
  position: number;
  /** Of the plan that it runs, which is stored beside it. */
  hash: string;
  /** Of what the rows are: two plans with one shape can share the rows of a view. */
  shape: string;
  epochs: number;
  lastAtMs: number | null;
  lastDurationMs: number | null;
  lastRows: number | null;
  eventsIn: Record<string, number>;
  /** `source/partition` → the offset of the next event to read. */
  offsets: Record<string, number>;
  rows: Record<string, number>;
  late: number;
  rejected: number;
  corrections: number;
  lastCorrectionAtMs: number | null;
  /** Of scheduled layers: how many runs, and when the last began. */
  runs: number;
  lastRunAtMs: number | null;
  /** Where it began in the log, if that is not the beginning; of single views where they began later. */
  start?: number;
  began?: Readonly<Record<string, number>>;
  /** Late events that could not be taken, because other events of their windows were removed from the log. */
  unreachable?: number;
  /** Which changes of the definition hold from which position of the log on, because they were asked for. */
  fromNowOn?: readonly {
    readonly position: number;
    readonly atMs: number;
    readonly changes: readonly string[];
  }[];
}

export interface SavedProgress extends Progress {
  readonly times: Record<string, SavedTime>;
}

export async function readProgress(name: string, store: Store): Promise<SavedProgress | null> {
  const bytes = await store.get(progressKey(name));
  if (bytes === null) return null;
  const { planHash, ...saved } = JSON.parse(bytes.toString()) as SavedProgress & {
    readonly planHash?: string;
  };
  return { ...saved, format: saved.format ?? 1, hash: saved.hash ?? planHash ?? '' };
}

/** The progress of a layer that has read nothing. */
export function beginning(plan: Plan, position: number): SavedProgress {
  return { ...emptyProgress(plan), position, ...(position > 0 && { start: position }), times: {} };
}

function emptyProgress(plan: Plan): Progress {
  return {
    format: STATE_FORMAT,
    hash: hashOf(plan),
    shape: shapeOf(plan),
    position: 0,
    epochs: 0,
    lastAtMs: null,
    lastDurationMs: null,
    lastRows: null,
    eventsIn: {},
    offsets: {},
    rows: {},
    late: 0,
    rejected: 0,
    corrections: 0,
    lastCorrectionAtMs: null,
    runs: 0,
    lastRunAtMs: null,
  };
}

const SHAPES = new WeakMap<Plan, string>();

/** The sources' clocks and the columns and keys of every view: what stored rows and late events depend on. */
export function shapeOf(plan: Plan): string {
  const known = SHAPES.get(plan);
  if (known !== undefined) return known;
  const views = layoutsOf(plan).map(({ view, columns, keyNames, shape, slices }) => {
    return [view.name, view.mode, columns.map(({ name, type }) => [name, type]), keyNames, shape, slices];
  });
  const sources = plan.sources.map(({ name, eventTime, watermark, lateness }) => [
    name,
    eventTime,
    watermark.delayMs,
    lateness,
  ]);
  const shape = createHash('sha256')
    .update(JSON.stringify([views, sources]))
    .digest('hex')
    .slice(0, 32);
  SHAPES.set(plan, shape);
  return shape;
}

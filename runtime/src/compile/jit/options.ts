import type { evaluatorOf } from '../../expr/evaluate.ts';
import type { JsonFormat } from './json-writer.ts';
import type { Hooks } from './stage.ts';

/** The functions that a definition brings along, as evaluation takes them. */
export type PlanFunctions = Parameters<typeof evaluatorOf>[2];

export interface CompileOptions {
  readonly functions: PlanFunctions;
  readonly hooks: Hooks;
  /** How long after the watermark an event still counts. */
  readonly allowedMs: number;
  /** Whether `rows` gives all rows of the view, or the changes alone, as they came. */
  readonly content: boolean;
  /** The keys of all state of the view start with this; absent when it is not saved. */
  readonly statePrefix?: Buffer;
  /** Whether `changes` tells of each row where its event stands. REQUIRES a view with a row for each event. */
  readonly placed?: boolean;
  /** So many texts are kept whether they are in use or not; only tests say it. */
  readonly textsMax?: number;
  /** How times and decimals are written by `writeJson`. */
  readonly json?: JsonFormat;
}

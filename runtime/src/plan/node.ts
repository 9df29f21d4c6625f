/**
 * The logical plan: frozen, serialisable data. The definition language only makes plans; executors, exporters, `explain`
 * and the stored versions of Kappa only read them. Consumers are total tables over `PlanKind`, so a new kind of node fails
 * to compile wherever it matters.
 */
import type { Field } from '../data/decode.ts';
import type { Expr } from '../expr/node.ts';

export const PLAN_VERSION = 1;

/** What becomes of an event that arrives after its window and the allowed lateness have passed. */
export type LatePolicy = 'correct' | 'drop' | 'side-output';

export interface SourcePlan {
  readonly name: string;
  readonly fields: readonly Field[];
  /** The field that says when an event happened. */
  readonly eventTime: string;
  readonly watermark: {
    /** How far the watermark stays behind the largest event time seen. */
    readonly delayMs: number;
    /** A partition without events for so long no longer holds back the others; null: it waits for ever. */
    readonly idleAfterMs: number | null;
    /** Events that claim to happen later than this after now are rejected: one of them would close every window. */
    readonly futureMs: number;
  };
  readonly lateness: { readonly allowedMs: number; readonly then: LatePolicy };
}

export interface SourceNode {
  readonly kind: 'source';
  readonly source: string;
}

export interface FilterNode {
  readonly kind: 'filter';
  readonly input: PlanNode;
  readonly predicate: Expr;
}

export interface MapNode {
  readonly kind: 'map';
  readonly input: PlanNode;
  readonly columns: readonly { readonly name: string; readonly expr: Expr }[];
}

/** A window as a group key: [n * sizeMs, (n + 1) * sizeMs) since the epoch, UTC. */
export interface TumblingWindow {
  readonly kind: 'tumbling';
  readonly time: Expr;
  readonly sizeMs: number;
}

export type GroupKey =
  | { readonly name: string; readonly expr: Expr }
  | { readonly name: string; readonly window: TumblingWindow };

export type AggregateName = 'count' | 'sum' | 'avg' | 'min' | 'max' | 'countDistinct';

export interface AggregateCall {
  readonly name: string;
  readonly fn: AggregateName;
  /** Null only for `count()`, which counts rows. */
  readonly arg: Expr | null;
}

export interface GroupNode {
  readonly kind: 'group';
  readonly input: PlanNode;
  readonly keys: readonly GroupKey[];
  readonly aggregates: readonly AggregateCall[];
}

export type PlanNode = SourceNode | FilterNode | MapNode | GroupNode;
export type PlanKind = PlanNode['kind'];
export type NodeOf<K extends PlanKind> = Extract<PlanNode, { kind: K }>;

/** A consumer of plans: one function for each kind of node, none forgotten. */
export type PlanTable<R, C = void> = { readonly [K in PlanKind]: (node: NodeOf<K>, context: C) => R };

/**
 * `updates`: the row of a window is shown at once and changes with its events. `final`: it is shown once, when the
 * watermark has passed the window and the allowed lateness.
 */
export type ViewMode = 'updates' | 'final';

export interface ViewPlan {
  readonly name: string;
  readonly mode: ViewMode;
  readonly node: PlanNode;
}

export interface Plan {
  readonly version: typeof PLAN_VERSION;
  readonly name: string;
  readonly sources: readonly SourcePlan[];
  readonly views: readonly ViewPlan[];
}

/** Applies a table to a node. */
export function applyTable<R, C>(table: PlanTable<R, C>, node: PlanNode, context: C): R {
  return (table[node.kind] as (n: PlanNode, c: C) => R)(node, context);
}

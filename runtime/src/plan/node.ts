/**
 * The logical plan: frozen, serialisable data. The definition language only makes plans; executors, exporters, `explain`
 * and the stored versions of Kappa only read them. Consumers are total tables over `PlanKind`, so a new kind of node fails
 * to compile wherever it matters.
 */
import type { Field } from '../data/decode.ts';
import type { Column } from '../data/value.ts';
import type { Expr } from '../expr/node.ts';

export const PLAN_VERSION = 1;

/** What becomes of an event that arrives after its window and the allowed lateness have passed. */
export type LatePolicy = 'correct' | 'drop' | 'side-output';

export interface SourcePlan {
  readonly name: string;
  readonly fields: readonly Field[];
  /**
   * The fields that say when an event happened: the first that is not null. An event without any is rejected. Empty for a
   * table: its rows have no time, are never late and hold no watermark back.
   */
  readonly eventTime: readonly string[];
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

/** A function that the definition brings along: known to the plan by name and types, to the engine by its code. */
export interface FunctionPlan {
  readonly name: string;
  readonly kind: 'scalar' | 'process';
  /** Of the code: two functions with one digest are the same. */
  readonly digest: string;
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

export interface NamedExpr {
  readonly name: string;
  readonly expr: Expr;
}

export interface MapNode {
  readonly kind: 'map';
  readonly input: PlanNode;
  readonly columns: readonly NamedExpr[];
}

/** A row for each item of a list, with the item as a column behind the others. An empty list gives no row. */
export interface UnnestNode {
  readonly kind: 'unnest';
  readonly input: PlanNode;
  readonly list: Expr;
  readonly as: string;
}

/** The rows of all inputs, which have the same columns. Nothing is removed: SQL's UNION ALL. */
export interface UnionNode {
  readonly kind: 'union';
  readonly inputs: readonly PlanNode[];
}

/**
 * One row for each key: the first or the last, by event time or by arrival. Of equal times the first keeps the earlier
 * arrival, the last the later one. A key that was silent for `ttlMs` of event time is forgotten.
 */
export interface DedupeNode {
  readonly kind: 'dedupe';
  readonly input: PlanNode;
  readonly keys: readonly string[];
  readonly keep: 'first' | 'last';
  readonly by: 'time' | 'arrival';
  readonly ttlMs: number | null;
}

/** Where the grid of windows lies: its origin in local time of a zone (an IANA name; null is UTC), which obeys its clock changes. */
export interface WindowGrid {
  readonly offsetMs: number;
  readonly zone: string | null;
}

/**
 * A window over the event time.
 *   tumbling    [n * size, (n + 1) * size) on the grid        hopping     starts every slide, lasts size
 *   cumulating  from each n * size, ends every step            session     first row to gapMs after the last, per key
 */
export type WindowPlan =
  | ({ readonly kind: 'tumbling'; readonly time: Expr; readonly sizeMs: number } & WindowGrid)
  | ({
      readonly kind: 'hopping';
      readonly time: Expr;
      readonly sizeMs: number;
      readonly slideMs: number;
    } & WindowGrid)
  | ({
      readonly kind: 'cumulating';
      readonly time: Expr;
      readonly sizeMs: number;
      readonly stepMs: number;
    } & WindowGrid)
  | { readonly kind: 'session'; readonly time: Expr; readonly gapMs: number };

/** A group key; one with a window assigns each row to its windows. A plain key may be a window column of the input. */
export type GroupKey = NamedExpr | { readonly name: string; readonly window: WindowPlan };

export type AggregateName =
  | 'count'
  | 'sum'
  | 'avg'
  | 'min'
  | 'max'
  | 'first'
  | 'last'
  | 'argMin'
  | 'argMax'
  | 'countDistinct'
  | 'approxCountDistinct'
  | 'percentile'
  | 'collect';

export interface AggregateCall {
  readonly name: string;
  readonly fn: AggregateName;
  /** Null only for `count()`, which counts rows. */
  readonly arg: Expr | null;
  /** argMin, argMax: what is compared. first, last: the time, the event time of the row. */
  readonly by?: Expr;
  /** percentile: the fraction, 0 to 1. */
  readonly fraction?: number;
  /** Only rows for which this is true: SQL's FILTER (WHERE …). */
  readonly where?: Expr;
}

export interface GroupNode {
  readonly kind: 'group';
  readonly input: PlanNode;
  readonly keys: readonly GroupKey[];
  readonly aggregates: readonly AggregateCall[];
  /** A group without rows for so long in event time is forgotten; its next row begins it anew. Null: never. */
  readonly ttlMs: number | null;
}

export interface OrderBy {
  readonly expr: Expr;
  readonly descending: boolean;
}

/** The first n rows of each partition in an order; of equal rows the earlier arrival first. With `rank`, their place from 1. */
export interface TopNode {
  readonly kind: 'top';
  readonly input: PlanNode;
  readonly partition: readonly string[];
  readonly order: readonly OrderBy[];
  readonly limit: number;
  readonly rank: string | null;
}

/** How far back an over-window looks: so many rows before, so much time before (peers included), or to the beginning. */
export type Frame =
  | { readonly kind: 'rows'; readonly preceding: number }
  | { readonly kind: 'range'; readonly precedingMs: number }
  | { readonly kind: 'unbounded' };

/** Each row with aggregates over the rows before it, in the order of event time, of its partition. */
export interface OverNode {
  readonly kind: 'over';
  readonly input: PlanNode;
  readonly partition: readonly string[];
  readonly frame: Frame;
  readonly aggregates: readonly AggregateCall[];
}

/**
 * How two streams meet.
 *   regular   every pair, whenever they come; state is kept for `ttlMs` of event time, null for ever
 *   window    every pair of one window: `on` holds a window column of each side
 *   interval  right.time in [left.time + lowerMs, left.time + upperMs]
 *   temporal  the right row of the key that was valid at left.time: the last at or before it
 *   lookup    the row of the table that has the key when the left row arrives
 */
export type JoinHow =
  | { readonly kind: 'regular'; readonly ttlMs: number | null }
  | { readonly kind: 'window' }
  | { readonly kind: 'interval'; readonly lowerMs: number; readonly upperMs: number }
  | { readonly kind: 'temporal' }
  | { readonly kind: 'lookup' };

/** Columns: those of the left, then those of the right, each under its new name. A left join has nulls for no partner. */
export interface JoinNode {
  readonly kind: 'join';
  readonly left: PlanNode;
  readonly right: PlanNode;
  readonly type: 'inner' | 'left';
  readonly how: JoinHow;
  /** Pairs of columns that are equal, each named as in its own input; null equals nothing. */
  readonly on: readonly { readonly left: string; readonly right: string }[];
  /** What leaves: column `from` of a side as `name`. */
  readonly columns: readonly {
    readonly side: 'left' | 'right';
    readonly from: string;
    readonly name: string;
  }[];
  /** A further condition, over the columns that leave; a pair that fails it is no pair. */
  readonly condition: Expr | null;
}

/**
 * A sequence of events of a partition within a time: each step takes the next row after the step before that its
 * condition accepts (others are skipped); a match ends before the next begins.
 */
export interface PatternNode {
  readonly kind: 'pattern';
  readonly input: PlanNode;
  readonly partition: readonly string[];
  readonly steps: readonly { readonly name: string; readonly predicate: Expr }[];
  readonly withinMs: number;
  /** What leaves besides the partition: a value of the row of a step. */
  readonly columns: readonly { readonly name: string; readonly step: string; readonly expr: Expr }[];
}

/** A function of the definition with state of its own for each key and timers in event time. */
export interface ProcessNode {
  readonly kind: 'process';
  readonly input: PlanNode;
  readonly function: string;
  readonly keys: readonly string[];
  readonly columns: readonly Column[];
}

export type PlanNode =
  | SourceNode
  | FilterNode
  | MapNode
  | UnnestNode
  | UnionNode
  | DedupeNode
  | GroupNode
  | TopNode
  | OverNode
  | JoinNode
  | PatternNode
  | ProcessNode;
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
  /** The functions of the definition that the views call. */
  readonly functions: readonly FunctionPlan[];
  readonly views: readonly ViewPlan[];
}

/** Applies a table to a node. */
export function applyTable<R, C>(table: PlanTable<R, C>, node: PlanNode, context: C): R {
  return (table[node.kind] as (n: PlanNode, c: C) => R)(node, context);
}

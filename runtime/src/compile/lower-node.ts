/** What runs each kind of node: its plan becomes the specification of an operator. */
import { invariant } from '../base/invariant.ts';
import type { Column, Row, Value } from '../data/value.ts';
import { evaluatorOf, type Evaluate, inferExpr } from '../expr/evaluate.ts';
import type { Expr } from '../expr/node.ts';
import type { AggregateSpec } from '../operators/accumulators.ts';
import { dedupe } from '../operators/dedupe.ts';
import { filter } from '../operators/filter.ts';
import { GroupOperator } from '../operators/group.ts';
import { heldBackMs, IntervalJoin } from '../operators/interval-join.ts';
import type { JoinOperator, JoinSpec } from '../operators/join.ts';
import { LookupJoin } from '../operators/lookup-join.ts';
import { map } from '../operators/map.ts';
import type { Collector, LateRule, OnRowError, StatefulOperator } from '../operators/operator.ts';
import { OverOperator } from '../operators/over.ts';
import { PatternOperator } from '../operators/pattern.ts';
import { ProcessOperator } from '../operators/process.ts';
import type { ProcessFunction } from '../operators/process-function.ts';
import { RegularJoin } from '../operators/regular-join.ts';
import { TemporalJoin } from '../operators/temporal-join.ts';
import { SessionOperator } from '../operators/session.ts';
import type { TimedSpec } from '../operators/time-buffer.ts';
import { TopOperator } from '../operators/top.ts';
import { windowAssigner } from '../operators/window.ts';
import { union } from '../operators/union.ts';
import { unnest } from '../operators/unnest.ts';
import { WindowJoin } from '../operators/window-join.ts';
import type { PlanCode } from '../plan/code.ts';
import { heldOf } from '../plan/held.ts';
import { eventTimeOf, inferColumns } from '../plan/infer.ts';
import {
  type AggregateCall,
  applyTable,
  type JoinHow,
  type NodeOf,
  type Plan,
  type PlanNode,
  type PlanTable,
  type ViewMode,
  type ViewPlan,
} from '../plan/node.ts';
import { isAppendOnly, isOfEvents, windowColumnOf } from '../plan/traits.ts';
import { inputsOf, isWindowKey } from '../plan/walk.ts';

export interface NodeContext {
  readonly plan: Plan;
  readonly view: ViewPlan;
  readonly code: PlanCode;
  readonly late: LateRule;
  readonly onError: OnRowError;
  /** The keys of the node's state start with this. */
  readonly statePrefix: Buffer;
  /** Whether all that leaves the node takes one way to the view, on which no other rows come in. */
  readonly mayWait: boolean;
  readonly next: Collector;
}

export interface Lowered {
  /** One for each input of the node, in order. */
  readonly inputs: readonly Collector[];
  readonly operator?: Memory;
}

/** An operator with memory, whatever its inputs. */
export type Memory = Omit<StatefulOperator, 'push'>;

/** What most operators need of their node. */
class Given {
  readonly context: NodeContext;
  readonly columns: readonly Column[];
  readonly retracts: boolean;
  readonly late: LateRule;

  constructor(context: NodeContext, input: PlanNode) {
    const { plan, view, late } = context;
    this.context = context;
    this.columns = inferColumns(plan, input);
    this.retracts = !isAppendOnly(input, view.mode);
    this.late = later(late, heldBack(input));
  }

  evaluate(expr: Expr): Evaluate {
    return evaluatorOf(expr, this.columns, this.context.code);
  }

  indexOf(name: string): number {
    const index = this.columns.findIndex((column) => column.name === name);
    invariant(index >= 0, `column ${name} exists`);
    return index;
  }

  indicesOf(names: readonly string[]): readonly number[] {
    return names.map((name) => this.indexOf(name));
  }

  /** The column among these that is a window by whose end rows are final, or null. */
  windowIn(names: readonly string[], input: PlanNode): number | null {
    const window = windowColumnOf(input);
    return window !== null && names.includes(window) ? this.indexOf(window) : null;
  }

  get time(): Evaluate | null {
    const time = eventTimeOf(this.columns);
    return time === null ? null : this.evaluate(time);
  }

  get common() {
    const { onError, statePrefix, view } = this.context;
    return { late: this.late, onError, prefix: statePrefix, mode: view.mode, retracts: this.retracts };
  }

  aggregate(call: AggregateCall): AggregateSpec {
    const type = call.arg === null ? null : inferExpr(call.arg, this.columns);
    invariant(typeof type !== 'string', 'a validated aggregate has a type');
    return {
      fn: call.fn,
      arg: call.arg === null ? null : this.evaluate(call.arg),
      type: type?.type ?? null,
      scale: type?.scale,
      by: call.by === undefined ? undefined : this.evaluate(call.by),
      fraction: call.fraction,
      where: call.where === undefined ? undefined : this.evaluate(call.where),
    };
  }
}

const LOWER: PlanTable<Lowered, NodeContext> = {
  source: (_, { next }) => ({ inputs: [next] }),
  filter: (node, context) => {
    const given = new Given(context, node.input);
    return { inputs: [filter({ predicate: given.evaluate(node.predicate), ...given.common }, context.next)] };
  },
  map: (node, context) => {
    const given = new Given(context, node.input);
    const columns = node.columns.map(({ expr }) => given.evaluate(expr));
    return { inputs: [map({ columns, ...given.common }, context.next)] };
  },
  unnest: (node, context) => {
    const given = new Given(context, node.input);
    return { inputs: [unnest({ list: given.evaluate(node.list), ...given.common }, context.next)] };
  },
  union: (node, { next }) => ({ inputs: node.inputs.map(() => union(next)) }),
  dedupe: (node, context) => {
    const given = new Given(context, node.input);
    const { keep, by, ttlMs } = node;
    const keys = given.indicesOf(node.keys);
    const window = given.windowIn(node.keys, node.input);
    return unary(
      dedupe(
        {
          ...given.common,
          mayWait: context.mayWait,
          keys,
          keep,
          by,
          ttlMs,
          time: given.time,
          window,
          mode: modeOf(context, window),
        },
        context.next,
      ),
    );
  },
  group: (node, context) => unary(lowerGroup(node, context)),
  top: (node, context) => {
    const given = new Given(context, node.input);
    const window = given.windowIn(node.partition, node.input);
    const spec = {
      ...given.common,
      partition: given.indicesOf(node.partition),
      order: node.order.map(({ expr, descending }) => ({ by: given.evaluate(expr), descending })),
      ties: 'earlier',
      limit: node.limit,
      rank: node.rank !== null,
      window,
      mode: modeOf(context, window),
    } as const;
    return unary(new TopOperator(spec, context.next));
  },
  over: (node, context) => {
    const given = new Given(context, node.input);
    const spec = {
      ...timed(given),
      partition: given.indicesOf(node.partition),
      frame: node.frame,
      aggregates: node.aggregates.map((call) => given.aggregate(call)),
    };
    return unary(new OverOperator(spec, context.next));
  },
  join: (node, context) => {
    const { next } = context;
    // Whether a pair is caused by the row of an event or by one of time would depend on which comes first, and so on the cut.
    const isOfCut = !isOfEvents(node.left) || (node.how.kind !== 'lookup' && !isOfEvents(node.right));
    const unplaced: Collector = { push: (row, weight) => next.push(row, weight, null) };
    const operator = lowerJoin(node, isOfCut ? { ...context, next: unplaced } : context);
    return { inputs: [operator.left, operator.right], operator };
  },
  pattern: (node, context) => {
    const given = new Given(context, node.input);
    const spec = {
      ...timed(given),
      partition: given.indicesOf(node.partition),
      steps: node.steps.map(({ predicate }) => given.evaluate(predicate)),
      withinMs: node.withinMs,
      columns: node.columns.map(({ step, expr }) => ({
        step: node.steps.findIndex(({ name }) => name === step),
        value: given.evaluate(expr),
      })),
    };
    return unary(new PatternOperator(spec, context.next));
  },
  process: (node, context) => {
    const given = new Given(context, node.input);
    const spec = {
      ...timed(given),
      keys: given.indicesOf(node.keys),
      inputColumns: given.columns,
      outputColumns: node.columns,
      function: context.code.get(node.function) as ProcessFunction,
    };
    return unary(new ProcessOperator(spec, context.next));
  },
};

export function lowerNode(node: PlanNode, context: NodeContext): Lowered {
  return applyTable(LOWER, node, context);
}

function unary(operator: StatefulOperator): Lowered {
  return { inputs: [operator], operator };
}

/** Only what belongs to a window can be handed on once. */
function modeOf({ view }: NodeContext, window: number | null): ViewMode {
  return window === null ? 'updates' : view.mode;
}

/** What operators over time are given. Later rows of the operators before are part of the late rule. */
function timed(given: Given): TimedSpec {
  const { time } = given;
  invariant(time !== null, 'a validated plan gives an event time to those that need it');
  return { ...given.common, time };
}

function lowerGroup(node: NodeOf<'group'>, context: NodeContext): StatefulOperator {
  const given = new Given(context, node.input);
  const windowed = windowColumnOf(node);
  const windowIndex = node.keys.findIndex(({ name }) => name === windowed);
  const key = node.keys[windowIndex];
  const window = key !== undefined && isWindowKey(key) ? key.window : null;
  const spec = {
    ...given.common,
    keys: node.keys.map((each) => given.evaluate(isWindowKey(each) ? each.window.time : each.expr)),
    windowIndex,
    aggregates: node.aggregates.map((call) => given.aggregate(call)),
    mode: windowIndex < 0 ? 'updates' : context.view.mode,
    ttlMs: node.ttlMs,
    time: given.time,
  } as const;
  if (window?.kind === 'session') return new SessionOperator({ ...spec, gapMs: window.gapMs }, context.next);
  return new GroupOperator(
    { ...spec, window: window === null ? null : windowAssigner(window) },
    context.next,
  );
}

function lowerJoin(node: NodeOf<'join'>, context: NodeContext): JoinOperator {
  const { next, plan, onError, statePrefix } = context;
  const left = new Given(context, node.left);
  const right = new Given(context, node.right);
  const picks = node.columns.map(({ side, from }) => ({
    isLeft: side === 'left',
    index: (side === 'left' ? left : right).indexOf(from),
  }));
  const project = (l: Row, r: Row | null): Row =>
    picks.map(({ isLeft, index }): Value => (isLeft ? l[index] : r?.[index]) ?? null);
  const columns = inferColumns(plan, node);
  const condition = node.condition === null ? null : evaluatorOf(node.condition, columns, context.code);
  const spec = { type: node.type, project, condition, onError, prefix: statePrefix };
  const late = later(context.late, Math.max(heldBack(node.left), heldBack(node.right)));
  const sides = {
    left: {
      keys: left.indicesOf(node.on.map((pair) => pair.left)),
      retracts: left.retracts,
      time: left.time,
    },
    right: {
      keys: right.indicesOf(node.on.map((pair) => pair.right)),
      retracts: right.retracts,
      time: right.time,
    },
  };
  return JOINS[node.how.kind](
    { node, spec: { ...spec, ...sides, late }, left, right },
    node.how as never,
    next,
  );
}

interface JoinParts {
  readonly node: NodeOf<'join'>;
  readonly spec: JoinSpec & {
    readonly left: {
      readonly keys: readonly number[];
      readonly retracts: boolean;
      readonly time: Evaluate | null;
    };
    readonly right: {
      readonly keys: readonly number[];
      readonly retracts: boolean;
      readonly time: Evaluate | null;
    };
    readonly late: LateRule;
  };
  readonly left: Given;
  readonly right: Given;
}

type JoinTable = {
  readonly [K in JoinHow['kind']]: (
    parts: JoinParts,
    how: Extract<JoinHow, { kind: K }>,
    next: Collector,
  ) => JoinOperator;
};

const JOINS: JoinTable = {
  regular: ({ node, spec, left, right }, { ttlMs }, next) => {
    const columns = { left: left.columns, right: right.columns };
    const held = (side: 'left' | 'right') => {
      const found = heldOf(node, side, columns, left.context.view.mode);
      if (found === null) return null;
      return { column: (side === 'left' ? left : right).indexOf(found.column), ms: found.ms };
    };
    const sides = {
      left: { ...spec.left, held: held('left') },
      right: { ...spec.right, held: held('right') },
    };
    const { mayWait } = left.context;
    return new RegularJoin({ ...spec, ...sides, ttlMs, mayWait, allowedMs: spec.late.allowedMs }, next);
  },
  window: ({ node, spec, left, right }, _, next) => {
    const window = (given: Given, input: PlanNode): number => given.indexOf(windowColumnOf(input) ?? '');
    return new WindowJoin(
      {
        ...spec,
        mayWait: left.context.mayWait,
        left: { ...spec.left, window: window(left, node.left) },
        right: { ...spec.right, window: window(right, node.right) },
      },
      next,
    );
  },
  interval: ({ spec, left }, { lowerMs, upperMs }, next) => {
    const { mayWait } = left.context;
    return new IntervalJoin({ ...spec, ...timedSides(spec), mayWait, lowerMs, upperMs }, next);
  },
  temporal: ({ spec }, _, next) => new TemporalJoin({ ...spec, ...timedSides(spec) }, next),
  lookup: ({ spec }, _, next) => new LookupJoin(spec, next),
};

function timedSides({ left, right }: JoinParts['spec']) {
  invariant(left.time !== null && right.time !== null, 'a validated plan gives both sides an event time');
  return { left: { ...left, time: left.time }, right: { ...right, time: right.time } };
}

/** How long after their event time the rows that leave a node may come, beyond what the sources allow. */
function heldBack(node: PlanNode): number {
  const before = Math.max(0, ...inputsOf(node).map(heldBack));
  if (node.kind !== 'join') return before;
  if (node.how.kind === 'interval') return before + heldBackMs(node.how);
  // A pair is one up to the watermark `T + ttlMs`, so its window may not be over then.
  return node.how.kind === 'regular' && node.how.ttlMs !== null ? before + node.how.ttlMs + 1 : before;
}

/** The rule for rows that may come so much later. */
function later(late: LateRule, byMs: number): LateRule {
  if (byMs === 0) return late;
  return {
    allowedMs: late.allowedMs + byMs,
    isOverFor: (at, endMs) => late.isOverFor(at, endMs + byMs),
    isClosedFor: (at, endMs) => late.isClosedFor(at, endMs + byMs),
    mayMiss: (at, endMs) => late.mayMiss?.(at, endMs + byMs),
    late: (at, startMs, endMs) => late.late(at, startMs, endMs),
  };
}

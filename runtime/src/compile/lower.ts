/**
 * Turns the plan of one view into a chain of operators with interpreted expressions: the reference that any faster
 * execution is tested against.
 */
import { DOUBLE_MAX, type Column, type Row, type Value } from '../data/value.ts';
import { evaluatorOf, type Evaluate } from '../expr/evaluate.ts';
import { RowError } from '../expr/functions.ts';
import { filter } from '../operators/filter.ts';
import { GroupOperator } from '../operators/group.ts';
import { map } from '../operators/map.ts';
import type { Collector, LateRule, StatefulOperator } from '../operators/operator.ts';
import { inferColumns } from '../plan/infer.ts';
import {
  applyTable,
  type GroupKey,
  type GroupNode,
  type Plan,
  type PlanTable,
  type ViewPlan,
} from '../plan/node.ts';
import { chainOf, isWindowKey } from '../plan/walk.ts';

export interface Chain {
  /** Takes the events of the source. May throw RowError for a row that cannot be computed; nothing of it was then added. */
  readonly input: Collector;
  /** The operator with memory, if the view groups. */
  readonly group: StatefulOperator | null;
}

interface LowerContext {
  readonly plan: Plan;
  readonly view: ViewPlan;
  readonly late: LateRule;
  readonly statePrefix: Buffer;
  readonly next: Collector;
}

type Lowered = { readonly collector: Collector; readonly group?: StatefulOperator };

const LOWER: PlanTable<Lowered, LowerContext> = {
  source: (_, { next }) => ({ collector: next }),
  filter: (node, { plan, next }) => ({
    collector: filter(evaluatorOf(node.predicate, inferColumns(plan, node.input)), next),
  }),
  map: (node, { plan, next }) => {
    const columns = inferColumns(plan, node.input);
    return {
      collector: map(
        node.columns.map(({ expr }) => evaluatorOf(expr, columns)),
        next,
      ),
    };
  },
  group: (node, context) => {
    const group = lowerGroup(node, context);
    return { collector: group, group };
  },
};

/** REQUIRES a plan from `parsePlan`. Rows of the view go to `next`. */
export function lower(context: LowerContext): Chain {
  let collector = context.next;
  let group: StatefulOperator | null = null;
  for (const node of chainOf(context.view.node).toReversed()) {
    const lowered = applyTable(LOWER, node, { ...context, next: collector });
    collector = lowered.collector;
    group = lowered.group ?? group;
  }
  return { input: collector, group };
}

function lowerGroup(node: GroupNode, { plan, view, late, statePrefix, next }: LowerContext): GroupOperator {
  const columns = inferColumns(plan, node.input);
  return new GroupOperator(
    {
      keys: node.keys.map((key) => keyOf(key, columns)),
      windowIndex: node.keys.findIndex(isWindowKey),
      aggregates: node.aggregates.map(({ fn, arg }) => ({
        fn,
        arg: arg === null ? null : summable(evaluatorOf(arg, columns)),
      })),
      mode: view.mode,
      late,
      prefix: statePrefix,
    },
    next,
  );
}

function keyOf(key: GroupKey, columns: readonly Column[]): Evaluate {
  if (!isWindowKey(key)) return evaluatorOf(key.expr, columns);
  const time = evaluatorOf(key.window.time, columns);
  const { sizeMs } = key.window;
  return (row: Row): Value => {
    const startMs = Math.floor((time(row) as number) / sizeMs) * sizeMs;
    return [startMs, startMs + sizeMs];
  };
}

/** Keeps the promise that ExactSum requires; see DOUBLE_MAX. */
function summable(evaluate: Evaluate): Evaluate {
  return (row) => {
    const value = evaluate(row);
    if (typeof value === 'number' && Math.abs(value) > DOUBLE_MAX)
      throw new RowError(`${value} is too large to aggregate`);
    return value;
  };
}

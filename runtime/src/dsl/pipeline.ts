import { bindCode } from '../plan/code.ts';
import type { Plan } from '../plan/node.ts';
import { parsePlan } from '../plan/parse.ts';
import { functionsOfAll, sourcesOfAll, wrong } from './definition.ts';
import { functionsIn } from './udf.ts';
import type { View } from './view.ts';

/** A complete definition: what `pipeline.ts` exports by default. */
export interface Pipeline<V = unknown> {
  readonly plan: Plan;
  /** @internal Carries the row types of the views. */
  readonly of?: V;
}

/**
 * Names the views of a pipeline and checks the whole definition.
 * @throws PLAN_INVALID with every problem.
 */
export function pipeline<V extends Record<string, View<unknown>>>(name: string, views: V): Pipeline<V> {
  for (const [view, ended] of Object.entries(views)) {
    if (ended?.mode === undefined || ended.sources === undefined)
      wrong(`view "${view}" is not finished: end it with .updates() or .final()`);
  }
  const called = Object.values(views).map(({ node }) => ({ functions: functionsIn(node) }));
  const functions = functionsOfAll([...Object.values(views), ...called]);
  const plan = parsePlan({
    version: 1,
    name,
    sources: sourcesOfAll(Object.values(views)),
    functions: functions.map((each) => each.plan),
    views: Object.entries(views).map(([view, { mode, node }]) => ({ name: view, mode, node })),
  });
  bindCode(plan, new Map(functions.map((each) => [each.plan.name, each.code])));
  return { plan };
}

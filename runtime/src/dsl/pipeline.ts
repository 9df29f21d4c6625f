import { failure } from '../base/errors.ts';
import type { Plan, SourcePlan } from '../plan/node.ts';
import { parsePlan } from '../plan/parse.ts';
import type { View } from './stream.ts';

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
  const sources = new Map<string, SourcePlan>();
  for (const [view, ended] of Object.entries(views)) {
    if (ended?.mode === undefined || ended.source === undefined) {
      throw failure('DEFINITION_INVALID', {
        problem: `view "${view}" is not finished: end it with .updates() or .final()`,
      });
    }
    const { source } = ended;
    const known = sources.get(source.name);
    if (known !== undefined && known !== source) {
      throw failure('DEFINITION_INVALID', {
        problem: `view "${view}": source "${source.name}" is declared twice; declare it once and use it in both views`,
      });
    }
    sources.set(source.name, source);
  }
  const plan = parsePlan({
    version: 1,
    name,
    sources: [...sources.values()],
    views: Object.entries(views).map(([view, { mode, node }]) => ({ name: view, mode, node })),
  });
  return { plan };
}

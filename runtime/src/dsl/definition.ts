/** What a stream has become so far: its node, and what it reads and calls. */
import { failure } from '../base/errors.ts';
import type { Column } from '../data/value.ts';
import { inferColumns } from '../plan/infer.ts';
import type { FunctionPlan, Plan, PlanNode, SourcePlan } from '../plan/node.ts';

/** A function of the definition: what the plan says of it, and the code. */
export interface DefinedFunction {
  readonly plan: FunctionPlan;
  readonly code: unknown;
}

export interface Definition {
  readonly node: PlanNode;
  readonly sources: readonly SourcePlan[];
  readonly functions: readonly DefinedFunction[];
}

export function wrong(problem: string): never {
  throw failure('DEFINITION_INVALID', { problem });
}

/** The columns that leave it. @throws DEFINITION_INVALID for the first thing that is wrong with them. */
export function columnsOf({ node, sources }: Pick<Definition, 'node' | 'sources'>): readonly Column[] {
  const plan: Plan = { version: 1, name: 'definition', sources, functions: [], views: [] };
  const from = sources.map(({ name }) => `"${name}"`).join(', ');
  return inferColumns(plan, node, (problem) =>
    wrong(`${sources.length === 1 ? 'source' : 'sources'} ${from}: ${problem}`),
  );
}

/** Of several definitions; a name stands for one thing. */
export function sourcesOfAll(definitions: readonly Pick<Definition, 'sources'>[]): readonly SourcePlan[] {
  const sources = new Map<string, SourcePlan>();
  for (const source of definitions.flatMap((definition) => definition.sources)) {
    const known = sources.get(source.name);
    if (known !== undefined && known !== source)
      wrong(`source "${source.name}" is declared twice; declare it once and use it in both places`);
    sources.set(source.name, source);
  }
  return [...sources.values()];
}

/** Of several definitions; a name stands for one thing. */
export function functionsOfAll(
  definitions: readonly Pick<Definition, 'functions'>[],
): readonly DefinedFunction[] {
  const functions = new Map<string, DefinedFunction>();
  for (const each of definitions.flatMap((definition) => definition.functions)) {
    const known = functions.get(each.plan.name);
    if (known !== undefined && known.code !== each.code)
      wrong(`function "${each.plan.name}" is defined twice; define it once and use it in both places`);
    functions.set(each.plan.name, each);
  }
  return [...functions.values()];
}

import type { Row } from '../../data/value.ts';
import { evaluatorOf } from '../../expr/evaluate.ts';
import { RowError } from '../../expr/functions.ts';
import { inferColumns } from '../../plan/infer.ts';
import type { Plan, ViewPlan } from '../../plan/node.ts';
import { exprsOf, inputsOf, nodesOf } from '../../plan/walk.ts';
import type { PlanFunctions } from './options.ts';

/** Why a row has no value in a node, by its number in the view: only the interpreter explains errors. */
export function whyNot(
  plan: Plan,
  view: ViewPlan,
  functions: PlanFunctions,
  index: number,
  row: Row,
): string {
  const node = nodesOf(view.node)[index];
  const input = node === undefined ? undefined : inputsOf(node)[0];
  if (node === undefined || input === undefined) return 'a row has no value';
  const columns = inferColumns(plan, node.kind === 'join' ? node : input);
  for (const expr of exprsOf(node)) {
    try {
      evaluatorOf(expr, columns, functions)(row);
    } catch (error) {
      if (error instanceof RowError) return error.message;
    }
  }
  return 'a result is too large';
}

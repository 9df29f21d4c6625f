/**
 * The code of the functions that a plan calls. A plan is data and may come from a file or from the store; its code comes
 * with the definition, and is found again by the digest.
 */
import { failure } from '../base/errors.ts';
import type { FunctionPlan, Plan } from './node.ts';

/** The functions of a plan by name: scalar ones and process functions. */
export type PlanCode = ReadonlyMap<string, unknown>;

const CODE = new WeakMap<Plan, PlanCode>();
/** All code that was bound in this process, by digest: a stored version of the plan calls the same functions. */
const BY_DIGEST = new Map<string, unknown>();

export function bindCode(plan: Plan, code: PlanCode): void {
  CODE.set(plan, code);
  for (const { name, digest } of plan.functions) if (code.has(name)) BY_DIGEST.set(digest, code.get(name));
}

/** @throws FUNCTION_MISSING when the definition that is at hand has no such function, or another one of this name. */
export function codeOf(plan: Plan): PlanCode {
  const known = CODE.get(plan);
  if (known !== undefined) return known;
  const missing = plan.functions.filter(({ digest }) => !BY_DIGEST.has(digest));
  if (missing.length > 0) throw failure('FUNCTION_MISSING', { functions: missing.map(nameOf) });
  const code = new Map(plan.functions.map(({ name, digest }) => [name, BY_DIGEST.get(digest)]));
  CODE.set(plan, code);
  return code;
}

function nameOf({ name }: FunctionPlan): string {
  return name;
}

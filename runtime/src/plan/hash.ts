import { createHash } from 'node:crypto';
import type { Plan } from './node.ts';

/**
 * Two plans with one hash compute the same: it covers the shape of the plan and the digests of its functions. REQUIRES a
 * plan from `parsePlan`, which puts keys into one order.
 */
export function hashOf(plan: Plan): string {
  const known = HASHES.get(plan);
  if (known !== undefined) return known;
  const hash = createHash('sha256').update(JSON.stringify(plan)).digest('hex').slice(0, 32);
  // What is not frozen may change.
  if (Object.isFrozen(plan)) HASHES.set(plan, hash);
  return hash;
}

const HASHES = new WeakMap<Plan, string>();

import { z } from 'zod';
import { failure } from '../base/errors.ts';
import type { Slice } from '../loop/recompute.ts';
import { hashOf } from '../plan/hash.ts';
import type { Plan } from '../plan/node.ts';

const schema = z.strictObject({ fromMs: z.number(), toMs: z.number(), planHash: z.string().optional() });

/**
 * The range of event time of a backfill; undefined for all of it.
 * @throws DEFINITION_CHANGED when the sender has another definition in its files than runs here.
 */
export function rangeOf(params: Readonly<Record<string, unknown>>, plan: Plan): Slice | undefined {
  if (Object.keys(params).length === 0) return undefined;
  const { planHash, ...range } = schema.parse(params);
  if (planHash !== undefined && planHash !== hashOf(plan)) {
    throw failure('DEFINITION_CHANGED', {
      remedy: 'The pipeline that runs was started before the change. Stop it, then do this again.',
    });
  }
  return range;
}

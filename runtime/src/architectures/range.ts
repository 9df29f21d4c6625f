import { z } from 'zod';
import type { Slice } from '../loop/recompute.ts';

const schema = z.strictObject({ fromMs: z.number(), toMs: z.number() });

/** The range of event time of a backfill; undefined for all of it. */
export function rangeOf(params: Readonly<Record<string, unknown>>): Slice | undefined {
  return Object.keys(params).length === 0 ? undefined : schema.parse(params);
}

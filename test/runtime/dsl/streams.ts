/** Two sources, and what a test asks of a definition over them. */
import { expect } from 'vitest';
import { pipeline, source, type View } from 'pipeline-runtime';
import { z } from 'zod';
import { explainPlan } from '../../../runtime/src/plan/explain.ts';

export const options = { watermark: { delay: '1m' }, lateness: { allowed: '0s', then: 'drop' } } as const;
export const schema = z.object({
  origin: z.string(),
  scheduled: z.iso.datetime(),
  delay: z.int().nullable(),
  price: z.number(),
});
export const flights = source('flights', { schema, eventTime: 'scheduled', ...options });
export const gates = source('gates', {
  schema: z.object({ airport: z.string(), gate: z.string(), opened: z.iso.datetime() }),
  eventTime: 'opened',
  ...options,
});

export interface Endable {
  updates(): View<unknown>;
  final(): View<unknown>;
}

/** The tree of a view of these rows. */
export function treeOf(stream: Endable, mode: 'updates' | 'final' = 'updates'): string[] {
  const lines = explainPlan(pipeline('p', { v: stream[mode]() }).plan)
    .split('\n')
    .slice(3);
  return lines.filter((line) => !/: (watermark|a table)/.test(line)).map((line) => line.slice(2));
}

export function refusal(define: () => unknown): string {
  try {
    define();
  } catch (error) {
    expect((error as { code: string }).code).toMatch(/^(DEFINITION|PLAN|DURATION)_INVALID$/);
    return (error as Error).message;
  }
  return '';
}

/** A field as the callbacks get it. */
export function fieldOf(name: 'scheduled'): never {
  let field: unknown;
  flights.filter((f) => {
    field = f[name];
    return f.price.gt(0);
  });
  return field as never;
}

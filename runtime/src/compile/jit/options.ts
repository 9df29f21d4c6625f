import type { evaluatorOf } from '../../expr/evaluate.ts';

/** The functions that a definition brings along, as evaluation takes them. */
export type PlanFunctions = Parameters<typeof evaluatorOf>[2];

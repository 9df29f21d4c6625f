/** DECISION.md: the advisor's record with a picture of what runs; what was chosen against its advice is recorded as such. */
import type { Architecture } from '../advisor/answers.ts';
import { ABOUT } from '../advisor/knowledge/architectures.ts';
import { toMadr } from '../advisor/print/madr.ts';
import type { Recommendation } from '../advisor/recommendation.ts';

/** No date: the same answers give the same bytes. The day of the decision is the day of its first commit. */
export function decisionOf(recommendation: Recommendation, chosen: Architecture, diagram: string): string {
  const title = `${ABOUT[chosen].name} for flights, their delays and their destinations`;
  return toMadr(recommendation, { title, diagram, chosen, project: true });
}

/** DECISION.md, but for the picture: the advisor's record, and, when the user chose otherwise, what follows from that. */
import type { Architecture } from '../advisor/answers.ts';
import type { Recommendation } from '../advisor/recommendation.ts';

export function decisionOf(recommendation: Recommendation, architecture: Architecture): string {
  return `# ${architecture}\n\n${recommendation.recommendation}\n`;
}

import type { Answers, Architecture } from './answers.ts';
import { answerAt, answerText } from './complete.ts';
import { openPoints } from './facts.ts';
import { ASSUMED, type Assumptions } from './knowledge/assumptions.ts';
import { SIMPLEST_FIRST } from './model/limits.ts';
import type { Recommendation } from './recommendation.ts';
import { verdictAt, verdictOf } from './verdict.ts';

export interface Openness {
  /** The recommendation first, then the others by simplicity. */
  readonly possible: readonly Architecture[];
  readonly undecided?: NonNullable<Recommendation['undecided']>;
}

/** Every verdict that the answers leave open, and the answer that would settle most if it were known. */
export function opennessOf(answers: Answers, assumed: Assumptions = ASSUMED): Openness {
  const recommendation = verdictOf(answers, assumed);
  const { axes, points } = openPoints(answers, assumed);
  const verdicts = points.map((point) => verdictAt(point.facts));
  const found = new Set(verdicts);
  const possible = [
    recommendation,
    ...SIMPLEST_FIRST.filter((architecture) => architecture !== recommendation && found.has(architecture)),
  ];
  if (possible.length === 1) return { possible };
  const ranked = axes.map((path, axis) => ({ path, left: leftOpen(points, verdicts, axis) }));
  ranked.sort((a, b) => a.left - b.left);
  const [most] = ranked;
  if (most === undefined) return { possible };
  return {
    possible,
    undecided: {
      answer: most.path,
      says: `${most.path} (${answerText(answerAt(answers, most.path))}) matters most: of ${found.size} possible verdicts, knowing it leaves ${most.left.toFixed(1).replace('.0', '')} on average.`,
    },
  };
}

/** How many verdicts are open on average once the answer of one axis is known. */
function leftOpen(
  points: readonly { readonly values: readonly unknown[] }[],
  verdicts: readonly Architecture[],
  axis: number,
): number {
  const groups = new Map<unknown, Set<Architecture>>();
  points.forEach((point, index) => {
    const key = point.values[axis];
    const group = groups.get(key) ?? new Set();
    const verdict = verdicts[index];
    if (verdict !== undefined) group.add(verdict);
    groups.set(key, group);
  });
  return [...groups.values()].reduce((sum, group) => sum + group.size, 0) / groups.size;
}

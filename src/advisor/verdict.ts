/**
 * The decision.
 *
 *   a point of the answers ─► gates ─► feasible? ─► the one with the least effort, or the one that breaks least
 *
 * The recommendation is the verdict at the hardest point, so it holds over everything that unsure and ranged answers
 * leave open. `undecided.ts` collects the verdicts of the other points.
 */
import type { Answers, Architecture } from './answers.ts';
import { hardestFacts, type Facts } from './facts.ts';
import { breachesOf } from './gates.ts';
import { effortHoursOf } from './model/effort.ts';
import { SIMPLEST_FIRST } from './model/limits.ts';

interface Standing {
  readonly architecture: Architecture;
  readonly severity: number;
  readonly effortHours: number;
}

/** The simplest architecture that holds over everything the answers leave open; without one, the least bad. */
export function verdictOf(answers: Answers): Architecture {
  return verdictAt(hardestFacts(answers));
}

/** The verdict for certain answers: least severity first, then least effort, then the simpler one. */
export function verdictAt(facts: Facts): Architecture {
  let best: Standing | undefined;
  for (const architecture of SIMPLEST_FIRST) {
    const standing = standingOf(architecture, facts);
    if (best === undefined || isBetter(standing, best)) best = standing;
  }
  return best?.architecture ?? 'batch';
}

/** How far an architecture is from feasible (0: it is), and what it costs people. */
function standingOf(architecture: Architecture, facts: Facts): Standing {
  let severity = 0;
  for (const breach of breachesOf(architecture, facts)) severity += breach.severity;
  return { architecture, severity, effortHours: effortHoursOf(architecture, facts) };
}

function isBetter(a: Standing, b: Standing): boolean {
  if (Math.abs(a.severity - b.severity) > 1e-9) return a.severity < b.severity;
  return a.effortHours < b.effortHours;
}

/**
 * The decision.
 *
 *   certain answers   gates ─► feasible? ─► the one with the least burden; without a feasible one, the one that breaks least
 *   open answers      what holds over everything they leave open ─► the one with the least regret
 *
 * A promise is not traded against hours: while something holds over the whole of a range, nothing else is looked at. Among
 * what holds, the recommendation is the one with the least regret (Savage's rule): the regret of an architecture at a point
 * is how much more it costs there than the best one for that point, and what counts is its worst point. Of hours it counts
 * no more than a migration, because an architecture is changed by a command once the answer is known; so being wrong for a
 * while is bounded, and the mean regret decides between those that may be equally wrong. Where nothing holds over the whole
 * range, broken promises enter the regret at a fixed price for each tenfold miss.
 *
 * (The hardest point alone, which decided before, takes the most expensive answer for the true one: `maturity: unsure` was a
 * novice and `reprocessing.every: unsure` was daily.)
 */
import type { Answers, Architecture } from './answers.ts';
import { hardestWith, openPoints, type Facts, type Replaced } from './facts.ts';
import { severityOf } from './gates.ts';
import { ASSUMED, type Assumptions } from './knowledge/assumptions.ts';
import { burdenHoursOf } from './model/effort.ts';
import { SIMPLEST_FIRST } from './model/limits.ts';

interface Standing {
  readonly severity: number;
  readonly hours: number;
}

/** Hours a month of difference that a migration makes up for: about a week of one person. */
const MIGRATION_HOURS = 40;
/** What missing a promise tenfold is put at, in hours a month: more than any architecture costs an experienced team. */
const TENFOLD_MISS_HOURS = 300;
/** Points that are compared when answers are open; a sample beyond it. */
const REGRET_POINTS_MAX = 16;

/** The recommendation for complete answers, certain or open. */
export function verdictOf(answers: Answers, assumed: Assumptions = ASSUMED): Architecture {
  return deciderOf(answers, assumed)();
}

/** The recommendation with some answers replaced by certain values: for searches, so that it is cheap. */
export function deciderOf(
  answers: Answers,
  assumed: Assumptions = ASSUMED,
): (...replaced: Replaced) => Architecture {
  const hardest = hardestWith(answers, assumed);
  const open = openPoints(answers, assumed, REGRET_POINTS_MAX);
  return (...replaced) => {
    const facts = hardest(...replaced);
    const isCertain = open.axes.every((axis) => replaced.some(([path]) => path === axis));
    return isCertain ? verdictAt(facts) : leastRegret(facts, open.at(...replaced));
  };
}

/** The verdict for certain answers: least severity first, then least burden, then the simpler one. */
export function verdictAt(facts: Facts): Architecture {
  let best: Architecture = 'batch';
  let least: Standing | undefined;
  for (const architecture of SIMPLEST_FIRST) {
    const standing = standingOf(architecture, facts);
    if (least !== undefined && !isBetter(standing, least)) continue;
    best = architecture;
    least = standing;
  }
  return best;
}

function leastRegret(hardest: Facts, points: readonly Facts[]): Architecture {
  const holding = SIMPLEST_FIRST.filter((architecture) => severityOf(architecture, hardest) === 0);
  const [only, ...others] = holding;
  if (only !== undefined && others.length === 0) return only;
  const candidates = only === undefined ? SIMPLEST_FIRST : holding;
  const table = points.map((facts) => SIMPLEST_FIRST.map((architecture) => standingOf(architecture, facts)));
  let best = candidates[0] ?? 'batch';
  let least: readonly [worst: number, mean: number] = [Infinity, Infinity];
  for (const architecture of candidates) {
    const regrets = table.map((row) => regretOf(row, SIMPLEST_FIRST.indexOf(architecture)));
    const worst = Math.max(...regrets);
    const mean = regrets.reduce((sum, regret) => sum + regret, 0) / regrets.length;
    if (worst < least[0] - 1e-6 || (worst < least[0] + 1e-6 && mean < least[1] - 1e-6)) {
      best = architecture;
      least = [worst, mean];
    }
  }
  return best;
}

/** How much worse one architecture is at a point than the best one there. */
function regretOf(row: readonly Standing[], index: number): number {
  const mine = row[index];
  if (mine === undefined) return Infinity;
  const best = row.reduce((a, b) => (isBetter(b, a) ? b : a));
  const missed = Math.max(0, mine.severity - best.severity) * TENFOLD_MISS_HOURS;
  return missed + Math.min(MIGRATION_HOURS, Math.max(0, mine.hours - best.hours));
}

/** How far an architecture is from feasible (0: it is), and what it costs people. */
function standingOf(architecture: Architecture, facts: Facts): Standing {
  return { severity: severityOf(architecture, facts), hours: burdenHoursOf(architecture, facts) };
}

function isBetter(a: Standing, b: Standing): boolean {
  if (Math.abs(a.severity - b.severity) > 1e-9) return a.severity < b.severity;
  return a.hours < b.hours - 1e-9;
}

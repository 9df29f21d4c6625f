/**
 * The decision.
 *
 *   certain answers   gates ─► feasible? ─► the one with the least burden; without a feasible one, the one that breaks least
 *   open answers      what holds over everything they leave open ─► the one with the least regret
 *
 * A promise is not traded against hours: while something holds over the whole of a range, nothing else is looked at. Among
 * what holds, the recommendation is the one with the least regret: how many hours more it costs than the best of them, on
 * average over what the answers leave open (ours-unsure says what counts how much). At no point it counts more than a
 * migration, which is also what it counts to have chosen what does not do at that point, because an architecture is changed
 * by a command once the answer is known. So being wrong is bounded, and what matters is how often one is. Where nothing holds
 * over the whole range, broken promises enter the regret at a fixed price for each tenfold miss.
 *
 * (The hardest point alone, which decided once, takes the most expensive answer for the true one: `maturity: unsure` was a
 * novice and `reprocessing.every: unsure` was daily. The worst regret alone, which decided next, is a migration nearly
 * everywhere, so that one extreme spoke for all: whoever was unsure of the team was never told of Lambda.)
 */
import type { Answers, Architecture } from './answers.ts';
import { hardestWith, openPoints, WORKING, type Facts, type OpenPoints, type Replaced } from './facts.ts';
import { holdsAt, severityOf } from './gates.ts';
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
const BROKEN_POINTS_MAX = 16;
const WORKING_POINTS_MAX = 48;
/** What holds, holds these everywhere, and is told apart by none of them. */
const PROMISES: readonly string[] = ['freshness', 'arrivalEvery', 'lateness.policy', 'duplicates', 'asked'];

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
  const open = openPoints(answers, assumed, BROKEN_POINTS_MAX);
  const working = openPoints(answers, assumed, WORKING_POINTS_MAX, WORKING);
  const known = new Map<string, Architecture>();
  const leastRegretted = (holding: readonly Architecture[], replaced: Replaced): Architecture => {
    if (replaced.some(([path]) => !PROMISES.includes(path))) return leastRegret(holding, working, replaced);
    const key = holding.join(' ');
    const found = known.get(key) ?? leastRegret(holding, working, []);
    known.set(key, found);
    return found;
  };
  return (...replaced) => {
    const facts = hardest(...replaced);
    const isCertain = open.axes.every((axis) => replaced.some(([path]) => path === axis));
    if (isCertain) return verdictAt(facts);
    const holding = SIMPLEST_FIRST.filter((architecture) => severityOf(architecture, facts) === 0);
    const [only, ...others] = holding;
    if (only === undefined) return leastBroken(open, replaced);
    return others.length === 0 ? only : leastRegretted(holding, replaced);
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

/** Of those that keep the promise everywhere: the one that would be regretted least, on average. */
function leastRegret(holding: readonly Architecture[], open: OpenPoints, replaced: Replaced): Architecture {
  const regrets = holding.map(() => 0);
  open.at(...replaced).forEach((facts, index) => {
    const hours = holding.map((architecture) =>
      holdsAt(architecture, facts) ? burdenHoursOf(architecture, facts) : Infinity,
    );
    const least = Math.min(...hours);
    if (least === Infinity) return;
    const weight = open.points[index]?.weight ?? 1;
    hours.forEach((mine, at) => {
      regrets[at] = (regrets[at] ?? 0) + weight * Math.min(MIGRATION_HOURS, mine - least);
    });
  });
  return leastOf(holding, regrets);
}

/** Where everything breaks somewhere: the one that breaks less, and then costs less, on average. */
function leastBroken(open: OpenPoints, replaced: Replaced): Architecture {
  const regrets = SIMPLEST_FIRST.map(() => 0);
  open.at(...replaced).forEach((facts, index) => {
    const row = SIMPLEST_FIRST.map((architecture) => standingOf(architecture, facts));
    const weight = open.points[index]?.weight ?? 1;
    row.forEach((_, at) => {
      regrets[at] = (regrets[at] ?? 0) + weight * regretOf(row, at);
    });
  });
  return leastOf(SIMPLEST_FIRST, regrets);
}

/** The simplest of those with the least. */
function leastOf(architectures: readonly Architecture[], regrets: readonly number[]): Architecture {
  const least = Math.min(...regrets);
  return architectures.find((_, at) => (regrets[at] ?? Infinity) <= least + 1e-6) ?? 'batch';
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

/**
 * The decision.
 *
 *   certain answers   gates ─► what breaks least, nothing if there is such ─► the one with the least burden
 *   open answers      what breaks least at the hardest point that they leave open ─► the one with the least regret
 *
 * A promise is not traded against hours: while something holds over the whole of a range, nothing else is looked at. Among
 * what holds, the recommendation is the one with the least regret: how many hours more it costs than the best of them, on
 * average over what the answers leave open (ours-unsure says what counts how much). At no point it counts more than a
 * migration, which is also what it counts to have chosen what does not do at that point, because an architecture is changed
 * by a command once the answer is known. So being wrong is bounded, and what matters is how often one is.
 *
 * (The hardest point alone, which decided once, takes the most expensive answer for the true one: `maturity: unsure` was a
 * novice and `reprocessing.every: unsure` was daily. The worst regret alone, which decided next, is a migration nearly
 * everywhere, so that one extreme spoke for all: whoever was unsure of the team was never told of Lambda.)
 */
import type { Answers, Architecture } from './answers.ts';
import {
  BURDENING,
  hardestWith,
  openPoints,
  WORKING,
  type Facts,
  type OpenPoints,
  type Replaced,
} from './facts.ts';
import { holdsAt, severityOf } from './gates.ts';
import { ASSUMED, type Assumptions } from './knowledge/assumptions.ts';
import { burdenHoursOf } from './model/effort.ts';
import { SIMPLEST_FIRST } from './model/limits.ts';

/** Hours a month of difference that a migration makes up for: about a week of one person. */
const MIGRATION_HOURS = 40;
/** Points that are compared when answers are open; a sample beyond it. */
const POINTS_MAX = 48;
/** Two that differ by less are alike. */
const EPSILON = 1e-9;
/** What breaks least, breaks these least everywhere, and is told apart by none of them. */
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
  const open = openPoints(answers, assumed, POINTS_MAX, WORKING);
  const known = new Map<string, Architecture>();
  const hours = hoursAtPoints(open);
  const leastRegretted = (among: readonly Architecture[], replaced: Replaced): Architecture => {
    if (replaced.some(([path]) => !PROMISES.includes(path))) return leastRegret(among, open, replaced, hours);
    const key = among.join(' ');
    const found = known.get(key) ?? leastRegret(among, open, [], hours);
    known.set(key, found);
    return found;
  };
  return (...replaced) => {
    const among = leastBroken(hardest(...replaced));
    return among.length === 1 ? (among[0] ?? 'batch') : leastRegretted(among, replaced);
  };
}

/** The verdict for certain answers: least severity first, then least burden, then the simpler one. */
export function verdictAt(facts: Facts): Architecture {
  const among = leastBroken(facts);
  const hours = among.map((architecture) => burdenHoursOf(architecture, facts));
  return leastOf(among, hours);
}

/** Those that break least, simplest first: all that hold, where some do. */
function leastBroken(facts: Facts): Architecture[] {
  const severities = SIMPLEST_FIRST.map((architecture) => severityOf(architecture, facts));
  const least = Math.min(...severities);
  return SIMPLEST_FIRST.filter((_, at) => (severities[at] ?? Infinity) <= least + EPSILON);
}

/** The hours of an architecture at each point, with some answers replaced. */
type HoursAtPoints = (
  architecture: Architecture,
  points: readonly Facts[],
  replaced: Replaced,
) => readonly number[];

/** Searches replace what no hours depend on most of the time; then they are those of the answers, counted once. */
function hoursAtPoints({ points }: OpenPoints): HoursAtPoints {
  const known = new Map<Architecture, readonly number[]>();
  return (architecture, changed, replaced) => {
    if (replaced.some(([path]) => BURDENING.has(path)))
      return changed.map((facts) => burdenHoursOf(architecture, facts));
    const hours = known.get(architecture) ?? points.map(({ facts }) => burdenHoursOf(architecture, facts));
    known.set(architecture, hours);
    return hours;
  };
}

/** The one that would be regretted least over all that is open, on average. Called for every probe, so it makes little. */
function leastRegret(
  among: readonly Architecture[],
  open: OpenPoints,
  replaced: Replaced,
  hoursAt: HoursAtPoints,
): Architecture {
  const changed = open.at(...replaced);
  const hours = among.map((architecture) => hoursAt(architecture, changed, replaced));
  const regrets = among.map(() => 0);
  const counted = among.map(() => 0);
  for (const [index, facts] of changed.entries()) {
    let least = Infinity;
    for (const [at, architecture] of among.entries()) {
      const own = holdsAt(architecture, facts) ? (hours[at]?.[index] ?? Infinity) : Infinity;
      counted[at] = own;
      if (own < least) least = own;
    }
    // Where nothing holds, everything counts.
    const isHeld = least < Infinity;
    if (!isHeld) least = Math.min(...hours.map((own) => own[index] ?? Infinity));
    const weight = open.points[index]?.weight ?? 1;
    for (let at = 0; at < among.length; at++) {
      const own = (isHeld ? counted[at] : hours[at]?.[index]) ?? Infinity;
      regrets[at] = (regrets[at] ?? 0) + weight * Math.min(MIGRATION_HOURS, own - least);
    }
  }
  return leastOf(among, regrets);
}

/** The simplest of those with the least. */
function leastOf(architectures: readonly Architecture[], amounts: readonly number[]): Architecture {
  const least = Math.min(...amounts);
  return architectures.find((_, at) => (amounts[at] ?? Infinity) <= least + EPSILON) ?? 'batch';
}

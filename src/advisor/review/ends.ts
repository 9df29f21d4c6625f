/**
 * When growth ends a decision: the volume at which it no longer holds, found on the model, and the day on which the trend
 * reaches that volume.
 */
import type { Architecture } from '../answers.ts';
import { dayNumber } from './measured.ts';
import type { Trend } from './trend.ts';

export interface Ends {
  readonly answer: 'volume.eventsPerSecond';
  readonly now: number;
  /** The volume at which the decision no longer holds. */
  readonly at: number;
  readonly becomes: Architecture;
  /** Days such as 2027-03-01. The later ones are null when growth may be too small to reach it. */
  readonly earliest: string;
  readonly likely: string | null;
  readonly latest: string | null;
}

/** What holds at a volume: the verdict there, and whether the decision survives it. */
export interface Standing {
  readonly verdict: Architecture;
  readonly holds: boolean;
}

/** So many times today's volume is looked at, in steps of a few per cent. */
const FACTOR_MAX = 10_000;
const STEPS = 240;
/** Later than this is no date that anyone plans for. */
const HORIZON_DAYS = 10 * 365;

/** Where a decision that holds today ends as volume grows; null when nothing up to 10,000 times of it ends it. */
function endOf(
  now: number,
  at: (volume: number) => Standing,
): { volume: number; verdict: Architecture } | null {
  let low = now;
  for (let step = 1; step <= STEPS; step++) {
    let high = now * FACTOR_MAX ** (step / STEPS);
    if (at(high).holds) {
      low = high;
      continue;
    }
    while (high / low > 1.00001) {
      const middle = Math.sqrt(low * high);
      if (at(middle).holds) low = middle;
      else high = middle;
    }
    return { volume: high, verdict: at(high).verdict };
  }
  return null;
}

/** The end that a trend leads to; null when it does not grow, or nothing ends. REQUIRES that it holds at `now`. */
export function endsOf(
  now: number,
  trend: Trend,
  lastDay: string,
  at: (volume: number) => Standing,
): Ends | null {
  if (trend.high <= 0) return null;
  const end = endOf(now, at);
  if (end === null) return null;
  const dayAt = (slope: number): string | null => {
    const days = Math.log(end.volume / now) / slope;
    if (!(days >= 0) || days > HORIZON_DAYS) return null;
    return new Date((dayNumber(lastDay) + Math.round(days)) * 86_400_000).toISOString().slice(0, 10);
  };
  const earliest = dayAt(trend.high);
  if (earliest === null) return null;
  return {
    answer: 'volume.eventsPerSecond',
    now,
    at: Number(end.volume.toPrecision(3)),
    becomes: end.verdict,
    earliest,
    likely: dayAt(trend.likely),
    latest: dayAt(trend.low),
  };
}

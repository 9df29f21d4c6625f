/**
 * How events come: how often nothing arrives for so long, and how much of the time lies soon after an arrival. That is all
 * that ages hang on (`age.ts`), so any rhythm of arrivals is taken as these two curves:
 *
 *   quiet(s)   share of stretches of s seconds in which nothing arrives
 *   busy(s)    share of the time that is less than s after an arrival, of arrivals that are each the first after the s of
 *              the one before: what a stream that gathers for s is at work
 *
 *   described  at any moment events come by chance at the rate of the moment:   quiet = e^−λs   busy = λs ÷ (1 + λs)
 *              and the rate is not always the same: half as much again at noon, half as much at night; in bursts four times
 *              the mean for a tenth of the time. Both curves are means over the time.
 *   files      all at once, every so often:                                       quiet = 1 − s/E   busy = s/E
 *   measured   `advisor profile` counts both for some lengths. Between them log(−log quiet) and log(busy ÷ idle) are taken as
 *              straight in log s, which they are when events come by chance at one rate.
 */
import type { Facts } from '../facts.ts';
import { BURSTS, DAY_SWING } from './limits.ts';

export interface Arrivals {
  quiet(seconds: number): number;
  busy(seconds: number): number;
}

/** What `advisor profile` measured of the arrivals: for some lengths, in their order. */
export type MeasuredArrivals = readonly (readonly [seconds: number, quiet: number, busy: number])[];

export function arrivalsOf(facts: Facts): Arrivals {
  const { arrivalEvery, measured, eventsPerSecond } = facts;
  if (arrivalEvery > 0) return everyOf(arrivalEvery);
  if (measured?.arrivals !== undefined) {
    // The same rhythm with more events, or fewer, is the same rhythm faster, or slower.
    const faster = eventsPerSecond / measured.eventsPerSecond;
    return laddered(measured.arrivals.map(([seconds, quiet, busy]) => [seconds / faster, quiet, busy]));
  }
  return byChance(facts);
}

/** Of half a day: the other half is the same, backwards. */
const PHASES = 4;

function byChance({ arrival, eventsPerSecond }: Facts): Arrivals {
  const { share, times } = BURSTS;
  const rates: readonly (readonly [share: number, perSecond: number])[] =
    arrival === 'bursty'
      ? [
          [share, times * eventsPerSecond],
          [1 - share, ((1 - share * times) / (1 - share)) * eventsPerSecond],
        ]
      : Array.from({ length: PHASES }, (_, phase) => {
          const angle = ((phase + 0.5) / PHASES) * Math.PI;
          return [1 / PHASES, (1 - DAY_SWING * Math.cos(angle)) * eventsPerSecond];
        });
  // An age is searched for, so both are asked thousands of times.
  return {
    quiet: (seconds) => {
      let mean = 0;
      for (const [part, perSecond] of rates) mean += part * Math.exp(-perSecond * seconds);
      return mean;
    },
    busy: (seconds) => {
      let mean = 0;
      for (const [part, perSecond] of rates)
        mean += part * ((perSecond * seconds) / (1 + perSecond * seconds));
      return mean;
    },
  };
}

function everyOf(every: number): Arrivals {
  const busy = (seconds: number): number => Math.min(1, seconds / every);
  return { quiet: (seconds) => 1 - busy(seconds), busy };
}

/** Shares are kept away from 0 and 1, where their logarithms end. */
const EDGE = 1e-9;

function laddered(rungs: MeasuredArrivals): Arrivals {
  const at = (seconds: number, of: (rung: MeasuredArrivals[number]) => number): number => {
    const next = rungs.findIndex(([length]) => length >= seconds);
    const last = rungs.length - 1;
    const [low, high] = next === -1 ? [last - 1, last] : [Math.max(0, next - 1), Math.max(1, next)];
    const [from, to] = [rungs[low], rungs[high]];
    if (from === undefined) return NaN;
    if (to === undefined) return of(from);
    const share = Math.log(seconds / from[0]) / Math.log(to[0] / from[0]);
    return of(from) + share * (of(to) - of(from));
  };
  const inside = (share: number): number => Math.min(1 - EDGE, Math.max(EDGE, share));
  return {
    quiet: (seconds) =>
      seconds <= 0 ? 1 : Math.exp(-Math.exp(at(seconds, ([, quiet]) => Math.log(-Math.log(inside(quiet)))))),
    busy: (seconds) =>
      1 / (1 + Math.exp(-at(seconds, ([, , busy]) => Math.log(inside(busy) / (1 - inside(busy)))))),
  };
}

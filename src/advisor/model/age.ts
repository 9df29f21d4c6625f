/**
 * How old what a reader sees is when events do not come all the time: the age is that of the oldest event that is not shown
 * yet, and zero while nothing is missing. How events come is two curves, `quiet` and `busy` (`arrivals.ts`).
 *
 *   scheduled   runs at every interval I take r. At a time u after the last cut, r ≤ u ≤ I + r, the first event after the
 *               cut came more than x ago:   P(age > x) = 1/I ∫ (1 − quiet(u − x)) du   over u from max(r, x) to I + r
 *   stream      gathers for I from the first event on, and takes r; then it waits for the next one, unless some came
 *               meanwhile. While it works the age grows evenly:  P(age > x) = busy · (I + r + s − x) / (I + r)
 *                                                                s = r (1 − e^−λr),  busy = (I + r) / (I + r + e^−λr/λ)
 *               where λ is the rate at which events that come by chance make it as busy
 *
 * With many events both become what `freshness.ts` says: from r to I + r. `advisor prove` measures the same.
 */
import type { Arrivals } from './arrivals.ts';

export interface Rhythm {
  readonly kind: 'scheduled' | 'stream';
  readonly intervalSeconds: number;
  readonly runSeconds: number;
  readonly arrivals: Arrivals;
}

const HALVINGS = 32;
const STEPS = 32;
/** Most of the change is where little time has passed since the cut: the steps are as the squares of numbers. */
const EDGES = Array.from(
  { length: STEPS },
  (_, step) => [(step / STEPS) ** 2, ((step + 1) / STEPS) ** 2] as const,
);
const MIDDLES = Float64Array.from(EDGES, ([start, end]) => (start + end) / 2);
const WIDTHS = Float64Array.from(EDGES, ([start, end]) => end - start);

/** The age that is not exceeded for this share of the time. */
export function ageQuantile(rhythm: Rhythm, share: number): number {
  const exceeds = rhythm.kind === 'scheduled' ? exceedsScheduled(rhythm) : exceedsStream(rhythm);
  let low = 0;
  let high = rhythm.intervalSeconds + 2 * rhythm.runSeconds;
  if (exceeds(0) <= 1 - share) return 0;
  for (let halving = 0; halving < HALVINGS; halving++) {
    const middle = (low + high) / 2;
    if (exceeds(middle) > 1 - share) low = middle;
    else high = middle;
  }
  return high;
}

/** The share of the time in which what is seen is older than an age. */
type Exceeds = (age: number) => number;

function exceedsScheduled({ intervalSeconds, runSeconds, arrivals }: Rhythm): Exceeds {
  return (age) => {
    const until = intervalSeconds + runSeconds;
    const from = Math.max(runSeconds, age);
    if (age >= until) return 0;
    let sum = 0;
    for (let step = 0; step < STEPS; step++) {
      const at = from - age + (MIDDLES[step] ?? 0) * (until - from);
      sum += (1 - arrivals.quiet(at)) * (WIDTHS[step] ?? 0);
    }
    return (sum * (until - from)) / intervalSeconds;
  };
}

function exceedsStream({ intervalSeconds, runSeconds, arrivals }: Rhythm): Exceeds {
  const works = intervalSeconds + runSeconds;
  const share = Math.min(1 - 1e-9, arrivals.busy(works));
  const perSecond = share / (1 - share) / works;
  const none = Math.exp(-perSecond * runSeconds);
  const busy = works / (works + none / perSecond);
  return (age) => {
    const left = (works + runSeconds * (1 - none) - age) / works;
    return busy * Math.min(1, Math.max(0, left));
  };
}

/**
 * How old what a reader sees is when events do not come all the time: the age is that of the oldest event that is not shown
 * yet, and zero while nothing is missing. λ is how often something arrives; gaps between arrivals are taken as exponential.
 *
 *   scheduled   runs at every interval I take r. At a time u after the last cut, r ≤ u ≤ I + r, the first event after the
 *               cut came T ago or not at all:   P(age > x) = 1/I ∫ (1 − e^−λ(u−x)) du   over u from max(r, x) to I + r
 *   stream      gathers for I from the first event on, and takes r; then it waits for the next one, 1/λ unless some came
 *               meanwhile. While it works the age grows evenly:  P(age > x) = busy · (I + r + s − x) / (I + r)
 *                                                                 s = r (1 − e^−λr),  busy = (I + r) / (I + r + e^−λr/λ)
 *
 * With many events both become what `freshness.ts` says: from r to I + r. `advisor prove` measures the same.
 */
export interface Rhythm {
  readonly kind: 'scheduled' | 'stream';
  readonly intervalSeconds: number;
  readonly runSeconds: number;
  readonly arrivalsPerSecond: number;
}

const HALVINGS = 60;

/** The age that is not exceeded for this share of the time. */
export function ageQuantile(rhythm: Rhythm, share: number): number {
  const exceeds = rhythm.kind === 'scheduled' ? exceedsScheduled : exceedsStream;
  let low = 0;
  let high = rhythm.intervalSeconds + 2 * rhythm.runSeconds;
  if (exceeds(rhythm, 0) <= 1 - share) return 0;
  for (let halving = 0; halving < HALVINGS; halving++) {
    const middle = (low + high) / 2;
    if (exceeds(rhythm, middle) > 1 - share) low = middle;
    else high = middle;
  }
  return high;
}

function exceedsScheduled({ intervalSeconds, runSeconds, arrivalsPerSecond }: Rhythm, age: number): number {
  const until = intervalSeconds + runSeconds;
  if (age >= until) return 0;
  const from = Math.max(runSeconds, age);
  const none = (seconds: number): number =>
    Math.exp(-arrivalsPerSecond * (seconds - age)) / arrivalsPerSecond;
  return (until - from - none(from) + none(until)) / intervalSeconds;
}

function exceedsStream({ intervalSeconds, runSeconds, arrivalsPerSecond }: Rhythm, age: number): number {
  const none = Math.exp(-arrivalsPerSecond * runSeconds);
  const works = intervalSeconds + runSeconds;
  const busy = works / (works + none / arrivalsPerSecond);
  const left = (works + runSeconds * (1 - none) - age) / works;
  return busy * Math.min(1, Math.max(0, left));
}

import type { Facts } from '../facts.ts';

/** Delays are taken as log-normal: half under the typical one, one in a thousand over the latest. An assumption of ours. */
const LATEST_AT_SIGMAS = 3.09;

/** Share of events whose delay is at most this: as it was measured, or else by that shape. */
export function arrivedShare(facts: Facts, delaySeconds: number): number {
  if (facts.measured?.delays !== undefined) return measuredShare(facts.measured.delays, delaySeconds);
  if (delaySeconds <= 0) return 0;
  const sigma = Math.max(1e-6, Math.log(facts.latest / facts.typical) / LATEST_AT_SIGMAS);
  return normalBelow(Math.log(delaySeconds / facts.typical) / sigma);
}

/** What `advisor profile` measured of delays: which share is not longer than how many seconds, in their order. */
export type MeasuredDelays = readonly (readonly [share: number, seconds: number])[];

/** Delays below this are taken as evenly spread, above as evenly spread in their logarithm. */
const SHORT_SECONDS = 0.001;

function measuredShare(delays: MeasuredDelays, seconds: number): number {
  const next = delays.findIndex(([, each]) => each > seconds);
  if (next === -1) return delays.at(-1)?.[0] ?? 0;
  const [low, from] = delays[next - 1] ?? [0, 0];
  const [high, to] = delays[next] ?? [1, seconds];
  if (seconds < 0 || to <= from) return next === 0 ? 0 : low;
  const logs = [from, seconds, to].map((each) => Math.log(Math.max(SHORT_SECONDS, each)));
  const [start = 0, at = 0, end = 0] = logs;
  return end <= start ? low : low + ((high - low) * (at - start)) / (end - start);
}

/** Share of a window's events that have arrived `ageSeconds` after its end. */
export function completenessAtRead(facts: Facts, ageSeconds: number): number {
  const slices = 32;
  let sum = 0;
  for (let slice = 0; slice < slices; slice++) {
    sum += arrivedShare(facts, ageSeconds + (facts.window * (slice + 0.5)) / slices);
  }
  return sum / slices;
}

/**
 * Share of a window's events that a reader finds who comes so long after its end: what arrived before the newest result was
 * made, whose age is anything between a run and an interval more.
 */
export function completenessAfter(
  facts: Facts,
  afterSeconds: number,
  { intervalSeconds, runSeconds }: { readonly intervalSeconds: number; readonly runSeconds: number },
): number {
  const steps = 16;
  let sum = 0;
  for (let step = 0; step < steps; step++)
    sum += completenessAtRead(facts, afterSeconds - runSeconds - (intervalSeconds * (step + 0.5)) / steps);
  return sum / steps;
}

/** The normal distribution function, by Abramowitz and Stegun 26.2.17; off by less than 1e-7. */
function normalBelow(x: number): number {
  const t = 1 / (1 + 0.231_641_9 * Math.abs(x));
  const poly =
    t *
    (0.319_381_53 + t * (-0.356_563_782 + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))));
  const tail = Math.exp(-(x * x) / 2) * 0.398_942_280_4 * poly;
  return x >= 0 ? 1 - tail : tail;
}

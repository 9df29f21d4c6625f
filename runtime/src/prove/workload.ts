/**
 * The events that a simulated pipeline is given, in the order in which they arrive. Those of a description are drawn by a
 * seed:
 *
 *   times      the mean rate, with the shape of a day on it; of bursts, the times of arrival
 *   delays     log-normal: half under the typical one, one in a thousand over the latest
 *   arrivals   time + delay; of files, the next drop after it
 */
import { SeededRandom } from '../sim/seeded-random.ts';
import type { Stretch } from './ages.ts';

/** Columns of one length. They may lie in shared memory. */
export interface Workload {
  /** Epoch milliseconds; never falls. */
  readonly arrivalMs: Float64Array;
  readonly eventMs: Float64Array;
  readonly keys: Uint32Array;
  /** How long an event is as a line of JSON. */
  readonly bytesPerEvent: number;
}

export interface Description {
  readonly startMs: number;
  readonly lengthMs: number;
  /** Over the time of the description; of a part of it, what its moments have. */
  readonly eventsPerSecond: number;
  readonly arrival: 'continuous' | 'bursty' | 'files';
  /** Of files: how often they are dropped. */
  readonly arrivalEveryMs: number;
  readonly typicalMs: number;
  readonly latestMs: number;
  readonly keys: number;
  readonly bytesPerEvent: number;
}

const DAY_MS = 86_400_000;
/** What the advisor sizes a stream for: half as much again at noon, four times the mean in a burst. */
const NOON = 0.5;
/** Every so often, which is no round time: runs and bursts that keep in step would say something of that step alone. */
export const BURST = { share: 0.1, times: 4, everyMs: 3_708_000 } as const;
/** One delay in a thousand is over the latest: so many standard deviations. */
const LATEST_AT_SIGMAS = 3.09;
const STRETCH_MS = 60_000;

export function columnsFor(events: number): Pick<Workload, 'arrivalMs' | 'eventMs' | 'keys'> {
  return {
    arrivalMs: new Float64Array(new SharedArrayBuffer(8 * events)),
    eventMs: new Float64Array(new SharedArrayBuffer(8 * events)),
    keys: new Uint32Array(new SharedArrayBuffer(4 * events)),
  };
}

/** Draws the events that happen in the time of the description. The same seed draws the same. */
export function drawWorkload(given: Description, seed: number): Workload {
  const random = new SeededRandom(seed);
  const events = Math.max(1, Math.round((given.lengthMs / 1000) * given.eventsPerSecond));
  const drawnMs = drawTimes(given, events, random);
  // Bursts are of arrivals, whatever is on its way in them; the days of people are of events.
  const isBursty = given.arrival === 'bursty';
  const times = isBursty ? drawnMs.map((atMs) => Math.floor(atMs - delayOf(given, random))) : drawnMs;
  const arrivals = isBursty
    ? drawnMs
    : Float64Array.from(times, (timeMs) => arrivalOf(given, timeMs, random));
  const order = Uint32Array.from({ length: events }, (_, index) => index).sort(
    (a, b) => (arrivals[a] as number) - (arrivals[b] as number) || a - b,
  );
  const columns = columnsFor(events);
  for (const [at, index] of order.entries()) {
    columns.arrivalMs[at] = arrivals[index] as number;
    columns.eventMs[at] = times[index] as number;
    columns.keys[at] = random.below(given.keys);
  }
  return { ...columns, bytesPerEvent: given.bytesPerEvent };
}

/** Each at a moment of its own, more of them where the shape of the rate is high. */
function drawTimes(given: Description, events: number, random: SeededRandom): Float64Array {
  const { startMs, lengthMs } = given;
  const stretches = Math.max(1, Math.ceil(lengthMs / STRETCH_MS));
  const stretchMs = lengthMs / stretches;
  const upTo = new Float64Array(stretches);
  let total = 0;
  for (let index = 0; index < stretches; index++)
    upTo[index] = total += weightAt(given, startMs + (index + 0.5) * stretchMs);
  return new Float64Array(events).map(() => {
    const wanted = random.next() * total;
    let [low, high] = [0, stretches - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((upTo[middle] as number) > wanted) high = middle;
      else low = middle + 1;
    }
    return Math.floor(startMs + (low + random.next()) * stretchMs);
  });
}

/**
 * Draws the events that arrive in some stretches of the time of a description, in their order, at the full rate of each: what
 * happened before a stretch and is still on its way arrives in it as well.
 */
export function drawStretches(given: Description, stretches: readonly Stretch[], seed: number): Workload {
  const random = new SeededRandom(seed);
  const [arrivals, times]: [number[], number[]] = [[], []];
  for (const [fromMs, toMs] of stretches) {
    const perMs = (given.eventsPerSecond * weightAt(given, (fromMs + toMs) / 2)) / 1000;
    for (let atMs = fromMs; (atMs += -Math.log(1 - random.next()) / perMs) < toMs;) {
      arrivals.push(Math.ceil(atMs));
      times.push(Math.floor(atMs - delayOf(given, random)));
    }
  }
  const columns = columnsFor(arrivals.length);
  columns.arrivalMs.set(arrivals);
  columns.eventMs.set(times);
  for (let at = 0; at < times.length; at++) columns.keys[at] = random.below(given.keys);
  return { ...columns, bytesPerEvent: given.bytesPerEvent };
}

/** How much more than the mean arrives at a moment. */
function weightAt({ arrival, startMs }: Description, timeMs: number): number {
  if (arrival !== 'bursty') return 1 - NOON * Math.cos((2 * Math.PI * timeMs) / DAY_MS);
  const { share, times, everyMs } = BURST;
  return ((timeMs - startMs) % everyMs) / everyMs < share ? times : (1 - share * times) / (1 - share);
}

function arrivalOf(given: Description, timeMs: number, random: SeededRandom): number {
  const { arrival, arrivalEveryMs } = given;
  const arrivalMs = Math.ceil(timeMs + delayOf(given, random));
  return arrival === 'files' ? Math.ceil(arrivalMs / arrivalEveryMs) * arrivalEveryMs : arrivalMs;
}

function delayOf({ typicalMs, latestMs }: Description, random: SeededRandom): number {
  const sigma = Math.log(latestMs / typicalMs) / LATEST_AT_SIGMAS;
  return typicalMs * Math.exp(sigma * normal(random));
}

/** Box and Muller. */
function normal(random: SeededRandom): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random.next()));
  return radius * Math.cos(2 * Math.PI * random.next());
}

/** The events of one in so many keys, where so many keys are left; otherwise one in so many events. */
export function thinned(workload: Workload, one: number, keysLeftMin = 20): Workload {
  if (one === 1) return workload;
  const { keys } = workload;
  const hasKeys = new Set(keys).size >= keysLeftMin * one;
  return chosen(workload, (index) => scattered(hasKeys ? (keys[index] as number) : index) % one === 0);
}

/** When most events arrive, for this length; of them no more than so many. */
export function busiest({ arrivalMs }: Workload, lengthMs: number, eventsMax: number): Stretch {
  const events = arrivalMs.length;
  let [from, most] = [0, 0];
  for (let start = 0, end = 0; end < events; end++) {
    while ((arrivalMs[end] as number) - (arrivalMs[start] as number) >= lengthMs) start++;
    if (end + 1 - start > most) [from, most] = [start, end + 1 - start];
  }
  const fromMs = arrivalMs[from] as number;
  const toMs = arrivalMs[from + eventsMax] ?? Infinity;
  return [fromMs, Math.min(fromMs + lengthMs, toMs)];
}

/** The events that arrive in some stretches, which are in their order. */
export function within(workload: Workload, stretches: readonly Stretch[]): Workload {
  let stretch = 0;
  return chosen(workload, (index) => {
    const atMs = workload.arrivalMs[index] as number;
    while (stretch < stretches.length && atMs >= (stretches[stretch] as Stretch)[1]) stretch++;
    return atMs >= (stretches[stretch]?.[0] ?? Infinity);
  });
}

function chosen(workload: Workload, isChosen: (index: number) => boolean): Workload {
  const indices: number[] = [];
  for (let index = 0; index < workload.keys.length; index++) if (isChosen(index)) indices.push(index);
  const columns = columnsFor(indices.length);
  for (const [at, index] of indices.entries()) {
    columns.arrivalMs[at] = workload.arrivalMs[index] as number;
    columns.eventMs[at] = workload.eventMs[index] as number;
    columns.keys[at] = workload.keys[index] as number;
  }
  return { ...columns, bytesPerEvent: workload.bytesPerEvent };
}

/** A number for each key that has nothing to do with its neighbours'. */
function scattered(key: number): number {
  let hash = Math.imul(key + 1, 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}

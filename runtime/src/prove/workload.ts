/**
 * The events that a simulated pipeline is given, in the order in which they arrive. Those of a description are drawn by a
 * seed:
 *
 *   times      the mean rate, with the shape of a day (or of bursts) on it
 *   delays     log-normal: half under the typical one, one in a thousand over the latest
 *   arrivals   time + delay; of files, the next drop after it
 */
import { SeededRandom } from '../sim/seeded-random.ts';

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
const HOUR_MS = 3_600_000;
/** What the advisor sizes a stream for: half as much again at noon, four times the mean in a burst. */
const NOON = 0.5;
const BURST = { share: 0.1, times: 4 } as const;
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
  const times = drawTimes(given, events, random);
  const arrivals = Float64Array.from(times, (timeMs) => arrivalOf(given, timeMs, random));
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

/** In stretches that hold what the shape of the rate says, at any moment of each. */
function drawTimes(given: Description, events: number, random: SeededRandom): Float64Array {
  const { startMs, lengthMs } = given;
  const stretches = Math.max(1, Math.ceil(lengthMs / STRETCH_MS));
  const stretchMs = lengthMs / stretches;
  const weights = Array.from({ length: stretches }, (_, index) =>
    weightAt(given, startMs + (index + 0.5) * stretchMs),
  );
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const times = new Float64Array(events);
  let [done, sum] = [0, 0];
  for (const [index, weight] of weights.entries()) {
    sum += weight;
    const end = index === stretches - 1 ? events : Math.round((sum / total) * events);
    for (; done < end; done++) times[done] = Math.floor(startMs + (index + random.next()) * stretchMs);
  }
  return times;
}

/** How much more than the mean arrives at a moment. */
function weightAt({ arrival }: Description, timeMs: number): number {
  if (arrival !== 'bursty') return 1 - NOON * Math.cos((2 * Math.PI * timeMs) / DAY_MS);
  const { share, times } = BURST;
  return (timeMs % HOUR_MS) / HOUR_MS < share ? times : (1 - share * times) / (1 - share);
}

function arrivalOf(given: Description, timeMs: number, random: SeededRandom): number {
  const { typicalMs, latestMs, arrival, arrivalEveryMs } = given;
  const sigma = Math.log(latestMs / typicalMs) / LATEST_AT_SIGMAS;
  const arrivalMs = Math.ceil(timeMs + typicalMs * Math.exp(sigma * normal(random)));
  return arrival === 'files' ? Math.ceil(arrivalMs / arrivalEveryMs) * arrivalEveryMs : arrivalMs;
}

/** Box and Muller. */
function normal(random: SeededRandom): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random.next()));
  return radius * Math.cos(2 * Math.PI * random.next());
}

/** The events of one in so many keys; of one key, one in so many events. */
export function thinned(workload: Workload, one: number): Workload {
  if (one === 1) return workload;
  const { keys } = workload;
  const hasKeys = keys.some((key) => key !== keys[0]);
  return chosen(workload, (index) => scattered(hasKeys ? (keys[index] as number) : index) % one === 0);
}

/** The events that arrive in the busiest stretch of this length; at most so many of them. */
export function busiest(workload: Workload, lengthMs: number, eventsMax: number): Workload {
  const { arrivalMs } = workload;
  const events = arrivalMs.length;
  let [from, most] = [0, 0];
  for (let start = 0, end = 0; end < events; end++) {
    while ((arrivalMs[end] as number) - (arrivalMs[start] as number) >= lengthMs) start++;
    if (end + 1 - start > most) [from, most] = [start, end + 1 - start];
  }
  const to = from + Math.min(most, eventsMax);
  return chosen(workload, (index) => index >= from && index < to);
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

/**
 * What is simulated for some answers. A day of a large stream is more than one machine can run five times in a minute, so it
 * is made smaller where that changes nothing that is measured:
 *
 *   keys       one in so many, where there are many; otherwise one in so many events of each; what counts events is scaled
 *              up again by events, what counts rows by rows
 *   arrivals   sent in ticks, when there are many of them
 *   freshness  of short intervals hangs on every event, so it is measured at the full rate: in the busiest time where much
 *              arrives in each of them, otherwise in short stretches all over the time
 *   cores      what one core cannot do is divided by keys, as partitions divide it; one core's share is simulated
 */
import type { Description, SimulatedSettings, Stretch } from 'pipeline-runtime/kit';
import { ARCHITECTURES, type Answers, type Architecture, type GivenAnswers } from '../answers.ts';
import { answerAt, answerText, setAnswer } from '../complete.ts';
import { type Facts, hardestFacts, hardestOf, promiseOf } from '../facts.ts';
import { LIVE_RATE_PER_CORE } from '../model/limits.ts';
import { touched } from '../model/work.ts';
import { QUESTIONS, type Question } from '../questions.ts';
import type { Recommendation, Settings } from '../recommendation.ts';
import { correctionsEverySeconds, PARTITION_SECONDS, settingsOf } from '../settings.ts';
import { spanOf } from '../spans.ts';
import type { Proof } from './proof.ts';

const DAY_SECONDS = 86_400;
const HOUR_MS = 3_600_000;
const HORIZON_SECONDS_MAX = 31 * DAY_SECONDS;
/** So much is simulated at most; so many events are read, each as often as it is. */
const EVENTS_MAX = 200_000;
const READS_MAX = 2_500_000;
const BYTES_MAX = 100_000_000;
const TICKS_MAX = 20_000;
/** Events in an interval from which on it does not show that there are fewer of them. */
const DENSE_EVENTS = 100;
const TICKS_PER_INTERVAL = 20;
const BUSIEST = { events: 30_000, intervals: 400, intervalsMin: 4 } as const;
/** A stretch begins with an interval that is not looked at: what arrived before it is not there. */
const STRETCHES = { count: 40, countMin: 10, intervals: 11 } as const;
const GOLDEN = 0.381_966;
/** What cores are sized for: half as much again at noon, four times the mean in a burst. */
const PEAK = { continuous: 1.5, bursty: 4, files: 1.5 } as const;
/** Days of a simulated time begin at midnight. */
const START_MS = Date.UTC(2001, 0, 1);

/** The answers at the hardest point that they leave open, and which of those that were given were moved there. */
export function narrowed({ answers, defaulted }: Pick<Recommendation, 'answers' | 'defaulted'>): Pick<
  Proof,
  'hardest'
> & {
  readonly answers: GivenAnswers;
} {
  const taken: Record<string, unknown> = {};
  const hardest: Proof['hardest'][number][] = [];
  for (const question of QUESTIONS) {
    const answer = answerAt(answers, question.path);
    if (answer === undefined) continue;
    const value = isOpen(question, answer) ? textOf(question, hardestOf(question, answer)) : answer;
    setAnswer(taken, question.path, value);
    if (value !== answer && !defaulted.includes(question.path))
      hardest.push({ path: question.path, given: answerText(answer), taken: answerText(value) });
  }
  if (answers.measured !== undefined) taken['measured'] = answers.measured;
  return { answers: taken, hardest };
}

function isOpen(question: Question, answer: unknown): boolean {
  if (answer === 'unsure') return true;
  if (question.kind !== 'duration' && question.kind !== 'number') return false;
  const [low, high] = spanOf(question, answer);
  return low !== high;
}

function textOf(question: Question, value: unknown): unknown {
  return question.kind === 'duration' ? `${Math.max(1, Math.round((value as number) * 1000))}ms` : value;
}

export interface Sizes {
  readonly events: number;
  readonly horizonSeconds: number;
  readonly bytesPerEvent: number;
  /** Of real events; a description says it in its answers. */
  readonly keys?: number;
}

export interface ProvePlan {
  readonly facts: Facts;
  /** What predictions are made for: these events, on the machine that is simulated. */
  readonly predicts: Readonly<Record<Architecture, PredictsFor>>;
  /** What is simulated of them. */
  readonly thin: Facts;
  readonly settings: Readonly<Record<Architecture, Settings>>;
  readonly horizonSeconds: number;
  readonly oneIn: number;
  /** So many rows of results stand behind each that is simulated. */
  readonly rowsOneIn: number;
  /** How many cores share the events; at least one. */
  readonly cores: number;
  readonly tickMs: number;
  /** The slices of those whose freshness does not show in the whole. */
  readonly slices: Readonly<Record<Architecture, Slice | null>>;
}

interface PredictsFor {
  readonly facts: Facts;
  /** What freshness is predicted for: where it is measured at the busiest time, that time. */
  readonly freshness: Facts;
}

/** Where the freshness of an architecture is measured: once, in the busiest time, or in several stretches all over the time. */
export interface Slice {
  readonly count: number;
  readonly lengthMs: number;
  readonly eventsMax: number;
  readonly everyMs: number;
  readonly tickMs: number;
}

/** How long the workload of a description is: long enough for some runs and some windows. */
export function horizonSecondsOf(facts: Facts): number {
  const batch = settingsOf('batch', facts).triggerEverySeconds;
  return Math.min(HORIZON_SECONDS_MAX, Math.max(DAY_SECONDS, 3 * batch, 2 * facts.window));
}

export function provePlanOf(
  answers: Answers,
  { events, horizonSeconds, bytesPerEvent, keys }: Sizes,
  mostEvents = EVENTS_MAX,
): ProvePlan {
  const answered = hardestFacts(answers);
  const facts = keys === undefined ? answered : { ...answered, keys };
  const settings = byArchitecture((architecture) => settingsOf(architecture, facts));
  const rate = events / horizonSeconds;
  const cores = Math.max(1, Math.ceil((rate * PEAK[facts.arrival]) / LIVE_RATE_PER_CORE));
  const eventsMax = Math.max(
    1,
    Math.min(
      mostEvents,
      BYTES_MAX / Math.min(bytesPerEvent, 1500),
      READS_MAX / readsPerEvent(settings, horizonSeconds),
    ),
  );
  const oneIn = Math.max(1, Math.ceil(events / eventsMax));
  const simulated = events / oneIn;
  const tickMs = simulated <= TICKS_MAX ? 1 : Math.ceil((horizonSeconds * 1000) / TICKS_MAX);
  const slices = byArchitecture((architecture) => {
    const everyMs = settings[architecture].triggerEverySeconds * 1000;
    const isCoarse = tickMs > Math.max(1, everyMs / TICKS_PER_INTERVAL);
    const isThin = oneIn > 1 && ((rate / oneIn) * everyMs) / 1000 < DENSE_EVENTS;
    return (isCoarse || isThin) && facts.arrival !== 'files'
      ? sliceOf(facts, { rate: rate / cores, everyMs, horizonSeconds, mostEvents })
      : null;
  });
  const predicts = predictsOf(facts, { rate, bytesPerEvent, cores, slices });
  const windows = Math.max(1, horizonSeconds / facts.window);
  const rowsOneIn =
    touched(events, facts.keys * windows) / touched(simulated, simulatedKeys(facts.keys, oneIn) * windows);
  const thin = {
    ...predicts.batch.facts,
    eventsPerSecond: rate / oneIn,
    keys: simulatedKeys(facts.keys, oneIn),
  };
  return { facts, predicts, thin, settings, horizonSeconds, oneIn, rowsOneIn, cores, tickMs, slices };
}

function byArchitecture<T>(of: (architecture: Architecture) => T): Record<Architecture, T> {
  return Object.fromEntries(ARCHITECTURES.map((each) => [each, of(each)] as const)) as Record<
    Architecture,
    T
  >;
}

/** How often the five read an event together: a batch reads what it overwrites, half of its slice as a rule. */
function readsPerEvent(settings: ProvePlan['settings'], horizonSeconds: number): number {
  const partition = Math.min(horizonSeconds, PARTITION_SECONDS);
  const batch = 1 + partition / 2 / settings.batch.triggerEverySeconds;
  // The others read each once, once more for corrections, and all of them once more in the end.
  return batch + 4 * 2 + 5;
}

function sliceOf(
  facts: Facts,
  {
    rate,
    everyMs,
    horizonSeconds,
    mostEvents,
  }: Record<'rate' | 'everyMs' | 'horizonSeconds' | 'mostEvents', number>,
): Slice {
  const tickMs = Math.max(1, Math.floor(everyMs / TICKS_PER_INTERVAL));
  const isDense = (rate * everyMs) / 1000 >= DENSE_EVENTS;
  if (!isDense) {
    const lengthMs = STRETCHES.intervals * everyMs;
    const fit = Math.max(1, Math.floor((horizonSeconds * 1000) / (2 * lengthMs)));
    const affordable = Math.max(STRETCHES.countMin, Math.floor(mostEvents / ((rate * lengthMs) / 1000)));
    return {
      count: Math.min(STRETCHES.count, fit, affordable),
      lengthMs,
      eventsMax: Infinity,
      everyMs,
      tickMs,
    };
  }
  const peak = rate * PEAK[facts.arrival];
  const wanted = Math.min(BUSIEST.events, mostEvents);
  const wantedMs = Math.min((wanted / peak) * 1000, BUSIEST.intervals * everyMs);
  const lengthMs = Math.ceil(Math.max(wantedMs, BUSIEST.intervalsMin * everyMs));
  return { count: 1, lengthMs, eventsMax: mostEvents, everyMs, tickMs };
}

/** What predictions are made for: the events at hand, on the machine that is simulated. */
export function predictsOf(
  facts: Facts,
  given: Pick<ProvePlan, 'cores' | 'slices'> & { readonly rate: number; readonly bytesPerEvent: number },
): ProvePlan['predicts'] {
  const { rate, bytesPerEvent, cores, slices } = given;
  const machine = { ...facts, eventsPerSecond: rate, bytesPerEvent, machine: { cores } };
  return byArchitecture((architecture) => {
    const slice = slices[architecture];
    const isBusiest = slice !== null && slice.count === 1;
    return { facts: machine, freshness: isBusiest ? busiestOf(machine, slice) : machine };
  });
}

/** The busiest time of a description, at the rate that is simulated. */
function busiestOf(facts: Facts, { eventsMax, lengthMs }: Slice): Facts {
  const cores = facts.machine?.cores ?? 1;
  const rate = Math.min(facts.eventsPerSecond * PEAK[facts.arrival], ((eventsMax * cores) / lengthMs) * 1000);
  return { ...facts, eventsPerSecond: rate, arrival: 'continuous', measured: undefined };
}

/** The stretches of a slice in a time: evenly over it, at all moments of an hour alike; of one, the middle. */
export function stretchesIn(
  { count, lengthMs }: Pick<Slice, 'count' | 'lengthMs'>,
  fromMs: number,
  toMs: number,
): Stretch[] {
  const stretches: Stretch[] = [];
  for (let index = 0; index < count; index++) {
    const middleMs = fromMs + ((toMs - fromMs) * (index + 0.5)) / count;
    const hourMs = Math.floor(middleMs / HOUR_MS) * HOUR_MS;
    const isLong = toMs - fromMs >= count * HOUR_MS;
    const atMs = isLong || count === 1 ? middleMs : hourMs + ((index * GOLDEN) % 1) * HOUR_MS;
    const startMs = Math.max(fromMs, Math.floor(Math.min(atMs, toMs) - lengthMs / 2));
    if (startMs >= (stretches.at(-1)?.[1] ?? -Infinity)) stretches.push([startMs, startMs + lengthMs]);
  }
  return stretches;
}

/** When readers come in these stretches: for whole intervals, after the first. */
export function readersIn(stretches: readonly Stretch[], { everyMs }: Slice): readonly Stretch[] {
  return stretches.map(([fromMs, toMs]) => {
    const whole = Math.floor((toMs - fromMs) / everyMs) - 1;
    return whole < 1 ? [fromMs, toMs] : [fromMs + everyMs, fromMs + (1 + whole) * everyMs];
  });
}

/** With so many keys left they are thinned; with fewer their events are. */
const KEYS_LEFT_MIN = 20;

export function isThinnedByKeys(keys: number, oneIn: number): boolean {
  return keys >= KEYS_LEFT_MIN * oneIn;
}

function simulatedKeys(keys: number, oneIn: number): number {
  return isThinnedByKeys(keys, oneIn) ? Math.round(keys / oneIn) : keys;
}

/** What is drawn for a description: all of it, thinned. */
export function describeWorkload({ facts, oneIn }: ProvePlan, horizonSeconds: number): Description {
  return {
    ...shapeOf(facts),
    startMs: START_MS,
    lengthMs: horizonSeconds * 1000,
    eventsPerSecond: facts.eventsPerSecond / oneIn,
    keys: simulatedKeys(facts.keys, oneIn),
  };
}

/** What is drawn for a slice, and when: one core's share. */
export function describeSlice(
  { facts, cores }: ProvePlan,
  { count, lengthMs, eventsMax }: Slice,
): { readonly description: Description; readonly stretches: readonly Stretch[] } {
  const peak = PEAK[facts.arrival];
  const rate = facts.eventsPerSecond / cores;
  // The busiest of all moments: noon, and of bursts the first.
  const middleMs = START_MS + (facts.arrival === 'bursty' ? Math.ceil(lengthMs / 2) : 12 * HOUR_MS);
  const stretches =
    count === 1
      ? [[Math.floor(middleMs - lengthMs / 2), Math.ceil(middleMs + lengthMs / 2)] as const]
      : stretchesIn({ count, lengthMs }, START_MS, START_MS + DAY_SECONDS * 1000);
  return {
    description: {
      ...shapeOf(facts),
      startMs: START_MS,
      lengthMs,
      eventsPerSecond: Math.min(rate, ((eventsMax / lengthMs) * 1000) / peak),
      keys: Math.max(1, Math.round(facts.keys / cores)),
    },
    stretches,
  };
}

function shapeOf(facts: Facts): Omit<Description, 'startMs' | 'lengthMs' | 'eventsPerSecond' | 'keys'> {
  return {
    arrival: facts.arrival,
    arrivalEveryMs: facts.arrivalEvery * 1000,
    typicalMs: facts.typical * 1000,
    latestMs: facts.latest * 1000,
    bytesPerEvent: facts.bytesPerEvent,
  };
}

/** An architecture as it is simulated: with what `recommend` sets. */
export function simulatedSettings(
  architecture: Architecture,
  { facts, settings }: ProvePlan,
): SimulatedSettings {
  const own = settings[architecture];
  const triggerEveryMs = Math.max(1, Math.round(own.triggerEverySeconds * 1000));
  return {
    architecture,
    triggerEveryMs,
    batchEveryMs: architecture === 'batch' ? triggerEveryMs : (own.batchEverySeconds ?? DAY_SECONDS) * 1000,
    partitionMs: PARTITION_SECONDS * 1000,
    correctionsEveryMs: correctionsEverySeconds(facts) * 1000,
  };
}

/** What all of them compute. */
export function computationOf({ facts, settings }: ProvePlan): {
  readonly windowMs: number;
  readonly watermarkDelayMs: number;
  readonly allowedLatenessMs: number;
  readonly policy: Facts['policy'];
  readonly distinct: boolean;
} {
  const { watermarkDelaySeconds, allowedLatenessSeconds } = settings.streaming;
  return {
    windowMs: Math.round(facts.window * 1000),
    watermarkDelayMs: watermarkDelaySeconds * 1000,
    allowedLatenessMs: allowedLatenessSeconds * 1000,
    policy: facts.policy,
    distinct: facts.distinct,
  };
}

export function promiseMsOf({ facts }: ProvePlan): number {
  return promiseOf(facts) * 1000;
}

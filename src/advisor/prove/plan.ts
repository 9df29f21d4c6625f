/**
 * What is simulated for some answers. A day of a large stream is more than one machine can run five times in a minute, so it
 * is made smaller where that changes nothing that is measured:
 *
 *   keys       one in so many; counts and bytes are scaled up again
 *   arrivals   sent in ticks, when there are many of them
 *   freshness  of short intervals hangs on every event, so it is measured in a slice at the full rate of the busiest time
 *   cores      what one core cannot do is divided by keys, as partitions divide it; one core's share is simulated
 */
import type { Description, SimulatedSettings } from 'pipeline-runtime/kit';
import { ARCHITECTURES, type Answers, type Architecture, type GivenAnswers } from '../answers.ts';
import { answerAt, answerText, setAnswer } from '../complete.ts';
import { type Facts, hardestFacts, hardestOf, promiseOf } from '../facts.ts';
import { LIVE_RATE_PER_CORE } from '../model/limits.ts';
import { QUESTIONS, type Question } from '../questions.ts';
import type { Recommendation, Settings } from '../recommendation.ts';
import { correctionsEverySeconds, PARTITION_SECONDS, settingsOf } from '../settings.ts';
import { spanOf } from '../spans.ts';
import type { Proof } from './proof.ts';

const DAY_SECONDS = 86_400;
const HORIZON_SECONDS_MAX = 31 * DAY_SECONDS;
/** So much is simulated at most; so many events are read, each as often as it is. */
const EVENTS_MAX = 200_000;
const READS_MAX = 2_500_000;
const BYTES_MAX = 100_000_000;
const TICKS_MAX = 20_000;
/** Events in an interval from which on it does not show that there are fewer of them. */
const DENSE_EVENTS = 100;
const TICKS_PER_INTERVAL = 20;
const SLICE = { events: 30_000, eventsMax: 200_000, intervals: 400, intervalsMin: 4 } as const;
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
}

export interface ProvePlan {
  readonly facts: Facts;
  readonly settings: Readonly<Record<Architecture, Settings>>;
  readonly oneIn: number;
  /** How many cores share the events; at least one. */
  readonly cores: number;
  readonly tickMs: number;
  /** The slices of those whose freshness does not show in the whole. */
  readonly slices: Readonly<Record<Architecture, Slice | null>>;
}

export interface Slice {
  readonly lengthMs: number;
  readonly eventsMax: number;
  readonly tickMs: number;
}

/** How long the workload of a description is: long enough for some runs and some windows. */
export function horizonSecondsOf(facts: Facts): number {
  const batch = settingsOf('batch', facts).triggerEverySeconds;
  return Math.min(HORIZON_SECONDS_MAX, Math.max(DAY_SECONDS, 3 * batch, 2 * facts.window));
}

export function provePlanOf(answers: Answers, { events, horizonSeconds, bytesPerEvent }: Sizes): ProvePlan {
  const facts = hardestFacts(answers);
  const settings = byArchitecture((architecture) => settingsOf(architecture, facts));
  const rate = events / horizonSeconds;
  const cores = Math.max(1, Math.ceil((rate * PEAK[facts.arrival]) / LIVE_RATE_PER_CORE));
  const eventsMax = Math.max(
    1,
    Math.min(
      EVENTS_MAX,
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
    return (isCoarse || isThin) && facts.arrival !== 'files' ? sliceOf(facts, rate / cores, everyMs) : null;
  });
  return { facts, settings, oneIn, cores, tickMs, slices };
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

function sliceOf(facts: Facts, rate: number, everyMs: number): Slice {
  const peak = rate * PEAK[facts.arrival];
  const wantedMs = Math.min((SLICE.events / peak) * 1000, SLICE.intervals * everyMs);
  const lengthMs = Math.ceil(Math.max(wantedMs, SLICE.intervalsMin * everyMs));
  return {
    lengthMs,
    eventsMax: SLICE.eventsMax,
    tickMs: Math.max(1, Math.floor(everyMs / TICKS_PER_INTERVAL)),
  };
}

/** What is drawn for a description: all of it, thinned. */
export function describeWorkload({ facts, oneIn }: ProvePlan, horizonSeconds: number): Description {
  return {
    ...shapeOf(facts),
    startMs: START_MS,
    lengthMs: horizonSeconds * 1000,
    eventsPerSecond: facts.eventsPerSecond / oneIn,
    keys: Math.max(1, Math.round(facts.keys / oneIn)),
  };
}

/** What is drawn for a slice: one core's share of the busiest time. */
export function describeSlice({ facts, cores }: ProvePlan, { lengthMs, eventsMax }: Slice): Description {
  const rate = (facts.eventsPerSecond * PEAK[facts.arrival]) / cores;
  return {
    ...shapeOf(facts),
    arrival: 'continuous',
    startMs: START_MS + (DAY_SECONDS * 1000) / 2,
    lengthMs,
    eventsPerSecond: Math.min(rate, (eventsMax / lengthMs) * 1000),
    keys: Math.max(1, Math.round(facts.keys / cores)),
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

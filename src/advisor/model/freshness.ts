/**
 * How old a result is when somebody reads it.
 *
 *   event ─ waits ≤ interval ─► run ─► visible        age when read: from run (just committed) to interval + run
 *   p50 = interval ÷ 2 + run      p99 = interval + run      promise = 3 intervals: one run may fail and is run again
 *
 *   run   batch        start + a day's events ÷ (rate × cores)     it overwrites its day, so it reads all of it again
 *         micro-batch  start + an interval's events ÷ (rate × cores)
 *         stream       one durable commit; its cores keep up with the events by construction
 *
 * An interval is as long as the promise and `correctBy` allow. Below its minimum, starting is most of the work; below its
 * run, runs would overlap. Sources: sla-over-three for the three intervals, `limits.ts` for the rest.
 */
import type { Architecture } from '../answers.ts';
import { promiseOf, type Facts } from '../facts.ts';
import {
  BATCH,
  BATCH_RATE_PER_CORE,
  MICRO_BATCH,
  SCHEDULES_SECONDS,
  STREAM,
  STREAM_ONCE,
  type Pace,
} from './limits.ts';
import { ageQuantile, type Rhythm } from './age.ts';
import { arrivalsOf } from './arrivals.ts';
import { coreSeconds, reprocessCoresOf } from './reprocessing.ts';
import { gatherSecondsOf, workSecondsOf } from './work.ts';

const DAY_SECONDS = 86_400;

export interface Freshness {
  /** How often results are made visible. */
  readonly intervalSeconds: number;
  readonly p50Seconds: number;
  readonly p99Seconds: number;
  /** What can be promised with this interval, a failed run included. */
  readonly promiseSeconds: number;
}

/** The pace that an architecture can keep. Lambda is as fresh as its speed layer. */
export function paceOf(architecture: Architecture, facts: Facts): Pace {
  if (architecture === 'batch') return BATCH;
  if (architecture === 'micro-batch') return MICRO_BATCH;
  return facts.duplicates === 'never' ? STREAM_ONCE : STREAM;
}

/** The shortest interval that an architecture can keep with these events. */
function intervalMinSeconds(architecture: Architecture, facts: Facts): number {
  const pace = paceOf(architecture, facts);
  if (architecture === 'batch')
    return Math.max(pace.intervalMinSeconds, runSecondsOf(architecture, facts, DAY_SECONDS));
  if (architecture !== 'micro-batch') return pace.intervalMinSeconds;
  // interval ≥ start + interval × load, so interval ≥ start ÷ (1 − load); sixteen times the live cores keep the load below 1.
  return Math.max(pace.intervalMinSeconds, pace.startSeconds / (1 - busyShareOf(facts)));
}

/** Seconds of reading for a second of events, on the cores of a run. */
function busyShareOf(facts: Facts): number {
  return coreSeconds(facts.eventsPerSecond, facts, BATCH_RATE_PER_CORE) / reprocessCoresOf(facts);
}

/** How long a run takes that comes every so often. */
export function runSecondsOf(architecture: Architecture, facts: Facts, intervalSeconds: number): number {
  const { startSeconds } = paceOf(architecture, facts);
  if (architecture === 'batch') return startSeconds + DAY_SECONDS * busyShareOf(facts);
  return architecture === 'micro-batch' ? startSeconds + intervalSeconds * busyShareOf(facts) : startSeconds;
}

/** The best freshness that an architecture can promise, whatever is asked. */
export function freshnessFloorSeconds(architecture: Architecture, facts: Facts): number {
  return intervalMinSeconds(architecture, facts) * paceOf(architecture, facts).intervals;
}

/** Freshness when an architecture is set to keep the promise with as little work as it can. */
export function freshnessOf(architecture: Architecture, facts: Facts): Freshness {
  const pace = paceOf(architecture, facts);
  const least = intervalMinSeconds(architecture, facts);
  const asked = Math.min(promiseOf(facts), correctionLimitOf(facts)) / pace.intervals;
  const bounded = Math.max(least, Math.min(pace.intervalMaxSeconds, asked));
  const intervalSeconds = architecture === 'batch' ? scheduleOf(bounded, least) : rounded(bounded);
  const run = runSecondsOf(architecture, facts, intervalSeconds);
  return {
    intervalSeconds,
    p50Seconds: intervalSeconds / 2 + run,
    p99Seconds: intervalSeconds + run,
    promiseSeconds: intervalSeconds * pace.intervals,
  };
}

/** How often results are made visible, and how long that takes: what ages and completeness follow from. */
export function paceAtWork(
  architecture: Architecture,
  facts: Facts,
): { readonly intervalSeconds: number; readonly runSeconds: number } {
  const { intervalSeconds } = freshnessOf(architecture, facts);
  if (architecture === 'batch' || architecture === 'micro-batch') {
    // On the machine that is measured nothing has to be started first.
    const start = facts.machine === undefined ? paceOf(architecture, facts).startSeconds : 0;
    return { intervalSeconds, runSeconds: start + workSecondsOf(architecture, facts, intervalSeconds) };
  }
  const gathers = gatherSecondsOf(facts, intervalSeconds);
  return { intervalSeconds: gathers, runSeconds: workSecondsOf(architecture, facts, gathers) };
}

/** Ages of what readers see that are not exceeded for these shares of the time: smaller than above where little arrives. */
export function agesOf(architecture: Architecture, facts: Facts, shares: readonly number[]): number[] {
  const rhythm: Rhythm = {
    kind: architecture === 'batch' || architecture === 'micro-batch' ? 'scheduled' : 'stream',
    ...paceAtWork(architecture, facts),
    arrivals: arrivalsOf(facts),
  };
  return shares.map((share) => ageQuantile(rhythm, share));
}

/** Late events wait for a later run, so the runs must also come often enough for corrections. */
function correctionLimitOf(facts: Facts): number {
  return facts.policy === 'correct' ? facts.correctBy : Infinity;
}

/** The longest schedule that keeps the promise; when a run takes longer than that, the shortest that a run fits into. */
function scheduleOf(atMost: number, atLeast: number): number {
  const fits = SCHEDULES_SECONDS.filter((schedule) => schedule >= atLeast * (1 - 1e-9));
  return fits.findLast((schedule) => schedule <= atMost * (1 + 1e-9)) ?? fits[0] ?? atLeast;
}

/** Whole seconds above one, whole milliseconds below, never longer than asked. */
function rounded(seconds: number): number {
  return seconds >= 1 ? Math.floor(seconds) : Math.floor(seconds * 1000 + 1e-9) / 1000;
}

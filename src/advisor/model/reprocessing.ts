import type { Architecture } from '../answers.ts';
import type { Facts } from '../facts.ts';
import {
  BATCH_RATE_PER_CORE,
  LIVE_RATE_PER_CORE,
  PERIOD_DAYS,
  REPLAY_RATE_PER_CORE,
  REPROCESS_CORES,
  ROUTINE_DAYS_MAX,
} from './limits.ts';

const START_SECONDS = 60;
const DAY_SECONDS = 86_400;

function periodSecondsOf(facts: Facts): number {
  return PERIOD_DAYS[facts.every] * DAY_SECONDS;
}

export function runsPerMonthOf(facts: Facts): number {
  return 30 / PERIOD_DAYS[facts.every];
}

/** Reprocessing is part of the routine, not an accident to repair. */
export function isRoutine(facts: Facts): boolean {
  return PERIOD_DAYS[facts.every] <= ROUTINE_DAYS_MAX;
}

/** Cores that keep up with the events as they come, at least one. Bursts need room to catch up. */
export function liveCoresOf(facts: Facts): number {
  const peak = facts.arrival === 'bursty' ? 4 : 1.5;
  return Math.max(1, (facts.eventsPerSecond * peak) / LIVE_RATE_PER_CORE);
}

/** Cores that one reprocessing may use: a fixed number, or a multiple of what the live job needs. */
function reprocessCoresOf(facts: Facts): number {
  return Math.max(REPROCESS_CORES, 16 * liveCoresOf(facts));
}

/** How long one reprocessing takes; 0 when there is none. */
export function reprocessSecondsOf(architecture: Architecture, facts: Facts): number {
  if (facts.every === 'never') return 0;
  const events = facts.history * facts.eventsPerSecond;
  const replays = architecture === 'streaming' || architecture === 'kappa';
  const perCore = replays ? REPLAY_RATE_PER_CORE : BATCH_RATE_PER_CORE;
  return START_SECONDS + events / (perCore * reprocessCoresOf(facts));
}

/** How much more a reprocessing reads than what arrives until the next one. */
export function replayShareOf(facts: Facts): number {
  return facts.every === 'never' ? 0 : facts.history / periodSecondsOf(facts);
}

/** By when one reprocessing must be done: the answer, and before the next one starts. */
export function reprocessLimitOf(facts: Facts): number {
  return Math.min(facts.correctBy, periodSecondsOf(facts));
}

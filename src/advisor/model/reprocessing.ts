/**
 * How long history takes to be computed again, and how much that is beside the live work.
 *
 *   seconds = start + max(events ÷ rate, bytes ÷ read rate) ÷ cores          rates and cores: `limits.ts`
 *   share   = history ÷ time between two reprocessings                       how much more is read than arrives
 */
import type { Architecture } from '../answers.ts';
import type { Facts } from '../facts.ts';
import {
  BATCH_RATE_PER_CORE,
  LIVE_RATE_PER_CORE,
  PERIOD_DAYS,
  READ_BYTES_PER_CORE,
  REPLAY_QUIET_CORE_SECONDS,
  REPLAY_RATE_PER_CORE,
  REPLAY_SHARE_MAX,
  REPROCESS_CORES,
  ROUTINE_DAYS_MAX,
} from './limits.ts';

const START_SECONDS = 60;
const DAY_SECONDS = 86_400;

export function periodSecondsOf(facts: Facts): number {
  return PERIOD_DAYS[facts.every] * DAY_SECONDS;
}

export function runsPerMonthOf(facts: Facts): number {
  return 30 / PERIOD_DAYS[facts.every];
}

/** Reprocessing is part of the routine, not an accident to repair. */
export function isRoutine(facts: Facts): boolean {
  return PERIOD_DAYS[facts.every] <= ROUTINE_DAYS_MAX;
}

/** The architectures whose reprocessing goes through the stream job. */
export function replays(architecture: Architecture): boolean {
  return architecture === 'streaming' || architecture === 'kappa';
}

/** Cores that keep up with the events as they come, at least one. Bursts need room to catch up. */
export function liveCoresOf(facts: Facts): number {
  const peak = facts.arrival === 'bursty' ? 4 : 1.5;
  return Math.max(1, peak * coreSeconds(facts.eventsPerSecond, facts, LIVE_RATE_PER_CORE));
}

/** Cores that one reprocessing or one run may use: a fixed number, or a multiple of what the live job needs. */
export function reprocessCoresOf(facts: Facts): number {
  return Math.max(REPROCESS_CORES, 16 * liveCoresOf(facts));
}

/** How long so many events keep one core busy. */
export function coreSeconds(events: number, facts: Facts, ratePerCore: number): number {
  return events * Math.max(1 / ratePerCore, facts.bytesPerEvent / READ_BYTES_PER_CORE);
}

function historyCoreSecondsOf(architecture: Architecture, facts: Facts): number {
  const rate = replays(architecture) ? REPLAY_RATE_PER_CORE : BATCH_RATE_PER_CORE;
  return coreSeconds(facts.history * facts.eventsPerSecond, facts, rate);
}

/** How long one reprocessing takes; 0 when there is none. */
export function reprocessSecondsOf(architecture: Architecture, facts: Facts): number {
  if (facts.every === 'never') return 0;
  return START_SECONDS + historyCoreSecondsOf(architecture, facts) / reprocessCoresOf(facts);
}

/** How much more a reprocessing reads than what arrives until the next one. */
export function replayShareOf(facts: Facts): number {
  return facts.every === 'never' ? 0 : facts.history / periodSecondsOf(facts);
}

/** Whether replaying stays a repair beside the live job. */
export function isReplayAffordable(facts: Facts): boolean {
  const quiet = historyCoreSecondsOf('kappa', facts) <= REPLAY_QUIET_CORE_SECONDS;
  return quiet || replayShareOf(facts) <= REPLAY_SHARE_MAX * (1 + 1e-9);
}

/** By when one reprocessing must be done: the answer, and before the next one starts. */
export function reprocessLimitOf(facts: Facts): number {
  return Math.min(facts.correctBy, periodSecondsOf(facts));
}

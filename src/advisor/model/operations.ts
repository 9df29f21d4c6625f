/**
 * What goes wrong and who gets up. A judgement (ours-stops); what a restart takes is measured (ours-recovery).
 *
 *   stops         a stream job needs a person so often a month, more often with less experience; a scheduled run is run again
 *                 by its scheduler, so it needs one a tenth as often, and Lambda has both
 *   nights        stops outside working hours, 128 of 168 hours a week, when somebody is on call
 *   broken hours  with on-call an hour, without it until the morning, eight hours on average; in working hours half an hour;
 *                 each time the restart on top
 */
import type { Architecture } from '../answers.ts';
import type { Facts } from '../facts.ts';
import { RECOVERY_SECONDS_PER_GB } from './limits.ts';
import { stateBytesOf } from './state.ts';

const EXPERIENCE: Readonly<Record<Facts['maturity'], number>> = { novice: 3, intermediate: 1.5, expert: 1 };
const SCHEDULED = 0.1;
const OUTSIDE_HOURS_SHARE = 128 / 168;
const MENDED_AFTER_HOURS = { working: 0.5, onCall: 1, morning: 8 } as const;

function stopsOf(architecture: Architecture, facts: Facts): number {
  const stream = facts.assumed.stopsPerMonth * EXPERIENCE[facts.maturity];
  const scheduled = facts.assumed.stopsPerMonth * SCHEDULED;
  if (architecture === 'batch' || architecture === 'micro-batch') return scheduled;
  return architecture === 'lambda' ? stream + scheduled : stream;
}

/** Stops in a month outside working hours. */
export function nightStopsOf(architecture: Architecture, facts: Facts): number {
  return stopsOf(architecture, facts) * OUTSIDE_HOURS_SHARE;
}

/** Nights in a month on which somebody is woken. */
export function nightsPerMonthOf(architecture: Architecture, facts: Facts): number {
  return facts.onCall ? nightStopsOf(architecture, facts) : 0;
}

/** Hours in a month in which the promise is broken because something stands. */
export function brokenHoursOf(architecture: Architecture, facts: Facts): number {
  const outside = facts.onCall ? MENDED_AFTER_HOURS.onCall : MENDED_AFTER_HOURS.morning;
  const mended = OUTSIDE_HOURS_SHARE * outside + (1 - OUTSIDE_HOURS_SHARE) * MENDED_AFTER_HOURS.working;
  return stopsOf(architecture, facts) * (mended + restartSecondsOf(architecture, facts) / 3600);
}

/** From a killed job to new results. A batch starts anew without any state. */
export function restartSecondsOf(architecture: Architecture, facts: Facts): number {
  return architecture === 'batch' ? 0 : (RECOVERY_SECONDS_PER_GB * stateBytesOf(architecture, facts)) / 1e9;
}

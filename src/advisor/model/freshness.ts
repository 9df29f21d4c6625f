import type { Architecture } from '../answers.ts';
import { promiseOf, type Facts } from '../facts.ts';
import { BATCH, MICRO_BATCH, SCHEDULES_SECONDS, STREAM, STREAM_ONCE, type Pace } from './limits.ts';

export interface Freshness {
  /** How often results are made visible. */
  readonly intervalSeconds: number;
  readonly p50Seconds: number;
  readonly p99Seconds: number;
}

/** The pace that an architecture can keep. Lambda is as fresh as its speed layer. */
export function paceOf(architecture: Architecture, facts: Facts): Pace {
  if (architecture === 'batch') return BATCH;
  if (architecture === 'micro-batch') return MICRO_BATCH;
  return facts.duplicates === 'never' ? STREAM_ONCE : STREAM;
}

/** The best freshness that an architecture can promise, whatever is asked. */
export function freshnessFloorSeconds(architecture: Architecture, facts: Facts): number {
  const pace = paceOf(architecture, facts);
  return pace.intervalMinSeconds * pace.intervals;
}

/**
 * Freshness when an architecture is set to keep the promise with as little work as it can:
 *
 *   event ─ waits ≤ interval ─► run ≤ interval ─► (run again after a failure ≤ interval) ─► visible
 */
export function freshnessOf(architecture: Architecture, facts: Facts): Freshness {
  const pace = paceOf(architecture, facts);
  const asked = promiseOf(facts) / pace.intervals;
  const bounded = Math.min(pace.intervalMaxSeconds, Math.max(pace.intervalMinSeconds, asked));
  const intervalSeconds = architecture === 'batch' ? scheduleAtMost(bounded) : rounded(bounded);
  return {
    intervalSeconds,
    p50Seconds: intervalSeconds * (pace.intervals === 3 ? 2 / 3 : 1.5),
    p99Seconds: intervalSeconds * pace.intervals,
  };
}

function scheduleAtMost(seconds: number): number {
  return SCHEDULES_SECONDS.findLast((schedule) => schedule <= seconds) ?? SCHEDULES_SECONDS[0];
}

/** Whole seconds above one, whole milliseconds below, never longer than asked. */
function rounded(seconds: number): number {
  return seconds >= 1 ? Math.floor(seconds) : Math.floor(seconds * 1000 + 1e-9) / 1000;
}

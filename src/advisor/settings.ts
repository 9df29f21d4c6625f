import type { Architecture } from './answers.ts';
import type { Facts } from './facts.ts';
import { batchLayerEveryOf } from './model/corrections.ts';
import { freshnessOf } from './model/freshness.ts';
import { isRoutine } from './model/reprocessing.ts';
import type { Settings } from './recommendation.ts';

const DAY_SECONDS = 86_400;

/** The slice of event time that a batch run replaces as a whole. */
export const PARTITION_SECONDS = DAY_SECONDS;

/** How often late events are folded in: a quarter of the time by which a corrected result must be complete, at most an hour. */
export function correctionsEverySeconds({ correctBy }: Pick<Facts, 'correctBy'>): number {
  return Math.min(3600, Math.max(60, Math.ceil(Math.round((correctBy * 1000) / 4) / 1000)));
}

/** The settings that keep the promise with as little work as an architecture can. */
export function settingsOf(architecture: Architecture, facts: Facts): Settings {
  const triggerEverySeconds = freshnessOf(architecture, facts).intervalSeconds;
  const runs = architecture === 'batch';
  return {
    triggerEverySeconds,
    watermarkDelaySeconds: facts.typical,
    allowedLatenessSeconds: facts.latest,
    checkpointEverySeconds: runs ? 0 : Math.min(10, Math.max(1, triggerEverySeconds)),
    retentionSeconds: retentionOf(architecture, facts),
    delivery: facts.duplicates === 'never' ? 'exactly-once' : 'at-least-once',
    ...(architecture === 'lambda' ? { batchEverySeconds: batchLayerEveryOf(facts) } : {}),
  };
}

/**
 * Kappa's log is its history. A stream keeps what a rebuild needs, and a week to recover from; Lambda's log only has to
 * outlast the batch layer's lag. Batch and micro-batch keep nothing for the sake of a replay.
 */
export function retentionOf(architecture: Architecture, facts: Facts): number {
  const recovery = Math.max(7 * DAY_SECONDS, facts.latest);
  if (architecture === 'kappa') return Math.max(recovery, facts.every === 'never' ? 0 : facts.history);
  if (architecture === 'streaming') return Math.max(recovery, isRoutine(facts) ? facts.history : 0);
  return architecture === 'lambda' ? Math.max(3 * DAY_SECONDS, facts.latest) : 0;
}

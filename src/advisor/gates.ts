/**
 * What an architecture must hold to be feasible. A gate compares the model with an answer; when it is broken it says by
 * how much, so that among architectures that all break something the least bad can be named.
 *
 *   Invariants  I1  A gate's severity never falls when `freshness` is tightened.
 *               I2  Freshness severities differ between architectures by the ratio of their floors only.
 */
import type { Architecture } from './answers.ts';
import { secondsText } from './complete.ts';
import { promiseOf, type Facts } from './facts.ts';
import { freshnessFloorSeconds, paceOf } from './model/freshness.ts';
import { REPLAY_SHARE_MAX } from './model/limits.ts';
import { isRoutine, replayShareOf, reprocessLimitOf, reprocessSecondsOf } from './model/reprocessing.ts';
import type { Violation } from './recommendation.ts';

/** A broken gate. The text is made only when someone reads it. */
export interface Breach {
  readonly severity: number;
  describe(): Violation;
}

type Gate = (architecture: Architecture, facts: Facts) => Breach | undefined;

export const NAMES: Readonly<Record<Architecture, string>> = {
  batch: 'Batch',
  'micro-batch': 'Micro-batch',
  streaming: 'Streaming',
  kappa: 'Kappa',
  lambda: 'Lambda',
};

/** Tolerates the last bits of a floating-point division. */
const EPSILON = 1e-9;

const freshness: Gate = (architecture, facts) => {
  const promise = promiseOf(facts);
  const floor = freshnessFloorSeconds(architecture, facts);
  if (promise >= floor * (1 - EPSILON)) return undefined;
  return {
    severity: Math.log10(floor / promise),
    describe: () => ({
      requirement: 'freshness',
      needs: secondsText(promise),
      gives: secondsText(floor),
      because: freshnessReason(architecture, facts),
      source: paceOf(architecture, facts).source,
    }),
  };
};

function freshnessReason(architecture: Architecture, facts: Facts): string {
  const pace = paceOf(architecture, facts);
  const interval = secondsText(pace.intervalMinSeconds);
  if (architecture === 'batch') {
    return `a batch starts every ${interval} at the least, and a promise must leave room to wait, to run and to run once more after a failure`;
  }
  if (architecture === 'micro-batch') {
    return `below a run every ${interval}, starting and committing runs is most of the work, and tables fill with small commits; three intervals make the promise`;
  }
  const once = facts.duplicates === 'never' ? ' when each commit is a transaction' : '';
  return `a stream commits every ${interval} at best${once}, and a result takes up to ${pace.intervals} commits to be seen`;
}

const reprocessTime: Gate = (architecture, facts) => {
  const seconds = reprocessSecondsOf(architecture, facts);
  const limit = reprocessLimitOf(facts);
  if (seconds <= limit) return undefined;
  const replays = architecture === 'streaming' || architecture === 'kappa';
  return {
    severity: 0.5 + Math.log10(seconds / limit),
    describe: () => ({
      requirement: limit < facts.correctBy ? 'reprocessing.every' : 'correctBy',
      needs: secondsText(limit),
      gives: secondsText(seconds),
      because: replays
        ? 'the log is replayed through the stream job, which must not starve the live one'
        : 'even read in parallel from files, this much history takes longer',
      source: replays ? 'ours-replay-rate' : 'ours-batch-rate',
    }),
  };
};

const replayShare: Gate = (architecture, facts) => {
  if (architecture !== 'streaming' && architecture !== 'kappa') return undefined;
  const share = replayShareOf(facts);
  if (share <= REPLAY_SHARE_MAX * (1 + EPSILON)) return undefined;
  return {
    severity: 0.5 + Math.log10(share / REPLAY_SHARE_MAX),
    describe: () => ({
      requirement: 'reprocessing.history',
      needs: `${secondsText(facts.history)} again, ${facts.every}`,
      gives: `at most ${secondsText((facts.history / share) * REPLAY_SHARE_MAX)} of it`,
      because: `replaying it means reading ${Math.round(share)} times what arrives meanwhile; over ${REPLAY_SHARE_MAX} times, the replay is the workload, and a batch layer over files does it for less`,
      source: 'ours-replay-share',
    }),
  };
};

const logHoldsHistory: Gate = (architecture, facts) => {
  const needed =
    architecture === 'kappa' ? facts.every !== 'never' : architecture === 'streaming' && isRoutine(facts);
  if (!needed || facts.historyIn === 'log' || facts.historyIn === 'both') return undefined;
  return {
    severity: 0.5,
    describe: () => ({
      requirement: 'historyIn',
      needs: `${secondsText(facts.history)} in the log`,
      gives: facts.historyIn === 'lake' ? 'history in the lake only' : 'no history',
      because: 'a replay reads the log, so the log must hold everything that is replayed',
      source: 'azure-lambda-text',
    }),
  };
};

const skill: Gate = (architecture, facts) => {
  if (architecture !== 'lambda' || facts.maturity !== 'novice') return undefined;
  return {
    severity: 2,
    describe: () => ({
      requirement: 'maturity',
      needs: 'a team that runs two layers and reconciles them',
      gives: 'novice',
      because: 'a batch and a speed layer fail in different ways at the same time',
      source: 'ours-effort',
    }),
  };
};

const GATES: readonly Gate[] = [freshness, reprocessTime, replayShare, logHoldsHistory, skill];

/** Every gate that an architecture breaks. */
export function breachesOf(architecture: Architecture, facts: Facts): Breach[] {
  const found: Breach[] = [];
  for (const gate of GATES) {
    const breach = gate(architecture, facts);
    if (breach !== undefined) found.push(breach);
  }
  return found;
}

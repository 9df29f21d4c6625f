/**
 * What an architecture must hold to be feasible. A gate compares the model with an answer; when it is broken it says by
 * how much, so that among architectures that all break something the least bad can be named. What nobody knows of the team,
 * of reprocessing and of what hangs on it breaks no gate: the verdict weighs it, and what is possible names it.
 *
 *   Invariants  I1  A gate's severity never falls when `freshness` is tightened.
 *               I2  Freshness severities differ between architectures by the ratio of their floors only.
 */
import type { Architecture } from './answers.ts';
import { secondsText } from './complete.ts';
import { promiseOf, type Facts } from './facts.ts';
import { correctionDelayOf } from './model/corrections.ts';
import { burdenHoursOf } from './model/effort.ts';
import { freshnessFloorSeconds, paceOf } from './model/freshness.ts';
import { REPLAY_SHARE_MAX } from './model/limits.ts';
import {
  isReplayAffordable,
  isRoutine,
  replays,
  replayShareOf,
  reprocessLimitOf,
  reprocessSecondsOf,
} from './model/reprocessing.ts';
import type { Violation } from './recommendation.ts';

interface Gate {
  /** Entries of the knowledge base that its numbers rest on. */
  readonly sources: readonly string[];
  /** How far it is broken; 0 when it holds. Called thousands of times by searches, so nothing is made here. */
  severity(architecture: Architecture, facts: Facts): number;
  /** In words; only when it is broken. */
  describe(architecture: Architecture, facts: Facts): Violation;
}

export const NAMES: Readonly<Record<Architecture, string>> = {
  batch: 'Batch',
  'micro-batch': 'Micro-batch',
  streaming: 'Streaming',
  kappa: 'Kappa',
  lambda: 'Lambda',
};

/** How often, or how much: without both, nobody can say what a replay would have to do. */
function isReprocessingOpen({ open }: Facts): boolean {
  return open.has('reprocessing.every') || open.has('reprocessing.history');
}

/** Tolerates the last bits of a floating-point division. */
const EPSILON = 1e-9;

const freshness: Gate = {
  sources: [
    'ours-batch-floor',
    'ours-micro-batch-floor',
    'ours-stream-floor',
    'ours-exactly-once-floor',
    'sla-over-three',
    'iceberg-commit-floor',
  ],
  severity(architecture, facts) {
    const promise = promiseOf(facts);
    const floor = freshnessFloorSeconds(architecture, facts);
    return promise >= floor * (1 - EPSILON) ? 0 : Math.log10(floor / promise);
  },
  describe: (architecture, facts) => ({
    requirement: 'freshness',
    needs: secondsText(promiseOf(facts)),
    gives: secondsText(Math.ceil(freshnessFloorSeconds(architecture, facts) * 1000) / 1000),
    because: freshnessReason(architecture, facts),
    source: paceOf(architecture, facts).source,
  }),
};

function freshnessReason(architecture: Architecture, facts: Facts): string {
  const pace = paceOf(architecture, facts);
  const interval = secondsText(pace.intervalMinSeconds);
  const floor = freshnessFloorSeconds(architecture, facts);
  if (architecture === 'batch') {
    if (floor > pace.intervalMinSeconds * pace.intervals * (1 + EPSILON))
      return `a run that reads a day of these events takes ${secondsText(Math.round(floor / pace.intervals))}, and a promise must leave room to wait, to run and to run once more after a failure`;
    return `a batch starts every ${interval} at the least, and a promise must leave room to wait, to run and to run once more after a failure`;
  }
  if (architecture === 'micro-batch') {
    return `below a run every ${interval}, starting and committing runs is most of the work, and tables fill with small commits; three intervals make the promise`;
  }
  const once = facts.duplicates === 'never' ? ' when each commit is a transaction' : '';
  return `a stream commits every ${interval} at best${once}, and a result takes up to ${pace.intervals} commits to be seen`;
}

const reprocessTime: Gate = {
  sources: ['ours-replay-rate', 'ours-batch-rate'],
  severity(architecture, facts) {
    if (isReprocessingOpen(facts)) return 0;
    const seconds = reprocessSecondsOf(architecture, facts);
    const limit = reprocessLimitOf(facts);
    return seconds <= limit ? 0 : 0.5 + Math.log10(seconds / limit);
  },
  describe(architecture, facts) {
    const limit = reprocessLimitOf(facts);
    return {
      requirement: limit < facts.correctBy ? 'reprocessing.every' : 'correctBy',
      needs: secondsText(limit),
      gives: secondsText(Math.round(reprocessSecondsOf(architecture, facts))),
      because: replays(architecture)
        ? 'the log is replayed through the stream job, which must not starve the live one'
        : 'even read in parallel from files, this much history takes longer',
      source: replays(architecture) ? 'ours-replay-rate' : 'ours-batch-rate',
    };
  },
};

const replayShare: Gate = {
  sources: ['ours-replay-share'],
  severity: (architecture, facts) =>
    isReprocessingOpen(facts) || !replays(architecture) || isReplayAffordable(facts)
      ? 0
      : 0.5 + Math.log10(replayShareOf(facts) / REPLAY_SHARE_MAX),
  describe(_, facts) {
    const share = replayShareOf(facts);
    return {
      requirement: 'reprocessing.history',
      needs: `${secondsText(facts.history)} again, ${facts.every}`,
      gives: `at most ${secondsText(Math.floor((facts.history / share) * REPLAY_SHARE_MAX))} of it`,
      because: `replaying it means reading ${Math.round(share)} times what arrives meanwhile; over ${REPLAY_SHARE_MAX} times, the replay is the workload, and a batch layer over files does it for less`,
      source: 'ours-replay-share',
    };
  },
};

const correctionTime: Gate = {
  sources: ['ours-corrections'],
  severity(architecture, facts) {
    const delay = correctionDelayOf(architecture, facts);
    return delay <= facts.correctBy * (1 + EPSILON) ? 0 : Math.log10(delay / facts.correctBy);
  },
  describe: (architecture, facts) => ({
    requirement: 'correctBy',
    needs: secondsText(facts.correctBy),
    gives: secondsText(Math.ceil(correctionDelayOf(architecture, facts))),
    because: `a late event waits for the next ${architecture === 'batch' ? 'run' : architecture === 'lambda' ? 'run of the batch layer' : 'correction'}, which cannot come often enough`,
    source: 'ours-corrections',
  }),
};

const historyKept: Gate = {
  sources: ['azure-lambda-text'],
  severity(architecture, facts) {
    if (facts.historyIn !== 'none' || facts.open.has('historyIn') || isReprocessingOpen(facts)) return 0;
    const isItsPoint = architecture === 'kappa' || architecture === 'lambda';
    const needed = isItsPoint ? facts.every !== 'never' : architecture === 'streaming' && isRoutine(facts);
    return needed ? 0.5 : 0;
  },
  describe: (_, facts) => ({
    requirement: 'historyIn',
    needs: `${secondsText(facts.history)} in the log or in a lake`,
    gives: 'no history',
    because: 'a replay or a batch layer reads what was kept, and nothing is kept',
    source: 'azure-lambda-text',
  }),
};

const effects: Gate = {
  sources: ['ours-effects'],
  severity: (architecture, facts) =>
    architecture === 'kappa' &&
    facts.effects === 'once' &&
    facts.every !== 'never' &&
    !facts.open.has('effects') &&
    !isReprocessingOpen(facts)
      ? 0.5
      : 0,
  describe: (_, facts) => ({
    requirement: 'effects',
    needs: 'mails and payments once',
    gives: `them again with each replay, ${facts.every}`,
    because:
      'a second version runs the same code over the same events beside the live one; a rebuild by hand or a batch layer leaves what acts on the outside switched off',
    source: 'ours-effects',
  }),
};

const skill: Gate = {
  sources: ['ours-effort'],
  severity: (architecture, facts) =>
    architecture === 'lambda' && facts.maturity === 'novice' && !facts.open.has('maturity') ? 2 : 0,
  describe: () => ({
    requirement: 'maturity',
    needs: 'a team that runs two layers and reconciles them',
    gives: 'novice',
    because: 'a batch and a speed layer fail in different ways at the same time',
    source: 'ours-effort',
  }),
};

const hands: Gate = {
  sources: ['ours-effort', 'ours-person-hour'],
  severity(architecture, facts) {
    if (facts.open.size > 0) return 0;
    const there = facts.engineers * facts.assumed.engineerHours;
    const needed = burdenHoursOf(architecture, facts);
    return needed <= there ? 0 : Math.log10(needed / there);
  },
  describe: (architecture, facts) => ({
    requirement: 'team.engineers',
    needs: `${Math.round(burdenHoursOf(architecture, facts))} hours a month`,
    gives: `${Math.round(facts.engineers * facts.assumed.engineerHours)} hours, all there are`,
    because: 'operating it would take more than all the time of the team',
    source: 'ours-effort',
  }),
};

/** By the name of what each holds. */
export const GATES: Readonly<Record<string, Gate>> = {
  freshness,
  reprocessTime,
  replayShare,
  correctionTime,
  historyKept,
  effects,
  skill,
  hands,
};

const ALL_GATES = Object.values(GATES);

/** What an answer that nobody knows may still break, once the promises are kept wherever it leads. */
const OPEN_GATES: readonly Gate[] = [reprocessTime, replayShare, historyKept, effects, skill, hands];

/** Whether what keeps the promises everywhere does at one point; cheap, since searches ask it ten thousand times. */
export function holdsAt(architecture: Architecture, facts: Facts): boolean {
  for (const gate of OPEN_GATES) if (gate.severity(architecture, facts) !== 0) return false;
  return true;
}

/** How far an architecture is from feasible; 0 when it is. */
export function severityOf(architecture: Architecture, facts: Facts): number {
  let severity = 0;
  for (const gate of ALL_GATES) severity += gate.severity(architecture, facts);
  return severity;
}

/** Every gate that an architecture breaks, in words. */
export function violationsOf(architecture: Architecture, facts: Facts): Violation[] {
  return ALL_GATES.filter((gate) => gate.severity(architecture, facts) > 0).map((gate) =>
    gate.describe(architecture, facts),
  );
}

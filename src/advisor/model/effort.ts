/**
 * Hours in a month that people spend on operating an architecture: what "simplest" is measured by. The figures are
 * judgements of this project (`knowledge/assumptions.ts`, ours-effort), ordered as the sources order the architectures.
 *
 *   hours = (base + extras + reprocess × runs) × experience × tools that are there
 *
 *   runs     reprocessings a month; from the second one on their square root, since what is done often is scripted
 *   extras   reconcile       Lambda always: two layers must agree. A stream, when an early and an exact result are asked for:
 *                            then it needs a second computation, which is a batch, and somebody who compares
 *            keepHistory     Kappa, unless the log holds it already; Lambda, when only the log does
 *            loadHistory     each replay, when the log does not hold it
 *            holdEffects     each replay, when mails and payments must not be repeated
 *            secondCodebase  Lambda, when a second implementation is written
 *
 * What the team has said it will bear is spent, but not held against an architecture (`burdenHoursOf`): Kappa's one advantage
 * over Lambda is its single codebase, so where two are tolerable, keeping them equal counts for nothing (azure-lambda-text).
 */
import type { Architecture } from '../answers.ts';
import type { Facts } from '../facts.ts';
import { replays, runsPerMonthOf } from './reprocessing.ts';

/** What it costs those who have not done it before. Lambda is not for novices at all; see the gates. */
const EXPERIENCE: Readonly<Record<Architecture, Readonly<Record<Facts['maturity'], number>>>> = {
  batch: { novice: 1, intermediate: 1, expert: 1 },
  'micro-batch': { novice: 1.2, intermediate: 1, expert: 1 },
  streaming: { novice: 1.6, intermediate: 1.2, expert: 1 },
  kappa: { novice: 2.5, intermediate: 1.2, expert: 1 },
  lambda: { novice: 4, intermediate: 1.25, expert: 1 },
};

const FAMILIAR = 0.85;
const RUNS = ['airflow', 'dagster', 'dbt', 'spark'];
const STREAMS = ['flink', 'kafka-streams', 'kafka', 'warpstream'];

/** Hours that are spent. */
export function effortHoursOf(architecture: Architecture, facts: Facts): number {
  return hoursOf(architecture, facts, reconcileOf(architecture, facts) + secondOf(architecture, facts));
}

/** Hours that are held against an architecture. */
export function burdenHoursOf(architecture: Architecture, facts: Facts): number {
  const isBorne = architecture === 'lambda' && facts.codebases === 'two';
  return hoursOf(architecture, facts, isBorne ? 0 : reconcileOf(architecture, facts));
}

function hoursOf(architecture: Architecture, facts: Facts, agreeing: number): number {
  const { base, reprocess } = facts.assumed.effort[architecture];
  const runs = runsPerMonthOf(facts);
  const repeated = (reprocess + perReplayOf(architecture, facts)) * (runs > 1 ? Math.sqrt(runs) : runs);
  const hours = base + keepOf(architecture, facts) + agreeing + repeated;
  return hours * EXPERIENCE[architecture][facts.maturity] * familiarOf(architecture, facts);
}

function reconcileOf(architecture: Architecture, facts: Facts): number {
  const { reconcile, batch } = facts.assumed.effort;
  if (architecture === 'lambda') return reconcile;
  return replays(architecture) && facts.accuracy === 'approximate-then-exact' ? reconcile + batch.base : 0;
}

function secondOf(architecture: Architecture, facts: Facts): number {
  return architecture === 'lambda' && facts.codebases === 'two' ? facts.assumed.effort.secondCodebase : 0;
}

function keepOf(architecture: Architecture, facts: Facts): number {
  const isThere =
    architecture === 'kappa'
      ? facts.historyIn === 'log'
      : facts.historyIn === 'lake' || facts.historyIn === 'both';
  const needed = architecture === 'kappa' || architecture === 'lambda';
  return needed && !isThere ? facts.assumed.effort.keepHistory : 0;
}

function perReplayOf(architecture: Architecture, facts: Facts): number {
  if (!replays(architecture)) return 0;
  const { loadHistory, holdEffects } = facts.assumed.effort;
  const isInLog = facts.historyIn === 'log' || facts.historyIn === 'both';
  return (isInLog ? 0 : loadHistory) + (facts.effects === 'once' ? holdEffects : 0);
}

/** What runs already is known; of Lambda's two layers each by its own tools. */
function familiarOf(architecture: Architecture, facts: Facts): number {
  const knows = (tools: readonly string[]): number =>
    tools.some((tool) => facts.existing.includes(tool)) ? FAMILIAR : 1;
  if (architecture === 'batch' || architecture === 'micro-batch') return knows(RUNS);
  if (architecture !== 'lambda') return knows(STREAMS);
  const batchShare = facts.assumed.effort.batch.base / facts.assumed.effort.lambda.base;
  return knows(RUNS) * batchShare + knows(STREAMS) * (1 - batchShare);
}

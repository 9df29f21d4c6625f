/** From what was simulated to what is said: scaled up to all events, beside what was predicted. */
import type { Simulated } from 'pipeline-runtime/kit';
import type { Architecture } from '../answers.ts';
import { promiseOf } from '../facts.ts';
import { SIMPLEST_FIRST } from '../model/limits.ts';
import type { Recommendation } from '../recommendation.ts';
import { isThinnedByKeys, type ProvePlan } from './plan.ts';
import { predictedHere } from './predicted.ts';
import type { Measured, Proof, ProvedArchitecture, WorkloadFacts } from './proof.ts';
import type { Part } from './tasks.ts';

export interface Simulations {
  readonly parts: readonly Part[];
  /** In the order of the parts. */
  readonly results: readonly Simulated[];
}

export interface ProofGiven extends Simulations {
  readonly plan: ProvePlan;
  readonly recommendation: Recommendation;
  readonly seed: number;
  readonly hardest: Proof['hardest'];
  readonly workload: Omit<
    WorkloadFacts,
    'oneIn' | 'rowsOneIn' | 'simulatedEvents' | 'rejectedEvents' | 'slices'
  >;
  readonly costs: Proof['costs'];
}

export function proofOf(given: ProofGiven): Proof {
  const { plan, recommendation, seed, hardest, costs } = given;
  const whole = wholeOf(given, 'batch');
  const all = SIMPLEST_FIRST.map((architecture) => wholeOf(given, architecture));
  const workload = {
    ...given.workload,
    oneIn: plan.oneIn,
    rowsOneIn: plan.rowsOneIn,
    simulatedEvents: whole.events,
    rejectedEvents: whole.rejected,
    slices: slicesOf(given),
  };
  const { count, digest } = whole.rows;
  return {
    version: 1,
    seed,
    answers: recommendation.answers,
    hardest,
    workload,
    recommendation: recommendation.recommendation,
    promiseSeconds: promiseOf(plan.facts),
    costs,
    architectures: SIMPLEST_FIRST.map((architecture) => provedOf(given, architecture)),
    law: {
      holds: all.every(({ rows, reprocess }) => rows.digest === digest && reprocess?.sameRows !== false),
      rows: count,
      digest,
    },
    notes: notesOf(plan, workload, hardest),
  };
}

function slicesOf({ parts }: Simulations): WorkloadFacts['slices'] {
  const slices: { architectures: Architecture[]; seconds: number; stretches: number; events: number }[] = [];
  for (const { architecture, of, task } of parts) {
    if (of !== 'slice') continue;
    const readers = task.readers ?? [];
    const seconds = Math.round(readers.reduce((sum, [fromMs, toMs]) => sum + toMs - fromMs, 0) / 1000);
    const events = task.workload.keys.length;
    const known = slices.find((each) => each.seconds === seconds && each.events === events);
    if (known === undefined)
      slices.push({ architectures: [architecture], seconds, stretches: readers.length, events });
    else known.architectures.push(architecture);
  }
  return slices;
}

function resultOf(
  { parts, results }: Simulations,
  architecture: Architecture,
  of: Part['of'],
): Simulated | undefined {
  return results[parts.findIndex((part) => part.architecture === architecture && part.of === of)];
}

function wholeOf(given: Simulations, architecture: Architecture): Simulated {
  const found = resultOf(given, architecture, 'horizon');
  if (found === undefined) throw new Error(`${architecture} was simulated`);
  return found;
}

function provedOf(given: ProofGiven, architecture: Architecture): ProvedArchitecture {
  const { plan, recommendation } = given;
  const candidate = recommendation.candidates.find((each) => each.architecture === architecture);
  if (candidate === undefined) throw new Error(`no candidate ${architecture}`);
  const { feasible } = candidate;
  const predicted = predictedHere(candidate.predicted, architecture, plan);
  const measured = measuredOf(given, architecture);
  const ages = resultOf(given, architecture, 'slice') ?? wholeOf(given, architecture);
  return {
    architecture,
    feasible,
    settings: plan.settings[architecture],
    keepsFreshness: measured.freshnessP99Seconds <= promiseOf(plan.facts),
    predicted,
    measured,
    measuredByPredicted: {
      freshnessP50: ratio(measured.freshnessP50Seconds, predicted.freshnessP50Seconds),
      freshnessP99: ratio(measured.freshnessP99Seconds, predicted.freshnessP99Seconds),
      completenessAtRead: ratio(measured.completenessAtRead, predicted.completenessAtRead),
      reprocess: ratio(measured.reprocess.historySeconds, predicted.reprocessSeconds),
      finalAfter: ratio(measured.finalAfterP50Seconds, predicted.finalAfterSeconds),
      correctionDelay: ratio(measured.corrections.delayP99Seconds, predicted.correctionDelaySeconds),
      stateBytes: ratio(measured.kept.stateBytes, predicted.stateBytes),
      keptBytes: ratio(measured.kept.totalBytes, predicted.keptBytes),
    },
    curve: ages.curve.map(({ atSeconds, meanSeconds, maxSeconds }) => ({
      atSeconds: short(atSeconds),
      meanSeconds: short(meanSeconds),
      maxSeconds: short(maxSeconds),
    })),
  };
}

function measuredOf(given: ProofGiven, architecture: Architecture): Measured {
  const { plan, workload } = given;
  const whole = wholeOf(given, architecture);
  const slice = resultOf(given, architecture, 'slice');
  const ages = slice ?? whole;
  const { windows, sight } = whole;
  // Keys are not all as large as each other, so it is the events that counts of events are scaled by.
  const scale = workload.events / whole.events;
  const kept = {
    logBytes: Math.round(whole.logBytes * scale),
    stateBytes: Math.round(whole.stateBytes * plan.rowsOneIn),
    viewBytes: Math.round(whole.viewBytes * plan.rowsOneIn),
    otherBytes: Math.round(whole.otherBytes),
  };
  const [half, most] = [0.5, 0.99].map((share) => quantile(windows.completeAfterMs, share));
  const delay = quantile(sight.correctionDelaysMs, 0.99);
  const final = quantile(windows.finalAfterMs, 0.5);
  return {
    freshnessP50Seconds: short(ages.ageP50Ms / 1000),
    freshnessP99Seconds: short(ages.ageP99Ms / 1000),
    freshnessFrom: slice === undefined ? 'horizon' : 'slice',
    // Rounded down: an event may still be missing.
    completenessAtRead: Math.floor(sight.read * 1e6) / 1e6,
    finalAfterP50Seconds: final === undefined ? null : short(final / 1000),
    corrections: {
      runs: whole.correctionRuns,
      windows: windows.windows,
      windowsCorrected: windows.corrected,
      completeAfterP50Seconds: short((half ?? 0) / 1000),
      completeAfterP99Seconds: short((most ?? 0) / 1000),
      delayP99Seconds: delay === undefined ? null : short(delay / 1000),
    },
    late: { events: Math.round(whole.late * scale), policy: plan.facts.policy },
    work: {
      eventsProcessed: Math.round(whole.eventsRead * scale),
      readsPerEvent: short(whole.eventsRead / whole.events),
      commits: whole.commits,
      entriesWritten: Math.round(whole.entriesWritten * plan.rowsOneIn),
    },
    kept: { ...kept, totalBytes: Object.values(kept).reduce((sum, bytes) => sum + bytes, 0) },
    reprocess: reprocessOf(plan, whole, workload.events),
  };
}

/** What the whole took stands for all of its events, on all of the cores; the history is so many times as much. */
function reprocessOf(
  { predicts, cores }: ProvePlan,
  { reprocess, events }: Simulated,
  allEvents: number,
): Measured['reprocess'] {
  if (reprocess === null) throw new Error('the whole is processed again');
  const { facts } = predicts.batch;
  const historyEvents = Math.round(facts.history * facts.eventsPerSecond);
  const sampleSeconds = reprocess.ms / 1000;
  // A longer history has more events to a commit, not more commits.
  const commitsSeconds = Math.min(sampleSeconds, reprocess.commitsMs / 1000);
  const workSeconds = (sampleSeconds - commitsSeconds) * cores * (historyEvents / allEvents);
  return {
    sampleEvents: events,
    sampleSeconds: short(sampleSeconds),
    historyEvents,
    historySeconds: short(workSeconds + commitsSeconds),
    sameRows: reprocess.sameRows,
  };
}

function quantile(values: readonly number[], share: number): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}

function ratio(measured: number | null, predicted: number): number | null {
  return predicted === 0 || measured === null ? null : Math.round((measured / predicted) * 1000) / 1000;
}

/** Four digits: what is measured is no more exact than that. */
function short(value: number): number {
  return Number(value.toPrecision(4));
}

function notesOf(
  { facts, oneIn, cores, tickMs }: ProvePlan,
  { slices, rejectedEvents, events, simulatedEvents }: WorkloadFacts,
  hardest: Proof['hardest'],
): string[] {
  const notes: string[] = [];
  const number = (value: number): string => value.toLocaleString('en-US');
  const share = cores === 1 ? '' : `, ${number(cores)} of it side by side`;
  notes.push(
    `Predictions are for what was simulated: the runtime's own costs on one core${share}, where \`advisor recommend\` counts with a cluster and what it takes to start a run there.`,
  );
  if (oneIn > 1)
    notes.push(
      `One in ${number(oneIn)} ${isThinnedByKeys(facts.keys, oneIn) ? 'keys' : 'events'} was simulated: ${number(simulatedEvents)} of ${number(events)} events. Counts, bytes and the time that work takes are scaled up; windows, and when they held everything, are those of what was simulated.`,
    );
  for (const { architectures, seconds, stretches, events: sliceEvents } of slices) {
    const where =
      stretches === 1
        ? 'of the busiest time'
        : `in ${stretches} stretches that lie evenly in all of the time`;
    notes.push(
      `The freshness of ${architectures.join(', ')} was measured in ${number(seconds)} s at the full rate ${where} (${number(sliceEvents)} events).`,
    );
  }
  if (tickMs > 1) notes.push(`Over the whole, events were sent every ${number(tickMs / 1000)} s.`);
  if (cores > 1)
    notes.push(`The events need ${cores} cores; each has its share of the keys, and one was simulated.`);
  if (rejectedEvents > 0) notes.push(`${number(rejectedEvents)} events were rejected.`);
  if (facts.joins) notes.push('Joins are not simulated: the result is grouped by key and window.');
  for (const { path, given, taken } of hardest)
    notes.push(`${path} was ${given}; the hardest of it was taken: ${taken}.`);
  return notes;
}

/** From what was simulated to what is said: scaled up to all events, beside what was predicted. */
import type { Simulated } from 'pipeline-runtime/kit';
import type { Architecture } from '../answers.ts';
import { promiseOf } from '../facts.ts';
import { SIMPLEST_FIRST } from '../model/limits.ts';
import type { Recommendation } from '../recommendation.ts';
import type { ProvePlan } from './plan.ts';
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
  readonly workload: Omit<WorkloadFacts, 'oneIn' | 'simulatedEvents' | 'rejectedEvents' | 'slices'>;
  readonly costs: Proof['costs'];
}

export function proofOf(given: ProofGiven): Proof {
  const { plan, recommendation, seed, hardest, costs } = given;
  const whole = wholeOf(given, 'batch');
  const all = SIMPLEST_FIRST.map((architecture) => wholeOf(given, architecture));
  const workload = {
    ...given.workload,
    oneIn: plan.oneIn,
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
  const slices: { architectures: Architecture[]; seconds: number; events: number }[] = [];
  for (const { architecture, of, task } of parts) {
    if (of !== 'slice') continue;
    const [seconds, events] = [(task.readersForMs ?? 0) / 1000, task.workload.keys.length];
    const known = slices.find((each) => each.seconds === seconds && each.events === events);
    if (known === undefined) slices.push({ architectures: [architecture], seconds, events });
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
  const { feasible, predicted } = candidate;
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
  const { windows } = whole;
  // Keys are not all as large as each other, so it is the events that are scaled by.
  const scale = workload.events / whole.events;
  const kept = {
    logBytes: Math.round(whole.logBytes * scale),
    stateBytes: Math.round(whole.stateBytes * scale),
    viewBytes: Math.round(whole.viewBytes * scale),
    otherBytes: Math.round(whole.otherBytes),
  };
  const [half, most] = [0.5, 0.99].map((share) => quantile(windows.completeAfterMs, share));
  const final = quantile(windows.finalAfterMs, 0.5);
  return {
    freshnessP50Seconds: short(ages.ageP50Ms / 1000),
    freshnessP99Seconds: short(ages.ageP99Ms / 1000),
    freshnessFrom: slice === undefined ? 'horizon' : 'slice',
    // Rounded down: an event may still be missing.
    completenessAtRead: Math.floor((windows.read / windows.events) * 1e6) / 1e6,
    finalAfterP50Seconds: final === undefined ? null : short(final / 1000),
    corrections: {
      runs: whole.correctionRuns,
      windows: windows.windows,
      windowsCorrected: windows.corrected,
      completeAfterP50Seconds: short((half ?? 0) / 1000),
      completeAfterP99Seconds: short((most ?? 0) / 1000),
    },
    late: { events: Math.round(whole.late * scale), policy: plan.facts.policy },
    work: {
      eventsProcessed: Math.round(whole.eventsRead * scale),
      readsPerEvent: short(whole.eventsRead / whole.events),
      commits: whole.commits,
      entriesWritten: Math.round(whole.entriesWritten * scale),
    },
    kept: { ...kept, totalBytes: Object.values(kept).reduce((sum, bytes) => sum + bytes, 0) },
    reprocess: reprocessOf(plan, whole, workload.events),
  };
}

/** What the whole took stands for all of its events, on all of the cores; the history is so many times as much. */
function reprocessOf(
  { facts, cores }: ProvePlan,
  { reprocess, events }: Simulated,
  allEvents: number,
): Measured['reprocess'] {
  if (reprocess === null) throw new Error('the whole is processed again');
  const historyEvents = Math.round(facts.history * facts.eventsPerSecond);
  const sampleSeconds = reprocess.ms / 1000;
  return {
    sampleEvents: events,
    sampleSeconds: short(sampleSeconds),
    historyEvents,
    historySeconds: short(sampleSeconds * cores * (historyEvents / allEvents)),
    sameRows: reprocess.sameRows,
  };
}

function quantile(values: readonly number[], share: number): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}

function ratio(measured: number, predicted: number): number | null {
  return predicted === 0 ? null : Math.round((measured / predicted) * 1000) / 1000;
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
  if (oneIn > 1)
    notes.push(
      `One in ${number(oneIn)} keys was simulated: ${number(simulatedEvents)} of ${number(events)} events. Counts, bytes and the time that work takes are scaled up; windows, and when they held everything, are those of these keys.`,
    );
  for (const { architectures, seconds, events: sliceEvents } of slices)
    notes.push(
      `The freshness of ${architectures.join(', ')} was measured in ${number(seconds)} s at the full rate of the busiest time (${number(sliceEvents)} events).`,
    );
  if (tickMs > 1) notes.push(`Over the whole, events were sent every ${number(tickMs / 1000)} s.`);
  if (cores > 1)
    notes.push(`The events need ${cores} cores; each has its share of the keys, and one was simulated.`);
  if (rejectedEvents > 0) notes.push(`${number(rejectedEvents)} events were rejected.`);
  if (facts.joins) notes.push('Joins are not simulated: the result is grouped by key and window.');
  for (const { path, given, taken } of hardest)
    notes.push(`${path} was ${given}; the hardest of it was taken: ${taken}.`);
  return notes;
}

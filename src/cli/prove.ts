/** Five architectures over a described workload or over real events: what `advisor prove` and its tool of the MCP server do. */
import { type Costs, loadProve, measureEvents, type Stretch, type Workload } from 'pipeline-runtime/kit';
import type { GivenAnswers } from '../advisor/answers.ts';
import { answerAt, setAnswer } from '../advisor/complete.ts';
import { hardestFacts } from '../advisor/facts.ts';
import { profileOf } from '../advisor/profile.ts';
import { proofOf } from '../advisor/prove/measured.ts';
import {
  describeSlice,
  describeWorkload,
  horizonSecondsOf,
  narrowed,
  type ProvePlan,
  provePlanOf,
  type Slice,
  stretchesIn,
} from '../advisor/prove/plan.ts';
import type { Proof } from '../advisor/prove/proof.ts';
import { partsOf } from '../advisor/prove/tasks.ts';
import { recommend } from '../advisor/recommend.ts';
import { failure } from '../errors.ts';

/** Two cores of a small machine; the results do not depend on it. */
const THREADS = 2;

/** A file of events, and its fields. */
interface Events {
  readonly file: string;
  readonly eventTime: string;
  readonly arrivalTime?: string;
  readonly key?: string;
}

/** The events that fields name; null where a workload is described. Throws OPTION_NEEDS where one needs another. */
export function eventsOf({
  file,
  eventTime,
  arrivalTime,
  key,
}: Readonly<Record<'file' | 'eventTime' | 'arrivalTime' | 'key', string | undefined>>): Events | null {
  if (file === undefined) {
    for (const [flag, value] of [
      ['--event-time', eventTime],
      ['--arrival-time', arrivalTime],
      ['--key', key],
    ])
      if (value !== undefined) throw failure('OPTION_NEEDS', { flag: String(flag), needs: '--events FILE' });
    return null;
  }
  if (eventTime === undefined)
    throw failure('OPTION_NEEDS', {
      flag: '--events',
      needs: '--event-time FIELD, which says when an event happened',
    });
  return {
    file,
    eventTime,
    ...(arrivalTime !== undefined && { arrivalTime }),
    ...(key !== undefined && { key }),
  };
}

export interface ProveOptions {
  readonly seed: number;
  readonly signal?: AbortSignal;
  /** Called once, before the simulations, with the events of the workload. */
  readonly onBegin?: (events: number) => void;
  /** Called now and then with how much is done, 0 to 1. */
  readonly onProgress?: (share: number) => void;
  /** So many events are simulated at most, each as often as it is read; all of a workload that is not larger. */
  readonly mostEvents?: number;
}

/** Runs the five architectures over the described workload, or over real events. Rejects when the signal aborts. */
export async function prove(
  given: GivenAnswers,
  events: Events | null,
  { seed, signal, onBegin, onProgress, mostEvents }: ProveOptions,
): Promise<Proof> {
  const runtime = await loadProve();
  const own =
    events === null ? null : await ownEvents(runtime, { ...events, ...(signal !== undefined && { signal }) });
  const open = recommend(own === null ? given : withInferred(given, own.inferred));
  const { answers, hardest } = narrowed(open);
  const recommendation = recommend(answers);
  const facts = hardestFacts(recommendation.answers);
  const horizonSeconds = own?.horizonSeconds ?? horizonSecondsOf(facts);
  const sizes = {
    events: own?.workload.keys.length ?? Math.round(facts.eventsPerSecond * horizonSeconds),
    horizonSeconds,
    bytesPerEvent: own?.workload.bytesPerEvent ?? facts.bytesPerEvent,
    ...(own !== null && { keys: new Set(own.workload.keys).size }),
  };
  const plan = provePlanOf(recommendation.answers, sizes, mostEvents);
  const workloads =
    own === null ? drawn(runtime, plan, horizonSeconds, seed) : cut(runtime, plan, own.workload);
  onBegin?.(sizes.events);
  const costs: Costs = runtime.COSTS;
  const parts = partsOf(plan, { ...workloads, costs });
  const results = await runtime.simulateAll(
    parts.map(({ task }) => task),
    {
      threads: THREADS,
      ...(signal !== undefined && { signal }),
      ...(onProgress !== undefined && { onProgress }),
    },
  );
  return proofOf({
    parts,
    results,
    plan,
    recommendation,
    seed,
    hardest,
    costs: { ...costs, source: 'bench/results/costs.json, log.json' },
    workload: { from: events?.file ?? 'description', events: sizes.events, horizonSeconds },
  });
}

type Runtime = Awaited<ReturnType<typeof loadProve>>;
interface Workloads {
  readonly whole: Workload;
  readonly sliceOf: (slice: Slice) => { readonly workload: Workload; readonly stretches: readonly Stretch[] };
}

function drawn(runtime: Runtime, plan: ProvePlan, horizonSeconds: number, seed: number): Workloads {
  return {
    whole: runtime.drawWorkload(describeWorkload(plan, horizonSeconds), seed),
    sliceOf: (slice) => {
      const { description, stretches } = describeSlice(plan, slice);
      return { workload: runtime.drawStretches(description, stretches, seed), stretches };
    },
  };
}

function cut(runtime: Runtime, { oneIn, cores }: ProvePlan, workload: Workload): Workloads {
  const { arrivalMs } = workload;
  return {
    whole: runtime.thinned(workload, oneIn),
    sliceOf: (slice) => {
      const { count, lengthMs, eventsMax } = slice;
      const stretches =
        count === 1
          ? [runtime.busiest(workload, lengthMs, eventsMax * cores)]
          : stretchesIn(slice, arrivalMs[0] ?? 0, arrivalMs.at(-1) ?? 0);
      return { workload: runtime.thinned(runtime.within(workload, stretches), cores), stretches };
    },
  };
}

interface OwnEvents {
  readonly workload: Workload;
  readonly horizonSeconds: number;
  /** The answers that the events give. */
  readonly inferred: GivenAnswers;
}

async function ownEvents(
  runtime: Runtime,
  { file, ...fields }: Events & { readonly signal?: AbortSignal },
): Promise<OwnEvents> {
  const measures = await measureEvents(file, fields);
  const workload = await runtime.readWorkload(file, fields);
  const { arrivalMs } = workload;
  const horizonSeconds = Math.max(1, ((arrivalMs.at(-1) ?? 0) - (arrivalMs[0] ?? 0)) / 1000);
  return { workload, horizonSeconds, inferred: profileOf(measures).answers };
}

/** What was given counts; events say the rest, and what they are like. */
function withInferred(given: GivenAnswers, inferred: GivenAnswers): GivenAnswers {
  const answers: Record<string, unknown> = structuredClone(given) as Record<string, unknown>;
  const isFiles = (given.arrival ?? inferred.arrival) === 'files';
  for (const path of INFERRED) {
    const value = answerAt(inferred, path);
    if (value === undefined || answerAt(given, path) !== undefined) continue;
    if (path !== 'arrivalEvery' || isFiles) setAnswer(answers, path, value);
  }
  return { ...answers, ...(inferred.measured !== undefined && { measured: inferred.measured }) };
}

const INFERRED = [
  'lateness.typical',
  'lateness.max',
  'volume.eventsPerSecond',
  'volume.bytesPerEvent',
  'volume.keys',
  'arrival',
  'arrivalEvery',
] as const;

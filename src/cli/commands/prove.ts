/** `advisor prove`: the five architectures over a described workload or over real events, measured in virtual time. */
import process from 'node:process';
import {
  columnsOf,
  type Costs,
  EXIT,
  loadProve,
  measureEvents,
  paint,
  untilInterrupted,
  type Workload,
} from 'pipeline-runtime/kit';
import type { GivenAnswers } from '../../advisor/answers.ts';
import { answerAt, setAnswer } from '../../advisor/complete.ts';
import { hardestFacts } from '../../advisor/facts.ts';
import { proofHtml } from '../../advisor/print/prove-html.ts';
import { proofText } from '../../advisor/print/prove-text.ts';
import { profileOf } from '../../advisor/profile.ts';
import { proofOf } from '../../advisor/prove/measured.ts';
import {
  describeSlice,
  describeWorkload,
  horizonSecondsOf,
  narrowed,
  type ProvePlan,
  provePlanOf,
  type Slice,
} from '../../advisor/prove/plan.ts';
import type { Proof } from '../../advisor/prove/proof.ts';
import { partsOf } from '../../advisor/prove/tasks.ts';
import { recommend } from '../../advisor/recommend.ts';
import { failure } from '../../errors.ts';
import { answerFlagsOf } from '../answer-flags.ts';
import { collectGiven } from '../interview.ts';
import { writeOutput } from '../output.ts';

type Format = 'text' | 'json' | 'html';

/** Two cores of a small machine; the results do not depend on it. */
const THREADS = 2;

interface Events {
  readonly file: string;
  readonly eventTime: string;
  readonly arrivalTime?: string;
  readonly key?: string;
}

export async function runProve(options: Readonly<Record<string, unknown>>): Promise<void> {
  const file = options['output'] as string | undefined;
  const given = await collectGiven({
    file: options['answers'] as string | undefined,
    flags: answerFlagsOf(options),
  });
  const seed = options['seed'] as number;
  const proof = await untilInterrupted(async (signal) => {
    const shown = progress();
    try {
      return await prove(given, eventsOf(options), { seed, signal, progress: shown });
    } finally {
      shown.clear();
    }
  });
  writeOutput(file, textOf(proof, options['format'] as Format, file === undefined));
  if (!proof.law.holds) process.exitCode = EXIT.check;
}

function eventsOf(options: Readonly<Record<string, unknown>>): Events | null {
  const [file, eventTime] = [options['events'], options['eventTime']] as (string | undefined)[];
  const [arrivalTime, key] = [options['arrivalTime'], options['key']] as (string | undefined)[];
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

interface ProveOptions {
  readonly seed: number;
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

async function prove(given: GivenAnswers, events: Events | null, options: ProveOptions): Promise<Proof> {
  const { seed, signal, progress: shown } = options;
  const runtime = await loadProve();
  const own = events === null ? null : await ownEvents(runtime, events, signal);
  const open = recommend(own === null ? given : withInferred(given, own.inferred));
  const { answers, hardest } = narrowed(open);
  const recommendation = recommend(answers);
  const facts = hardestFacts(recommendation.answers);
  const horizonSeconds = own?.horizonSeconds ?? horizonSecondsOf(facts);
  const sizes = {
    events: own?.workload.keys.length ?? Math.round(facts.eventsPerSecond * horizonSeconds),
    horizonSeconds,
    bytesPerEvent: own?.workload.bytesPerEvent ?? facts.bytesPerEvent,
  };
  const plan = provePlanOf(recommendation.answers, sizes);
  const workloads =
    own === null ? drawn(runtime, plan, horizonSeconds, seed) : cut(runtime, plan, own.workload);
  shown.begin(sizes.events);
  const costs: Costs = runtime.COSTS;
  const parts = partsOf(plan, { ...workloads, costs });
  const results = await runtime.simulateAll(
    parts.map(({ task }) => task),
    { threads: THREADS, signal, onProgress: shown.show },
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
  readonly sliceOf: (slice: Slice) => Workload;
}

function drawn(runtime: Runtime, plan: ProvePlan, horizonSeconds: number, seed: number): Workloads {
  return {
    whole: runtime.drawWorkload(describeWorkload(plan, horizonSeconds), seed),
    sliceOf: (slice) => runtime.drawWorkload(describeSlice(plan, slice), seed),
  };
}

function cut(runtime: Runtime, { oneIn, cores }: ProvePlan, workload: Workload): Workloads {
  return {
    whole: runtime.thinned(workload, oneIn),
    sliceOf: ({ lengthMs, eventsMax }) =>
      runtime.thinned(runtime.busiest(workload, lengthMs, eventsMax * cores), cores),
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
  { file, ...fields }: Events,
  signal: AbortSignal,
): Promise<OwnEvents> {
  const measures = await measureEvents(file, { ...fields, signal });
  const workload = await runtime.readWorkload(file, { ...fields, signal });
  const { arrivalMs } = workload;
  const horizonSeconds = Math.max(1, ((arrivalMs.at(-1) ?? 0) - (arrivalMs[0] ?? 0)) / 1000);
  return { workload, horizonSeconds, inferred: profileOf(measures).answers };
}

/** What was given counts; events say the rest. */
function withInferred(given: GivenAnswers, inferred: GivenAnswers): GivenAnswers {
  const answers: Record<string, unknown> = structuredClone(given) as Record<string, unknown>;
  const isFiles = (given.arrival ?? inferred.arrival) === 'files';
  for (const path of INFERRED) {
    const value = answerAt(inferred, path);
    if (value === undefined || answerAt(given, path) !== undefined) continue;
    if (path !== 'arrivalEvery' || isFiles) setAnswer(answers, path, value);
  }
  return answers;
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

function textOf(proof: Proof, format: Format, toTerminal: boolean): string {
  if (format === 'json') return `${JSON.stringify(proof, null, 1)}\n`;
  if (format === 'html') return proofHtml(proof);
  const stream = toTerminal ? process.stdout : ({ isTTY: false } as NodeJS.WriteStream);
  return proofText(proof, toTerminal ? columnsOf(stream) : 80, paint(stream));
}

/** So many events are a matter of a second or two. */
const QUIET_EVENTS = 20_000;

/** What is going on: on a terminal a line that says how far it is, elsewhere one line when it takes a while. */
function progress(): Progress {
  const { stderr } = process;
  const what = (events: number): string =>
    `simulating five architectures over ${events.toLocaleString('en-US')} events`;
  if (!stderr.isTTY)
    return {
      begin: (events) => void (events > QUIET_EVENTS && stderr.write(`${what(events)}\n`)),
      show() {},
      clear() {},
    };
  let title = '';
  return {
    begin: (events) => {
      title = what(events);
    },
    show: (share) => void stderr.write(`\r${title} … ${Math.floor(share * 100)} %`),
    clear: () => void stderr.write('\r\u001b[K'),
  };
}

interface Progress {
  readonly begin: (events: number) => void;
  readonly show: (share: number) => void;
  readonly clear: () => void;
}

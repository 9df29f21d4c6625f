/**
 * What measured events say about the answers. Each answer that is inferred says from what; what events cannot say (how
 * fresh, how often again, who operates it) is not guessed.
 */
import { formatDuration, type EventMeasures, type Quantiles } from 'pipeline-runtime/kit';
import { givenAnswersSchema, type GivenAnswers } from './answers.ts';
import { setAnswer } from './complete.ts';

export interface Inferred {
  readonly path: string;
  readonly value: string | number;
  readonly from: string;
}

/** How long a watermark has to wait for so much of the events. */
export interface Wait {
  readonly completeness: number;
  readonly delayMs: number;
}

export interface Profile {
  readonly version: 1;
  readonly measures: EventMeasures;
  readonly inferred: readonly Inferred[];
  readonly waits: readonly Wait[];
  readonly answers: GivenAnswers;
}

export function profileOf(measures: EventMeasures): Profile {
  const inferred = [...lateness(measures), ...volume(measures), ...arrival(measures)];
  const answers: Record<string, unknown> = {};
  for (const { path, value } of inferred) setAnswer(answers, path, value);
  answers['measured'] = measuredOf(measures);
  const { disorderMs } = measures;
  return {
    version: 1,
    measures,
    inferred,
    waits: WAITS.map(([completeness, of]) => ({ completeness, delayMs: Math.ceil(of(disorderMs)) })),
    answers: givenAnswersSchema.parse(answers),
  };
}

/** What predictions are made with instead of what is usual. */
function measuredOf({ rates, delayShares, rhythm }: EventMeasures): NonNullable<GivenAnswers['measured']> {
  const delays = delayShares.map(([share, ms]): [number, number] => [
    Number(share.toPrecision(4)),
    Number((ms / 1000).toPrecision(4)),
  ]);
  return {
    eventsPerSecond: Number(rates.mean.toPrecision(4)),
    delays,
    ...(rhythm.length > 0 && {
      arrivals: rhythm.map(([seconds, quiet, busy]): [number, number, number] => [seconds, quiet, busy]),
    }),
  };
}

const WAITS: readonly (readonly [number, (quantiles: Quantiles) => number])[] = [
  [0.9, ({ p90 }) => p90],
  [0.99, ({ p99 }) => p99],
  [0.999, ({ p999 }) => p999],
  [0.9999, ({ p9999 }) => p9999],
  [1, ({ max }) => max],
];

function lateness({ delayMs, disorderMs }: EventMeasures): Inferred[] {
  const [late, what] =
    delayMs === null
      ? [disorderMs, 'how far events are behind the newest one; they do not say when they arrived']
      : [delayMs, 'arrival time less event time'];
  const max = upwards(Math.max(1, late.p999));
  const typical = upwards(Math.max(1, late.p50));
  return [
    { path: 'lateness.typical', value: formatDuration(typical), from: `the median of ${what}` },
    { path: 'lateness.max', value: formatDuration(max), from: `99.9 % of events are not later, by ${what}` },
  ];
}

function volume({ rates, bytesPerEvent, keys }: EventMeasures): Inferred[] {
  const distinct =
    keys === null
      ? []
      : [{ path: 'volume.keys', value: Math.max(1, keys.distinct), from: 'distinct keys in the file' }];
  return [
    {
      path: 'volume.eventsPerSecond',
      value: Number(Math.max(0.0001, rates.mean).toPrecision(2)),
      from: 'the mean over the time that the file covers',
    },
    {
      path: 'volume.bytesPerEvent',
      value: Math.max(1, Math.round(bytesPerEvent)),
      from: 'the mean length of a line',
    },
    ...distinct,
  ];
}

/** A stretch with this many times the mean is a burst. */
const BURST = 5;
/** So little of the time has events when files are dropped. */
const FILES_EMPTY = 0.95;

function arrival({ rates, arrivalMs, longestGapMs }: EventMeasures): Inferred[] {
  const stretch = `stretches of ${formatDuration(rates.bucketSeconds * 1000)}`;
  if (arrivalMs !== null && rates.empty >= FILES_EMPTY)
    return [
      {
        path: 'arrival',
        value: 'files',
        from: `nothing arrived in ${Math.round(rates.empty * 100)} % of ${stretch}`,
      },
      {
        path: 'arrivalEvery',
        value: formatDuration(upwards(Math.max(1000, longestGapMs))),
        from: 'the longest time without an arrival',
      },
    ];
  const times = rates.p99 / rates.mean;
  const value = times >= BURST ? 'bursty' : 'continuous';
  return [
    {
      path: 'arrival',
      value,
      from: `one in a hundred ${stretch} has ${times.toFixed(1)} times the mean or more`,
    },
  ];
}

/** Two digits of the unit that a person would choose, never less. */
export function upwards(ms: number): number {
  const unit = [86_400_000, 3_600_000, 60_000, 1000, 1].find((each) => ms >= each) ?? 1;
  const digits = Math.max(0, Math.floor(Math.log10(ms / unit)) - 1);
  const step = unit === 1 ? 10 ** digits : unit * 10 ** (digits - (ms / unit < 10 ? 1 : 0));
  return Math.ceil(ms / step - 1e-9) * step;
}

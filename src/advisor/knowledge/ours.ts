/** Judgements and estimates of this project. They decide as much as the published figures, so they stand beside them. */
import {
  BATCH,
  BATCH_RATE_PER_CORE,
  LIVE_RATE_PER_CORE,
  MICRO_BATCH,
  RECOVERY_SECONDS_PER_GB,
  REPLAY_RATE_PER_CORE,
  REPLAY_SHARE_MAX,
  STREAM,
  STREAM_ONCE,
  type Pace,
} from '../model/limits.ts';
import { ASSUMED } from './assumptions.ts';
import type { KnowledgeEntry } from './entry.ts';

const WHERE = 'an estimate of this project';
const SINCE = '2026-11';

function ours(id: string, title: string, claim: string, value?: number, unit?: string): KnowledgeEntry {
  const figure = value === undefined ? {} : { value, ...(unit === undefined ? {} : { unit }) };
  return { id, title, claim, ...figure, url: WHERE, asOf: SINCE, kind: 'ours', check: 'estimate' };
}

/** A figure that a benchmark of this project gave; `test/advisor/floors.test.ts` compares the two. */
function measured(
  id: string,
  title: string,
  claim: string,
  value: number,
  unit: string,
  file: string,
): KnowledgeEntry {
  return {
    id,
    title,
    claim,
    value,
    unit,
    url: `bench/results/${file}`,
    asOf: SINCE,
    kind: 'ours',
    check: 'measured',
  };
}

const promise = (pace: Pace) => pace.intervals * pace.intervalMinSeconds;

export const OURS: readonly KnowledgeEntry[] = [
  ours(
    'ours-simplest-first',
    'The simplest that keeps the promise',
    'Of the architectures that keep every promise, the one with the least to operate is the right one',
  ),
  ours(
    'ours-batch-floor',
    'The shortest schedule of a batch',
    'A batch that starts every 20 minutes promises an hour; below that, starting it is most of its work',
    promise(BATCH),
    's',
  ),
  ours(
    'ours-micro-batch-floor',
    'The shortest promise of a micro-batch',
    'A trigger of 20 s promises a minute. Engines can trigger faster, but tables and warehouses advise a minute or more',
    promise(MICRO_BATCH),
    's',
  ),
  ours(
    'ours-stream-floor',
    'The shortest promise of a stream',
    'Events are shown within four commits of 25 ms',
    promise(STREAM),
    's',
  ),
  ours(
    'ours-exactly-once-floor',
    'The shortest promise of a stream with transactions',
    'With a transaction for each commit, within four commits of 40 ms',
    promise(STREAM_ONCE),
    's',
  ),
  ours(
    'ours-replay-share',
    'How much a replay may read',
    'A replay that reads over 100 times what arrives in the same time is the main workload',
    REPLAY_SHARE_MAX,
    'times',
  ),
  measured(
    'ours-replay-rate',
    'The speed of a replay',
    'Half of what the slowest Nexmark query does on a core in one pass: a replay also keeps its state on disk. 64 cores at a time, or 16 times the live ones',
    REPLAY_RATE_PER_CORE,
    'events/s/core',
    'nexmark.json',
  ),
  measured(
    'ours-batch-rate',
    'The speed of a batch',
    'The median Nexmark query does a million events a second on a core in one pass over a file. 64 cores at a time, or 16 times the live ones',
    BATCH_RATE_PER_CORE,
    'events/s/core',
    'nexmark.json',
  ),
  measured(
    'ours-recovery',
    'From a killed job to new results',
    'With 1.23 GB of state a killed pipeline showed new events after 0.46 s, the median of five',
    RECOVERY_SECONDS_PER_GB,
    's/GB',
    'recovery.json',
  ),
  measured(
    'ours-commit',
    'A durable commit',
    'Four senders waited 2.1 ms, as the median, for a block to be on disk; a run takes its start and its reading besides',
    STREAM.startSeconds,
    's',
    'log.json',
  ),
  ours(
    'ours-live-rate',
    'The speed of a live stream',
    'A live job is sized for 50,000 events a second on a core, with room for peaks',
    LIVE_RATE_PER_CORE,
    'events/s/core',
  ),
  ours(
    'ours-effort',
    'Hours of operation',
    'Hours a month for each architecture and reprocessing, more for those who have not done it before',
  ),
  ours(
    'ours-unsure',
    'What counts how much when nobody knows',
    'What is routine is known: how often history is reprocessed, when nobody can say, is seldom monthly or more (7 of 23). A team that has never run a stream knows that (1 of 9), and who sends mails or pays (1 of 25)',
  ),
  ours(
    'ours-costs',
    'The cost model',
    'Core hours, volume × retention and hours of people; from half to twice the likely figure',
  ),
  ours(
    'ours-person-hour',
    'The price of an hour',
    'An hour of an engineer, all included, and 130 of them in a month for operating pipelines',
    ASSUMED.personHourUsd,
    'USD/hour',
  ),
  ours(
    'ours-hardware',
    'Machines of one’s own',
    'A core hour on hardware that is bought and kept for its life',
    ASSUMED.hardware.coreHourUsd,
    'USD/core-hour',
  ),
  ours(
    'ours-stops',
    'How often something stops',
    'A stream job needs a person once a month, more often with less experience; a scheduled run is run again by its scheduler',
    ASSUMED.stopsPerMonth,
    'stops/month',
  ),
  ours(
    'ours-corrections',
    'When late events are folded in',
    'With the next run; in a stream after a quarter of the time allowed, at most an hour; under Lambda with the batch layer, daily or three times in that time',
  ),
  ours(
    'ours-effects',
    'Replays and what they do outside',
    'A second version beside the live one runs what acts on the outside, too; a rebuild by hand and a batch layer do not',
  ),
  ours(
    'ours-state',
    'The size of state',
    'An entry of a key and a window takes 200 bytes, a distinct value 16',
    200,
    'bytes',
  ),
  ours(
    'ours-lateness-shape',
    'The shape of lateness',
    'Delays are taken as log-normal: half under the typical one, one in a thousand over the latest',
  ),
  ours(
    'ours-one-definition',
    'One definition in both layers',
    'With one definition for both layers there is no second codebase, but two layers still run, alarm and are upgraded',
  ),
];

/** Judgements and estimates of this project. They decide as much as the published figures, so they stand beside them. */
import {
  BATCH,
  BATCH_RATE_PER_CORE,
  LIVE_RATE_PER_CORE,
  MICRO_BATCH,
  REPLAY_RATE_PER_CORE,
  REPLAY_SHARE_MAX,
  STREAM,
  STREAM_ONCE,
  type Pace,
} from '../model/limits.ts';
import type { KnowledgeEntry } from './entry.ts';

const WHERE = 'an estimate of this project';
const SINCE = '2026-11';

function ours(id: string, title: string, claim: string, value?: number, unit?: string): KnowledgeEntry {
  const figure = value === undefined ? {} : { value, ...(unit === undefined ? {} : { unit }) };
  return { id, title, claim, ...figure, url: WHERE, asOf: SINCE, kind: 'ours', check: 'estimate' };
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
  ours(
    'ours-replay-rate',
    'The speed of a replay',
    'A stateful stream job replays about 200,000 events a second on a core, 64 cores at a time',
    REPLAY_RATE_PER_CORE,
    'events/s/core',
  ),
  ours(
    'ours-batch-rate',
    'The speed of a batch',
    'A batch over columnar files reads about 1,000,000 events a second on a core, 64 cores at a time',
    BATCH_RATE_PER_CORE,
    'events/s/core',
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
    'ours-costs',
    'The cost model',
    'Core hours, volume × retention and hours of people at $90; from half to twice the likely figure',
    90,
    'USD/hour',
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

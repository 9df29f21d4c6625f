/** What each architecture is, when it fits and what it costs; for `advisor explain` and the decision record. */
import type { Architecture } from '../answers.ts';

export interface About {
  readonly name: string;
  readonly is: string;
  readonly fits: readonly string[];
  readonly good: readonly string[];
  readonly bad: readonly string[];
  /** How events reach readers, as a picture of one to three lines. */
  readonly picture: string;
  /** Entries of the knowledge base. */
  readonly sources: readonly string[];
}

export const ABOUT: Readonly<Record<Architecture, About>> = {
  batch: {
    name: 'Batch',
    is: 'A schedule starts a job that reads one bounded slice of the events, overwrites the matching slice of the result, and ends.',
    fits: [
      'results may be an hour or a day old',
      'reports, historical analysis, backfills',
      'any team, and nobody on call',
    ],
    good: [
      'it ends: there is nothing to keep alive at night',
      'running it twice gives the same result, because it overwrites whole slices',
      'reprocessing history is running it again over older slices',
    ],
    bad: [
      'nothing is fresher than the schedule',
      'each run reads again what earlier runs of its slice have read',
    ],
    picture: 'events ─► log ─► [schedule] read a slice ─► overwrite the slice ─► view',
    sources: ['ours-batch-floor', 'bands-cbohm', 'ours-batch-rate', 'spark-always-on-month'],
  },
  'micro-batch': {
    name: 'Micro-batch',
    is: 'A trigger starts a short run every few seconds or minutes; each run takes only what is new and adds it to the result.',
    fits: [
      'results may be one to sixty minutes old',
      '"near real time" that a person reads',
      'teams that do not run streams yet',
    ],
    good: [
      'minutes of freshness with the operation of a scheduled job',
      'a failed run is run again before anyone notices, within the promise',
      'it costs nothing between runs',
    ],
    bad: [
      'below a minute, starting and committing is most of the work',
      'state is kept from run to run and must be restored with it',
    ],
    picture: 'events ─► log ─► [every N minutes] read what is new ─► update ─► view',
    sources: [
      'ours-micro-batch-floor',
      'sla-over-three',
      'iceberg-commit-floor',
      'snowflake-dt-min-lag',
      'databricks-default-trigger',
      'spark-always-on-month',
    ],
  },
  streaming: {
    name: 'Streaming',
    is: 'A job that never ends takes each event as it comes, keeps state for every key, and commits results many times a second.',
    fits: [
      'someone or something acts within seconds',
      'fraud, alerts, live features',
      'history is reprocessed rarely or never',
    ],
    good: ['results within milliseconds to seconds', 'work is spread evenly instead of in bursts'],
    bad: [
      'checkpoints, back-pressure, lag and upgrades of a process that may not stop',
      'state grows with keys, windows and lateness',
      'reprocessing means to stop, rebuild and catch up by hand',
    ],
    picture: 'events ─► log ─► [always] update state ─► commit ─► view',
    sources: [
      'ours-stream-floor',
      'confluent-flink-alo-latency',
      'confluent-flink-eos-latency',
      'eos-streams-15-30',
      'eos-conduktor-40',
      'msf-min-month',
      'mult-3-10',
      'mult-5-50',
    ],
  },
  kappa: {
    name: 'Kappa',
    is: 'A stream whose log keeps the history. To reprocess, a second version of the same job replays the log beside the live one, and readers are switched to it.',
    fits: [
      'seconds of freshness and reprocessing as a routine',
      'a team that can run streams well',
      'history that the log can hold and a replay can read in time',
    ],
    good: [
      'one codebase and one way of processing, for live and for old events',
      'a new version is checked before readers see it, and can be rolled back',
    ],
    bad: [
      'long retention is paid for',
      'a replay needs as much power again, or it starves the live job',
      'effects outside must not be repeated by a replay',
    ],
    picture:
      'events ─► log (kept) ─┬─► live version ──────► view ◄── readers\n                      └─► next version, replay ─► view, then switch',
    sources: [
      'azure-lambda-text',
      'ours-replay-rate',
      'ours-replay-share',
      'tiered-3-9x',
      'gp3-price',
      's3-price',
      'sanla-numnonda',
      'persico-2018',
    ],
  },
  lambda: {
    name: 'Lambda',
    is: 'Two layers over the same events: a stream gives early results, a batch over the whole history gives exact ones, and the serving layer prefers the batch as it catches up.',
    fits: [
      'seconds now and exact years of history, reprocessed often',
      'a replay that could not finish in time',
      'a team that can run both layers',
    ],
    good: ['fresh and exact at once', 'history is recomputed where it is cheap: in files'],
    bad: [
      'two layers run, alarm and are upgraded, always',
      'elsewhere it means two codebases that must agree; with one definition that part disappears',
      'results change when the batch overwrites what the stream had guessed',
    ],
    picture:
      'events ─► log ─┬─► [always] speed layer ─► recent ──┐\n               └─► [daily] batch layer ──► covered ─┴─► view (batch wins)',
    sources: [
      'azure-lambda-text',
      'ours-one-definition',
      'ads-divergence',
      'sanla-numnonda',
      'persico-2018',
      'ours-effort',
    ],
  },
};

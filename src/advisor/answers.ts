/**
 * The answers a team gives. This schema is the only source of the prompts, the flags, the answers file, its JSON Schema
 * and its documentation: each answer carries what is asked, why, its default, and what "unsure" stands for.
 *
 *   answers.yaml ─┐
 *   flags ────────┼─► GivenAnswers (anything may be absent) ─► completeAnswers ─► Answers (nothing is absent)
 *   interview ────┘
 *
 * Every answer may be `unsure`; every duration or number may be a range such as `1m..15m`.
 */
import { z } from 'zod';
import { choice, duration, list, number, yesNo } from './answer-kinds.ts';

export const ARCHITECTURES = ['batch', 'micro-batch', 'streaming', 'lambda', 'kappa'] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

const TOOLS = [
  'airflow',
  'dagster',
  'spark',
  'dbt',
  'flink',
  'kafka',
  'kafka-streams',
  'warpstream',
  'tiered-storage',
  's3',
  'gcs',
  'bigquery',
  'redshift',
  'redis',
  'cassandra',
  'postgres',
] as const;

const fields = {
  freshness: duration({
    ask: 'How old may a result be when someone reads it?',
    why: 'It is the promise. The simplest architecture that keeps it wins, so this answer decides most.',
    typical: [
      ['1d', 'reports about yesterday'],
      ['1h', 'figures that are looked at a few times a day'],
      ['15m', 'a dashboard that people act on'],
      ['5s', 'something that is watched as it happens'],
      ['200ms', 'a machine that decides on each event'],
    ],
    range: ['1ms', '520w'],
    unsure: ['1s', '1d'],
    example: '15m',
  }),
  lateness: z.strictObject({
    typical: duration({
      ask: 'How late do half of the events arrive, at most?',
      why: 'It sets how long a result waits for stragglers (the watermark delay).',
      range: ['1ms', '52w'],
      unsure: ['100ms', '1m'],
      fallback: '1s',
    }),
    max: duration({
      ask: 'How late may an event be and still be handled?',
      why: 'Results are not final before this has passed. It decides how much is corrected later, and how long state is kept.',
      typical: [
        ['5s', 'servers that are always connected'],
        ['10m', 'phones that lose their connection'],
        ['1d', 'devices that are offline for hours'],
        ['4w', 'partners who send what was forgotten'],
      ],
      range: ['1ms', '520w'],
      unsure: ['1m', '1w'],
      example: '10m',
    }),
    policy: choice(['correct', 'drop', 'side-output'], {
      ask: 'What becomes of a late event?',
      why: 'Dropping late events without saying so makes results wrong in a way nobody notices for weeks.',
      fallback: 'correct',
    }),
  }),
  reprocessing: z.strictObject({
    every: choice(['never', 'yearly', 'quarterly', 'monthly', 'weekly', 'daily'], {
      ask: 'How often is history processed again (a fixed bug, a new column)?',
      why: 'Rare reprocessing is a manual task. Routine reprocessing needs an architecture that does it cleanly.',
      typical: [
        ['never', 'what was shown stays as it was'],
        ['yearly', 'once in a while, by hand'],
        ['monthly', 'fixed bugs and new columns are routine'],
        ['daily', 'the whole past is computed again every night'],
      ],
      example: 'monthly',
    }),
    history: duration({
      ask: 'How much history does one reprocessing cover?',
      why: 'It decides whether a replay can finish in time, and what keeping the log costs.',
      range: ['1m', '5200w'],
      unsure: ['1d', '1095d'],
      fallback: '30d',
    }),
  }),
  maturity: choice(['novice', 'intermediate', 'expert'], {
    ask: 'How experienced is the team at operating stateful streaming?',
    why: 'A job that never exits needs people who can bring it back at night. Load is held against experience.',
    typical: [
      ['novice', 'nobody has run a stream job that matters'],
      ['intermediate', 'one has been in production for a year'],
      ['expert', 'several run, and are brought back at night'],
    ],
    example: 'novice',
  }),
  volume: z.strictObject({
    eventsPerSecond: number({
      ask: 'How many events arrive in a second, on average?',
      why: 'It sizes compute and storage, and decides whether a replay can finish in time.',
      range: [0.0001, 1e9],
      unsure: [1, 10_000],
      fallback: 100,
    }),
    bytesPerEvent: number({
      ask: 'How many bytes has an event?',
      why: 'It sizes storage.',
      range: [1, 1_000_000],
      unsure: [100, 5000],
      fallback: 500,
    }),
    keys: number({
      ask: 'How many distinct keys are there (users, devices, products)?',
      why: 'A stream processor keeps state for every key of every open window.',
      range: [1, 1e12],
      unsure: [100, 10_000_000],
      fallback: 10_000,
    }),
    growthPerYear: number({
      ask: 'By what factor does volume grow in a year? (1.5 is half as much again)',
      why: 'Costs are given for the coming year.',
      range: [0.1, 100],
      unsure: [1, 3],
      fallback: 1.5,
    }),
  }),
  arrival: choice(['continuous', 'bursty', 'files'], {
    ask: 'How do events arrive?',
    why: 'When files are dropped on a schedule, nothing can be fresher than the last drop.',
    fallback: 'continuous',
  }),
  arrivalEvery: duration({
    ask: 'How often are files dropped?',
    why: 'Needed with arrival: files, and only then.',
    range: ['1s', '52w'],
    unsure: ['15m', '1d'],
    example: '1d',
    onlyWith: 'arrival: files',
  }),
  action: choice(['report', 'dashboard', 'alert', 'decide'], {
    ask: 'What is done with a result? (decide: a machine acts on each event)',
    why: 'It shows whether the freshness asked for is used by anyone.',
    fallback: 'report',
  }),
  accuracy: choice(['exact', 'approximate-then-exact', 'approximate'], {
    ask: 'How exact must a result be when it is first read?',
    why: 'Fast and exact at once is impossible while events are still on their way.',
    typical: [
      ['exact', 'what is shown is right, or not shown'],
      ['approximate-then-exact', 'a quick figure first, the exact one replaces it'],
      ['approximate', 'a few percent do not matter'],
    ],
    fallback: 'exact',
  }),
  duplicates: choice(['tolerate', 'never'], {
    ask: 'May an event count twice after a crash? (never: exactly-once end to end)',
    why: 'Exactly-once makes results visible only at a commit, so it costs freshness or throughput.',
    fallback: 'tolerate',
  }),
  state: z.strictObject({
    window: duration({
      ask: 'How long is the longest window?',
      why: 'State is held for every key of every window that is still open.',
      range: ['1s', '520w'],
      unsure: ['1m', '1d'],
      fallback: '1h',
    }),
    joins: yesNo({
      ask: 'Are streams joined with each other?',
      why: 'A join keeps both sides in state.',
      fallback: false,
    }),
    distinct: yesNo({
      ask: 'Are distinct values counted?',
      why: 'An exact distinct count keeps every value in state.',
      fallback: false,
    }),
  }),
  existing: list(TOOLS, {
    ask: 'What do you run already?',
    why: 'What is there already costs less to operate. It never makes a simple question complicated.',
    fallback: [],
  }),
  team: z.strictObject({
    engineers: number({
      ask: 'How many engineers look after data pipelines?',
      why: 'Effort is held against the hours that there are.',
      range: [1, 10_000],
      unsure: [1, 10],
      fallback: 3,
    }),
    onCall: yesNo({
      ask: 'Is someone on call at night?',
      why: 'A job that never exits can stop at any hour; a scheduled one is retried in the morning.',
      fallback: false,
    }),
  }),
  cloud: choice(['aws', 'gcp', 'azure', 'none'], {
    ask: 'Which price list applies? (none: your own hardware)',
    why: 'Costs are estimated from it. It never changes what is feasible.',
    fallback: 'aws',
  }),
  reactionTime: duration({
    ask: 'How fast does anyone, or anything, act on a new result?',
    why: 'Freshness far below the reaction time buys nothing.',
    range: ['1ms', '520w'],
    unsure: ['1s', '1w'],
    fallback: 'same as freshness',
  }),
  correctBy: duration({
    ask: 'By when must a corrected result be complete?',
    why: 'A replay that takes longer than this is no use.',
    range: ['1m', '52w'],
    unsure: ['1h', '1w'],
    fallback: '1w',
  }),
  historyIn: choice(['log', 'lake', 'both', 'none'], {
    ask: 'Where is the full history kept?',
    why: 'Replaying needs a log that holds it; a batch layer needs a lake. Ours is both: old segments become Parquet.',
    typical: [
      ['log', 'in Kafka or its like, as far back as needed'],
      ['lake', 'in files or a warehouse'],
      ['both', 'in the log and in files'],
      ['none', 'nowhere yet'],
    ],
    fallback: 'both',
  }),
  effects: choice(['replayable', 'once'], {
    ask: 'May reprocessing repeat what happens outside? (once: mails, payments)',
    why: 'A replay runs the same logic again, and must not send the same mail again.',
    fallback: 'replayable',
  }),
  codebases: choice(['one', 'two'], {
    ask: 'Is a second implementation of the logic tolerable?',
    why: 'Lambda elsewhere means two codebases that must agree. With one definition it means two layers to run.',
    typical: [
      ['one', 'every rule is written once'],
      ['two', 'the batch job and the stream job may differ in code'],
    ],
    fallback: 'one',
  }),
  asked: choice(['continuously', 'once'], {
    ask: 'Is the question asked again and again, or once?',
    why: 'A question that is asked once is answered by one run over what is there; nothing has to stay up for it.',
    fallback: 'continuously',
  }),
};

const share = z.number().min(0).max(1);
const seconds = z.number().min(0).max(1e10);

/** What events that were measured are like. `advisor profile` writes it; nobody is asked for it. */
export const measuredSchema = z
  .strictObject({
    eventsPerSecond: z.number().positive().describe('Of the events that were measured, on average.'),
    delays: z
      .array(z.tuple([share, seconds]))
      .min(1)
      .max(64)
      .optional()
      .describe('Which share of events is no later than how many seconds, in their order.'),
    arrivals: z
      .array(z.tuple([seconds.min(1e-6), share, share]))
      .min(1)
      .max(64)
      .optional()
      .describe(
        'For some lengths in seconds, in their order: the share of stretches of that length in which nothing arrived; the ' +
          'share of the time that is so soon after an arrival, of arrivals that are each the first after the stretch of the one before.',
      ),
  })
  .describe(
    'What `advisor profile` measured of real events. With it predictions are for those, not for events as they usually come.',
  );

/** The complete answers: nothing is absent but `arrivalEvery`, which only files have, and what was measured. */
export const answersSchema = z.strictObject({
  ...fields,
  arrivalEvery: fields.arrivalEvery.optional(),
  measured: measuredSchema.optional(),
});
export type Answers = z.output<typeof answersSchema>;

/** What an answers file may hold: any part of the answers. */
export const givenAnswersSchema = z
  .strictObject({
    ...fields,
    lateness: fields.lateness.partial(),
    reprocessing: fields.reprocessing.partial(),
    volume: fields.volume.partial(),
    state: fields.state.partial(),
    team: fields.team.partial(),
    measured: measuredSchema,
  })
  .partial();
export type GivenAnswers = z.output<typeof givenAnswersSchema>;

/** What `profile --format json` prints, as a schema. */
import { z } from 'zod';
import { givenAnswersSchema } from '../answers.ts';

const quantiles = z
  .object({
    p50: z.number(),
    p90: z.number(),
    p99: z.number(),
    p999: z.number(),
    p9999: z.number(),
    max: z.number(),
  })
  .describe('Milliseconds.');

const interval = z.tuple([z.number(), z.number()]);

const measures = z.object({
  events: z.number(),
  rejected: z.number().describe('Lines that are no event with these fields.'),
  problems: z.array(z.object({ line: z.number(), problem: z.string() })),
  eventTimeMs: interval.describe('First and last event time, epoch milliseconds.'),
  arrivalMs: interval.nullable().describe('First and last arrival; null when events do not say.'),
  bytesPerEvent: z.number(),
  rates: z
    .object({
      bucketSeconds: z.number(),
      mean: z.number(),
      p50: z.number(),
      p99: z.number(),
      max: z.number(),
      empty: z.number().describe('Share of the stretches without an event.'),
    })
    .describe('Events a second, over stretches of `bucketSeconds`.'),
  longestGapMs: z.number(),
  rhythm: z
    .array(z.tuple([z.number(), z.number(), z.number()]))
    .describe(
      'For some lengths in seconds: share of the stretches of that length without an arrival; share of the time that is so soon after one.',
    ),
  delayMs: quantiles.nullable().describe('Arrival time less event time.'),
  delayShares: z
    .array(z.tuple([z.number(), z.number()]))
    .describe('Which share of the delays, or of disorder, is no longer than how many milliseconds.'),
  early: z.number().describe('Events that say that they happened after they arrived.'),
  disorderMs: quantiles.describe('The largest event time so far less event time.'),
  outOfOrder: z.number(),
  duplicates: z.number(),
  keys: z.object({ distinct: z.number(), largestShare: z.number() }).nullable(),
});

export const profileSchema = z.object({
  version: z.literal(1),
  measures,
  inferred: z
    .array(z.object({ path: z.string(), value: z.union([z.string(), z.number()]), from: z.string() }))
    .describe('Answers that follow from the events, and from what.'),
  waits: z
    .array(z.object({ completeness: z.number(), delayMs: z.number() }))
    .describe('How long a watermark has to wait for so much of the events.'),
  answers: givenAnswersSchema,
});

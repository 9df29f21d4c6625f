/** What `review --format json` prints, as a schema. */
import { z } from 'zod';
import { givenAnswersSchema } from '../answers.ts';
import { architecture } from './recommendation.ts';

const finding = z.object({
  about: z.enum(['freshness', 'lateness', 'late events', 'volume', 'event size', 'growth', 'rejected']),
  level: z
    .enum(['holds', 'warning', 'broken', 'info'])
    .describe('warning: an answer is not what is measured, though the decision may hold.'),
  answered: z.string().nullable(),
  measured: z.string(),
  says: z.string(),
});

const measured = z.object({
  days: z.number(),
  from: z.string().nullable().describe('The first day that was noted, such as 2026-11-30.'),
  to: z.string().nullable(),
  events: z.number(),
  eventsPerSecond: z.number().nullable().describe('Of the last whole days; null before there is one.'),
  wholeDays: z.number(),
  bytesPerEvent: z.number().nullable(),
  behind: z
    .object({ p50Seconds: z.number(), p99Seconds: z.number(), p999Seconds: z.number() })
    .nullable()
    .describe('How far events are behind the newest of their partition.'),
  freshness: z
    .object({ p50Seconds: z.number(), p99Seconds: z.number() })
    .nullable()
    .describe('From the append of an event to the commit that made it visible.'),
  lateShare: z.number(),
  rejected: z.number(),
  corrections: z.number(),
  logBytes: z.number(),
  stateBytes: z.number(),
});

export const reviewSchema = z.object({
  version: z.literal(1),
  verdict: z
    .enum(['holds', 'will-stop', 'broken', 'unknown'])
    .describe(
      'broken: exit code 3. unknown: nothing speaks against it, and `missing` says what is not measured yet.',
    ),
  says: z.string(),
  architecture: architecture.describe('What runs.'),
  recommendation: z
    .object({ given: architecture, observed: architecture })
    .describe('By the answers as they were given, and with what was measured in their place.'),
  findings: z.array(finding),
  growth: z
    .object({ low: z.number(), likely: z.number(), high: z.number(), days: z.number() })
    .nullable()
    .describe('The factor in a year; the interval holds it nine times of ten.'),
  ends: z
    .object({
      answer: z.literal('volume.eventsPerSecond'),
      now: z.number(),
      at: z.number(),
      becomes: architecture,
      earliest: z.string(),
      likely: z.string().nullable(),
      latest: z.string().nullable(),
    })
    .nullable()
    .describe('When growth ends the decision, as days; null where growth may be too small to reach it.'),
  missing: z.array(z.string()).describe('What has to be measured before more can be said.'),
  measured,
  answers: givenAnswersSchema.describe('The answers with what was measured in their place.'),
});

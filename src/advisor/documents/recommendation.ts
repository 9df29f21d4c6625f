/** What `recommend --format json` prints, as a schema. The type of the same name is the contract; a test holds the two together. */
import { z } from 'zod';
import { answersSchema, ARCHITECTURES } from '../answers.ts';

export const architecture = z.enum(ARCHITECTURES);

const monthlyUsd = z
  .object({ compute: z.number(), storage: z.number(), people: z.number(), total: z.number() })
  .describe('US dollars a month.');

export const predicted = z.object({
  freshnessP50Seconds: z.number(),
  freshnessP99Seconds: z.number(),
  completenessAtRead: z
    .number()
    .min(0)
    .max(1)
    .describe("Share of a window's events that are in it when it is first read."),
  reprocessSeconds: z.number(),
  monthlyUsd,
  range: z.object({ low: monthlyUsd, high: monthlyUsd }),
  effortHours: z.number().describe('Hours that people spend on operating it in a month.'),
  teamShare: z.number().describe('The same as a share of all the hours that the team has.'),
  correctionDelaySeconds: z
    .number()
    .describe('From a late event to the corrected result; 0 when nothing is corrected by itself.'),
  finalAfterSeconds: z.number().describe('Age at which an exact result is final.'),
  lostShare: z
    .number()
    .min(0)
    .max(1)
    .describe('Share of events that are never counted unless somebody does it by hand.'),
  ageAtActionSeconds: z.number().describe('How old the events are that somebody, or something, acts on.'),
  stateBytes: z.number(),
  keptBytes: z.number().describe('Log and lake, copies and headroom included.'),
  restartSeconds: z.number().describe('From a killed job to new results.'),
  nightsPerMonth: z.number().describe('Nights on which somebody is woken.'),
  brokenHoursPerMonth: z.number().describe('Hours in which the promise is broken because something stands.'),
});

export const settings = z.object({
  triggerEverySeconds: z.number(),
  watermarkDelaySeconds: z.number(),
  allowedLatenessSeconds: z.number(),
  checkpointEverySeconds: z.number(),
  retentionSeconds: z.number().describe('How long the log must keep events; 0 when nothing depends on it.'),
  delivery: z.enum(['at-least-once', 'exactly-once']),
  batchEverySeconds: z.exactOptional(z.number().describe('Lambda only: how often the batch layer runs.')),
});

const violation = z.object({
  requirement: z.string().describe('The answer that is not kept.'),
  needs: z.string(),
  gives: z.string(),
  because: z.string(),
  source: z.exactOptional(z.string().describe('Id of an entry of `sources`.')),
});

const flip = z.object({
  answer: z.string(),
  from: z.string(),
  at: z.string(),
  becomes: architecture,
  also: z.exactOptional(z.object({ at: z.string(), becomes: architecture })),
});

export const recommendationSchema = z.object({
  version: z.literal(1),
  answers: answersSchema.describe('Complete: defaults filled in.'),
  defaulted: z.array(z.string()).describe('Paths of the answers that nobody gave.'),
  recommendation: architecture,
  possible: z
    .array(architecture)
    .min(1)
    .describe('Every verdict that unsure or ranged answers leave open, the recommendation first.'),
  undecided: z.exactOptional(
    z
      .object({
        answer: z.string(),
        says: z.string(),
        findOut: z.exactOptional(z.string().describe('What to go and measure, or whom to ask.')),
      })
      .describe('Only with more than one possible verdict: the answer that would settle most.'),
  ),
  settings,
  candidates: z
    .array(
      z.object({
        architecture,
        feasible: z.boolean(),
        violations: z.array(violation),
        predicted,
      }),
    )
    .length(5)
    .describe('Always five, simplest first.'),
  because: z.array(z.object({ claim: z.string(), source: z.string() })),
  conflicts: z.array(
    z.object({ answers: z.array(z.string()), says: z.string(), options: z.array(z.string()) }),
  ),
  flips: z.array(flip).describe('The nearest value of each answer at which the recommendation changes.'),
  sources: z.array(
    z.object({
      id: z.string(),
      title: z.string(),
      where: z.string(),
      asOf: z.exactOptional(z.string()),
      kind: z.string().describe('`ours` marks estimates, judgements and measurements of this project.'),
      claim: z.string(),
      value: z.exactOptional(z.union([z.number(), z.tuple([z.number(), z.number()])])),
      unit: z.exactOptional(z.string()),
      check: z
        .string()
        .describe('How well it is known: read, secondary, derived, measured, estimate or given.'),
    }),
  ),
});

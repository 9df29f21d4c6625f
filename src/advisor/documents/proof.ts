/** What `prove --format json` prints, as a schema. */
import { z } from 'zod';
import { answersSchema } from '../answers.ts';
import { architecture, predicted, settings } from './recommendation.ts';

const measured = z.object({
  freshnessP50Seconds: z.number(),
  freshnessP99Seconds: z.number(),
  freshnessFrom: z
    .enum(['horizon', 'slice'])
    .describe('Where freshness was measured: over all of the time, or in the slice at full rate.'),
  completenessAtRead: z
    .number()
    .describe(
      'Share of the events of a window that were in the promised age after its end, over windows that end at any moment.',
    ),
  finalAfterP50Seconds: z
    .number()
    .nullable()
    .describe('From the end of a window until no event in time could change it; null when none was over.'),
  corrections: z.object({
    runs: z.number(),
    windows: z.number(),
    windowsCorrected: z.number().describe('Windows that changed after they had been read.'),
    completeAfterP50Seconds: z.number(),
    completeAfterP99Seconds: z.number(),
    delayP99Seconds: z
      .number()
      .nullable()
      .describe(
        'From when a late event was sent until it was in the result, but for 1 % of them; null when none came to be in it.',
      ),
  }),
  late: z.object({ events: z.number(), policy: z.string() }),
  work: z.object({
    eventsProcessed: z.number().describe('Events read, each as often as it was.'),
    readsPerEvent: z.number(),
    commits: z.number(),
    entriesWritten: z.number(),
  }),
  kept: z.object({
    logBytes: z.number(),
    stateBytes: z.number(),
    viewBytes: z.number(),
    otherBytes: z.number(),
    totalBytes: z.number(),
  }),
  reprocess: z
    .object({
      sampleEvents: z.number(),
      sampleSeconds: z.number(),
      historyEvents: z.number(),
      historySeconds: z.number().describe('On one core.'),
      sameRows: z.boolean(),
    })
    .describe('All that was simulated once more, and what follows from it for the history.'),
});

const ratio = z.number().nullable();

const proved = z.object({
  architecture,
  feasible: z.boolean(),
  settings,
  keepsFreshness: z.boolean(),
  predicted: predicted.describe('For the machine and the time that were simulated, where that changes it.'),
  measured,
  measuredByPredicted: z
    .object({
      freshnessP50: ratio,
      freshnessP99: ratio,
      completenessAtRead: ratio,
      reprocess: ratio,
      finalAfter: ratio.describe('`finalAfterP50Seconds`.'),
      correctionDelay: ratio.describe('`corrections.delayP99Seconds`.'),
      stateBytes: ratio.describe('`kept.stateBytes`.'),
      keptBytes: ratio.describe('`kept.totalBytes`.'),
    })
    .describe('Measured ÷ predicted; null where the prediction is zero.'),
  curve: z
    .array(z.object({ atSeconds: z.number(), meanSeconds: z.number(), maxSeconds: z.number() }))
    .describe('Freshness over time.'),
});

export const proofSchema = z.object({
  version: z.literal(1),
  seed: z.number(),
  answers: answersSchema.describe('At the hardest point that was left open; complete.'),
  hardest: z
    .array(z.object({ path: z.string(), given: z.string(), taken: z.string() }))
    .describe('Answers that were ranges or unsure, and what was taken for them.'),
  workload: z.object({
    from: z.string().describe('`description`, or the name of the file.'),
    events: z.number(),
    horizonSeconds: z.number(),
    oneIn: z.number().describe('Of so many keys, or events of one key, one was simulated.'),
    rowsOneIn: z.number().describe('So many rows of results stand behind each that was simulated.'),
    simulatedEvents: z.number(),
    rejectedEvents: z.number(),
    slices: z
      .array(
        z.object({
          architectures: z.array(architecture),
          seconds: z.number(),
          stretches: z.number().describe('Into how many they fall, all over the time; one is the busiest.'),
          events: z.number(),
        }),
      )
      .describe('Parts in which freshness was measured at the full rate.'),
  }),
  recommendation: architecture,
  promiseSeconds: z.number(),
  costs: z
    .object({
      eventUs: z.number(),
      againUs: z.number(),
      entryUs: z.number(),
      commitUs: z.number(),
      syncUs: z.number(),
      source: z.string(),
    })
    .describe('What work costs in virtual time, in microseconds.'),
  architectures: z.array(proved).length(5).describe('Always five, simplest first.'),
  law: z
    .object({ holds: z.boolean(), rows: z.number(), digest: z.string() })
    .describe('Whether all five ended with the same rows, and with how many.'),
  notes: z.array(z.string()),
});

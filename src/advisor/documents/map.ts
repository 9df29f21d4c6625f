/** What `map --format json` prints, as a schema. */
import { z } from 'zod';
import { answersSchema } from '../answers.ts';
import { architecture } from './recommendation.ts';

const axis = z.object({
  answer: z.string(),
  given: z
    .array(z.unknown())
    .nullable()
    .describe('What was answered: one value, or the two ends of a range; null when nothing was.'),
  values: z.array(z.unknown()).describe('What each cell was computed for; durations in seconds.'),
});

const border = z.object({ at: z.string(), from: architecture, to: architecture });

export const mapSchema = z.object({
  version: z.literal(1),
  x: axis,
  y: axis,
  verdicts: z.array(z.array(architecture)).describe('Rows in the order of `y.values`.'),
  holds: z
    .array(z.array(z.boolean()))
    .describe('False where nothing keeps every promise, and this one breaks least.'),
  borders: z
    .object({ x: z.array(border), y: z.array(border) })
    .describe('Where the verdict changes along one axis, the other answer as it was given.'),
  answers: answersSchema,
  assumed: z.array(z.string()).describe('Needed answers that nobody gave: their examples were taken.'),
});

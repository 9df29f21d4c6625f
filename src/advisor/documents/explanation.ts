/** What `explain --format json` prints, as a schema. */
import { z } from 'zod';
import { architecture, predicted } from './recommendation.ts';

export const explanationSchema = z.object({
  version: z.literal(1),
  architecture,
  name: z.string(),
  is: z.string(),
  picture: z.string(),
  fits: z.array(z.string()),
  good: z.array(z.string()),
  bad: z.array(z.string()),
  costs: predicted.extend({ for: z.string().describe('What the figures are computed for.') }),
  sources: z.array(
    z.object({
      id: z.string(),
      title: z.string(),
      claim: z.string(),
      where: z.string(),
      asOf: z.string(),
      kind: z.string(),
    }),
  ),
});

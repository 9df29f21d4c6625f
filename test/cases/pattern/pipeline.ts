import { pipeline, source } from 'pipeline-runtime';
import { z } from 'zod';

const logins = source('logins', {
  schema: z.object({ at: z.iso.datetime(), user: z.string(), ok: z.boolean() }),
  eventTime: 'at',
  watermark: { delay: '2m' },
  lateness: { allowed: '0s', then: 'drop' },
});

// Two failures and then a success within five minutes, in the order of event time. Rows between are skipped, matches do
// not overlap, and of several the one that began first counts.
export default pipeline('pattern', {
  guessed: logins
    .pattern({
      partition: ['user'],
      steps: { first: (l) => l.ok.not(), second: (l) => l.ok.not(), then: (l) => l.ok },
      within: '5m',
      select: (s) => ({ from: s.first.at, second: s.second.at, to: s.then.at }),
    })
    .updates(),
});

import { avg, count, pipeline, source, sum, tumbling } from 'pipeline-runtime';
import { z } from 'zod';

const payments = source('payments', {
  schema: z.object({ account: z.string(), at: z.iso.datetime(), amount: z.number() }),
  eventTime: 'at',
  watermark: { delay: '1s' },
  lateness: { allowed: '0s', then: 'correct' },
});

export default pipeline('exact_sums', {
  // 0.1 + 0.2 + 0.3 is 0.6 and 1e100 + 1 - 1e100 is 1, in every order and every cut.
  balances: payments
    .groupBy((p) => ({ day: tumbling(p.at, '1d'), account: p.account }))
    .aggregate((p) => ({ payments: count(), balance: sum(p.amount), mean: avg(p.amount) }))
    .updates(),
});

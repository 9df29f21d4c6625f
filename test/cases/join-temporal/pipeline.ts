import { pipeline, source } from 'pipeline-runtime';
import { z } from 'zod';

const trades = source('trades', {
  schema: z.object({ at: z.iso.datetime(), trade: z.int(), currency: z.string() }),
  eventTime: 'at',
  watermark: { delay: '1m' },
  lateness: { allowed: '0s', then: 'drop' },
});
const rates = source('rates', {
  schema: z.object({ at: z.iso.datetime(), currency: z.string(), rate: z.int() }),
  eventTime: 'at',
  watermark: { delay: '1m' },
  lateness: { allowed: '0s', then: 'drop' },
});

// The rate at the time of the trade: the last at or before it, of equal times the later arrival.
export default pipeline('join_temporal', {
  inner: trades
    .join(rates, {
      type: 'inner',
      how: 'temporal',
      on: (t, r) => [[t.currency, r.currency]],
      select: (t, r) => ({ trade: t.trade, rate: r.rate }),
    })
    .updates(),
  left: trades
    .join(rates, {
      type: 'left',
      how: 'temporal',
      on: (t, r) => [[t.currency, r.currency]],
      select: (t, r) => ({ trade: t.trade, rate: r.rate }),
    })
    .updates(),
});

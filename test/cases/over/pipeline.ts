import { pipeline, source, sum } from 'pipeline-runtime';
import { z } from 'zod';

const trades = source('trades', {
  schema: z.object({ at: z.iso.datetime(), stock: z.string(), shares: z.int() }),
  eventTime: 'at',
  watermark: { delay: '2m' },
  lateness: { allowed: '0s', then: 'drop' },
});

const partition = ['stock'] as const;

// In the order of event time; a frame of time has the row's peers in it, a frame of rows the earlier arrivals.
export default pipeline('over', {
  trades: trades
    .over({ partition, frame: { rows: 1 } }, (t) => ({ lastTwo: sum(t.shares) }))
    .over({ partition, frame: { range: '1m' } }, (t) => ({ inMinute: sum(t.shares) }))
    .over({ partition, frame: 'unbounded' }, (t) => ({ soFar: sum(t.shares) }))
    .updates(),
});

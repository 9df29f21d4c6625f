import { count, cumulating, pipeline, source } from 'pipeline-runtime';
import { z } from 'zod';

const clicks = source('clicks', {
  schema: z.object({ at: z.iso.datetime() }),
  eventTime: 'at',
  watermark: { delay: '0s' },
  lateness: { allowed: '0s', then: 'drop' },
});

// The quarter of an hour so far, every five minutes.
const counts = clicks
  .groupBy((c) => ({ window: cumulating(c.at, { size: '15m', step: '5m' }) }))
  .aggregate(() => ({ clicks: count() }));

export default pipeline('cumulating', { early: counts.updates(), final: counts.final() });

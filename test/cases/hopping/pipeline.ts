import { count, hopping, pipeline, source } from 'pipeline-runtime';
import { z } from 'zod';

const clicks = source('clicks', {
  schema: z.object({ at: z.iso.datetime() }),
  eventTime: 'at',
  watermark: { delay: '0s' },
  lateness: { allowed: '0s', then: 'drop' },
});

// A click that is too late for one window still counts in those that end later.
const counts = clicks
  .groupBy((c) => ({ window: hopping(c.at, { size: '10m', slide: '5m' }) }))
  .aggregate(() => ({ clicks: count() }));

export default pipeline('hopping', { early: counts.updates(), final: counts.final() });

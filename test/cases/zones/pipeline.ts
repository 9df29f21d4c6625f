import { count, pipeline, source, tumbling } from 'pipeline-runtime';
import { z } from 'zod';

const clicks = source('clicks', {
  schema: z.object({ at: z.iso.datetime() }),
  eventTime: 'at',
  watermark: { delay: '1d' },
  lateness: { allowed: '0s', then: 'drop' },
});

const zone = 'Europe/Berlin';

// On 25 March 2001 the clocks skipped an hour, on 28 October they showed one twice: days of 23 and of 25 hours.
export default pipeline('zones', {
  days: clicks
    .groupBy((c) => ({ day: tumbling(c.at, '1d', { zone }) }))
    .aggregate(() => ({ clicks: count() }))
    .final(),
  // From six o'clock on the clocks of Berlin to the next.
  shifts: clicks
    .groupBy((c) => ({ shift: tumbling(c.at, '1d', { zone, offset: '6h' }) }))
    .aggregate(() => ({ clicks: count() }))
    .final(),
  // The hour that is shown twice is one window.
  hours: clicks
    .groupBy((c) => ({ hour: tumbling(c.at, '1h', { zone }) }))
    .aggregate(() => ({ clicks: count() }))
    .final(),
  // In UTC, from a quarter past to a quarter past.
  quarters: clicks
    .groupBy((c) => ({ hour: tumbling(c.at, '1h', { offset: '15m' }) }))
    .aggregate(() => ({ clicks: count() }))
    .final(),
});

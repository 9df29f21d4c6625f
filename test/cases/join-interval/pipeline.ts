import { pipeline, source } from 'pipeline-runtime';
import { z } from 'zod';

const schema = z.object({ at: z.iso.datetime(), ad: z.int() });
const options = { watermark: { delay: '0s' }, lateness: { allowed: '0s', then: 'drop' } } as const;
const impressions = source('impressions', { schema, eventTime: 'at', ...options });
const clicks = source('clicks', { schema, eventTime: 'at', ...options });

// Clicks of up to ten minutes after the impression, both ends included. Rows whose own time is over are late.
export default pipeline('join_interval', {
  inner: impressions
    .join(clicks, {
      type: 'inner',
      how: { kind: 'interval', from: '0s', to: '10m' },
      on: (i, c) => [[i.ad, c.ad]],
      select: (i, c) => ({ ad: i.ad, shown: i.at, clicked: c.at }),
    })
    .updates(),
  left: impressions
    .join(clicks, {
      type: 'left',
      how: { kind: 'interval', from: '0s', to: '10m' },
      on: (i, c) => [[i.ad, c.ad]],
      select: (i, c) => ({ ad: i.ad, shown: i.at, clicked: c.at }),
    })
    .updates(),
});

import { count, pipeline, source, tumbling } from 'pipeline-runtime';
import { z } from 'zod';

const clicks = source('clicks', {
  schema: z.object({ user: z.string(), at: z.iso.datetime() }),
  eventTime: 'at',
  watermark: { delay: '10s' },
  lateness: { allowed: '0s', then: 'drop' },
});

export default pipeline('tumbling_count', {
  perMinute: clicks
    .groupBy((c) => ({ user: c.user, minute: tumbling(c.at, '1m') }))
    .aggregate(() => ({ clicks: count() }))
    .updates(),
});

import { count, pipeline, source } from 'pipeline-runtime';
import { z } from 'zod';

const clicks = source('clicks', {
  schema: z.object({ at: z.iso.datetime(), user: z.string() }),
  eventTime: 'at',
  watermark: { delay: '0s' },
  lateness: { allowed: '0s', then: 'drop' },
});

export default pipeline('group_ttl', {
  // A user who was silent for ten minutes is forgotten, as the watermark before the next click says. The next click begins
  // anew and replaces what was shown; until then that stays.
  users: clicks
    .groupBy((c) => ({ user: c.user }), { ttl: '10m' })
    .aggregate(() => ({ clicks: count() }))
    .updates(),
});

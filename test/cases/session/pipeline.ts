import { count, pipeline, session, source } from 'pipeline-runtime';
import { z } from 'zod';

const clicks = source('clicks', {
  schema: z.object({ at: z.iso.datetime(), user: z.string() }),
  eventTime: 'at',
  watermark: { delay: '5m' },
  lateness: { allowed: '0s', then: 'drop' },
});

// Clicks exactly a gap apart belong together, and a click may join two sessions. One that is late alone counts in a session
// that is still open.
const sessions = clicks
  .groupBy((c) => ({ user: c.user, session: session(c.at, '10m') }))
  .aggregate(() => ({ clicks: count() }));

export default pipeline('sessions', { early: sessions.updates(), final: sessions.final() });

import { count, max, pipeline, source, tumbling } from 'pipeline-runtime';
import { z } from 'zod';

const clicks = source('clicks', {
  schema: z.object({ at: z.iso.datetime(), user: z.string() }),
  eventTime: 'at',
  watermark: { delay: '0s' },
  lateness: { allowed: '0s', then: 'drop' },
});

const perUser = clicks
  .groupBy((c) => ({ user: c.user, minute: tumbling(c.at, '1m') }))
  .aggregate(() => ({ clicks: count() }));

// A window of a group goes on as a column: the second group is over when the first one is.
const perMinute = perUser
  .groupBy((u) => ({ minute: u.minute }))
  .aggregate((u) => ({ users: count(), most: max(u.clicks) }));

export default pipeline('group_of_groups', {
  early: perMinute.updates(),
  final: perMinute.final(),
  // The minutes of which a user was the busiest.
  busiest: perUser
    .top({ by: ['minute'], order: (u) => [u.clicks.descending(), u.user], limit: 1 })
    .groupBy((u) => ({ user: u.user }))
    .aggregate(() => ({ minutes: count() }))
    .updates(),
});

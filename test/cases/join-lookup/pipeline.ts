import { pipeline, source, table } from 'pipeline-runtime';
import { z } from 'zod';

const visits = source('visits', {
  schema: z.object({ at: z.iso.datetime(), visit: z.int(), user: z.int().nullable() }),
  eventTime: 'at',
  watermark: { delay: '0s' },
  lateness: { allowed: '0s', then: 'drop' },
});
const users = table('users', { schema: z.object({ id: z.int(), name: z.string() }) });

// The row that the table has when the visit arrives; later ones change nothing. Whether the visit is late does not matter.
export default pipeline('join_lookup', {
  inner: visits
    .join(users, {
      type: 'inner',
      how: 'lookup',
      on: (v, u) => [[v.user, u.id]],
      select: (v, u) => ({ visit: v.visit, name: u.name }),
    })
    .updates(),
  left: visits
    .join(users, {
      type: 'left',
      how: 'lookup',
      on: (v, u) => [[v.user, u.id]],
      select: (v, u) => ({ visit: v.visit, name: u.name }),
    })
    .updates(),
});

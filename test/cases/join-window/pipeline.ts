import { count, pipeline, source, tumbling } from 'pipeline-runtime';
import { z } from 'zod';

const schema = z.object({ at: z.iso.datetime(), user: z.string() });
const options = { watermark: { delay: '0s' }, lateness: { allowed: '0s', then: 'drop' } } as const;
const views = source('views', { schema, eventTime: 'at', ...options });
const buys = source('buys', { schema, eventTime: 'at', ...options });

const seen = views
  .groupBy((v) => ({ user: v.user, window: tumbling(v.at, '10m') }))
  .aggregate(() => ({ seen: count() }));
const bought = buys
  .groupBy((b) => ({ user: b.user, window: tumbling(b.at, '10m') }))
  .aggregate(() => ({ bought: count() }));

export default pipeline('join_window', {
  inner: seen
    .join(bought, {
      how: 'window',
      on: (s, b) => [
        [s.user, b.user],
        [s.window, b.window],
      ],
      select: (s, b) => ({ user: s.user, window: s.window, seen: s.seen, bought: b.bought }),
    })
    .updates(),
  // Nulls come when the window is over, so none is ever taken back.
  left: seen
    .join(bought, {
      type: 'left',
      how: 'window',
      on: (s, b) => [
        [s.user, b.user],
        [s.window, b.window],
      ],
      select: (s, b) => ({ user: s.user, window: s.window, seen: s.seen, bought: b.bought }),
    })
    .final(),
});

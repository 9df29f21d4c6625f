import { count, pipeline, source, sum, tumbling } from 'pipeline-runtime';
import { z } from 'zod';

const schema = z.object({ at: z.iso.datetime(), item: z.string(), amount: z.int() });
const lateness = { allowed: '0s', then: 'drop' } as const;
const web = source('web', { schema, eventTime: 'at', watermark: { delay: '0s' }, lateness });
const shop = source('shop', { schema, eventTime: 'at', watermark: { delay: '30m' }, lateness });

export default pipeline('union', {
  // Each row is late by the watermark of its own source.
  sales: web
    .union(shop)
    .groupBy((s) => ({ hour: tumbling(s.at, '1h'), item: s.item }))
    .aggregate((s) => ({ sales: count(), amount: sum(s.amount) }))
    .final(),
  // Repeats stay.
  twice: web
    .union(web)
    .map((s) => ({ item: s.item, amount: s.amount }))
    .updates(),
});

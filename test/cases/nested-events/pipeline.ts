import { count, pipeline, source, sqlTimestamp, tumbling } from 'pipeline-runtime';
import { z } from 'zod';

const events = source('events', {
  schema: z.object({
    kind: z.int(),
    bid: z.object({ price: z.int(), dateTime: sqlTimestamp() }).optional(),
    auction: z.object({ item: z.object({ name: z.string() }), dateTime: sqlTimestamp() }).optional(),
  }),
  // The first of them that is there.
  eventTime: ['bid.dateTime', 'auction.dateTime'],
  watermark: { delay: '4s' },
  lateness: { allowed: '0s', then: 'drop' },
});

export default pipeline('nested_events', {
  // One watermark for both kinds. An object that is missing makes nulls of its fields.
  bids: events
    .filter((e) => e.bid.price.isNotNull())
    .map((e) => ({ at: e.bid.dateTime.required(), price: e.bid.price }))
    .groupBy((b) => ({ window: tumbling(b.at, '10s') }))
    .aggregate(() => ({ bids: count() }))
    .final(),
  items: events
    .filter((e) => e.kind.eq(1))
    .map((e) => ({ item: e.auction.item.name, time: e.auction.dateTime.format('HH:mm:ss') }))
    .updates(),
});

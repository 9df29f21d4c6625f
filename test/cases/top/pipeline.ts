import { pipeline, source } from 'pipeline-runtime';
import { z } from 'zod';

const bids = source('bids', {
  schema: z.object({ at: z.iso.datetime(), auction: z.int(), bidder: z.string(), price: z.int().nullable() }),
  eventTime: 'at',
  watermark: { delay: '0s' },
  lateness: { allowed: '0s', then: 'drop' },
});

export default pipeline('top', {
  // Of equal prices the earlier bid comes first, and displaces no other; no price comes last.
  best: bids
    .top({ by: ['auction'], order: (b) => [b.price.descending()], limit: 2, rank: 'place' })
    .map((b) => ({ auction: b.auction, place: b.place, bidder: b.bidder, price: b.price }))
    .updates(),
  // When the leader bids less, the next moves up. The rows change, so of equal ones the smaller comes first.
  leader: bids
    .dedupe({ keys: ['bidder'], keep: 'last', by: 'arrival' })
    .map((b) => ({ bidder: b.bidder, price: b.price }))
    .top({ order: (b) => [b.price.descending()], limit: 1 })
    .updates(),
});

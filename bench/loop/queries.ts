/** What the benchmarks of the job run, over the events of the auction house. */
import {
  count,
  decimal,
  hopping,
  max,
  pipeline,
  type Pipeline,
  session,
  source,
  sum,
  tumbling,
} from 'pipeline-runtime';
import { QUERIES } from '../nexmark/queries.ts';
import { type AuctionHouse, auctionHouse, bid } from '../nexmark/source.ts';

type View = Parameters<typeof pipeline>[1][string];

const FOREVER = { kind: 'regular', ttl: 'forever' } as const;

export const JOB_QUERIES: Readonly<Record<string, (house: AuctionHouse) => View>> = {
  /** The work of q1 on every bid, into one row: what the replay costs without rows to write. */
  convert: ({ bids }) =>
    bids
      .map((b) => ({ bidder: b.bidder, euros: decimal('0.908').times(b.price) }))
      .filter((b) => b.euros.gt(10_000))
      .groupBy(() => ({}))
      .aggregate((b) => ({ bids: count(), highest: max(b.euros), bidders: max(b.bidder) }))
      .updates(),

  /** The work of q1, and a row of the view for every bid. */
  q1: (house) => known('q1')(house),

  tumbling: ({ bids }) =>
    bids
      .groupBy((b) => ({ auction: b.auction, window: tumbling(b.dateTime, '10s') }))
      .aggregate((b) => ({ bids: count(), spent: sum(b.price) }))
      .final(),

  hopping: ({ bids }) =>
    bids
      .groupBy((b) => ({ auction: b.auction, window: hopping(b.dateTime, { size: '10s', slide: '2s' }) }))
      .aggregate(() => ({ bids: count() }))
      .final(),

  session: ({ bids }) =>
    bids
      .groupBy((b) => ({ bidder: b.bidder, window: session(b.dateTime, '10s') }))
      .aggregate(() => ({ bids: count() }))
      .final(),

  dedupe: ({ bids }) =>
    bids
      .map((b) => ({ auction: b.auction, bidder: b.bidder, price: b.price, dateTime: b.dateTime }))
      .dedupe({ keys: ['bidder', 'auction'], keep: 'last', by: 'time' })
      .updates(),

  top: ({ bids }) =>
    bids
      .map((b) => ({ auction: b.auction, bidder: b.bidder, price: b.price, dateTime: b.dateTime }))
      .top({ by: ['auction'], order: (b) => [b.price.descending()], limit: 10, rank: 'rank_number' })
      .updates(),

  join: ({ auctions, persons }) =>
    auctions
      .join(persons, {
        type: 'inner',
        how: FOREVER,
        on: (a, p) => [[a.seller, p.id]],
        select: (a, p) => ({ id: a.id, category: a.category, name: p.name, city: p.city }),
      })
      .updates(),
};

function known(query: string): (house: AuctionHouse) => View {
  const define = QUERIES[query];
  if (define === undefined) throw new Error(`there is no query ${query}`);
  return define;
}

/** Bids alone, each an event of its own without an object around it. */
const flatBids = source('bids', {
  schema: bid,
  eventTime: 'dateTime',
  watermark: { delay: '4s' },
  lateness: { allowed: '0s', then: 'drop' },
});

/** The same work on bids alone: no other kinds of event to tell apart, no column that may be null. */
export const FLAT_QUERIES: Readonly<Record<string, View>> = {
  'flat-convert': flatBids
    .map((b) => ({ bidder: b.bidder, euros: decimal('0.908').times(b.price) }))
    .filter((b) => b.euros.gt(10_000))
    .groupBy(() => ({}))
    .aggregate((b) => ({ bids: count(), highest: max(b.euros), bidders: max(b.bidder) }))
    .updates(),

  'flat-tumbling': flatBids
    .groupBy((b) => ({ auction: b.auction, window: tumbling(b.dateTime, '10s') }))
    .aggregate((b) => ({ bids: count(), spent: sum(b.price) }))
    .final(),
};

/** The source that a query reads. */
export function sourceOf(query: string): 'nexmark' | 'bids' {
  return query in FLAT_QUERIES ? 'bids' : 'nexmark';
}

/** The definition of a query whose watermark stays four seconds behind. */
export function jobQuery(query: string): Pipeline {
  const flat = FLAT_QUERIES[query];
  if (flat !== undefined) return pipeline('bench', { view: flat });
  const define = JOB_QUERIES[query];
  if (define === undefined) throw new Error(`there is no query ${query}`);
  return pipeline('bench', { view: define(auctionHouse('4s')) });
}

/**
 * The Nexmark queries as definitions, each with the columns of the published sink. q6 has no answer in Flink and q12 asks
 * the clock of the machine, so neither is here.
 */
import {
  count,
  countDistinct,
  decimal,
  hopping,
  max,
  min,
  type Pipeline,
  pipeline,
  session,
  sum,
  table,
  tumbling,
  when,
} from 'pipeline-runtime';
import { z } from 'zod';
import { type AuctionHouse, auctionHouse } from './source.ts';

type View = Parameters<typeof pipeline>[1][string];

const LOW = 10_000;
const HIGH = 1_000_000;
const FOREVER = { kind: 'regular', ttl: 'forever' } as const;

/** Bids that were made while their auction ran. */
function bidsInTime({ auctions, bids }: AuctionHouse) {
  return auctions.join(bids, {
    type: 'inner',
    how: FOREVER,
    on: (a, b) => [[a.id, b.auction]],
    select: (a, b) => ({
      id: a.id,
      itemName: a.itemName,
      description: a.description,
      initialBid: a.initialBid,
      reserve: a.reserve,
      dateTime: a.dateTime,
      expires: a.expires,
      seller: a.seller,
      category: a.category,
      extra: a.extra,
      auction: b.auction,
      bidder: b.bidder,
      price: b.price,
      bid_dateTime: b.dateTime,
      bid_extra: b.extra,
    }),
    where: (row) => row.bid_dateTime.gte(row.dateTime).and(row.bid_dateTime.lte(row.expires)),
  });
}

type Bid = Parameters<Parameters<AuctionHouse['bids']['filter']>[0]>[0];

/** How many bids, bidders and auctions, in all and by the rank of the price. */
function ranks(b: Bid) {
  const low = b.price.lt(LOW);
  const middle = b.price.gte(LOW).and(b.price.lt(HIGH));
  const high = b.price.gte(HIGH);
  return {
    total_bids: count(),
    rank1_bids: count().where(low),
    rank2_bids: count().where(middle),
    rank3_bids: count().where(high),
    total_bidders: countDistinct(b.bidder),
    rank1_bidders: countDistinct(b.bidder).where(low),
    rank2_bidders: countDistinct(b.bidder).where(middle),
    rank3_bidders: countDistinct(b.bidder).where(high),
    total_auctions: countDistinct(b.auction),
    rank1_auctions: countDistinct(b.auction).where(low),
    rank2_auctions: countDistinct(b.auction).where(middle),
    rank3_auctions: countDistinct(b.auction).where(high),
  };
}

const day = (b: Bid) => b.dateTime.format('yyyy-MM-dd');

export const QUERIES: Readonly<Record<string, (house: AuctionHouse) => View>> = {
  q0: ({ bids }) =>
    bids
      .map((b) => ({
        auction: b.auction,
        bidder: b.bidder,
        price: b.price,
        dateTime: b.dateTime,
        extra: b.extra,
      }))
      .updates(),

  q1: ({ bids }) =>
    bids
      .map((b) => ({
        auction: b.auction,
        bidder: b.bidder,
        price: decimal('0.908').times(b.price),
        dateTime: b.dateTime,
        extra: b.extra,
      }))
      .updates(),

  q2: ({ bids }) =>
    bids
      .filter((b) => b.auction.mod(123).eq(0))
      .map((b) => ({ auction: b.auction, price: b.price }))
      .updates(),

  q3: ({ auctions, persons }) =>
    auctions
      .filter((a) => a.category.eq(10))
      .join(
        persons.filter((p) => p.state.oneOf('OR', 'ID', 'CA')),
        {
          type: 'inner',
          how: FOREVER,
          on: (a, p) => [[a.seller, p.id]],
          select: (a, p) => ({ name: p.name, city: p.city, state: p.state, id: a.id }),
        },
      )
      .updates(),

  q4: (house) =>
    bidsInTime(house)
      .groupBy((w) => ({ id: w.id, category: w.category }))
      .aggregate((w) => ({ final: max(w.price) }))
      .groupBy((w) => ({ id: w.category }))
      .aggregate((w) => ({ total: sum(w.final), auctions: count() }))
      .map((c) => ({ id: c.id, final: c.total.integerDividedBy(c.auctions) }))
      .updates(),

  q5: ({ bids }) => {
    const counts = bids
      .groupBy((b) => ({ auction: b.auction, window: hopping(b.dateTime, { size: '10s', slide: '2s' }) }))
      .aggregate(() => ({ num: count() }));
    const most = counts.groupBy((c) => ({ window: c.window })).aggregate((c) => ({ maxn: max(c.num) }));
    return counts
      .join(most, {
        type: 'inner',
        how: 'window',
        on: (c, m) => [[c.window, m.window]],
        select: (c, m) => ({ auction: c.auction, num: c.num, maxn: m.maxn }),
        where: (row) => row.num.gte(row.maxn),
      })
      .map((c) => ({ auction: c.auction, num: c.num }))
      .final();
  },

  // The published query puts the price into the column `bidder` and the bidder into `price`.
  q7: ({ bids }) => {
    const highest = bids
      .groupBy((b) => ({ window: tumbling(b.dateTime, '10s') }))
      .aggregate((b) => ({ maxprice: max(b.price) }))
      .map((m) => ({ maxprice: m.maxprice, endTime: m.window.end }));
    return bids
      .join(highest, {
        type: 'inner',
        how: FOREVER,
        on: (b, m) => [[b.price, m.maxprice]],
        select: (b, m) => ({
          auction: b.auction,
          bidder: b.price,
          price: b.bidder,
          dateTime: b.dateTime,
          extra: b.extra,
          endTime: m.endTime,
        }),
        where: (row) => row.dateTime.gte(row.endTime.minus('10s')).and(row.dateTime.lte(row.endTime)),
      })
      .map((b) => ({
        auction: b.auction,
        bidder: b.bidder,
        price: b.price,
        dateTime: b.dateTime,
        extra: b.extra,
      }))
      .updates();
  },

  q8: ({ persons, auctions }) =>
    persons
      .groupBy((p) => ({ id: p.id, name: p.name, window: tumbling(p.dateTime, '10s') }))
      .aggregate(() => ({ times: count() }))
      .join(
        auctions
          .groupBy((a) => ({ seller: a.seller, window: tumbling(a.dateTime, '10s') }))
          .aggregate(() => ({ times: count() })),
        {
          type: 'inner',
          how: 'window',
          on: (p, a) => [
            [p.id, a.seller],
            [p.window, a.window],
          ],
          select: (p) => ({ id: p.id, name: p.name, window: p.window }),
        },
      )
      .map((p) => ({ id: p.id, name: p.name, stime: p.window.start }))
      .final(),

  q9: (house) =>
    bidsInTime(house)
      .top({ by: ['id'], order: (w) => [w.price.descending(), w.bid_dateTime], limit: 1 })
      .updates(),

  q10: ({ bids }) =>
    bids
      .map((b) => ({
        auction: b.auction,
        bidder: b.bidder,
        price: b.price,
        dateTime: b.dateTime,
        extra: b.extra,
        dt: day(b),
        hm: b.dateTime.format('HH:mm'),
      }))
      .updates(),

  q11: ({ bids }) =>
    bids
      .groupBy((b) => ({ bidder: b.bidder, window: session(b.dateTime, '10s') }))
      .aggregate(() => ({ bid_count: count() }))
      .map((s) => ({
        bidder: s.bidder,
        bid_count: s.bid_count,
        starttime: s.window.start,
        endtime: s.window.end,
      }))
      .final(),

  q13: ({ bids }) =>
    bids
      .extend((b) => ({ slot: b.auction.mod(10_000) }))
      .join(table('side', { schema: z.object({ key: z.int(), value: z.string() }) }), {
        type: 'inner',
        how: 'lookup',
        on: (b, side) => [[b.slot, side.key]],
        select: (b, side) => ({
          auction: b.auction,
          bidder: b.bidder,
          price: b.price,
          dateTime: b.dateTime,
          value: side.value,
        }),
      })
      .updates(),

  q14: ({ bids }) =>
    bids
      .extend((b) => ({ euros: decimal('0.908').times(b.price), hour: b.dateTime.hour() }))
      .filter((b) => b.euros.gt(1_000_000).and(b.euros.lt(50_000_000)))
      .map((b) => ({
        auction: b.auction,
        bidder: b.bidder,
        price: b.euros,
        bidTimeType: when(b.hour.gte(8).and(b.hour.lte(18)), 'dayTime')
          .when(b.hour.lte(6).or(b.hour.gte(20)), 'nightTime')
          .otherwise('otherTime'),
        dateTime: b.dateTime,
        extra: b.extra,
        c_counts: b.extra.length().minus(b.extra.replace('c', '').length()),
      }))
      .updates(),

  q15: ({ bids }) =>
    bids
      .groupBy((b) => ({ day: day(b) }))
      .aggregate(ranks)
      .updates(),

  q16: ({ bids }) =>
    bids
      .groupBy((b) => ({ channel: b.channel, day: day(b) }))
      .aggregate((b) => ({ minute: max(b.dateTime.format('HH:mm')), ...ranks(b) }))
      .updates(),

  q17: ({ bids }) =>
    bids
      .groupBy((b) => ({ auction: b.auction, day: day(b) }))
      .aggregate((b) => ({
        total_bids: count(),
        rank1_bids: count().where(b.price.lt(LOW)),
        rank2_bids: count().where(b.price.gte(LOW).and(b.price.lt(HIGH))),
        rank3_bids: count().where(b.price.gte(HIGH)),
        min_price: min(b.price),
        max_price: max(b.price),
        sum_price: sum(b.price),
      }))
      .map((a) => ({
        auction: a.auction,
        day: a.day,
        total_bids: a.total_bids,
        rank1_bids: a.rank1_bids,
        rank2_bids: a.rank2_bids,
        rank3_bids: a.rank3_bids,
        min_price: a.min_price,
        max_price: a.max_price,
        avg_price: a.sum_price.integerDividedBy(a.total_bids),
        sum_price: a.sum_price,
      }))
      .updates(),

  q18: ({ bids }) => bids.dedupe({ keys: ['bidder', 'auction'], keep: 'last', by: 'time' }).updates(),

  q19: ({ bids }) =>
    bids
      .top({ by: ['auction'], order: (b) => [b.price.descending()], limit: 10, rank: 'rank_number' })
      .updates(),

  q20: ({ bids, auctions }) =>
    bids
      .join(
        auctions.filter((a) => a.category.eq(10)),
        {
          type: 'inner',
          how: FOREVER,
          on: (b, a) => [[b.auction, a.id]],
          select: (b, a) => ({
            auction: b.auction,
            bidder: b.bidder,
            price: b.price,
            channel: b.channel,
            url: b.url,
            bid_dateTime: b.dateTime,
            bid_extra: b.extra,
            itemName: a.itemName,
            description: a.description,
            initialBid: a.initialBid,
            reserve: a.reserve,
            auction_dateTime: a.dateTime,
            expires: a.expires,
            seller: a.seller,
            category: a.category,
            auction_extra: a.extra,
          }),
        },
      )
      .updates(),

  q21: ({ bids }) =>
    bids
      .extend((b) => ({
        lowered: b.channel.lower(),
        inUrl: b.url.regexpExtract('(&|^)channel_id=([^&]*)', 2),
      }))
      .filter((b) => b.inUrl.isNotNull().or(b.lowered.oneOf('apple', 'google', 'facebook', 'baidu')))
      .map((b) => ({
        auction: b.auction,
        bidder: b.bidder,
        price: b.price,
        channel: b.channel,
        channel_id: when(b.lowered.eq('apple'), '0')
          .when(b.lowered.eq('google'), '1')
          .when(b.lowered.eq('facebook'), '2')
          .when(b.lowered.eq('baidu'), '3')
          .otherwise(b.inUrl),
      }))
      .updates(),

  q22: ({ bids }) =>
    bids
      .map((b) => ({
        auction: b.auction,
        bidder: b.bidder,
        price: b.price,
        channel: b.channel,
        dir1: b.url.splitPart('/', 4),
        dir2: b.url.splitPart('/', 5),
        dir3: b.url.splitPart('/', 6),
      }))
      .updates(),
};

/** The definition of a query whose watermark stays so far behind. */
export function nexmarkQuery(query: string, delay: string): Pipeline | undefined {
  const define = QUERIES[query];
  return define === undefined ? undefined : pipeline(query, { [query]: define(auctionHouse(delay)) });
}

/** The source of the Nexmark queries: three kinds of event in one stream, under one watermark. */
import { source, sqlTimestamp } from 'pipeline-runtime';
import { z } from 'zod';

const person = z.object({
  id: z.int(),
  name: z.string(),
  emailAddress: z.string(),
  creditCard: z.string(),
  city: z.string(),
  state: z.string(),
  dateTime: sqlTimestamp(),
  extra: z.string(),
});
const auction = z.object({
  id: z.int(),
  itemName: z.string(),
  description: z.string(),
  initialBid: z.int(),
  reserve: z.int(),
  dateTime: sqlTimestamp(),
  expires: sqlTimestamp(),
  seller: z.int(),
  category: z.int(),
  extra: z.string(),
});
export const bid = z.object({
  auction: z.int(),
  bidder: z.int(),
  price: z.int(),
  channel: z.string(),
  url: z.string(),
  dateTime: sqlTimestamp(),
  extra: z.string(),
});

/** The events of the auction house; `delay` is how far the watermark stays behind the newest of them. */
export function auctionHouse(delay: string) {
  const all = source('nexmark', {
    schema: z.object({
      event_type: z.int(),
      person: person.optional(),
      auction: auction.optional(),
      bid: bid.optional(),
    }),
    eventTime: ['person.dateTime', 'auction.dateTime', 'bid.dateTime'],
    watermark: { delay },
    lateness: { allowed: '0s', then: 'drop' },
  });
  const persons = all
    .filter((e) => e.event_type.eq(0))
    .map(({ person: p }) => ({
      id: p.id,
      name: p.name,
      city: p.city,
      state: p.state,
      dateTime: p.dateTime.required(),
    }));
  const auctions = all
    .filter((e) => e.event_type.eq(1))
    .map(({ auction: a }) => ({
      id: a.id,
      itemName: a.itemName,
      description: a.description,
      initialBid: a.initialBid,
      reserve: a.reserve,
      dateTime: a.dateTime.required(),
      expires: a.expires,
      seller: a.seller,
      category: a.category,
      extra: a.extra,
    }));
  const bids = all
    .filter((e) => e.event_type.eq(2))
    .map(({ bid: b }) => ({
      auction: b.auction,
      bidder: b.bidder,
      price: b.price,
      channel: b.channel,
      url: b.url,
      dateTime: b.dateTime.required(),
      extra: b.extra,
    }));
  return { persons, auctions, bids };
}

export type AuctionHouse = ReturnType<typeof auctionHouse>;

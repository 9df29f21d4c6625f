/** Events shaped like Nexmark's, from a seed: 1 person, 3 auctions, 46 bids of 50, with the published skew. */
import type { Field } from '../../../runtime/src/data/decode.ts';
import type { Row, Value } from '../../../runtime/src/data/value.ts';
import type { SourcePlan } from '../../../runtime/src/plan/node.ts';

const field = (name: string, type: Field['type'], nullable = true): Field => {
  const at = name.indexOf('_');
  const path = nullable ? [name.slice(0, at), name.slice(at + 1)] : [name];
  return { name, type, nullable, path, ...(type === 'timestamp' && { format: 'sql' as const }) };
};

export const FIELDS: readonly Field[] = [
  field('event_type', 'integer', false),
  field('person_id', 'integer'),
  ...['name', 'emailAddress', 'creditCard', 'city', 'state'].map((name) => field(`person_${name}`, 'string')),
  field('person_dateTime', 'timestamp'),
  field('person_extra', 'string'),
  field('auction_id', 'integer'),
  field('auction_itemName', 'string'),
  field('auction_description', 'string'),
  field('auction_initialBid', 'integer'),
  field('auction_reserve', 'integer'),
  field('auction_dateTime', 'timestamp'),
  field('auction_expires', 'timestamp'),
  field('auction_seller', 'integer'),
  field('auction_category', 'integer'),
  field('auction_extra', 'string'),
  field('bid_auction', 'integer'),
  field('bid_bidder', 'integer'),
  field('bid_price', 'integer'),
  field('bid_channel', 'string'),
  field('bid_url', 'string'),
  field('bid_dateTime', 'timestamp'),
  field('bid_extra', 'string'),
];

export const SOURCE: SourcePlan = {
  name: 'events',
  fields: FIELDS,
  eventTime: ['person_dateTime', 'auction_dateTime', 'bid_dateTime'],
  watermark: { delayMs: 4000, idleAfterMs: null, futureMs: 1e12 },
  lateness: { allowedMs: 0, then: 'drop' },
};

export const TIME_INDEX: readonly number[] = SOURCE.eventTime.map((name) =>
  FIELDS.findIndex((each) => each.name === name),
);

/** A small generator of whole numbers below a limit. */
export function randomOf(seed: number): (below: number) => number {
  let state = seed | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

const STATES = ['AZ', 'CA', 'ID', 'OR', 'WA', 'WY'];
const CITIES = [
  'Phoenix',
  'Los Angeles',
  'San Francisco',
  'Boise',
  'Portland',
  'Bend',
  'Redmond',
  'Seattle',
  'Kent',
  'Cheyenne',
];
const HOT_CHANNELS = ['Google', 'Facebook', 'Baidu', 'Apple'];
const NOTHING: readonly Value[] = FIELDS.map(() => null);

export interface EventsOptions {
  readonly seed: number;
  readonly perSecond: number;
  readonly baseMs: number;
  /** How much later than its time an event may come. */
  readonly jitterMs?: number;
  /** Times are multiples of this. */
  readonly grainMs?: number;
}

export function* events(
  count: number,
  { seed, perSecond, baseMs, jitterMs = 0, grainMs = 1 }: EventsOptions,
): Generator<Row> {
  const random = randomOf(seed);
  const text = (length: number): string => {
    let made = '';
    for (let i = 0; i < length; i++) made += String.fromCharCode(97 + random(26));
    return made;
  };
  const price = (): number => Math.round(10 ** ((random(1e6) / 1e6) * 6) * 100);
  for (let n = 0; n < count; n++) {
    const epoch = Math.floor(n / 50);
    const offset = n % 50;
    const jitter = jitterMs > 0 && random(20) === 0 ? random(jitterMs) : 0;
    const time = Math.floor((baseMs + (n * 1000) / perSecond - jitter) / grainMs) * grainMs;
    const people = epoch + 1;
    const auctions = epoch * 3 + Math.min(offset, 3);
    const person = (): number => 1000 + Math.max(0, people - 1000) + random(Math.min(people, 1000));
    const row = [...NOTHING];
    if (offset === 0) {
      const own: Value[] = [
        1000 + epoch,
        `name ${text(6)}`,
        `${text(7)}@${text(5)}.com`,
        '1234 5678 9012 3456',
      ];
      row.splice(
        0,
        9,
        0,
        ...own,
        CITIES[random(10)] as string,
        STATES[random(6)] as string,
        time,
        text(20 + random(40)),
      );
    } else if (offset <= 3) {
      row[0] = 1;
      const seller = random(4) > 0 ? 1000 + Math.floor((people - 1) / 100) * 100 : person();
      const own: Value[] = [1000 + auctions - 1, text(15), text(60), price(), price(), time];
      own.push(time + 1 + random(20_000), seller, 10 + random(5), text(60 + random(60)));
      row.splice(9, own.length, ...own);
    } else {
      row[0] = 2;
      const auction =
        random(2) > 0
          ? 1000 + Math.floor(Math.max(0, auctions - 1) / 100) * 100
          : 1000 + Math.max(0, auctions - 100) + random(Math.min(auctions, 100));
      const bidder = random(4) > 0 ? 1000 + Math.floor((people - 1) / 100) * 100 + 1 : person();
      const channel = random(2) > 0 ? (HOT_CHANNELS[random(4)] as string) : `channel-${random(10_000)}`;
      const own: Value[] = [auction, bidder, price(), channel];
      own.push(`https://www.nexmark.com/${text(5)}/item.htm?query=1`, time, text(30 + random(40)));
      row.splice(19, own.length, ...own);
    }
    yield row;
  }
}

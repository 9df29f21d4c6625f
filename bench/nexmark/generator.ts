/**
 * Events of an auction house, distributed as the Nexmark benchmark publishes it: 1 person, 3 auctions and 46 bids of every
 * 50 events; half of the bids go to one hot auction, three quarters come from a hot bidder; prices are log-uniform from 1
 * to 10^6 in cents. Distributions and quirks follow the generator of github.com/nexmark/nexmark (Apache-2.0), so that
 * answers and costs can be compared; the numbers are our own, from one seed.
 *
 *   {"event_type":0|1|2,"person":{…}|"auction":{…}|"bid":{…}}   a line, times as `yyyy-MM-dd HH:mm:ss.SSS` in UTC
 */
import { Random } from './random.ts';

const PERSONS = 1;
const AUCTIONS = 3;
const EVENTS = 50;
const FIRST_ID = 1000;
const FIRST_CATEGORY = 10;
const CATEGORIES = 5;
const AUCTIONS_IN_FLIGHT = 100;
const PEOPLE_ACTIVE = 1000;
const ID_LEAD = 10;
/** Every so many auctions or people there is a new hot one. */
const HOT_BATCH = 100;
const CHANNELS = 10_000;
const SIZE = { person: 200, auction: 500, bid: 100 } as const;

const STATES = ['AZ', 'CA', 'ID', 'OR', 'WA', 'WY'] as const;
const CITIES = 'Phoenix,Los Angeles,San Francisco,Boise,Portland,Bend,Redmond,Seattle,Kent,Cheyenne'.split(
  ',',
);
const FIRST_NAMES = 'Peter,Paul,Luke,John,Saul,Vicky,Kate,Julie,Sarah,Deiter,Walter'.split(',');
const LAST_NAMES = 'Shultz,Abrams,Spencer,White,Bartels,Walton,Smith,Jones,Noris'.split(',');
const HOT_CHANNELS = ['Google', 'Facebook', 'Baidu', 'Apple'] as const;

export interface GeneratorOptions {
  readonly events: number;
  /** In event time. */
  readonly eventsPerSecond: number;
  readonly startMs: number;
  readonly seed: number;
  /** This fraction of the events arrives up to so much after its time. */
  readonly disorder?: { readonly fraction: number; readonly maxMs: number };
}

/** The events as JSON lines without their line breaks, in the order of their arrival. */
export function* nexmarkLines(options: GeneratorOptions): Iterable<string> {
  const make = new Generator(options);
  const { disorder } = options;
  if (disorder === undefined || disorder.fraction === 0) {
    for (let number = 0; number < options.events; number++) yield make.line(number);
    return;
  }
  const waiting: { readonly dueMs: number; readonly line: string }[] = [];
  const random = new Random(options.seed ^ 0x5f3759df);
  for (let number = 0; number < options.events; number++) {
    const nowMs = make.timeOf(number);
    while ((waiting[0]?.dueMs ?? Infinity) <= nowMs) yield (waiting.shift() as { line: string }).line;
    const line = make.line(number);
    if (random.fraction() >= disorder.fraction) {
      yield line;
      continue;
    }
    const late = { dueMs: nowMs + 1 + random.below(disorder.maxMs), line };
    const place = waiting.findIndex(({ dueMs }) => dueMs > late.dueMs);
    waiting.splice(place < 0 ? waiting.length : place, 0, late);
  }
  for (const { line } of waiting) yield line;
}

class Generator {
  readonly #options: GeneratorOptions;
  readonly #random: Random;
  readonly #letters: string;
  readonly #hotUrls: readonly string[];
  readonly #channelUrls: readonly string[];

  constructor(options: GeneratorOptions) {
    this.#options = options;
    this.#random = new Random(options.seed);
    this.#letters = this.#manyLetters(1 << 20);
    this.#hotUrls = HOT_CHANNELS.map(() => this.#url());
    this.#channelUrls = Array.from({ length: CHANNELS }, (_, index) => {
      const url = this.#url();
      return this.#random.below(10) === 0 ? url : `${url}&channel_id=${channelId(index)}`;
    });
  }

  timeOf(number: number): number {
    const { startMs, eventsPerSecond } = this.#options;
    return startMs + Math.floor((number * 1000) / eventsPerSecond);
  }

  line(number: number): string {
    const place = number % EVENTS;
    const timeMs = this.timeOf(number);
    if (place < PERSONS) return `{"event_type":0,"person":${this.#person(number, timeMs)}}`;
    if (place < PERSONS + AUCTIONS) return `{"event_type":1,"auction":${this.#auction(number, timeMs)}}`;
    return `{"event_type":2,"bid":${this.#bid(number, timeMs)}}`;
  }

  #person(number: number, timeMs: number): string {
    const random = this.#random;
    const name = `${random.pick(FIRST_NAMES)} ${random.pick(LAST_NAMES)}`;
    const emailAddress = `${this.#word(7, ' ')}@${this.#word(5, ' ')}.com`;
    const creditCard = Array.from({ length: 4 }, () => String(random.below(10_000)).padStart(4, '0')).join(
      ' ',
    );
    const city = random.pick(CITIES);
    const state = random.pick(STATES);
    const used = 8 + name.length + emailAddress.length + creditCard.length + city.length + state.length;
    return JSON.stringify({
      id: FIRST_ID + lastPerson(number),
      name,
      emailAddress,
      creditCard,
      city,
      state,
      dateTime: sqlTime(timeMs),
      extra: this.#extra(used, SIZE.person),
    });
  }

  #auction(number: number, timeMs: number): string {
    const random = this.#random;
    const isHot = random.below(4) > 0;
    const last = lastPerson(number);
    const seller = FIRST_ID + (isHot ? Math.floor(last / HOT_BATCH) * HOT_BATCH : this.#somePerson(number));
    const category = FIRST_CATEGORY + random.below(CATEGORIES);
    const initialBid = this.#price();
    const itemName = this.#word(20, ' ');
    const description = this.#word(100, ' ');
    const used = 8 + itemName.length + description.length + 40;
    return JSON.stringify({
      id: FIRST_ID + lastAuction(number),
      itemName,
      description,
      initialBid,
      reserve: initialBid + this.#price(),
      dateTime: sqlTime(timeMs),
      expires: sqlTime(timeMs + this.#auctionLengthMs(number, timeMs)),
      seller,
      category,
      extra: this.#extra(used, SIZE.auction),
    });
  }

  #bid(number: number, timeMs: number): string {
    const random = this.#random;
    const hotAuction = Math.floor(lastAuction(number) / HOT_BATCH) * HOT_BATCH;
    const auction = FIRST_ID + (random.below(2) > 0 ? hotAuction : this.#someAuction(number));
    const hotBidder = Math.floor(lastPerson(number) / HOT_BATCH) * HOT_BATCH + 1;
    // The published generator adds the first id twice; bidders begin at 2000.
    const bidder = 2 * FIRST_ID + (random.below(4) > 0 ? hotBidder : this.#somePerson(number));
    const price = this.#price();
    const hot = random.below(2) > 0 ? random.below(HOT_CHANNELS.length) : -1;
    const index = hot < 0 ? random.below(CHANNELS) : 0;
    return JSON.stringify({
      auction,
      bidder,
      price,
      channel: hot < 0 ? `channel-${index}` : HOT_CHANNELS[hot],
      url: hot < 0 ? this.#channelUrls[index] : this.#hotUrls[hot],
      dateTime: sqlTime(timeMs),
      extra: this.#extra(32, SIZE.bid),
    });
  }

  #somePerson(number: number): number {
    const people = lastPerson(number) + 1;
    const active = Math.min(people, PEOPLE_ACTIVE);
    return people - active + this.#random.below(active + ID_LEAD);
  }

  #someAuction(number: number): number {
    const last = lastAuction(number);
    const first = Math.max(last - AUCTIONS_IN_FLIGHT, 0);
    return first + this.#random.below(last - first + 1 + ID_LEAD);
  }

  /** On average as long as it takes until a hundred more auctions have begun. */
  #auctionLengthMs(number: number, timeMs: number): number {
    const events = Math.floor((AUCTIONS_IN_FLIGHT * EVENTS) / AUCTIONS);
    const horizonMs = this.timeOf(number + events) - timeMs;
    return 1 + this.#random.below(Math.max(horizonMs * 2, 1));
  }

  #price(): number {
    return Math.round(10 ** (this.#random.fraction() * 6) * 100);
  }

  #url(): string {
    return `https://www.nexmark.com/${this.#word(5, '_')}/${this.#word(5, '_')}/${this.#word(5, '_')}/item.htm?query=1`;
  }

  /** 3 to max - 1 letters, one of thirteen the special one. */
  #word(max: number, special: string): string {
    const random = this.#random;
    let word = '';
    for (let left = 3 + random.below(max - 3); left > 0; left--)
      word += random.below(13) === 0 ? special : String.fromCharCode(97 + random.below(26));
    return word.trim();
  }

  /** Fills an event up to its size, give or take a fifth. */
  #extra(used: number, size: number): string {
    if (used > size) return '';
    const spread = Math.round((size - used) * 0.2);
    const length = size - used - spread + (spread === 0 ? 0 : this.#random.below(2 * spread));
    const from = this.#random.below(this.#letters.length - length);
    return this.#letters.slice(from, from + length);
  }

  /** Six letters of each random number; negative ones give capitals, brackets and backslashes, as published. */
  #manyLetters(length: number): string {
    const codes = Buffer.alloc(length);
    for (let i = 0, rest = 0; i < length; i++) {
      if (i % 6 === 0) rest = this.#random.bits();
      codes[i] = 97 + (rest % 26);
      rest = Math.trunc(rest / 26);
    }
    return codes.toString('latin1');
  }
}

function lastPerson(number: number): number {
  return Math.floor(number / EVENTS) * PERSONS + Math.min(number % EVENTS, PERSONS - 1);
}

function lastAuction(number: number): number {
  const epoch = Math.floor(number / EVENTS);
  const place = number % EVENTS;
  if (place < PERSONS) return (epoch - 1) * AUCTIONS + AUCTIONS - 1;
  return epoch * AUCTIONS + Math.min(place - PERSONS, AUCTIONS - 1);
}

/** The bits of a number in reverse, as a positive number. */
function channelId(index: number): number {
  let reversed = 0;
  for (let bit = 0; bit < 32; bit++) reversed = (reversed << 1) | ((index >>> bit) & 1);
  return Math.abs(reversed);
}

function sqlTime(ms: number): string {
  return new Date(ms).toISOString().replace('T', ' ').slice(0, 23);
}

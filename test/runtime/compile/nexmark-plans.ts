/** Nexmark queries as plans, built by hand. */
import type { Type } from '../../../runtime/src/data/value.ts';
import type { Expr } from '../../../runtime/src/expr/node.ts';
import type {
  AggregateCall,
  GroupKey,
  JoinHow,
  NodeOf,
  Plan,
  PlanNode,
  ViewMode,
  WindowPlan,
} from '../../../runtime/src/plan/node.ts';
import { SOURCE } from './nexmark-events.ts';

export const f = (name: string): Expr => ({ kind: 'field', name });
export const lit = (
  value: string | number | boolean,
  type: Type = typeof value === 'number' ? 'integer' : (typeof value as Type),
): Expr => ({ kind: 'literal', type, value });
export const call = (fn: string, ...args: Expr[]): Expr => ({ kind: 'call', fn: fn as 'eq', args });

const source: PlanNode = { kind: 'source', source: SOURCE.name };
const filter = (input: PlanNode, predicate: Expr): PlanNode => ({ kind: 'filter', input, predicate });
const map = (input: PlanNode, columns: Readonly<Record<string, Expr>>): PlanNode => ({
  kind: 'map',
  input,
  columns: Object.entries(columns).map(([name, expr]) => ({ name, expr })),
});
const group = (
  input: PlanNode,
  keys: readonly GroupKey[],
  aggregates: readonly AggregateCall[],
): PlanNode => ({
  kind: 'group',
  input,
  keys,
  aggregates,
  ttlMs: null,
});
const key = (name: string): GroupKey => ({ name, expr: f(name) });
const GRID = { offsetMs: 0, zone: null } as const;
const tumbling = (sizeMs: number): GroupKey => ({
  name: 'window',
  window: { kind: 'tumbling', time: f('dateTime'), sizeMs, ...GRID } satisfies WindowPlan,
});
const agg = (
  name: string,
  fn: AggregateCall['fn'],
  arg: Expr | null = null,
  where?: Expr,
): AggregateCall => ({
  name,
  fn,
  arg,
  ...(where !== undefined && { where }),
});
const JOIN_FOREVER: JoinHow = { kind: 'regular', ttlMs: null };
const join = (
  left: PlanNode,
  right: PlanNode,
  on: NodeOf<'join'>['on'],
  columns: readonly string[],
  condition: Expr | null = null,
  how: JoinHow = JOIN_FOREVER,
): PlanNode => ({
  kind: 'join',
  left,
  right,
  type: 'inner',
  how,
  on,
  columns: columns.map((text) => {
    const [side, from, name] = text.split('.') as ['l' | 'r', string, string | undefined];
    return { side: side === 'l' ? 'left' : 'right', from, name: name ?? from };
  }),
  condition,
});

const part = (type: number, prefix: string, names: readonly string[]): PlanNode =>
  map(
    filter(source, call('eq', f('event_type'), lit(type))),
    Object.fromEntries(
      names.map((name) => [
        name,
        name === 'dateTime' ? call('required', f(`${prefix}_${name}`)) : f(`${prefix}_${name}`),
      ]),
    ),
  );
const bids = part(2, 'bid', ['auction', 'bidder', 'price', 'channel', 'url', 'dateTime', 'extra']);
const AUCTION = 'id itemName description initialBid reserve dateTime expires seller category extra';
const auctions = part(1, 'auction', AUCTION.split(' '));
const people = part(0, 'person', [
  'id',
  'name',
  'emailAddress',
  'creditCard',
  'city',
  'state',
  'dateTime',
  'extra',
]);
const pick = (input: PlanNode, names: readonly string[]): PlanNode =>
  map(input, Object.fromEntries(names.map((name) => [name, f(name)])));

const or = (...args: Expr[]): Expr => args.reduce((a, b) => call('or', a, b));
const and = (...args: Expr[]): Expr => args.reduce((a, b) => call('and', a, b));
const between = (x: Expr, low: Expr, high: Expr): Expr => and(call('gte', x, low), call('lte', x, high));

/** The day as the number of its first millisecond's day: a key like `format` would be. */
const withDay = (input: PlanNode, names: readonly string[]): PlanNode =>
  map(input, {
    ...Object.fromEntries(names.map((name) => [name, f(name)])),
    day: call('formatTime', f('dateTime'), lit('yyyy-MM-dd')),
  });

const low = call('lt', f('price'), lit(10_000));
const middle = and(call('gte', f('price'), lit(10_000)), call('lt', f('price'), lit(1_000_000)));
const high = call('gte', f('price'), lit(1_000_000));
const ranks: readonly (readonly [string, Expr | undefined])[] = [
  ['total', undefined],
  ['rank1', low],
  ['rank2', middle],
  ['rank3', high],
];
const counts = (name: string): AggregateCall[] =>
  ranks.map(([rank, where]) => agg(`${rank}_${name}`, 'count', null, where));
const distinct = (name: string, arg: string): AggregateCall[] =>
  ranks.map(([rank, where]) => agg(`${rank}_${name}`, 'countDistinct', f(arg), where));

const auctionBids = (columns: readonly string[]): PlanNode =>
  join(
    auctions,
    bids,
    [{ left: 'id', right: 'auction' }],
    ['l.id', 'l.category', 'r.price', 'r.dateTime.bidTime', 'l.dateTime', 'l.expires', ...columns],
    between(f('bidTime'), f('dateTime'), f('expires')),
  );

/** As q20, but that either side is forgotten after two seconds. */
const forgetful = join(
  bids,
  auctions,
  [{ left: 'auction', right: 'id' }],
  ['l.auction', 'l.price', 'l.url', 'r.itemName'],
  null,
  { kind: 'regular', ttlMs: 2000 },
);

const hop = group(
  bids,
  [
    key('auction'),
    {
      name: 'window',
      window: { kind: 'hopping', time: f('dateTime'), sizeMs: 10_000, slideMs: 2000, ...GRID },
    },
  ],
  [agg('num', 'count')],
);
const perWindow = (input: PlanNode): PlanNode =>
  group(input, [key('window')], [agg('maxn', 'max', f('num'))]);

const QUERIES: Readonly<Record<string, readonly [PlanNode, ViewMode]>> = {
  q0: [pick(bids, ['auction', 'bidder', 'price', 'dateTime', 'extra']), 'updates'],
  q1: [
    map(bids, {
      auction: f('auction'),
      bidder: f('bidder'),
      price: call('times', f('price'), lit(0.908, 'double')),
      dateTime: f('dateTime'),
      extra: f('extra'),
    }),
    'updates',
  ],
  q2: [
    pick(filter(bids, call('eq', call('mod', f('auction'), lit(123)), lit(0))), ['auction', 'price']),
    'updates',
  ],
  q3: [
    join(
      filter(auctions, call('eq', f('category'), lit(10))),
      filter(people, or(...['OR', 'ID', 'CA'].map((state) => call('eq', f('state'), lit(state))))),
      [{ left: 'seller', right: 'id' }],
      ['r.name', 'r.city', 'r.state', 'l.id'],
    ),
    'updates',
  ],
  q4: [
    group(
      group(auctionBids([]), [key('id'), key('category')], [agg('final', 'max', f('price'))]),
      [key('category')],
      [agg('final', 'avg', f('final'))],
    ),
    'updates',
  ],
  q5: [
    pick(
      join(
        hop,
        perWindow(hop),
        [{ left: 'window', right: 'window' }],
        ['l.auction', 'l.num', 'r.maxn'],
        call('gte', f('num'), f('maxn')),
        { kind: 'window' },
      ),
      ['auction', 'num'],
    ),
    'final',
  ],
  q8: [
    join(
      group(people, [key('id'), key('name'), tumbling(10_000)], []),
      group(auctions, [key('seller'), tumbling(10_000)], []),
      [
        { left: 'id', right: 'seller' },
        { left: 'window', right: 'window' },
      ],
      ['l.id', 'l.name', 'l.window'],
      null,
      { kind: 'window' },
    ),
    'final',
  ],
  q7a: [group(bids, [tumbling(10_000)], [agg('maxprice', 'max', f('price'))]), 'final'],
  q7: [
    pick(
      join(
        bids,
        map(group(bids, [tumbling(10_000)], [agg('maxprice', 'max', f('price'))]), {
          maxprice: f('maxprice'),
          end: call('windowEnd', f('window')),
        }),
        [{ left: 'price', right: 'maxprice' }],
        ['l.auction', 'l.price', 'l.bidder', 'l.dateTime', 'l.extra', 'r.end'],
        between(f('dateTime'), call('minusMs', f('end'), lit(10_000)), f('end')),
      ),
      ['auction', 'price', 'bidder', 'dateTime', 'extra'],
    ),
    'updates',
  ],
  q9: [
    {
      kind: 'top',
      input: auctionBids(['l.itemName', 'l.seller', 'r.bidder', 'r.extra']),
      partition: ['id'],
      order: [
        { expr: f('price'), descending: true },
        { expr: f('bidTime'), descending: false },
      ],
      limit: 1,
      rank: null,
    },
    'updates',
  ],
  channels: [
    group(
      bids,
      [key('channel'), tumbling(2000)],
      [agg('bids', 'count'), agg('urls', 'countDistinct', f('url'))],
    ),
    'final',
  ],
  q11: [
    group(
      bids,
      [key('bidder'), { name: 'window', window: { kind: 'session', time: f('dateTime'), gapMs: 10_000 } }],
      [agg('bid_count', 'count')],
    ),
    'final',
  ],
  q15: [
    group(
      withDay(bids, ['auction', 'bidder', 'price', 'dateTime']),
      [key('day')],
      [...counts('bids'), ...distinct('bidders', 'bidder'), ...distinct('auctions', 'auction')],
    ),
    'updates',
  ],
  q16: [
    group(
      map(bids, {
        channel: f('channel'),
        bidder: f('bidder'),
        auction: f('auction'),
        price: f('price'),
        day: call('formatTime', f('dateTime'), lit('yyyy-MM-dd')),
        minute: call('formatTime', f('dateTime'), lit('HH:mm')),
      }),
      [key('channel'), key('day')],
      [
        agg('minute', 'max', f('minute')),
        agg('from', 'min', f('minute')),
        ...counts('bids'),
        ...distinct('bidders', 'bidder'),
        ...distinct('auctions', 'auction'),
      ],
    ),
    'updates',
  ],
  q17: [
    group(
      withDay(bids, ['auction', 'price', 'dateTime']),
      [key('auction'), key('day')],
      [
        ...counts('bids'),
        agg('min_price', 'min', f('price')),
        agg('max_price', 'max', f('price')),
        agg('avg_price', 'avg', f('price')),
        agg('sum_price', 'sum', f('price')),
      ],
    ),
    'updates',
  ],
  q18: [
    { kind: 'dedupe', input: bids, keys: ['bidder', 'auction'], keep: 'last', by: 'time', ttlMs: null },
    'updates',
  ],
  q19: [
    {
      kind: 'top',
      input: bids,
      partition: ['auction'],
      order: [{ expr: f('price'), descending: true }],
      limit: 10,
      rank: 'rank_number',
    },
    'updates',
  ],
  ttl: [forgetful, 'updates'],
  q20: [
    join(
      bids,
      filter(auctions, call('eq', f('category'), lit(10))),
      [{ left: 'auction', right: 'id' }],
      [
        ...['auction', 'bidder', 'price', 'channel', 'url', 'dateTime', 'extra'].map((name) => `l.${name}`),
        ...['itemName', 'description', 'initialBid', 'reserve', 'expires', 'seller', 'category'].map(
          (name) => `r.${name}`,
        ),
        'r.dateTime.adateTime',
        'r.extra.aextra',
      ],
    ),
    'updates',
  ],
};

export const NAMES = Object.keys(QUERIES);

export function planOf(name: string): Plan {
  const [node, mode] = QUERIES[name] as readonly [PlanNode, ViewMode];
  return { version: 1, name: 'nexmark', sources: [SOURCE], functions: [], views: [{ name, mode, node }] };
}

/**
 * The rows that each step leaves, as the compiler infers them and an editor shows them, and what it refuses. Checked by
 * `tsc -p test`, never run.
 */
import {
  argMax,
  avg,
  collect,
  count,
  cumulating,
  type Decimal,
  decimalField,
  defineProcess,
  type Fields,
  first,
  hopping,
  max,
  percentile,
  session,
  source,
  type Stream,
  sum,
  table,
  type Timestamp,
  tumbling,
  udf,
  type WindowBounds,
} from 'pipeline-runtime';
import { z } from 'zod';
import { same } from './definition.ts';

type RowOf<S> = S extends Stream<infer R> ? { [K in keyof R]: R[K] } : never;

const rest = { watermark: { delay: '15m' }, lateness: { allowed: '6h', then: 'drop' } } as const;
const flights = source('flights', {
  schema: z.object({
    origin: z.string(),
    scheduled: z.iso.datetime(),
    landed: z.iso.datetime().nullable(),
    delay: z.int().nullable(),
    distance: z.number(),
  }),
  eventTime: 'scheduled',
  ...rest,
});
const gates = source('gates', {
  schema: z.object({ airport: z.string(), gate: z.string(), opened: z.iso.datetime() }),
  eventTime: 'opened',
  ...rest,
});
interface Flight {
  readonly origin: string;
  readonly scheduled: Timestamp;
  readonly landed: Timestamp | null;
  readonly delay: number | null;
  readonly distance: number;
}

// Steps that leave rows as they are.
const kept = flights
  .filter((f) => f.delay.gt(0))
  .union(flights)
  .dedupe({ keys: ['origin'], keep: 'last', by: 'time' })
  .top({ by: ['origin'], order: (f) => [f.distance], limit: 10 });
same<RowOf<typeof kept>, Flight>(true);

// Steps that add columns; an editor shows one row, not a chain of intersections.
const more = flights
  .extend((f) => ({ known: f.delay.isNotNull() }))
  .over({ partition: ['origin'], frame: { rows: 10 } }, (f) => ({ total: sum(f.delay), n: count() }))
  .top({ order: (f) => [f.n], limit: 3, rank: 'place' });
same<
  RowOf<typeof more>,
  Flight & {
    readonly known: boolean;
    readonly total: number | null;
    readonly n: number;
    readonly place: number;
  }
>(true);

// Groups, windows and aggregates.
const grouped = flights
  .groupBy((f) => ({ origin: f.origin, hour: tumbling(f.scheduled, '1h') }), { ttl: '1d' })
  .aggregate((f) => ({
    late: count().where(f.delay.gt(15)),
    total: sum(f.distance),
    some: sum(f.distance).where(f.delay.gt(15)),
    early: first(f.distance),
    worst: argMax(f.origin, f.delay),
    farthest: argMax(f.origin, f.distance),
    median: percentile(f.delay, 0.5),
    all: collect(f.delay),
  }));
same<
  RowOf<typeof grouped>,
  {
    readonly origin: string;
    readonly hour: WindowBounds;
    readonly late: number;
    readonly total: number;
    readonly some: number | null;
    readonly early: number;
    readonly worst: string | null;
    readonly farthest: string;
    readonly median: number | null;
    readonly all: readonly number[];
  }
>(true);
flights.groupBy((f) => ({ w: hopping(f.scheduled, { size: '1h', slide: '5m', offset: '1m' }) }));
flights.groupBy((f) => ({ w: cumulating(f.scheduled, { size: '1d', step: '1h', zone: 'Europe/Berlin' }) }));
flights.groupBy((f) => ({ w: session(f.scheduled, '10s') }));

// A group of groups, by the window that they have.
const busiest = grouped
  .groupBy((g) => ({ hour: g.hour }))
  .aggregate((g) => ({ best: argMax(g.origin, g.late) }));
same<RowOf<typeof busiest>, { readonly hour: WindowBounds; readonly best: string }>(true);

// Items of lists.
const items = grouped.unnest((g) => g.all, 'one');
same<RowOf<typeof items>['one'], number>(true);

// Joins: on the right of a left join everything may be null.
const inner = flights.join(gates, {
  how: { kind: 'interval', from: '-5s', to: '10m' },
  on: (l, r) => [[l.origin, r.airport]],
  select: (l, r) => ({ origin: l.origin, gate: r.gate, twice: l.distance.times(2) }),
  where: (row) => row.gate.ne('A1').and(row.twice.gt(1)),
});
same<RowOf<typeof inner>, { readonly origin: string; readonly gate: string; readonly twice: number }>(true);
const left = flights.join(gates, {
  type: 'left',
  how: 'temporal',
  on: (l, r) => [[l.origin, r.airport]],
  select: (l, r) => ({ at: l.scheduled, gate: r.gate, opened: r.opened }),
});
same<
  RowOf<typeof left>,
  { readonly at: Timestamp; readonly gate: string | null; readonly opened: Timestamp | null }
>(true);

// Patterns: the partition, then what is selected.
const matches = flights.pattern({
  partition: ['origin'],
  steps: { calm: (f) => f.delay.lte(0), late: (f) => f.delay.gt(60) },
  within: '2h',
  select: (s) => ({ from: s.calm.scheduled, more: s.late.distance.minus(s.calm.distance) }),
});
same<RowOf<typeof matches>, { readonly origin: string; readonly from: Timestamp; readonly more: number }>(
  true,
);

// Process functions: rows are plain objects, times are milliseconds. Written in place, their types are inferred.
const processed = flights.process(
  ['origin'],
  defineProcess('silence', {
    output: z.object({ origin: z.string(), at: z.iso.datetime() }),
    state: { seen: 0 },
    onEvent(row, context) {
      const { scheduled, landed, delay }: { scheduled: number; landed: number | null; delay: number | null } =
        row;
      context.state.seen += delay ?? landed ?? 1;
      context.setTimer(scheduled + 1000);
    },
    onTimer(context) {
      context.emit({ origin: 'x', at: context.timeMs });
      // @ts-expect-error a text where the output has a time
      context.emit({ origin: 'x', at: 'now' });
      // @ts-expect-error a state that is not there
      context.state = { often: 1 };
    },
  }),
);
same<RowOf<typeof processed>, { readonly origin: string; readonly at: Timestamp }>(true);

// What the compiler refuses.
// @ts-expect-error a key that is no column
flights.dedupe({ keys: ['nope'], keep: 'first', by: 'time' });
// @ts-expect-error what comes first must be said
flights.dedupe({ keys: ['origin'], keep: 'first' });
// @ts-expect-error streams with other columns
flights.union(gates);
// @ts-expect-error a window over a time that may be null
flights.groupBy((f) => ({ w: session(f.landed, '10s') }));
// @ts-expect-error a slide is needed
flights.groupBy((f) => ({ w: hopping(f.scheduled, { size: '1h' }) }));
// @ts-expect-error a condition that is a number
flights.groupBy((f) => ({ o: f.origin })).aggregate((f) => ({ n: count().where(f.delay) }));
// @ts-expect-error the median of strings
flights.groupBy((f) => ({ o: f.origin })).aggregate((f) => ({ n: percentile(f.origin, 0.5) }));
// @ts-expect-error the first by a number
flights.groupBy((f) => ({ o: f.origin })).aggregate((f) => ({ n: first(f.origin, f.delay) }));
// @ts-expect-error no list
flights.unnest((f) => f.origin, 'x');
// @ts-expect-error a frame of no kind
flights.over({ frame: { days: 1 } }, () => ({ n: count() }));
const late = { a: (f: Fields<Flight>) => f.delay.gt(0) };
// @ts-expect-error a step that was not defined
flights.pattern({ partition: [], steps: late, within: '1m', select: (s) => ({ x: s.b.delay }) });
// @ts-expect-error a partition that is no column
flights.pattern({ partition: ['nope'], steps: late, within: '1m', select: (s) => ({ x: s.a.delay }) });
const joinable = { on: () => [], select: (l: never) => ({ o: l }) } as never as {
  on: () => [];
  select: () => Record<string, never>;
};
// @ts-expect-error how the rows meet must be said
flights.join(gates, joinable);
// @ts-expect-error a regular join without a time-to-live
flights.join(gates, { ...joinable, how: { kind: 'regular' } });
flights.join(gates, {
  how: 'temporal',
  on: (l, r) => [[l.origin, r.airport]],
  // @ts-expect-error a column that the right side does not have
  select: (_, r) => ({ x: r.nope }),
});

// Nested events: objects of fields; names of columns are those that are no objects; a left join may null all below.
const time = z.iso.datetime();
const auctions = source('auctions', {
  schema: z.object({
    kind: z.int(),
    bid: z.object({ price: decimalField(2), at: time, tags: z.array(z.string()) }).optional(),
    item: z.object({ id: z.int(), at: time }),
  }),
  eventTime: ['item.at', 'bid.at'],
  ...rest,
});
const bids = auctions
  .filter((a) => a.kind.eq(1))
  .extend((a) => ({ twice: a.bid.price.times(2), id: a.item.id }))
  .join(auctions, {
    type: 'left',
    how: { kind: 'regular', ttl: 'forever' },
    on: (l, r) => [[l.id, r.item.id]],
    select: (l, r) => ({ twice: l.twice, kind: r.kind, id: r.item.id, tags: r.bid.tags, at: l.item.at }),
  });
same<
  RowOf<typeof bids>,
  {
    readonly twice: Decimal | null;
    readonly kind: number | null;
    readonly id: number | null;
    readonly tags: readonly string[] | null;
    readonly at: Timestamp;
  }
>(true);
const dear = auctions
  .dedupe({ keys: (a) => ({ id: a.item.id }), keep: 'first', by: 'arrival' })
  .groupBy((a) => ({ kind: a.kind, day: tumbling(a.item.at, '1d') }))
  .aggregate((a) => ({ total: sum(a.bid.price), mean: avg(a.bid.price), top: max(a.bid.price) }))
  .map((g) => ({ from: g.day.start, total: g.total.orElse('0.00') }));
same<RowOf<typeof dear>, { readonly from: Timestamp; readonly total: Decimal }>(true);
// @ts-expect-error an object is no column
auctions.dedupe({ keys: ['bid'], keep: 'first', by: 'arrival' });
source('auctions', {
  schema: z.object({ bid: z.object({ at: time }).optional() }),
  // @ts-expect-error a time that may be missing, alone
  eventTime: 'bid.at',
  ...rest,
});

// Tables and functions.
const airports = table('airports', { schema: z.object({ code: z.string(), runways: z.int() }) });
const score = udf('score', { args: ['string', 'integer'], result: 'double' }, (text, n) => text.length * n);
const scored = flights
  .join(airports, {
    how: 'lookup',
    on: (l, r) => [[l.origin, r.code]],
    select: (l, r) => ({ at: l.scheduled, origin: l.origin, runways: r.runways }),
  })
  .map((f) => ({ score: score(f.origin, f.runways) }));
same<RowOf<typeof scored>, { readonly score: number }>(true);

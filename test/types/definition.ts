/**
 * The types of a definition, checked by `tsc -p test` and never run: what the compiler infers, and what it refuses. An
 * error that no longer comes is an error here.
 */
import {
  avg,
  count,
  max,
  type Pipeline,
  pipeline,
  source,
  sum,
  type Timestamp,
  tumbling,
  type View,
} from 'pipeline-runtime';
import { z } from 'zod';

type Equal<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
/** Fails to compile unless the two types are the same. */
export function same<A, B>(_same: Equal<A, B>): void {}
type RowOf<V> = V extends View<infer R> ? { [K in keyof R]: R[K] } : never;

const schema = z.object({
  origin: z.string(),
  carrier: z.enum(['AA', 'DL']).optional(),
  scheduled: z.iso.datetime(),
  landed: z.iso.datetime().nullable(),
  delay: z.int().nullable(),
  distance: z.number(),
});
const rest = { watermark: { delay: '15m' }, lateness: { allowed: '6h', then: 'drop' } } as const;
const flights = source('flights', { schema, eventTime: 'scheduled', ...rest });

// Rows are inferred: a sum over what may be null may be null, a window has bounds, a time is written as it is compared.
const delays = flights
  .filter((f) => f.delay.gt(0))
  .groupBy((f) => ({ origin: f.origin, carrier: f.carrier, window: tumbling(f.scheduled, '1h') }))
  .aggregate((f) => ({ n: count(), total: sum(f.delay), mean: avg(f.distance), last: max(f.scheduled) }))
  .updates();
same<
  RowOf<typeof delays>,
  {
    readonly origin: string;
    readonly carrier: string | null;
    readonly window: { readonly start: string; readonly end: string };
    readonly n: number;
    readonly total: number | null;
    readonly mean: number;
    readonly last: Timestamp;
  }
>(true);
const mapped = flights
  .map((f) => ({ hours: f.delay.dividedBy(60), known: f.delay.isNotNull(), or: f.delay.orElse(0) }))
  .updates();
same<RowOf<typeof mapped>, { readonly hours: number | null; readonly known: boolean; readonly or: number }>(
  true,
);
const named: Pipeline = pipeline('departures', { delays, mapped });
export { named };

// Comparisons of times, with text, dates and each other.
flights.filter((f) => f.scheduled.gte('2001-01-10T00:00:00Z'));
flights.filter((f) => f.scheduled.lt(new Date()).and(f.landed.gt(f.scheduled)));

// What the compiler refuses.
// @ts-expect-error a field that the event does not have
flights.filter((f) => f.dellay.gt(0));
// @ts-expect-error a number's method on a string
flights.filter((f) => f.origin.plus(1).isNull());
// @ts-expect-error a string's method on a number
flights.filter((f) => f.distance.upper().isNull());
// @ts-expect-error a string compared with a number
flights.filter((f) => f.origin.eq(1));
// @ts-expect-error a time compared with a number
flights.filter((f) => f.scheduled.gt(0));
// @ts-expect-error a condition that is a number
flights.filter((f) => f.delay);
// @ts-expect-error JavaScript's own comparison gives no expression
flights.filter((f) => f.distance > f.delay);
// @ts-expect-error a window over a string
flights.groupBy((f) => ({ w: tumbling(f.origin, '1h') }));
// @ts-expect-error a window over a time that may be null
flights.groupBy((f) => ({ w: tumbling(f.landed, '1h') }));
// @ts-expect-error a sum of strings
flights.groupBy((f) => ({ o: f.origin })).aggregate((f) => ({ s: sum(f.origin) }));
const unended = flights.groupBy((f) => ({ o: f.origin })).aggregate(() => ({ n: count() }));
// @ts-expect-error a view must be ended
pipeline('departures', { unended });
// @ts-expect-error an event time that is a string
source('flights', { schema, eventTime: 'origin', ...rest });
// @ts-expect-error an event time that may be null
source('flights', { schema, eventTime: 'landed', ...rest });
// @ts-expect-error the policy for late events cannot be forgotten
source('flights', { schema, eventTime: 'scheduled', watermark: rest.watermark });
// @ts-expect-error nor can it be anything
source('flights', { schema, eventTime: 'scheduled', ...rest, lateness: { allowed: '6h', then: 'ignore' } });

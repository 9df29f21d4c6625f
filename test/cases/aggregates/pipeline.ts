import {
  approxCountDistinct,
  argMax,
  argMin,
  avg,
  collect,
  count,
  countDistinct,
  first,
  last,
  max,
  min,
  percentile,
  pipeline,
  source,
  sum,
  tumbling,
} from 'pipeline-runtime';
import { z } from 'zod';

const flights = source('flights', {
  schema: z.object({ at: z.iso.datetime(), carrier: z.string(), delay: z.int().nullable() }),
  eventTime: 'at',
  watermark: { delay: '1h' },
  lateness: { allowed: '0s', then: 'drop' },
});

export default pipeline('aggregates', {
  // Nulls are left out. Of equal ones the earlier arrival is first, argMin and argMax; the later one is last.
  flights: flights
    .groupBy((f) => ({ hour: tumbling(f.at, '1h') }))
    .aggregate((f) => ({
      rows: count(),
      delays: count(f.delay),
      total: sum(f.delay),
      mean: avg(f.delay),
      least: min(f.delay),
      most: max(f.delay),
      first: first(f.carrier),
      last: last(f.carrier),
      punctual: argMin(f.carrier, f.delay),
      latest: argMax(f.carrier, f.at),
      different: countDistinct(f.delay),
      about: approxCountDistinct(f.delay),
      median: percentile(f.delay, 0.5),
      all: collect(f.delay),
      over20: count().where(f.delay.gt(20)),
      ofX: sum(f.delay).where(f.carrier.eq('x')),
      over100: max(f.delay).where(f.delay.gt(100)),
    }))
    .final(),
  // The last flight of each carrier changes, and such rows have no order of arrival: the smaller of equal ones is earlier.
  carriers: flights
    .dedupe({ keys: ['carrier'], keep: 'last', by: 'arrival' })
    .groupBy(() => ({}))
    .aggregate((f) => ({
      rows: count(),
      delays: count(f.delay),
      total: sum(f.delay),
      mean: avg(f.delay),
      least: min(f.delay),
      most: max(f.delay),
      first: first(f.carrier, f.at),
      last: last(f.carrier, f.at),
      punctual: argMin(f.carrier, f.delay),
      latest: argMax(f.carrier, f.at),
      different: countDistinct(f.delay),
      median: percentile(f.delay, 0.5),
      all: collect(f.delay),
      over20: count().where(f.delay.gt(20)),
      ofX: sum(f.delay).where(f.carrier.eq('x')),
      over100: max(f.delay).where(f.delay.gt(100)),
    }))
    .updates(),
});

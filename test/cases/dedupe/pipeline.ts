import { pipeline, source } from 'pipeline-runtime';
import { z } from 'zod';

const readings = source('readings', {
  schema: z.object({ at: z.iso.datetime(), sensor: z.string().nullable(), value: z.int() }),
  eventTime: 'at',
  watermark: { delay: '0s' },
  lateness: { allowed: '0s', then: 'drop' },
});

const keys = ['sensor'] as const;

// Null is a key like others. A late row still counts.
export default pipeline('dedupe', {
  firstByTime: readings.dedupe({ keys, keep: 'first', by: 'time' }).updates(),
  lastByTime: readings.dedupe({ keys, keep: 'last', by: 'time' }).updates(),
  firstToArrive: readings.dedupe({ keys, keep: 'first', by: 'arrival' }).updates(),
  lastToArrive: readings.dedupe({ keys, keep: 'last', by: 'arrival' }).updates(),
  // After ten silent minutes a sensor is new; what was shown of it before stays.
  news: readings
    .dedupe({ keys, keep: 'first', by: 'arrival', ttl: '10m' })
    .map((r) => ({ sensor: r.sensor, value: r.value }))
    .updates(),
});

import { avg, count, pipeline, source, tumbling } from 'pipeline-runtime';
import { z } from 'zod';

const readings = source('readings', {
  schema: z.object({ sensor: z.string(), at: z.iso.datetime(), value: z.number() }),
  eventTime: 'at',
  watermark: { delay: '1m' },
  lateness: { allowed: '5m', then: 'drop' },
});

const perHour = readings
  .groupBy((r) => ({ sensor: r.sensor, hour: tumbling(r.at, '1h') }))
  .aggregate((r) => ({ readings: count(), mean: avg(r.value) }));

export default pipeline('late_drop', { early: perHour.updates(), final: perHour.final() });

import { avg, count, pipeline, source, tumbling } from 'pipeline-runtime';
import { z } from 'zod';

const readings = source('readings', {
  schema: z.object({ sensor: z.string(), at: z.iso.datetime(), value: z.number() }),
  eventTime: 'at',
  watermark: { delay: '1m' },
  lateness: { allowed: '5m', then: 'side-output' },
});

const perHour = readings
  .groupBy((r) => ({ sensor: r.sensor, hour: tumbling(r.at, '1h') }))
  .aggregate((r) => ({ readings: count(), mean: avg(r.value) }));

export default pipeline('late_side_output', { early: perHour.updates(), final: perHour.final() });

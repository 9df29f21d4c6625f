import { pipeline, source, when } from 'pipeline-runtime';
import { z } from 'zod';

const calls = source('calls', {
  schema: z.object({ at: z.iso.datetime(), n: z.int().nullable(), by: z.int(), url: z.string() }),
  eventTime: 'at',
  watermark: { delay: '0s' },
  lateness: { allowed: '0s', then: 'drop' },
});

export default pipeline('expressions', {
  // Integers divide without their fraction, towards zero; a remainder has the sign of the number.
  numbers: calls
    .map((c) => ({
      whole: c.n.integerDividedBy(c.by),
      rest: c.n.mod(c.by),
      exact: c.n.dividedBy(c.by),
      // Null is neither more than zero nor not, and what is false whatever the null stands for is false.
      unknown: c.n.gt(0),
      never: c.n.gt(0).and(c.by.gt(100)),
      size: when(c.n.abs().gte(7), 'large').when(c.n.isNull(), 'none').otherwise('small'),
      // Only the value that is chosen is computed.
      safe: when(c.by.eq(1), 1).otherwise(c.by.integerDividedBy(c.by.minus(1))),
    }))
    .updates(),
  texts: calls
    .map((c) => ({
      host: c.url.splitPart('/', 3),
      last: c.url.regexpExtract('[?&]page=([0-9]+)', 1),
      long: c.url.length().gt(20),
      day: c.at.format('yyyy-MM-dd HH', { zone: 'Asia/Kolkata' }),
      monday: c.at.plus('1h').dayOfWeek().eq(1),
    }))
    .updates(),
});

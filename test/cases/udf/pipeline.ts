import { count, pipeline, source, udf } from 'pipeline-runtime';
import { z } from 'zod';

const people = source('people', {
  schema: z.object({ at: z.iso.datetime(), name: z.string().nullable() }),
  eventTime: 'at',
  watermark: { delay: '0s' },
  lateness: { allowed: '0s', then: 'drop' },
});

/** Not called with null; what it throws rejects the row, and so does another type. */
const initials = udf('initials', { args: ['string'], result: 'string' }, (name) => {
  if (name === '') throw new Error('no name');
  const letters = name.split(' ').map((part) => part[0]);
  return name === 'none' ? (undefined as never) : letters.join('');
});

export default pipeline('udf', {
  people: people
    .groupBy((p) => ({ initials: initials(p.name) }))
    .aggregate(() => ({ people: count() }))
    .updates(),
});

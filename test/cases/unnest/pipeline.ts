import { count, pipeline, source } from 'pipeline-runtime';
import { z } from 'zod';

const posts = source('posts', {
  schema: z.object({ at: z.iso.datetime(), author: z.string(), tags: z.array(z.string()).optional() }),
  eventTime: 'at',
  watermark: { delay: '0s' },
  lateness: { allowed: '0s', then: 'drop' },
});

const tagged = posts.unnest((p) => p.tags, 'tag');

// A list that is empty or missing gives no row; what is twice in a list gives two.
export default pipeline('unnest', {
  tags: tagged.map((p) => ({ author: p.author, tag: p.tag, of: p.tags.length() })).updates(),
  perTag: tagged
    .groupBy((p) => ({ tag: p.tag }))
    .aggregate(() => ({ posts: count() }))
    .updates(),
});

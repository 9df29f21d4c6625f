/** Streams for comparisons of definitions, each a small thing that may change. */
import { count, defineProcess, source, sum, tumbling, udf } from 'pipeline-runtime';
import { z } from 'zod';

export const FIELDS = { at: z.iso.datetime(), key: z.string(), value: z.int(), tags: z.array(z.string()) };

interface Rules {
  readonly delay?: string;
  readonly idleAfter?: string;
  readonly allowed?: string;
  readonly then?: 'correct' | 'drop';
}

export function events(fields: z.ZodRawShape = FIELDS, rules?: Rules): Events {
  if (fields === FIELDS && rules === undefined) return EVENTS;
  const { delay = '1m', idleAfter, allowed = '0s', then = 'drop' } = rules ?? {};
  return source('events', {
    schema: z.object(fields),
    eventTime: 'at' as never,
    watermark: { delay, ...(idleAfter !== undefined && { idleAfter }) },
    lateness: { allowed, then },
  }) as unknown as ReturnType<typeof plainEvents>;
}
function plainEvents() {
  return source('events', {
    schema: z.object(FIELDS),
    eventTime: 'at',
    watermark: { delay: '1m' },
    lateness: { allowed: '0s', then: 'drop' },
  });
}
const EVENTS = plainEvents();
export const others = source('others', {
  schema: z.object({ at: z.iso.datetime(), key: z.string(), most: z.int() }),
  eventTime: 'at',
  watermark: { delay: '1m' },
  lateness: { allowed: '0s', then: 'drop' },
});
type Events = ReturnType<typeof plainEvents>;

export const perKey = (e: Events = events()) =>
  e.groupBy((x) => ({ key: x.key })).aggregate(() => ({ n: count() }));
export const perHour = (e: Events = events()) =>
  e.groupBy((x) => ({ key: x.key, hour: tumbling(x.at, '1h') })).aggregate((x) => ({ total: sum(x.value) }));
export const plain = (e: Events = events()) => e.map((x) => ({ key: x.key, value: x.value }));
export const twice = (digest: string) =>
  udf(
    'twice',
    { args: ['integer'], result: 'integer' },
    Object.assign((n: number) => 2 * n, { toString: () => digest }),
  );
export const remember = (digest: string) =>
  defineProcess('remember', {
    output: z.object({ key: z.string() }),
    state: null,
    onEvent: Object.assign(
      (_: unknown, context: { emit(row: { key: string }): void }) => context.emit({ key: 'a' }),
      {
        toString: () => digest,
      },
    ),
  });
export const joined = (most: number, type: 'inner' | 'left' = 'inner') =>
  events()
    .join(others, {
      type,
      how: { kind: 'interval', from: '0s', to: '1m' },
      on: (e, o) => [[e.key, o.key]],
      select: (e, o) => ({ key: e.key, value: e.value, most: o.most }),
      where: (row) => row.most.lt(most) as never,
    })
    .updates();
export const pattern = (low: number) =>
  events()
    .pattern({
      partition: ['key'],
      steps: { low: (e) => e.value.lt(low), high: (e) => e.value.gt(60) },
      within: '10m',
      select: (s) => ({ from: s.low.at, to: s.high.at }),
    })
    .updates();

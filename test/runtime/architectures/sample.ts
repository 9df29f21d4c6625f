import { count, type Pipeline, pipeline, source, sum, tumbling } from 'pipeline-runtime';
import { z } from 'zod';

/** Sales by shop and hour: an event is `sale('a', '10:30', 5)`. */
export function sales(
  then: 'correct' | 'drop' | 'side-output' = 'correct',
  options: { atLeast?: number; final?: boolean } = {},
): Pipeline {
  const events = source('sales', {
    schema: z.object({ shop: z.string(), at: z.iso.datetime(), amount: z.int() }),
    eventTime: 'at',
    watermark: { delay: '0s', idleAfter: '10s' },
    lateness: { allowed: '0s', then },
  });
  const grouped = events
    .filter((s) => s.amount.gte(options.atLeast ?? 0))
    .groupBy((s) => ({ shop: s.shop, hour: tumbling(s.at, '1h') }))
    .aggregate((s) => ({ sales: count(), total: sum(s.amount) }));
  return pipeline('sales', { perHour: options.final === true ? grouped.final() : grouped.updates() });
}

export function sale(shop: string, time: string, amount: number): object {
  return { shop, at: `2001-01-01T${time}:00Z`, amount };
}

/** Rows in short: `a 10h: 2 sales, 7`. */
export function short(rows: readonly Readonly<Record<string, unknown>>[]): string[] {
  return rows.map((row) => {
    const { start } = row['hour'] as { start: string };
    return `${String(row['shop'])} ${start.slice(11, 13)}h: ${String(row['sales'])} sales, ${String(row['total'])}`;
  });
}

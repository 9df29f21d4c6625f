import { count, countDistinct, max, min, pipeline, source, sum } from 'pipeline-runtime';
import { z } from 'zod';

const orders = source('orders', {
  schema: z.object({
    shop: z.string().nullable(),
    at: z.iso.datetime(),
    amount: z.int().optional(),
    paid: z.boolean().optional(),
    kind: z.enum(['web', 'phone']),
  }),
  eventTime: 'at',
  watermark: { delay: '0s' },
  lateness: { allowed: '0s', then: 'drop' },
});

export default pipeline('nulls_and_having', {
  // Null spreads: an order that says nothing about its payment is neither paid nor unpaid.
  shops: orders
    .filter((o) => o.paid.and(o.kind.eq('web')).or(o.amount.gt(100)))
    .groupBy((o) => ({ shop: o.shop }))
    .aggregate((o) => ({
      orders: count(),
      priced: count(o.amount),
      total: sum(o.amount),
      least: min(o.amount),
      most: max(o.amount),
      amounts: countDistinct(o.amount),
    }))
    .filter((g) => g.orders.gt(1))
    .updates(),
  large: orders
    .filter((o) => o.amount.gte(100))
    .map((o) => ({ where: o.shop.orElse('nowhere').upper(), gross: o.amount.times(2).plus(1) }))
    .updates(),
});

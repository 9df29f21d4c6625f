import { pipeline, source, sum } from 'pipeline-runtime';
import { z } from 'zod';

const orders = source('orders', {
  schema: z.object({ at: z.iso.datetime(), order: z.int().nullable(), customer: z.string() }),
  eventTime: 'at',
  watermark: { delay: '0s' },
  lateness: { allowed: '0s', then: 'drop' },
});
const payments = source('payments', {
  schema: z.object({ at: z.iso.datetime(), order: z.int().nullable(), amount: z.int() }),
  eventTime: 'at',
  watermark: { delay: '0s' },
  lateness: { allowed: '0s', then: 'drop' },
});

const forever = { kind: 'regular', ttl: 'forever' } as const;
const totals = payments.groupBy((p) => ({ order: p.order })).aggregate((p) => ({ paid: sum(p.amount) }));

// Whichever comes first. An order number of null equals nothing, not even null.
export default pipeline('join_regular', {
  inner: orders
    .join(payments, {
      how: forever,
      on: (o, p) => [[o.order, p.order]],
      select: (o, p) => ({ order: o.order, customer: o.customer, amount: p.amount }),
    })
    .updates(),
  // No order of more than ten minutes ago: what is forgotten is decided by the payment's own watermark.
  recent: orders
    .join(payments, {
      how: { kind: 'regular', ttl: '10m' },
      on: (o, p) => [[o.order, p.order]],
      select: (o, p) => ({ order: o.order, amount: p.amount }),
    })
    .updates(),
  // The total of an order changes, and with it the row.
  left: orders
    .join(totals, {
      type: 'left',
      how: forever,
      on: (o, t) => [[o.order, t.order]],
      select: (o, t) => ({ order: o.order, customer: o.customer, paid: t.paid }),
    })
    .updates(),
  // A pair that fails the further condition is no pair.
  large: orders
    .join(payments, {
      type: 'left',
      how: forever,
      on: (o, p) => [[o.order, p.order]],
      select: (o, p) => ({ order: o.order, amount: p.amount }),
      where: (row) => row.amount.gt(5),
    })
    .updates(),
});

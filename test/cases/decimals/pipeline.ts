import { avg, decimal, decimalField, max, pipeline, source, sum } from 'pipeline-runtime';
import { z } from 'zod';

const sales = source('sales', {
  schema: z.object({ at: z.iso.datetime(), item: z.string(), price: decimalField(2) }),
  eventTime: 'at',
  watermark: { delay: '0s' },
  lateness: { allowed: '0s', then: 'drop' },
});

export default pipeline('decimals', {
  // Digits are exact: the scales of a product add up, and halves are rounded away from zero.
  euros: sales
    .map((s) => ({
      item: s.item,
      exact: s.price.times(decimal('0.908')),
      euros: s.price.times(decimal('0.908')).toDecimal(2),
      tenths: s.price.toDecimal(1),
      half: s.price.dividedBy(2),
      more: s.price.plus(1),
      large: s.price.gt(0.05),
    }))
    .updates(),
  // The mean is a double.
  items: sales
    .groupBy((s) => ({ item: s.item }))
    .aggregate((s) => ({ total: sum(s.price), mean: avg(s.price), most: max(s.price) }))
    .updates(),
});

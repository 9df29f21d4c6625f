import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ExactSum } from '../../../runtime/src/operators/exact-sum.ts';

/** A double as a whole number of 2^-1074, the smallest double. */
function scaled(value: number): bigint {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, Math.abs(value));
  const bits = view.getBigUint64(0);
  const exponent = Number(bits >> 52n);
  const fraction = bits & ((1n << 52n) - 1n);
  const magnitude = exponent === 0 ? fraction : (fraction | (1n << 52n)) << BigInt(exponent - 1);
  return value < 0 ? -magnitude : magnitude;
}

/** The double nearest to a whole number of 2^-1074, ties to even. */
function rounded(sum: bigint): number {
  const magnitude = sum < 0n ? -sum : sum;
  const shift = Math.max(0, magnitude.toString(2).length - 53);
  let quotient = magnitude >> BigInt(shift);
  const rest = magnitude - (quotient << BigInt(shift));
  const half = shift === 0 ? 0n : 1n << BigInt(shift - 1);
  if (shift > 0 && (rest > half || (rest === half && quotient % 2n === 1n))) quotient++;
  let result = Number(quotient);
  // Two steps, as 2^-1074 alone would be multiplied to 0 first.
  for (let left = shift - 1074; left !== 0;) {
    const by = Math.max(-1000, Math.min(1000, left));
    result *= 2 ** by;
    left -= by;
  }
  return sum < 0n ? -result : result;
}

const sumOf = (values: readonly number[]): number => {
  const sum = new ExactSum();
  for (const value of values) sum.add(value);
  return sum.value();
};

const limited = fc.double({ noNaN: true, min: -(2 ** 970), max: 2 ** 970 });
const nearTies = fc
  .tuple(fc.integer({ min: -60, max: 60 }), fc.integer({ min: -4, max: 4 }))
  .map(([exponent, factor]) => factor * 2 ** exponent);
const values = fc.array(fc.oneof(limited, nearTies, fc.double({ noNaN: true, min: -1e6, max: 1e6 })), {
  maxLength: 40,
});

test('a sum is the exact rational sum, rounded once', () => {
  fc.assert(
    fc.property(values, (all) => {
      expect(sumOf(all)).toBe(rounded(all.reduce((sum, value) => sum + scaled(value), 0n)) + 0);
    }),
    { numRuns: 2000 },
  );
});

test('the order of the values does not matter, nor where the sum is saved and restored', () => {
  fc.assert(
    fc.property(values, fc.infiniteStream(fc.nat()), fc.nat(40), (all, keys, cutAt) => {
      const shuffled = all
        .map((value) => [keys.next().value, value] as const)
        .sort(([a], [b]) => a - b)
        .map(([, value]) => value);
      let sum = new ExactSum();
      for (const [index, value] of shuffled.entries()) {
        if (index === cutAt) sum = new ExactSum(JSON.parse(JSON.stringify(sum.partials)) as number[]);
        sum.add(value);
      }
      expect(sum.value()).toBe(sumOf(all));
    }),
    { numRuns: 1000 },
  );
});

test('where plain addition is wrong, this is not', () => {
  expect(sumOf([1e16, 1, -1e16])).toBe(1);
  expect(sumOf(Array.from({ length: 10 }, () => 0.1))).toBe(1);
  expect(sumOf([2 ** 970, -(2 ** 970)])).toBe(0);
  expect(sumOf([])).toBe(0);
});

test('a half-way case is decided by what lies far below it', () => {
  expect(sumOf([2 ** 53, 1])).toBe(2 ** 53);
  expect(sumOf([2 ** 53, 1, 2 ** -40])).toBe(2 ** 53 + 2);
  expect(sumOf([2 ** 53, 1, -(2 ** -40)])).toBe(2 ** 53);
});

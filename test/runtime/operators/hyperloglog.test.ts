/** Estimates of how many different values there are: how good, and that nothing but the values decides about them. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Value } from '../../../runtime/src/data/value.ts';
import { hash64, HyperLogLog } from '../../../runtime/src/operators/hyperloglog.ts';

function of(values: Iterable<Value>): HyperLogLog {
  const sketch = new HyperLogLog();
  for (const value of values) sketch.add(value);
  return sketch;
}

const numbers = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, index) => from + index);

describe('an estimate', () => {
  for (const size of [0, 1, 2, 10, 100, 513, 1_000, 10_000, 41_000, 82_000, 300_000]) {
    test(`of ${size} numbers, of texts and of doubles is off by less than three standard errors`, () => {
      const bound = Math.ceil(size * 3 * 0.0082);
      const kinds: readonly ((n: number) => Value)[] = [
        (n: number) => n,
        (n: number) => `https://shop.example/item/${n}`,
        (n: number) => n / 7,
      ];
      for (const kind of kinds) {
        const estimate = of(numbers(0, size).map((n) => kind(n))).estimate();
        expect(Math.abs(estimate - size)).toBeLessThanOrEqual(size < 100 ? 0 : bound);
      }
    });
  }

  test('is the same on every machine', () => {
    expect(hash64('')).toEqual([2042697839, 1202160226]);
    expect(hash64('s3:abc')).toEqual([2031217143, -1106111485]);
    expect(of(numbers(0, 5_000)).estimate()).toBe(4967);
  });
});

test('each bit of the hash is a fair coin, also for texts that differ in one character', () => {
  const size = 20_000;
  const ones = Array.from({ length: 64 }, () => 0);
  for (const n of numbers(0, size)) {
    const [high, low] = hash64(`${n};`);
    for (let bit = 0; bit < 32; bit++) {
      ones[bit] = (ones[bit] as number) + ((low >>> bit) & 1);
      ones[bit + 32] = (ones[bit + 32] as number) + ((high >>> bit) & 1);
    }
  }
  for (const count of ones) expect(Math.abs(count - size / 2)).toBeLessThan(4 * Math.sqrt(size / 4));
});

const sizes = fc.constantFrom(0, 1, 300, 512, 513, 2_000);

test('order, repeats and division into parts do not matter', () => {
  fc.assert(
    fc.property(sizes, sizes, sizes, (a, b, c) => {
      const left = of(numbers(0, a + b));
      left.addAll(of(numbers(a, a + b + c)));
      const whole = of([...numbers(0, a + b + c).toReversed(), ...numbers(0, a)]);
      expect(left.estimate()).toBe(whole.estimate());
    }),
    { numRuns: 40 },
  );
});

test('only registers that changed are written, and all of them restore it', () => {
  fc.assert(
    fc.property(sizes, sizes, (a, b) => {
      const stored = new Map<string, string>();
      const store = (sketch: HyperLogLog): number => {
        let written = 0;
        for (const [name, value] of sketch.takeChanges()) {
          stored.set(name.toString('latin1'), value);
          written++;
        }
        return written;
      };
      const sketch = of(numbers(0, a));
      store(sketch);
      for (const value of numbers(0, a)) sketch.add(value);
      expect(store(sketch)).toBe(0);
      for (const value of numbers(a, a + b)) sketch.add(value);
      expect(store(sketch)).toBeLessThanOrEqual(b);
      const restored = new HyperLogLog();
      for (const [name, value] of stored) restored.restore(Buffer.from(name, 'latin1'), Buffer.from(value));
      expect(restored.estimate()).toBe(of(numbers(0, a + b)).estimate());
      expect(store(restored)).toBe(0);
    }),
    { numRuns: 40 },
  );
});

/** Decimal arithmetic against whole numbers without a limit. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  compareDecimals,
  formatDecimal,
  parseDecimal,
  rescale,
  roundDecimal,
} from '../../../runtime/src/data/decimal.ts';
import { call, dec, int, typeOf, valueOf } from './calls.ts';

const MAX = BigInt(Number.MAX_SAFE_INTEGER);
const unscaled = fc.oneof(
  fc.maxSafeInteger(),
  fc.integer({ min: -1000, max: 1000 }),
  fc.constantFrom(Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER),
  // Products of these lie about the limit.
  fc.integer({ min: -100_000_000, max: 100_000_000 }),
);
const scale = fc.integer({ min: 0, max: 15 });
const number = fc.record({ unscaled, scale });

const big = (value: number, from: number, to: number): bigint => BigInt(value) * 10n ** BigInt(to - from);
const result = (exact: bigint): number | undefined =>
  exact > MAX || exact < -MAX ? undefined : Number(exact) + 0;

test('plus, minus and mod are exact in the larger scale, or an error of the row', () => {
  fc.assert(
    fc.property(number, number, (a, b) => {
      const to = Math.max(a.scale, b.scale);
      const [x, y] = [big(a.unscaled, a.scale, to), big(b.unscaled, b.scale, to)];
      const oracles = { plus: x + y, minus: x - y, ...(y !== 0n && { mod: x % y }) };
      for (const [fn, exact] of Object.entries(oracles)) {
        const expr = call(fn as 'plus', dec(a.unscaled, a.scale), dec(b.unscaled, b.scale));
        expect(typeOf(expr)).toMatchObject({ type: 'decimal', scale: to });
        expect(valueOf(expr)).toEqual(result(exact) ?? expect.stringContaining('overflows decimal'));
      }
    }),
    { numRuns: 2000 },
  );
});

test('times is exact in the sum of the scales, or an error of the row', () => {
  fc.assert(
    fc.property(number, number, (a, b) => {
      const expr = call('times', dec(a.unscaled, a.scale), dec(b.unscaled, b.scale));
      if (a.scale + b.scale > 15) {
        expect(typeOf(expr)).toContain('digits behind the point');
        return;
      }
      expect(typeOf(expr)).toMatchObject({ type: 'decimal', scale: a.scale + b.scale });
      const exact = BigInt(a.unscaled) * BigInt(b.unscaled);
      expect(valueOf(expr)).toEqual(result(exact) ?? expect.stringContaining('overflows decimal'));
    }),
    { numRuns: 2000 },
  );
});

test('numbers of different scales compare exactly, also as integers', () => {
  fc.assert(
    fc.property(number, number, fc.boolean(), (a, other, isNear) => {
      // Near the first in another scale, where rounding would tell nothing.
      const b = isNear ? { scale: 0, unscaled: Math.round(a.unscaled / 10 ** a.scale) } : other;
      const [x, y] = [big(a.unscaled, a.scale, 15), big(b.unscaled, b.scale, 15)];
      const order = x < y ? -1 : x > y ? 1 : 0;
      expect(Math.sign(compareDecimals(a.unscaled, a.scale, b.unscaled, b.scale)) + 0).toBe(order);
      const right = b.scale === 0 ? int(b.unscaled) : dec(b.unscaled, b.scale);
      expect(valueOf(call('lt', dec(a.unscaled, a.scale), right))).toBe(order < 0);
      expect(valueOf(call('eq', right, dec(a.unscaled, a.scale)))).toBe(order === 0);
    }),
    { numRuns: 2000 },
  );
});

test('a smaller scale rounds halves away from zero', () => {
  fc.assert(
    fc.property(number, scale, (a, to) => {
      const step = 10n ** BigInt(Math.max(0, a.scale - to));
      const [magnitude, sign] = [BigInt(Math.abs(a.unscaled)), a.unscaled < 0 ? -1n : 1n];
      const exact = to >= a.scale ? big(a.unscaled, a.scale, to) : sign * ((magnitude + step / 2n) / step);
      expect(rescale(a.unscaled, a.scale, to)).toBe(result(exact));
    }),
    { numRuns: 2000 },
  );
});

test('what is written is read back; more digits than there is place for are refused, or rounded', () => {
  fc.assert(
    fc.property(number, (a) => {
      const text = formatDecimal(a.unscaled, a.scale);
      expect(text).toMatch(a.scale === 0 ? /^-?\d+$/ : new RegExp(`^-?\\d+\\.\\d{${a.scale}}$`));
      expect(parseDecimal(text, a.scale)).toBe(a.unscaled + 0);
      if (a.scale === 0) return;
      expect(parseDecimal(text, a.scale - 1)).toBeUndefined();
      expect(roundDecimal(text, a.scale - 1)).toBe(rescale(a.unscaled, a.scale, a.scale - 1));
    }),
    { numRuns: 1000 },
  );
});

test.each(['', '.', '.5', '1e3', ' 1', '1 ', '--1', '0x1', '١', '1.2.3', 'NaN', '9007199254740992'])(
  '%j is no decimal',
  (text) => {
    expect(parseDecimal(text, 15)).toBeUndefined();
    expect(roundDecimal(text, 0)).toBeUndefined();
  },
);

test('signs and a point without digits behind it are read', () => {
  expect(['+1.5', '-0', '7.', '007'].map((text) => parseDecimal(text, 1))).toEqual([15, 0, 70, 70]);
});

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareValues, encodeKey, nameOfKey } from '../../../runtime/src/data/key.ts';
import type { Value } from '../../../runtime/src/data/value.ts';

const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.maxSafeInteger(),
  fc.constantFrom(0, -0, 1, -1, 5e-324, -5e-324),
);
const text = fc.string({
  unit: fc.constantFrom('\0', '\u0001', 'a', 'b', 'é', '\uffff', '😀', '\u{10ffff}'),
  maxLength: 4,
});
const nullable = (values: fc.Arbitrary<Value>): fc.Arbitrary<Value> =>
  fc.oneof({ weight: 1, arbitrary: fc.constant(null) }, { weight: 5, arbitrary: values });

/** Order by definition: null first, false before true, numbers by value, strings by code point. */
function order(a: Value, b: Value): number {
  if (a === null || b === null) return Number(a !== null) - Number(b !== null);
  if (typeof a === 'string' && typeof b === 'string') {
    const [left, right] = [a, b]
      .map((all) => Array.from(all))
      .map((all) => all.map((c) => c.codePointAt(0) ?? 0));
    for (let i = 0; i < Math.min(left!.length, right!.length); i++)
      if (left![i] !== right![i]) return left![i]! - right![i]!;
    return left!.length - right!.length;
  }
  return Number(a) < Number(b) ? -1 : Number(a) > Number(b) ? 1 : 0;
}

const signOf = (result: number): number => Math.sign(result) + 0;

describe('the bytes of a key', () => {
  for (const [type, values] of Object.entries({ number, text, boolean: fc.boolean() })) {
    test(`sort as the values do: ${type}`, () => {
      fc.assert(
        fc.property(nullable(values), nullable(values), (a, b) => {
          expect(signOf(compareValues(a, b))).toBe(signOf(order(a, b)));
          expect(signOf(Buffer.compare(encodeKey([a]), encodeKey([b])))).toBe(signOf(order(a, b)));
        }),
        { numRuns: 1000 },
      );
    });
  }

  test('sort rows by their first value, then by the next', () => {
    const row = fc.tuple(nullable(text), nullable(number), nullable(text));
    fc.assert(
      fc.property(row, row, (a, b) => {
        const expected = a.map((value, i) => order(value, b[i] ?? null)).find((sign) => sign !== 0) ?? 0;
        expect(signOf(Buffer.compare(encodeKey(a), encodeKey(b)))).toBe(signOf(expected));
      }),
      { numRuns: 1000 },
    );
  });

  test('are prefix-free: no value begins with another', () => {
    const any = nullable(fc.oneof(number, text, fc.boolean()) as fc.Arbitrary<Value>);
    fc.assert(
      fc.property(any, any, (a, b) => {
        const [left, right] = [encodeKey([a]), encodeKey([b])];
        expect(right.subarray(0, left.length).equals(left)).toBe(left.equals(right));
      }),
      { numRuns: 1000 },
    );
  });

  test('and the name of a group in memory tell the same rows apart', () => {
    const tricky = fc.constantFrom(null, 'null;', '', 's1:', 'a', 'as1:', true, 'true;', 1, '1;', 0, -0, 12);
    const row = fc.tuple(tricky, tricky, tricky) as fc.Arbitrary<readonly Value[]>;
    fc.assert(
      fc.property(row, row, (a, b) => {
        expect(nameOfKey(a) === nameOfKey(b)).toBe(encodeKey(a).equals(encodeKey(b)));
      }),
      { numRuns: 3000 },
    );
  });

  test('of 0 and -0 are the same; NaN has none', () => {
    expect(encodeKey([0])).toEqual(encodeKey([-0]));
    expect(() => encodeKey([NaN])).toThrow('never holds NaN');
  });

  test('of a window are its start and its end', () => {
    expect(encodeKey([[1, 2]])).toEqual(encodeKey([1, 2]));
  });
});

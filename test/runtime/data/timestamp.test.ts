import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatTimestamp, parseTimestamp } from '../../../runtime/src/data/timestamp.ts';

const YEAR_9999 = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

test('what JavaScript writes is read back, from the year 0 to 9999', () => {
  fc.assert(
    fc.property(fc.integer({ min: Date.UTC(1, 0) - 62_200_000_000, max: YEAR_9999 }), (ms) => {
      const text = formatTimestamp(ms);
      if (text.startsWith('-')) expect(parseTimestamp(text)).toBeUndefined();
      else expect(parseTimestamp(text)).toBe(ms);
    }),
  );
});

test('any valid time is what JavaScript says it is', () => {
  const two = (min: number, max: number): fc.Arbitrary<string> =>
    fc.integer({ min, max }).map((n) => String(n).padStart(2, '0'));
  const time = fc
    .record({
      date: fc.tuple(fc.integer({ min: 1600, max: 2400 }), two(1, 12), two(1, 28)),
      clock: fc.tuple(two(0, 23), two(0, 59)),
      seconds: fc.oneof(
        fc.constant(''),
        two(0, 59).map((s) => `:${s}`),
        fc.tuple(two(0, 59), fc.nat(999)).map(([s, ms]) => `:${s}.${ms}`),
      ),
      zone: fc.oneof(
        fc.constant('Z'),
        fc.tuple(fc.constantFrom('+', '-'), two(0, 23), two(0, 59)).map(([sign, h, m]) => `${sign}${h}:${m}`),
      ),
    })
    .map(({ date, clock, seconds, zone }) => `${date.join('-')}T${clock.join(':')}${seconds}${zone}`);
  fc.assert(
    fc.property(time, (text) => {
      expect(parseTimestamp(text)).toBe(new Date(text).getTime());
    }),
    { numRuns: 1000 },
  );
});

describe('what is no time is undefined', () => {
  test.each([
    '',
    'now',
    '2001-01-10',
    '2001-01-10T06:00:00',
    '2001-01-10 06:00:00Z',
    '2001-1-10T06:00Z',
    '2001-00-10T06:00Z',
    '2001-13-10T06:00Z',
    '2001-01-00T06:00Z',
    '2001-01-32T06:00Z',
    '2001-02-29T06:00Z',
    '1900-02-29T06:00Z',
    '2001-04-31T06:00Z',
    '2001-01-10T24:00Z',
    '2001-01-10T06:60Z',
    '2001-01-10T06:00:60Z',
    '2001-01-10T06:00:00.Z',
    '2001-01-10T06:00:00,5Z',
    '2001-01-10T06:00+24:00',
    '2001-01-10T06:00+01:60',
    '2001-01-10T06:00+0100',
    '2001-01-10t06:00z',
    '+002001-01-10T06:00Z',
    ' 2001-01-10T06:00Z',
    '2001-01-10T06:00Z\n',
    '٢٠٠١-01-10T06:00Z',
  ])('%j', (text) => {
    expect(parseTimestamp(text)).toBeUndefined();
  });
});

test('leap days of leap years are days; digits below a millisecond are cut off', () => {
  expect(parseTimestamp('2000-02-29T00:00Z')).toBe(Date.UTC(2000, 1, 29));
  expect(parseTimestamp('2004-02-29T00:00Z')).toBe(Date.UTC(2004, 1, 29));
  expect(parseTimestamp('1970-01-01T00:00:00.123999999Z')).toBe(123);
  expect(parseTimestamp('1970-01-01T00:00:00.1Z')).toBe(100);
});

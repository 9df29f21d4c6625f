import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatDuration, parseDuration } from '../../../runtime/src/base/durations.ts';
import { nearest } from '../../../runtime/src/base/nearest.ts';
import { formatSize, parseSize } from '../../../runtime/src/base/sizes.ts';

describe('durations', () => {
  test.each<[string, number]>([
    ['200ms', 200],
    ['5s', 5000],
    ['15m', 900_000],
    ['6h', 21_600_000],
    ['1d', 86_400_000],
    ['26w', 15_724_800_000],
    ['1.5h', 5_400_000],
    ['0s', 0],
    [' 1m ', 60_000],
  ])('%s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  test.each<[unknown, string]>([
    ['15', 'say 15m or 15s'],
    [15, 'say 15m or 15s'],
    ['1.5', 'say 1.5m or 1.5s'],
    ['', 'one unit'],
    ['1h30m', 'one unit'],
    ['-5s', 'one unit'],
    ['5 s', 'one unit'],
    ['5S', 'one unit'],
    ['1mo', 'one unit'],
    ['1y', 'one unit'],
    ['1e3s', 'one unit'],
    [null, 'one unit'],
    [{}, 'one unit'],
    ['101w'.repeat(9), 'one unit'],
    ['5300w', 'longer than a century'],
  ])('%j is refused and the remedy said', (text, hint) => {
    expect(() => parseDuration(text, 'freshness')).toThrow(
      expect.objectContaining({ code: 'DURATION_INVALID', exitCode: 2 }),
    );
    expect(() => parseDuration(text, 'freshness')).toThrow(/^freshness: /);
    expect(() => parseDuration(text, 'freshness')).toThrow(hint);
  });

  test('what is written is read back, to a tenth of its unit', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 3e12 }), (ms) => {
        const read = parseDuration(formatDuration(ms));
        expect(Math.abs(read - ms)).toBeLessThanOrEqual(ms * 0.05 + 0.5);
      }),
      { numRuns: 1000 },
    );
  });

  test('a whole number of a unit is written as such', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 23 }), fc.constantFrom('s', 'm', 'h'), (count, unit) => {
        expect(formatDuration(parseDuration(`${count}${unit}`))).toBe(`${count}${unit}`);
      }),
    );
    expect([formatDuration(Infinity), formatDuration(-90_000), formatDuration(604_800_000)]).toEqual([
      'never',
      '-1.5m',
      '1w',
    ]);
  });
});

describe('sizes', () => {
  test.each<[string, number]>([
    ['512B', 512],
    ['64KB', 64_000],
    ['10MB', 10_000_000],
    ['2GB', 2e9],
    ['1TB', 1e12],
    ['1.5MB', 1_500_000],
  ])('%s', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
    expect(parseSize(formatSize(bytes))).toBe(bytes);
  });

  test.each(['512', 512, '', '1KiB', '1kb', '-1B', '1 MB', null])('%j is refused', (text) => {
    expect(() => parseSize(text, 'volume')).toThrow(
      expect.objectContaining({ code: 'SIZE_INVALID', exitCode: 2 }),
    );
  });
});

test('the nearest name is a slip of the finger away, or there is none', () => {
  const known = ['freshness', 'trigger', 'batch'];
  expect([
    nearest('freshnes', known),
    nearest('Trigger', known),
    nearest('bathc', known),
    nearest('lateness', known),
    nearest('x', known),
    nearest('', []),
  ]).toEqual(['freshness', 'trigger', 'batch', undefined, undefined, undefined]);
});

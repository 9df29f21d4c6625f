import * as fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { localMs, utcMs, zoneOf, zoneProblem } from '../../../runtime/src/data/zone.ts';

const ZONES = [
  'Europe/Berlin',
  'America/New_York',
  'Asia/Kolkata',
  'Australia/Lord_Howe',
  'Asia/Kathmandu',
  'Pacific/Apia',
  'Africa/Casablanca',
  'Etc/GMT+5',
];
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** What Intl itself shows, as text: an oracle that shares nothing with the segments. */
function shown(zone: string, ms: number): string {
  return new Intl.DateTimeFormat('sv-SE', {
    timeZone: zone,
    dateStyle: 'short',
    timeStyle: 'medium',
  }).format(ms);
}
const asUtc = (text: string): number => Date.parse(`${text.replace(' ', 'T')}Z`);
const texts = (zone: string, ms: number): string =>
  new Date(localMs(zone, ms)).toISOString().slice(0, 19).replace('T', ' ');

const zone = fc.constantFrom(...ZONES);
const instant = fc.integer({ min: Date.UTC(1995, 0), max: Date.UTC(2035, 0) });
/** Within a day of a clock change of some zone above, by the hour or by the millisecond. */
const nearChange = fc
  .tuple(
    fc.constantFrom(
      '2024-03-31T01:00Z',
      '2024-10-27T01:00Z',
      '2024-03-10T07:00Z',
      '2024-11-03T06:00Z',
      '2024-04-06T15:00Z',
      '2024-10-05T15:30Z',
      '2011-12-30T10:00Z',
      '2024-03-10T02:00Z',
    ),
    fc.oneof(
      fc.integer({ min: -DAY, max: DAY }),
      fc.integer({ min: -48, max: 48 }).map((n) => (n * HOUR) / 2),
      fc.integer({ min: -2, max: 2 }),
    ),
  )
  .map(([text, by]) => Date.parse(text) + by);

describe('local time', () => {
  test('is what Intl shows', () => {
    fc.assert(
      fc.property(zone, fc.oneof(instant, nearChange), (name, ms) => {
        expect(texts(name, ms)).toBe(shown(name, ms));
      }),
      { numRuns: 2000 },
    );
  });

  test('turned back is an instant that shows the same, and no earlier one does', () => {
    fc.assert(
      fc.property(zone, fc.oneof(instant, nearChange), (name, ms) => {
        const local = localMs(name, ms);
        const back = utcMs(name, local);
        expect(localMs(name, back)).toBe(local);
        expect(back).toBeLessThanOrEqual(ms);
        // Clocks go back by an hour at most, but for Apia's lost day, which is a gap.
        if (back < ms) expect(ms - back).toBeLessThanOrEqual(2 * HOUR);
      }),
      { numRuns: 2000 },
    );
  });

  test('never runs backwards when it is turned into instants', () => {
    fc.assert(
      fc.property(zone, fc.oneof(instant, nearChange), fc.nat(3 * HOUR), (name, local, more) => {
        expect(utcMs(name, local + more)).toBeGreaterThanOrEqual(utcMs(name, local));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('at a clock change', () => {
  test.each([
    ['Europe/Berlin', 'a gap', '2024-03-31 02:30:00', '2024-03-31T01:00:00.000Z'],
    ['Europe/Berlin', 'the end of a gap', '2024-03-31 03:00:00', '2024-03-31T01:00:00.000Z'],
    ['Europe/Berlin', 'a fold', '2024-10-27 02:30:00', '2024-10-27T00:30:00.000Z'],
    ['Europe/Berlin', 'the end of a fold', '2024-10-27 03:00:00', '2024-10-27T02:00:00.000Z'],
    ['America/New_York', 'a gap', '2024-03-10 02:00:00', '2024-03-10T07:00:00.000Z'],
    ['America/New_York', 'a fold', '2024-11-03 01:59:59', '2024-11-03T05:59:59.000Z'],
    ['Australia/Lord_Howe', 'a gap of half an hour', '2024-10-06 02:15:00', '2024-10-05T15:30:00.000Z'],
    ['Australia/Lord_Howe', 'a fold of half an hour', '2024-04-07 01:45:00', '2024-04-06T14:45:00.000Z'],
    ['Asia/Kolkata', 'no change at all', '2024-03-31 02:30:00', '2024-03-30T21:00:00.000Z'],
    ['Pacific/Apia', 'a day that never was', '2011-12-30 12:00:00', '2011-12-30T10:00:00.000Z'],
    ['Pacific/Apia', 'the day after it', '2011-12-31 00:00:00', '2011-12-30T10:00:00.000Z'],
  ])('%s, %s: %s is %s', (name, _, local, instantOf) => {
    expect(new Date(utcMs(name, asUtc(local))).toISOString()).toBe(instantOf);
  });
});

test('no zone is UTC', () => {
  expect([localMs(null, 123), utcMs(null, 123)]).toEqual([123, 123]);
});

test('times at the ends of what a date can hold do no harm', () => {
  for (const name of ZONES) {
    for (const ms of [-8.64e15, 8.64e15, Date.UTC(-10, 0), -62_135_596_800_001]) {
      expect(Math.abs(localMs(name, ms) - ms)).toBeLessThanOrEqual(24 * HOUR);
      expect(utcMs(name, localMs(name, ms))).toBe(ms);
    }
  }
});

test('after a stretch was read once, Intl is not asked again', () => {
  const berlin = zoneOf('Europe/Berlin');
  const from = Date.UTC(2024, 0);
  for (let day = 0; day < 366; day++) berlin.localMs(from + day * DAY);
  const asked = vi.spyOn(Intl.DateTimeFormat.prototype, 'formatToParts');
  for (let hour = 0; hour < 366 * 24; hour++) berlin.localMs(from + hour * HOUR);
  expect(asked).not.toHaveBeenCalled();
  berlin.localMs(Date.UTC(2050, 0));
  expect(asked).toHaveBeenCalled();
  asked.mockRestore();
});

test('a name that is no zone is said to be none', () => {
  for (const name of [
    'Europe/Berlin',
    'UTC',
    'Etc/GMT+5',
    'America/Port-au-Prince',
    'America/Argentina/Buenos_Aires',
  ]) {
    expect(zoneProblem(name)).toBeUndefined();
  }
  for (const name of ['', 'Mars/Olympus', '+01:00', 'Europe/Berlin ', '../etc', `Europe/${'x'.repeat(70)}`]) {
    expect(zoneProblem(name)).toContain('is not a time zone');
  }
  expect(() => zoneOf('Mars/Olympus')).toThrow('zone Mars/Olympus exists');
});

/** Windows on a grid against their definition, in UTC and where clocks change. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatTimestamp, parseTimestamp } from '../../../runtime/src/data/timestamp.ts';
import { localMs } from '../../../runtime/src/data/zone.ts';
import { type GridWindow, windowAssigner } from '../../../runtime/src/operators/window.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const at = (text: string): number => parseTimestamp(text) as number;
const UTC = { offsetMs: 0, zone: null };

const windowsAt = (window: GridWindow, time: string): string[] =>
  windowAssigner(window)
    .assign(at(time))
    .map(([start, end]) => `${formatTimestamp(start)} ${formatTimestamp(end)}`);

const shortly = (window: GridWindow, timeMs: number): string =>
  windowAssigner(window)
    .assign(timeMs)
    .map(([start, end]) => `${start}-${end}`)
    .join(' ');

describe('in UTC', () => {
  test('tumbling: the window holds its start and not its end, also before 1970 and with an offset', () => {
    const window: GridWindow = { kind: 'tumbling', sizeMs: 10, ...UTC };
    expect([0, 9, 10, -1].map((time) => shortly(window, time))).toEqual(['0-10', '0-10', '10-20', '-10-0']);
    const shifted: GridWindow = { ...window, offsetMs: 3 };
    expect([2, 3, 13].map((time) => shortly(shifted, time))).toEqual(['-7-3', '3-13', '13-23']);
  });

  test('hopping: every window with the time, by start; the size need not be a whole number of slides', () => {
    const window: GridWindow = { kind: 'hopping', sizeMs: 10, slideMs: 4, ...UTC };
    expect([0, 8, 9, 10].map((time) => shortly(window, time))).toEqual([
      '-8-2 -4-6 0-10',
      '0-10 4-14 8-18',
      '0-10 4-14 8-18',
      '4-14 8-18',
    ]);
    expect(shortly({ kind: 'hopping', sizeMs: 10, slideMs: 10, ...UTC }, 10)).toBe('10-20');
  });

  test('cumulating: from one start every end behind the time', () => {
    const window: GridWindow = { kind: 'cumulating', sizeMs: 9, stepMs: 3, ...UTC };
    expect([0, 3, 8, 9].map((time) => shortly(window, time))).toEqual([
      '0-3 0-6 0-9',
      '0-6 0-9',
      '0-9',
      '9-12 9-15 9-18',
    ]);
    expect(shortly({ ...window, offsetMs: 1 }, 0)).toBe('-8-1');
  });

  test('all that touch a stretch lie between the first start and the last end', () => {
    const window = windowAssigner({ kind: 'hopping', sizeMs: 10, slideMs: 5, ...UTC });
    expect([window.firstStartMs(12), window.lastEndMs(12)]).toEqual([5, 20]);
  });
});

describe('day windows are those of the zone, also when its clocks change', () => {
  const day: GridWindow = { kind: 'tumbling', sizeMs: DAY, offsetMs: 0, zone: 'Europe/Berlin' };

  test('a day begins at midnight of the zone', () => {
    expect(windowsAt(day, '2024-01-15T23:00:00Z')).toEqual([
      '2024-01-15T23:00:00.000Z 2024-01-16T23:00:00.000Z',
    ]);
    expect(windowsAt(day, '2024-01-15T22:59:59.999Z')).toEqual([
      '2024-01-14T23:00:00.000Z 2024-01-15T23:00:00.000Z',
    ]);
  });

  test('a day has 23 hours when the clocks go forward and 25 when they go back', () => {
    expect(windowsAt(day, '2024-03-31T12:00:00Z')).toEqual([
      '2024-03-30T23:00:00.000Z 2024-03-31T22:00:00.000Z',
    ]);
    expect(windowsAt(day, '2024-10-27T12:00:00Z')).toEqual([
      '2024-10-26T22:00:00.000Z 2024-10-27T23:00:00.000Z',
    ]);
  });

  test('a day may begin in the hour that the clocks skip: it begins when they have skipped it', () => {
    const havana: GridWindow = { ...day, zone: 'America/Havana' };
    expect(windowsAt(havana, '2024-03-10T05:00:00Z')).toEqual([
      '2024-03-10T05:00:00.000Z 2024-03-11T04:00:00.000Z',
    ]);
    expect(windowsAt(havana, '2024-03-10T04:59:59.999Z')).toEqual([
      '2024-03-09T05:00:00.000Z 2024-03-10T05:00:00.000Z',
    ]);
  });

  test('an offset counts on the clocks: a day from six to six', () => {
    expect(windowsAt({ ...day, offsetMs: 6 * HOUR }, '2024-03-31T12:00:00Z')).toEqual([
      '2024-03-31T04:00:00.000Z 2024-04-01T04:00:00.000Z',
    ]);
  });

  test('an hour that the clocks skip is no window; one that they show twice is one of two hours', () => {
    const hour: GridWindow = { ...day, sizeMs: HOUR };
    expect(windowsAt(hour, '2024-03-31T00:30:00Z')).toEqual([
      '2024-03-31T00:00:00.000Z 2024-03-31T01:00:00.000Z',
    ]);
    expect(windowsAt(hour, '2024-03-31T01:30:00Z')).toEqual([
      '2024-03-31T01:00:00.000Z 2024-03-31T02:00:00.000Z',
    ]);
    const twice = ['2024-10-27T00:00:00.000Z 2024-10-27T02:00:00.000Z'];
    expect(windowsAt(hour, '2024-10-27T00:30:00Z')).toEqual(twice);
    expect(windowsAt(hour, '2024-10-27T01:30:00Z')).toEqual(twice);
  });

  test('of half an hour, the repeated half hours belong to the last window before the clocks go back', () => {
    const half: GridWindow = { ...day, sizeMs: HOUR / 2 };
    expect(windowsAt(half, '2024-10-27T00:29:00Z')).toEqual([
      '2024-10-27T00:00:00.000Z 2024-10-27T00:30:00.000Z',
    ]);
    expect(windowsAt(half, '2024-10-27T01:10:00Z')).toEqual([
      '2024-10-27T00:30:00.000Z 2024-10-27T02:00:00.000Z',
    ]);
  });

  test('a day that a whole zone skipped is no window', () => {
    const apia: GridWindow = { ...day, zone: 'Pacific/Apia' };
    expect(windowsAt(apia, '2011-12-30T09:00:00Z')).toEqual([
      '2011-12-29T10:00:00.000Z 2011-12-30T10:00:00.000Z',
    ]);
    expect(windowsAt(apia, '2011-12-30T10:00:00Z')).toEqual([
      '2011-12-30T10:00:00.000Z 2011-12-31T10:00:00.000Z',
    ]);
  });

  test('cumulating steps that the clocks skip give no window of their own', () => {
    const window: GridWindow = {
      kind: 'cumulating',
      sizeMs: DAY,
      stepMs: HOUR,
      offsetMs: 0,
      zone: 'Europe/Berlin',
    };
    const found = windowsAt(window, '2024-03-31T00:00:00Z');
    expect(found.length).toBe(22);
    expect(found.slice(0, 2)).toEqual([
      '2024-03-30T23:00:00.000Z 2024-03-31T01:00:00.000Z',
      '2024-03-30T23:00:00.000Z 2024-03-31T02:00:00.000Z',
    ]);
  });
});

test('a window whose start and whose end are skipped in two springs is there once', () => {
  const window: GridWindow = {
    kind: 'hopping',
    sizeMs: 364 * DAY,
    slideMs: HOUR / 2,
    offsetMs: 0,
    zone: 'Europe/Berlin',
  };
  const found = windowsAt(window, '2024-03-31T01:00:00Z');
  expect(found.length).toBe(new Set(found).size);
  expect(found.at(-1)).toBe('2024-03-31T01:00:00.000Z 2025-03-30T01:00:00.000Z');
});

/** The definition: a point of the grid has passed when the clocks have shown it or more, at any instant so far. */
function passed(zone: string | null, timeMs: number): number {
  let largest = -Infinity;
  for (let back = 26 * HOUR; back >= 0; back -= HOUR / 4)
    largest = Math.max(largest, localMs(zone, timeMs - back));
  return largest;
}

/** Zones, each with the days on which its clocks change. */
const CHANGES: readonly (readonly [zone: string | null, ...days: string[]])[] = [
  [null, '2024-03-31', '2024-10-27'],
  ['Europe/Berlin', '2024-03-31', '2024-10-27'],
  ['America/Havana', '2024-03-10', '2024-11-03'],
  ['Australia/Lord_Howe', '2024-10-05', '2024-04-06'],
  ['Asia/Kathmandu', '2024-10-27', '2024-03-31'],
];
/** A zone and times near a change of its clocks; multiples of a quarter of an hour, for which `passed` is exact. */
const zoneAndTimes = fc
  .tuple(
    fc.constantFrom(...CHANGES),
    fc.constantFrom(1, 2),
    fc.array(fc.integer({ min: -16, max: 40 }), { minLength: 1, maxLength: 8 }),
  )
  .map(([change, which, quarters]) => {
    const midnight = at(`${change[which] as string}T00:00:00Z`);
    return { zone: change[0], times: quarters.map((n) => midnight + (n * HOUR) / 4) };
  });
type WithoutZone<W> = W extends unknown ? Omit<W, 'zone'> : never;
const grids: fc.Arbitrary<WithoutZone<GridWindow>> = fc
  .record({
    offsetMs: fc.integer({ min: -8, max: 8 }).map((n) => (n * HOUR) / 4),
    unit: fc.constantFrom(1, 2, 4, 8, 24),
    times: fc.integer({ min: 1, max: 4 }),
    more: fc.nat(3),
    kind: fc.constantFrom('tumbling' as const, 'hopping' as const, 'cumulating' as const),
  })
  .map(({ unit, times: factor, more, kind, ...grid }) => {
    const small = (unit * HOUR) / 4;
    const sizeMs = small * factor;
    if (kind === 'tumbling') return { kind, sizeMs, ...grid };
    return kind === 'hopping'
      ? { kind, sizeMs: sizeMs + (more * HOUR) / 4, slideMs: small, ...grid }
      : { kind, sizeMs, stepMs: small, ...grid };
  });

const anyCase = fc.tuple(grids, zoneAndTimes).map(([grid, { zone, times }]) => {
  const window: GridWindow = { ...grid, zone };
  return { window, assigner: windowAssigner(window), times, timeMs: times[0] as number };
});

test('tumbling windows partition time in every zone; all windows hold their time, once each, in order', () => {
  fc.assert(
    fc.property(anyCase, ({ window, assigner, timeMs }) => {
      const windows = assigner.assign(timeMs);
      expect(windows.length).toBeGreaterThan(0);
      for (const [start, end] of windows) expect(start <= timeMs && timeMs < end).toBe(true);
      const places = windows.map(([start, end]) => start * 1e3 + (end - start) / HOUR);
      expect(places).toEqual([...new Set(places)].sort((a, b) => a - b));
      if (window.kind !== 'tumbling') return;
      const [[start, end] = [0, 0]] = windows;
      expect(assigner.assign(end)[0]?.[0]).toBe(end);
      expect(assigner.assign(start - 1)[0]?.[1]).toBe(start);
    }),
    { numRuns: 1000 },
  );
});

test('a time is in a window exactly when its start has passed and its end has not', () => {
  fc.assert(
    fc.property(anyCase, ({ window, assigner, timeMs }) => {
      const shown = passed(window.zone, timeMs) - window.offsetMs;
      const { sizeMs } = window;
      const slide = window.kind === 'hopping' ? window.slideMs : sizeMs;
      const step = window.kind === 'cumulating' ? window.stepMs : sizeMs;
      const instant = (point: number): number => {
        let time = timeMs - 6 * DAY;
        while (passed(window.zone, time) - window.offsetMs < point) time += HOUR / 4;
        return time;
      };
      const expected = new Set<string>();
      for (let start = Math.floor(shown / slide) * slide; start > shown - sizeMs; start -= slide)
        for (let end = start + step; end <= start + sizeMs; end += step)
          if (end > shown) expected.add(`${instant(start)}-${instant(end)}`);
      expect(new Set(assigner.assign(timeMs).map(([start, end]) => `${start}-${end}`))).toEqual(expected);
    }),
    { numRuns: 30 },
  );
});

test('an assigner that has seen other times answers alike', () => {
  fc.assert(
    fc.property(anyCase, ({ window, assigner, times }) => {
      for (const timeMs of times)
        expect(assigner.assign(timeMs)).toEqual(windowAssigner(window).assign(timeMs));
    }),
    { numRuns: 500 },
  );
});

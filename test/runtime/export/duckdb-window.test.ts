/** Windows in SQL are those that the engine assigns, in UTC and on clocks that change. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { WindowPlan } from '../../../runtime/src/plan/node.ts';
import { exported, type LoggedEvent, streamed } from './duckdb.ts';
import { event, events, f, group, planOf } from './plans.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Instants at which clocks change, and zones in which they do. */
const CHANGES = [
  { zone: 'Europe/Berlin', at: '2024-03-31T01:00:00Z' },
  { zone: 'Europe/Berlin', at: '2024-10-27T01:00:00Z' },
  { zone: 'America/New_York', at: '2023-03-12T07:00:00Z' },
  { zone: 'America/New_York', at: '2023-11-05T06:00:00Z' },
  { zone: 'Australia/Lord_Howe', at: '2024-04-06T15:00:00Z' },
  { zone: 'Australia/Lord_Howe', at: '2024-10-05T15:30:00Z' },
  { zone: 'America/Santiago', at: '2024-09-08T04:00:00Z' },
  { zone: 'Asia/Kathmandu', at: '1985-12-31T18:30:00Z' },
  { zone: 'Pacific/Apia', at: '2011-12-30T10:00:00Z' },
  { zone: 'Africa/Casablanca', at: '2024-03-10T02:00:00Z' },
] as const;

type Grid = WindowPlan extends infer W ? (W extends { kind: 'session' } ? never : W) : never;

function counted(window: WindowPlan, log: readonly LoggedEvent[]) {
  const { plan, view } = planOf(
    group(events, [{ name: 'w', window }], [{ name: 'n', fn: 'count', arg: null }]),
  );
  return { engine: streamed(plan, view, log), sql: exported(plan, view, log) };
}

const anyGrid = fc.record({
  sizeMs: fc.constantFrom(7 * MINUTE, 30 * MINUTE, HOUR, 90 * MINUTE, 3 * HOUR, 24 * HOUR, 168 * HOUR),
  parts: fc.integer({ min: 1, max: 4 }),
  offsetMs: fc.constantFrom(0, 0, 5 * MINUTE, 6 * HOUR),
  kind: fc.constantFrom('tumbling', 'hopping', 'cumulating'),
});

function windowOf(
  { sizeMs, parts, offsetMs, kind }: { sizeMs: number; parts: number; offsetMs: number; kind: string },
  zone: string | null,
): Grid {
  const grid = {
    time: f('t'),
    sizeMs: sizeMs * (kind === 'tumbling' ? 1 : parts),
    offsetMs: offsetMs % sizeMs,
    zone,
  };
  if (kind === 'tumbling') return { kind, ...grid };
  return kind === 'hopping'
    ? { kind, ...grid, slideMs: sizeMs }
    : { kind: 'cumulating', ...grid, stepMs: sizeMs };
}

describe('windows on clocks that change', () => {
  test.each(CHANGES)('$zone at $at', async ({ zone, at }) => {
    const changeMs = Date.parse(at);
    const anyTimes = fc.array(
      fc
        .integer({ min: -5 * 24 * 60, max: 5 * 24 * 60 })
        .chain((minutes) => fc.constantFrom(minutes, Math.trunc(minutes / 60), Math.trunc(minutes / 400))),
      { minLength: 1, maxLength: 12 },
    );
    await fc.assert(
      fc.asyncProperty(anyGrid, anyTimes, fc.integer({ min: -1, max: 1 }), async (grid, minutes, more) => {
        const log = minutes.map((minute) => event({ t: changeMs + minute * MINUTE + more }));
        const { engine, sql } = counted(windowOf(grid, zone), log);
        expect(await sql).toEqual(engine);
      }),
      { numRuns: zone === 'Pacific/Apia' ? 2 : 8 },
    );
  });
});

test('windows in UTC, before and after 1970', async () => {
  const anyTime = fc.oneof(
    fc.integer({ min: -1e13, max: 1e13 }),
    fc.integer({ min: -300, max: 300 }).map((n) => n * 30 * MINUTE),
  );
  await fc.assert(
    fc.asyncProperty(anyGrid, fc.array(anyTime, { minLength: 1, maxLength: 10 }), async (grid, times) => {
      const { engine, sql } = counted(
        windowOf(grid, null),
        times.map((t) => event({ t })),
      );
      expect(await sql).toEqual(engine);
    }),
    { numRuns: 30 },
  );
});

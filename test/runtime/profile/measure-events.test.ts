/** Measures of events, held against the same figures computed in a plain way. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { parquetWriteFile } from 'hyparquet-writer';
import { afterAll, describe, expect, test } from 'vitest';
import { Histogram } from '../../../runtime/src/profile/histogram.ts';
import { measureEvents } from '../../../runtime/src/profile/measure-events.ts';
import { Once } from '../../../runtime/src/profile/once.ts';
import { RateMeter } from '../../../runtime/src/profile/rate.ts';
import type { ScanOptions } from '../../../runtime/src/profile/scan-events.ts';

const folder = mkdtempSync(join(tmpdir(), 'profile-'));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
const START = Date.UTC(2026, 0, 1);

function fileOf(text: string, ending = 'jsonl'): string {
  const file = join(folder, `${files++}.${ending}`);
  writeFileSync(file, text);
  return file;
}
const linesOf = (events: readonly object[]): string =>
  events.map((event) => `${JSON.stringify(event)}\n`).join('');
const at = (seconds: number): string => new Date(START + seconds * 1000).toISOString();
const OPTIONS: ScanOptions = { eventTime: 'at' };

test('delays, disorder, gaps, keys and duplicates of a few events', async () => {
  const events = [
    { at: at(0), arrived: at(1), user: 'a' },
    { at: at(10), arrived: at(12), user: 'b' },
    { at: at(4), arrived: at(20), user: 'a' },
    { at: at(4), arrived: at(20), user: 'a' },
    { at: at(31), arrived: at(30), user: null },
  ];
  const measures = await measureEvents(fileOf(linesOf(events)), {
    eventTime: 'at',
    arrivalTime: 'arrived',
    key: 'user',
  });
  expect(measures).toMatchObject({
    events: 5,
    rejected: 0,
    eventTimeMs: [START, START + 31_000],
    arrivalMs: [START + 1000, START + 30_000],
    longestGapMs: 11_000,
    early: 1,
    outOfOrder: 2,
    duplicates: 1,
    keys: { distinct: 3, largestShare: 0.6 },
  });
  expect(measures.delayMs?.max).toBe(16_000);
  expect(measures.disorderMs.max).toBe(6000);
  expect(measures.bytesPerEvent).toBeCloseTo(linesOf(events).length / events.length - 1, 6);
});

test('quantiles are at most one per cent above those of the sorted values', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 1e9 }), { minLength: 1, maxLength: 300 }),
      fc.constantFrom(0.5, 0.9, 0.99, 0.999),
      (values, share) => {
        const histogram = new Histogram();
        for (const value of values) histogram.add(value);
        const exact = values.toSorted((a, b) => a - b)[Math.ceil(share * values.length) - 1] ?? 0;
        expect(histogram.quantile(share)).toBeGreaterThanOrEqual(exact * (1 - 1e-9));
        expect(histogram.quantile(share)).toBeLessThanOrEqual(exact * 1.0101 + 1e-9);
      },
    ),
  );
});

test('what was met before is known, whatever the numbers and however many', () => {
  fc.assert(
    fc.property(fc.array(fc.maxSafeNat(), { maxLength: 200 }), (numbers) => {
      const once = new Once();
      const seen = new Set<number>();
      for (const number of numbers) {
        expect(once.add(number)).toBe(!seen.has(number));
        seen.add(number);
      }
    }),
  );
  const many = new Once();
  const counts = [0, 0];
  for (let i = 0; i < 200_000; i++)
    if (many.add((i % 100_000) * 2 ** 21)) {
      const half = i < 100_000 ? 0 : 1;
      counts[half] = (counts[half] ?? 0) + 1;
    }
  expect(counts).toEqual([100_000, 0]);
});

describe('rates', () => {
  test('a steady source has one rate everywhere', () => {
    const meter = new RateMeter();
    for (let i = 0; i < 60_000; i++) meter.add(START + i * 10);
    expect(meter.rates()).toEqual({ bucketSeconds: 1, mean: 100, p50: 100, p99: 100, max: 100, empty: 0 });
  });

  test('a sparse source is looked at in longer stretches', () => {
    const meter = new RateMeter();
    for (let i = 0; i < 10_000; i++) meter.add(START + i * 60_000);
    expect(meter.rates()).toMatchObject({ bucketSeconds: 1000, empty: 0 });
  });

  test('drops of files leave most of the time empty', () => {
    const meter = new RateMeter();
    for (let day = 0; day < 10; day++) for (let i = 0; i < 5000; i++) meter.add(START + day * 86_400_000 + i);
    expect(meter.rates().empty).toBeGreaterThan(0.9);
  });

  test('a span of a century does not cost a stretch for each second', () => {
    const meter = new RateMeter();
    for (let i = 0; i < 500_000; i++) meter.add(START + i * 6_000_000);
    expect(meter.rates().bucketSeconds).toBeGreaterThanOrEqual(10_000);
  });
});

describe('times', () => {
  const times: readonly (readonly [string, (ms: number) => unknown])[] = [
    ['ISO 8601', (ms) => new Date(ms).toISOString()],
    ['SQL', (ms) => new Date(ms).toISOString().replace('T', ' ').replace('Z', '')],
    ['seconds', (ms) => ms / 1000],
    ['milliseconds', (ms) => ms],
    ['microseconds', (ms) => ms * 1000],
  ];
  test.each(times)('as %s', async (_, write) => {
    const events = [0, 5000, 2000].map((ms) => ({ at: write(START + ms), n: ms }));
    const { eventTimeMs, disorderMs } = await measureEvents(fileOf(linesOf(events)), OPTIONS);
    expect(eventTimeMs).toEqual([START, START + 5000]);
    expect(disorderMs.max).toBe(3000);
  });

  test('nested, and null in some events', async () => {
    const events = [{ bid: { at: at(1) } }, { bid: null }, { bid: { at: at(2) } }];
    const measures = await measureEvents(fileOf(linesOf(events)), { eventTime: 'bid.at' });
    expect(measures).toMatchObject({
      events: 2,
      rejected: 1,
      problems: [{ line: 2, problem: '"bid.at" is missing' }],
    });
  });

  test('that are none, or of a field that is not there, are refused with what there is', async () => {
    const file = fileOf(linesOf([{ at: 'noon', user: 'a' }]));
    await expect(measureEvents(file, OPTIONS)).rejects.toThrow('"at" is "noon", which is no time.');
    await expect(measureEvents(file, { eventTime: 'usr' })).rejects.toThrow('Did you mean "user"?');
    await expect(measureEvents(fileOf(''), OPTIONS)).rejects.toThrow('holds no event');
    await expect(measureEvents('/not/there.jsonl', OPTIONS)).rejects.toThrow('there is no such file');
    await expect(measureEvents(fileOf('x', 'txt'), OPTIONS)).rejects.toThrow(
      '.jsonl, .ndjson, .csv, .parquet',
    );
  });
});

test('lines that are no events are counted, with the first of them', async () => {
  const measures = await measureEvents(fileOf(`${linesOf([{ at: at(0) }])}{"at":\n[]\n`), OPTIONS);
  expect(measures).toMatchObject({ events: 1, rejected: 2 });
  expect(measures.problems.map(({ line }) => line)).toEqual([2, 3]);
});

test('CSV and Parquet say the same as JSON lines', async () => {
  const events = Array.from({ length: 50 }, (_, i) => ({
    at: at(i - (i % 7) * 3),
    arrived: at(i + 1),
    user: `u${i % 9}`,
  }));
  const options = { eventTime: 'at', arrivalTime: 'arrived', key: 'user' };
  const json = await measureEvents(fileOf(linesOf(events)), options);
  const csv = fileOf(
    `at,arrived,user\n${events.map((each) => Object.values(each).join(',')).join('\n')}\n`,
    'csv',
  );
  expect(await measureEvents(csv, options)).toEqual(json);
  const parquet = join(folder, 'events.parquet');
  parquetWriteFile({
    filename: parquet,
    columnData: (['at', 'arrived', 'user'] as const).map((name) => ({
      name,
      data: events.map((each) => each[name]),
      type: 'STRING' as const,
    })),
  });
  expect(await measureEvents(parquet, options)).toEqual(json);
});

test('can be stopped', async () => {
  const stopped = AbortSignal.abort();
  await expect(
    measureEvents(fileOf(linesOf([{ at: at(0) }])), { ...OPTIONS, signal: stopped }),
  ).rejects.toThrow('aborted');
});

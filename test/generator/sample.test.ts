/** The shipped sample is one real day, in order of arrival, and can be rebuilt byte for byte from its source. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const FILE = new URL('../../templates/base/sample/flights.jsonl', import.meta.url);

interface Flight {
  readonly scheduled: string;
  readonly delay: number;
  readonly origin: string;
  readonly destination: string;
  readonly arrived: string;
}

const bytes = readFileSync(FILE);
const flights = bytes
  .toString('utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as Flight);

test('the sample is the day that was published', () => {
  expect(flights).toHaveLength(16_805);
  expect(createHash('sha256').update(bytes).digest('hex')).toBe(
    'd0945abcb8606f0785d8911a5167c3802a6d45bccd7efb8772b4c3987a188ef3',
  );
  expect(new Set(flights.map((flight) => flight.scheduled.slice(0, 10)))).toEqual(new Set(['2001-01-16']));
});

test('every event arrives at its scheduled time plus its delay, and lines are in order of arrival', () => {
  const arrivals = flights.map((flight) => Date.parse(flight.arrived));
  expect(arrivals).toEqual(flights.map((flight) => Date.parse(flight.scheduled) + flight.delay * 60_000));
  expect(arrivals).toEqual(arrivals.toSorted((a, b) => a - b));
});

test('the lateness that the script states is the lateness of the file', () => {
  const delays = flights.map((flight) => flight.delay).toSorted((a, b) => a - b);
  const quantile = (part: number) => delays[Math.ceil(part * delays.length) - 1];
  expect([0.5, 0.9, 0.95, 0.99, 0.999, 1].map(quantile)).toEqual([0, 36, 62, 136, 234, 479]);
  expect(delays[0]).toBe(-70);
});

test('rebuilding it from the package gives the same bytes', async () => {
  const script = new URL('../../scripts/build-sample.mjs', import.meta.url).href;
  const { buildSample } = (await import(script)) as { buildSample: () => Promise<string> };
  expect(await buildSample()).toBe(bytes.toString('utf8'));
});

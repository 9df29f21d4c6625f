/**
 * Rebuilds templates/base/sample/flights.jsonl: one real day of US flights, in the order in which we hear of them.
 *
 *   flights-3m.parquet ─► flights scheduled on DAY ─► arrived = scheduled + delay ─► sort by arrived ─► JSON lines
 *
 * Source: `vega-datasets` 3.2.1, data/flights-3m.parquet (3,000,000 flights, January to June 2001, from the US Bureau of
 * Transportation Statistics). Its times are the airports' local times without a zone; we read all of them as UTC.
 *
 * An event happens at its scheduled departure and reaches us when the plane has left, so its lateness is genuine and
 * nobody chose its shape. Tuesday, 16 January 2001 is taken because it is an ordinary working day whose delays are those
 * of the whole half year (half of the flights at most 0 minutes late, 10 % more than 35, 1 % more than 139):
 *
 *   16,805 flights   early or on time 52 %   more than 15 minutes late 22 %   more than 2 hours 1.5 %
 *   lateness in minutes: p50 0 · p90 36 · p95 62 · p99 136 · p99.9 234 · largest 479 · earliest 70 minutes early
 *
 * Run with `node scripts/build-sample.mjs`. The same package gives the same bytes; a test rebuilds and compares them.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';

const DAY = '2001-01-16';
const SOURCE = new URL('../node_modules/vega-datasets/data/flights-3m.parquet', import.meta.url);
const TARGET = new URL('../templates/base/sample/flights.jsonl', import.meta.url);
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** The day as JSON lines in order of arrival; flights that arrive together keep the order of the source. */
export async function buildSample() {
  const bytes = readFileSync(SOURCE);
  const from = new Date(DAY);
  const rows = await parquetReadObjects({
    file: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength),
    compressors,
    columns: ['date', 'delay', 'origin', 'destination'],
    filter: { date: { $gte: from, $lt: new Date(from.getTime() + DAY_MS) } },
  });
  return rows
    .map((row) => ({ ...row, delay: Number(row.delay), scheduledMs: row.date.getTime() }))
    .map((row) => ({ ...row, arrivedMs: row.scheduledMs + row.delay * MINUTE_MS }))
    .sort((a, b) => a.arrivedMs - b.arrivedMs)
    .map((row) => `${JSON.stringify(toEvent(row))}\n`)
    .join('');
}

function toEvent({ scheduledMs, delay, origin, destination, arrivedMs }) {
  return { scheduled: isoSeconds(scheduledMs), delay, origin, destination, arrived: isoSeconds(arrivedMs) };
}

/** The source has whole minutes, so the milliseconds of ISO 8601 would only be noise. */
function isoSeconds(ms) {
  return new Date(ms).toISOString().replace('.000Z', 'Z');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const text = await buildSample();
  writeFileSync(TARGET, text);
  process.stdout.write(`${text.split('\n').length - 1} events, ${text.length} bytes\n`);
}

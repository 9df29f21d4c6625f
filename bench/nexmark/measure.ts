/**
 * One measurement in a process of its own: prints a line of JSON with CPU seconds (user and system, all threads, from
 * before the work to its end; starting Node and loading modules is left out on both sides), seconds, rows and memory.
 *
 *   measure ours QUERY FILE      the engine, one pass over the lines, result kept in memory
 *   measure duckdb QUERY FILE    DuckDB with 2 threads, the published query over read_json, result in a temporary table
 *   measure equal QUERY FILE     whether both give the same rows
 *   measure columns QUERY FILE   the engine over columns in memory: events 1,000,001 to 5,000,000, behind the first million
 */
import { closeSync, openSync, readSync } from 'node:fs';
import process from 'node:process';
import { DuckDBInstance } from '@duckdb/node-api';
import { gateOf } from '../../runtime/src/compile/gate.ts';
import { scannerFor } from '../../runtime/src/compile/jit/scanner.ts';
import type { BatchColumn, ColumnBatch } from '../../runtime/src/data/columns.ts';
import { FileRun, tablesFirst } from '../../runtime/src/engine/file-run.ts';
import { FileView } from '../../runtime/src/engine/file-view.ts';
import { nexmarkQuery } from './queries.ts';
import { eventViews, openReference, REFERENCE } from './reference.ts';

const DELAY = '4s';

const [kind = '', query = '', file = ''] = process.argv.slice(2);
async function clocked(work: () => Promise<number>) {
  const wall = process.hrtime.bigint();
  const before = process.cpuUsage();
  const rows = await work();
  const { user, system } = process.cpuUsage(before);
  return {
    cpuSeconds: (user + system) / 1e6,
    seconds: Number(process.hrtime.bigint() - wall) / 1e9,
    rows,
    rssBytes: process.resourceUsage().maxRSS * 1024,
  };
}

async function ours() {
  const definition = nexmarkQuery(query, DELAY);
  if (definition === undefined) throw new Error(`there is no query ${query}`);
  let interpreted: (string | null)[] = [];
  let stateBytes = 0;
  const result = await clocked(async () => {
    const run = new FileRun({ plan: definition.plan, jit: 'on' });
    for (const source of tablesFirst(definition.plan)) await run.feedJsonLines(source, file);
    run.end();
    interpreted = run.views.map(({ interpretedBecause }) => interpretedBecause);
    stateBytes = run.views.reduce((sum, view) => sum + view.stateBytes, 0);
    return Promise.resolve(0);
  });
  return { ...result, stateBytes, interpreted: interpreted.filter((reason) => reason !== null) };
}

async function duckdb() {
  const instance = await DuckDBInstance.create(':memory:', { threads: '2', memory_limit: '4GB' });
  const connection = await instance.connect();
  for (const view of eventViews(file)) await connection.run(view);
  return clocked(async () => {
    await connection.run(`CREATE TEMP TABLE result AS ${REFERENCE[query] ?? ''}`);
    const reader = await connection.runAndReadAll('SELECT count(*) FROM result');
    return Number(reader.getRows()[0]?.[0]);
  });
}

async function equal() {
  const definition = nexmarkQuery(query, DELAY);
  if (definition === undefined) throw new Error(`there is no query ${query}`);
  const run = new FileRun({ plan: definition.plan, jit: 'on', times: 'sql' });
  for (const source of tablesFirst(definition.plan)) await run.feedJsonLines(source, file);
  run.end();
  const pieces: Buffer[] = [];
  for (const view of run.views) view.writeJson((bytes) => pieces.push(Buffer.from(bytes)));
  const rows = Buffer.concat(pieces).toString().split('\n').slice(0, -1).sort();
  const expected = await (await openReference(file, 4000)).rows(query);
  return {
    rows: rows.length,
    equal: rows.length === expected.length && rows.every((row, i) => row === expected[i]),
  };
}

const EVENTS_MAX = 5_000_000;
const EVENTS_WARM = 1_000_000;

/** A batch of its own, with the texts one behind the other. */
function copyOf(batch: ColumnBatch): ColumnBatch {
  const { n } = batch;
  const pieces: Buffer[] = [];
  let at = 0;
  const copies = batch.columns.map((column): BatchColumn => {
    const nulls = column.nulls?.slice(0, n) ?? null;
    if (column.kind === 'number') return { ...column, values: column.values.slice(0, n), nulls };
    if (column.kind === 'boolean') return { ...column, values: column.values.slice(0, n), nulls };
    if (column.kind === 'list') return { ...column, values: column.values.slice(0, n), nulls };
    const [starts, ends] = [new Int32Array(n), new Int32Array(n)];
    for (let row = 0; row < n; row++) {
      starts[row] = at;
      if (nulls?.[row] !== 1) {
        const text = Buffer.from(batch.bytes.subarray(column.starts[row], column.ends[row]));
        pieces.push(text);
        at += text.length;
      }
      ends[row] = at;
    }
    return { ...column, starts, ends, nulls };
  });
  // Comparisons read whole words, also behind the last text.
  pieces.push(Buffer.alloc(64));
  return {
    n,
    bytes: Buffer.concat(pieces),
    columns: copies,
    lineStarts: batch.lineStarts.slice(0, n),
    lineEnds: batch.lineEnds.slice(0, n),
    ordinals: batch.ordinals.slice(0, n),
    times: batch.times.slice(0, n),
    maxTimesBefore: batch.maxTimesBefore.slice(0, n),
  };
}

/** Warm code and grown state: the first million events are not measured. Events count that the scanner does not hand on. */
async function columns() {
  const definition = nexmarkQuery(query, DELAY);
  const [view] = definition?.plan.views ?? [];
  const [source] = definition?.plan.sources ?? [];
  if (definition === undefined || view === undefined || source === undefined)
    throw new Error(`there is no query ${query}`);
  const { plan } = definition;
  const probe = new FileView(plan, view, { jit: 'on' });
  const gate = gateOf(plan, source.name);
  const scanner = scannerFor(source, probe.neededOf(source), gate === null ? {} : { only: gate });
  const batches: ColumnBatch[] = [];
  let warm = 0;
  const descriptor = openSync(file, 'r');
  const lines = Buffer.alloc(1 << 20);
  for (let place = 0; scanner.events < EVENTS_MAX;) {
    const to = lines.lastIndexOf(10, readSync(descriptor, lines, 0, lines.length, place) - 1) + 1;
    if (to === 0) break;
    place += to;
    for (let at = 0; at < to;) {
      at = scanner.scan(lines, at, to);
      batches.push(copyOf(scanner.batch));
    }
    if (scanner.events < EVENTS_WARM) warm = batches.length;
  }
  closeSync(descriptor);
  const watermarks = batches.map(({ maxTimesBefore }) => maxTimesBefore.map((ms) => ms - 4000));
  const operators = new FileView(plan, view, { jit: 'on' });
  const take = (from: number, to: number): void => {
    for (const [index, batch] of batches.slice(from, to).entries()) {
      const time = watermarks[from + index] as Float64Array;
      const watermarkMs = time[batch.n - 1] ?? -Infinity;
      operators.process(source, batch, { watermarks: time, watermarkMs, firstPosition: 0 });
    }
  };
  take(0, warm);
  const before = process.cpuUsage();
  take(warm, batches.length);
  const { user, system } = process.cpuUsage(before);
  const cpuSeconds = (user + system) / 1e6;
  const events = scanner.events - EVENTS_WARM;
  return { events, cpuSeconds, eventsPerSecond: events / cpuSeconds };
}

const KINDS: Readonly<Record<string, () => Promise<unknown>>> = { ours, duckdb, equal, columns };
process.stdout.write(`${JSON.stringify(await KINDS[kind]?.())}\n`);

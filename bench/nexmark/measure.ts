/**
 * One measurement in a process of its own: prints a line of JSON with CPU seconds (user and system, all threads, from
 * before the work to its end; starting Node and loading modules is left out on both sides), seconds, rows and memory.
 *
 *   measure ours QUERY FILE      the engine, one pass over the lines, result kept in memory
 *   measure duckdb QUERY FILE    DuckDB with 2 threads, the published query over read_json, result in a temporary table
 *   measure equal QUERY FILE     whether both give the same rows
 */
import process from 'node:process';
import { DuckDBInstance } from '@duckdb/node-api';
import { FileRun, tablesFirst } from '../../runtime/src/engine/file-run.ts';
import { nexmarkQuery } from './queries.ts';
import { eventViews, openReference, REFERENCE } from './reference.ts';

const DELAY = '4s';

const [kind = '', query = '', file = ''] = process.argv.slice(2);
const measured = await (kind === 'ours' ? ours() : kind === 'duckdb' ? duckdb() : equal());
process.stdout.write(`${JSON.stringify(measured)}\n`);

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

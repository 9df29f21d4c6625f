/**
 * Measures the Nexmark queries beside DuckDB: `npm run bench [-- --queries q0,q5 --repeats 5 --events 1000000]`.
 *
 * Method. One file of events in order, made by our generator from a fixed seed. First every answer is compared with
 * DuckDB's, row by row. Then, for each repeat and each query, one process of ours and one of DuckDB's, one after the
 * other, so that both see the same machine; the figure is the median of their CPU seconds, of all threads, from the first
 * byte read to the last row in memory. Each process is new: the time to generate and to warm up code is in ours.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/** As in the issue that set them: CPU seconds for a million events, and the ratio to DuckDB in the same run. */
const GOALS: Readonly<Record<string, { readonly seconds: number; readonly ratio: number }>> = {
  q0: { seconds: 1.1, ratio: 1 },
  q1: { seconds: 1.1, ratio: 1 },
  q2: { seconds: 0.8, ratio: 1 },
  q3: { seconds: 1, ratio: 1 },
  q4: { seconds: 2.5, ratio: 1.7 },
  q5: { seconds: 1.5, ratio: 1.3 },
  q7: { seconds: 1.5, ratio: 1.3 },
  q8: { seconds: 1, ratio: 1.3 },
  q9: { seconds: 3, ratio: 1.7 },
  q11: { seconds: 1.5, ratio: 1.3 },
  q15: { seconds: 2, ratio: 1.3 },
  q17: { seconds: 1.3, ratio: 1.3 },
  q18: { seconds: 2, ratio: 1.7 },
  q19: { seconds: 2.5, ratio: 1.7 },
  q20: { seconds: 2, ratio: 1.7 },
};

interface Measured {
  readonly cpuSeconds: number;
  readonly seconds: number;
  readonly rssBytes: number;
  readonly stateBytes?: number;
}

const here = fileURLToPath(new URL('.', import.meta.url));
const data = join(here, '..', 'data');
const { values } = parseArgs({
  options: {
    queries: { type: 'string', default: Object.keys(GOALS).join(',') },
    repeats: { type: 'string', default: '5' },
    events: { type: 'string', default: '1000000' },
    output: { type: 'string' },
  },
});
const queries = values.queries.split(',');
const events = Number(values.events);

function run(script: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(here, script), ...args], {
    encoding: 'utf8',
    maxBuffer: 1 << 30,
  });
  if (status !== 0) throw new Error(`${script} ${args.join(' ')}: ${stderr}`);
  return stdout;
}

function eventsFile(): string {
  mkdirSync(data, { recursive: true });
  const file = join(data, `nexmark-${events}.jsonl`);
  if (!existsSync(file)) {
    process.stderr.write(`writing ${events} events … `);
    run('generate.js', ['--events', String(events), '--output', `${file}.partial`]);
    renameSync(`${file}.partial`, file);
    process.stderr.write('done\n');
  }
  return file;
}

function measure(kind: string, query: string, file: string): Measured {
  return JSON.parse(run('measure.js', [kind, query, file])) as Measured;
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? NaN;
}

const file = eventsFile();
for (const query of queries) {
  process.stderr.write(`\r\u001b[K${query}: comparing the answers`);
  const { equal, rows } = JSON.parse(run('measure.js', ['equal', query, file])) as {
    equal: boolean;
    rows: number;
  };
  if (!equal) throw new Error(`${query}: the answer of ${rows} rows is not DuckDB's`);
}
const runs = new Map(queries.map((query) => [query, { ours: [] as Measured[], duckdb: [] as Measured[] }]));
for (let repeat = 1; repeat <= Number(values.repeats); repeat++) {
  for (const [query, { ours, duckdb }] of runs) {
    process.stderr.write(`\r\u001b[K${query}: ${repeat} of ${values.repeats}`);
    ours.push(measure('ours', query, file));
    duckdb.push(measure('duckdb', query, file));
  }
}
process.stderr.write('\r\u001b[K');

const results = [...runs].map(([query, { ours, duckdb }]) => {
  const cpu = median(ours.map(({ cpuSeconds }) => cpuSeconds));
  const peer = median(duckdb.map(({ cpuSeconds }) => cpuSeconds));
  const goal = GOALS[query];
  return {
    query,
    cpuSeconds: cpu,
    duckdbCpuSeconds: peer,
    ratio: cpu / peer,
    goalRatio: goal?.ratio ?? null,
    goalCpuSeconds: goal?.seconds ?? null,
    seconds: median(ours.map(({ seconds }) => seconds)),
    duckdbSeconds: median(duckdb.map(({ seconds }) => seconds)),
    rssBytes: median(ours.map(({ rssBytes }) => rssBytes)),
    stateBytes: median(ours.map(({ stateBytes = 0 }) => stateBytes)),
    runs: { ours, duckdb },
  };
});

const line = (cells: readonly string[]): string =>
  cells.map((cell, i) => (i === 0 ? cell.padEnd(5) : cell.padStart(9))).join('');
process.stdout.write(`${line(['', 'CPU s', 'DuckDB', 'ratio', 'goal', 'k ev/s', 'RSS MB', 'state MB'])}\n`);
for (const { query, cpuSeconds, duckdbCpuSeconds, ratio, goalRatio, rssBytes, stateBytes } of results) {
  const holds = goalRatio === null || ratio <= goalRatio;
  const cells = [
    query,
    cpuSeconds.toFixed(2),
    duckdbCpuSeconds.toFixed(2),
    ratio.toFixed(2),
    `${goalRatio?.toFixed(1) ?? '-'}${holds ? '  ' : ' !'}`,
    (events / cpuSeconds / 1000).toFixed(0),
    (rssBytes / 1e6).toFixed(0),
    (stateBytes / 1e6).toFixed(1),
  ];
  process.stdout.write(`${line(cells)}\n`);
}

const report = {
  what: 'CPU seconds of one pass over a file of Nexmark events, beside DuckDB reading the same file',
  date: new Date().toISOString(),
  machine: { cpus: cpus().length, model: cpus()[0]?.model ?? '', memoryBytes: totalmem() },
  versions: { node: process.versions.node, v8: process.versions.v8, duckdb: duckdbVersion() },
  events,
  repeats: Number(values.repeats),
  results,
};
const output = values.output ?? join(here, '..', 'results', 'nexmark.json');
mkdirSync(join(output, '..'), { recursive: true });
writeFileSync(output, `${JSON.stringify(report, null, 1)}\n`);
process.stderr.write(`${output}\n`);

function duckdbVersion(): string {
  const manifest = new URL('../../node_modules/@duckdb/node-api/package.json', import.meta.url);
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
}

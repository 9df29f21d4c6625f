/** What the benchmarks share: the files of events, the processes that measure, the machine. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));

export interface Measured {
  readonly cpuSeconds: number;
  readonly seconds: number;
  readonly rssBytes: number;
  readonly stateBytes?: number;
  /** Of `equal`. */
  readonly equal?: boolean;
  readonly rows?: number;
  /** Of `columns`. */
  readonly eventsPerSecond?: number;
}

function run(script: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(here, script), ...args], {
    encoding: 'utf8',
    maxBuffer: 1 << 30,
  });
  if (status !== 0) throw new Error(`${script} ${args.join(' ')}: ${stderr}`);
  return stdout;
}

/** So many events in order, from our generator and its fixed seed; made when it is not there. */
export function eventsFile(events: number): string {
  const data = join(here, '..', 'data');
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

/** A measurement in a process of its own; see measure.ts. */
export function measure(kind: string, query: string, file: string): Measured {
  return JSON.parse(run('measure.js', [kind, query, file])) as Measured;
}

export function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? NaN;
}

/** A table for people: the first column to the left, numbers to the right. */
export function printLine(cells: readonly string[]): void {
  process.stdout.write(`${cells.map((cell, i) => (i === 0 ? cell.padEnd(5) : cell.padStart(9))).join('')}\n`);
}

/** Where the results of a benchmark go. */
export function resultsFile(name: string, output: string | undefined): string {
  return output ?? join(here, '..', 'results', `${name}.json`);
}

/** Writes results with where and when they were measured. */
export function report(name: string, output: string | undefined, results: object): void {
  const file = resultsFile(name, output);
  const measured = {
    date: new Date().toISOString(),
    machine: { cpus: cpus().length, model: cpus()[0]?.model ?? '', memoryBytes: totalmem() },
    versions: { node: process.versions.node, v8: process.versions.v8, duckdb: duckdbVersion() },
    ...results,
  };
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(measured, null, 1)}\n`);
  process.stderr.write(`${file}\n`);
}

function duckdbVersion(): string {
  const manifest = new URL('../../node_modules/@duckdb/node-api/package.json', import.meta.url);
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
}

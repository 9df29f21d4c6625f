/**
 * How fast a job takes a log that is there already: `npm run bench:replay [-- --events 4000000 --runs 3]`.
 *
 * Method. The events of the auction house are ingested into a data folder, whose log keeps them as blocks of columns in
 * files, and the bids among them, without an object around each, into another. Each run takes a copy of a folder without
 * state, in a process of its own, and runs the streaming job to the end of the log: reader, checksums, operators, commits to
 * RocksDB; or, with `/batch` behind the name, one run of the batch architecture. Queries take turns. The file cache is warm.
 * `convert` does the work of q1 and ends in one row, `tumbling` is a keyed window, `q1` writes a row of the view for every bid.
 */
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runProgram } from '../../runtime/src/cli/exit.ts';
import { benchCommand, listOf, wholeNumber } from '../command.ts';
import { eventsFile, printLine, report } from '../nexmark/files.ts';
import type { DurableRun } from './durable.ts';
import { bytesOf, durable, inFolder, millions, ratesOf } from './measured.ts';
import { FLAT_QUERIES, JOB_QUERIES, sourceOf } from './queries.ts';

interface Flags {
  readonly events: number;
  readonly runs: number;
  readonly queries: readonly string[];
  readonly output?: string;
}

const NAMES = [...Object.keys(FLAT_QUERIES), ...Object.keys(JOB_QUERIES)].flatMap((name) => [
  name,
  `${name}/batch`,
]);
const DEFAULTS = ['flat-convert', 'flat-tumbling', 'convert', 'tumbling', 'tumbling/batch', 'q1'];

function main({ events, runs, queries, output }: Flags): void {
  const file = eventsFile(events);
  inFolder((folder) => {
    const logBytes: Record<string, number> = {};
    const filledOf = (query: string): string => join(folder, sourceOf(query));
    for (const name of queries) {
      const [query = ''] = name.split('/');
      if (logBytes[sourceOf(query)] !== undefined) continue;
      durable('fill', query, filledOf(query), file);
      logBytes[sourceOf(query)] = bytesOf(join(filledOf(query), 'log'));
    }
    const all = new Map<string, DurableRun[]>(queries.map((name) => [name, []]));
    for (let run = 1; run <= runs; run++) {
      for (const [name, results] of all) {
        const [query = '', kind = 'replay'] = name.split('/');
        const copy = join(folder, 'copy');
        cpSync(filledOf(query), copy, { recursive: true });
        results.push(durable(kind, query, copy));
        rmSync(copy, { recursive: true });
      }
    }
    printLine(['', 'events', 'cold M/s', 'CPU s/M', 'warm M/s', 'CPU s/M', 'wall M/s', 'epochs', 'RSS MB']);
    const results = [...all].map(([query, each]) => told(query, each));
    const what = 'events a second and core of a job over a log of column blocks, from files to commits';
    report('replay', output, { what, events, runs, logBytes, results });
  });
}

function told(query: string, runs: readonly DurableRun[]): object {
  const cold = ratesOf(runs.map((run) => run.cold));
  const warm = query.endsWith('/batch') ? null : ratesOf(runs.map((run) => run.warm));
  const [first] = runs as [DurableRun];
  const { epochs, rows, rssBytes, interpretedBecause } = first;
  printLine([
    query,
    String(first.cold.events),
    millions(cold.eventsPerSecondPerCore),
    cold.cpuSecondsPerMillion.toFixed(3),
    warm === null ? '-' : millions(warm.eventsPerSecondPerCore),
    warm === null ? '-' : warm.cpuSecondsPerMillion.toFixed(3),
    millions(cold.eventsPerSecond),
    String(epochs),
    (rssBytes / 1e6).toFixed(0),
  ]);
  return { query, events: first.cold.events, cold, warm, epochs, rows, rssBytes, interpretedBecause };
}

await runProgram(
  benchCommand('bench:replay', 'Measures a job that reads a log from its beginning.')
    .option('--events <number>', 'how many events', wholeNumber, 4_000_000)
    .option('--runs <number>', 'how often each query is run', wholeNumber, 3)
    .option('--queries <list>', 'which ones', listOf(NAMES), DEFAULTS)
    .option('--output <file>', 'where the results go (default: bench/results/replay.json)')
    .action((flags: Flags) => main(flags)),
);

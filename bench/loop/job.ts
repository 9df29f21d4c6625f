/**
 * A durable job from end to end: `npm run bench:job [-- --events 200000 --runs 3]`.
 *
 * Method. A process of its own takes the events of the auction house through the door into the log of a new data folder,
 * while the streaming job reads them behind it, and is done when the job is at the end of the log: parsing, fsync, reading,
 * operators, commits to RocksDB. Queries take turns, with generated code and without.
 */
import { join } from 'node:path';
import { runProgram } from '../../runtime/src/cli/exit.ts';
import { benchCommand, listOf, wholeNumber } from '../command.ts';
import { eventsFile, printLine, report } from '../nexmark/files.ts';
import type { DurableRun } from './durable.ts';
import { durable, inFolder, millions, ratesOf } from './measured.ts';
import { JOB_QUERIES } from './queries.ts';

interface Flags {
  readonly events: number;
  readonly runs: number;
  readonly queries: readonly string[];
  readonly output?: string;
}

function main({ events, runs, queries, output }: Flags): void {
  const file = eventsFile(events);
  const all = new Map<string, DurableRun[]>(queries.map((query) => [query, []]));
  for (let run = 1; run <= runs; run++)
    for (const [query, results] of all)
      results.push(inFolder((folder) => durable('job', query, join(folder, 'data'), file)));
  printLine(['', 'M/s/core', 'CPU s/M', 'wall M/s', 'epochs', 'rows', 'RSS MB']);
  const results = [...all].map(([query, each]) => {
    const rates = ratesOf(each.map(({ cold }) => cold));
    const [first] = each as [DurableRun];
    const { epochs, rows, rssBytes, interpretedBecause } = first;
    printLine([
      query.slice(0, 4),
      millions(rates.eventsPerSecondPerCore),
      rates.cpuSecondsPerMillion.toFixed(3),
      millions(rates.eventsPerSecond),
      String(epochs),
      String(rows),
      (rssBytes / 1e6).toFixed(0),
    ]);
    return { query, ...rates, epochs, rows, rssBytes, interpretedBecause };
  });
  const what = 'events a second and core of a streaming pipeline: ingest, log, epochs, view';
  report('job', output, { what, events, runs, results });
}

await runProgram(
  benchCommand('bench:job', 'Measures a streaming pipeline from the door to the view.')
    .option('--events <number>', 'how many events', wholeNumber, 200_000)
    .option('--runs <number>', 'how often each query is run', wholeNumber, 3)
    .option('--queries <list>', 'which ones', listOf(Object.keys(JOB_QUERIES)), Object.keys(JOB_QUERIES))
    .option('--output <file>', 'where the results go (default: bench/results/job.json)')
    .action((flags: Flags) => main(flags)),
);

/**
 * How fast a job takes a log that is there already: `npm run bench:replay [-- --events 2000000 --runs 3]`.
 *
 * Method. The events of the auction house are ingested into a data folder, whose log keeps them as blocks of columns in
 * files. Each run takes a copy of the folder without state, in a process of its own, and runs the streaming job to the end of
 * the log: reader, checksums, operators, commits to RocksDB. Queries take turns. The file cache is warm. `convert` does the work
 * of q1 and ends in one row, `tumbling` is a keyed window, `q1` writes a row of the view for every bid.
 */
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { runProgram } from '../../runtime/src/cli/exit.ts';
import { benchCommand, listOf, wholeNumber } from '../command.ts';
import { eventsFile, printLine, report } from '../nexmark/files.ts';
import type { DurableRun } from './durable.ts';
import { bytesOf, durable, inFolder, millions, ratesOf } from './measured.ts';
import { JOB_QUERIES } from './queries.ts';

interface Flags {
  readonly events: number;
  readonly runs: number;
  readonly queries: readonly string[];
  readonly output?: string;
}

function main({ events, runs, queries, output }: Flags): void {
  const file = eventsFile(events);
  inFolder((folder) => {
    const filled = join(folder, 'filled');
    durable('fill', queries[0] ?? '', filled, file);
    const logBytes = bytesOf(join(filled, 'log'));
    const all = new Map<string, DurableRun[]>(queries.map((query) => [query, []]));
    for (let run = 1; run <= runs; run++) {
      for (const [query, results] of all) {
        const copy = join(folder, `${query}-${run}`);
        inFolderOf(copy, filled, () => results.push(durable('replay', query, copy)));
      }
    }
    printLine(['', 'cold M/s', 'CPU s/M', 'warm M/s', 'CPU s/M', 'wall M/s', 'epochs', 'RSS MB']);
    const results = [...all].map(([query, each]) => {
      const cold = ratesOf(each.map((run) => run.cold));
      const warm = ratesOf(each.map((run) => run.warm));
      const [first] = each as [DurableRun];
      printLine([
        query.slice(0, 4),
        millions(cold.eventsPerSecondPerCore),
        cold.cpuSecondsPerMillion.toFixed(3),
        millions(warm.eventsPerSecondPerCore),
        warm.cpuSecondsPerMillion.toFixed(3),
        millions(cold.eventsPerSecond),
        String(first.epochs),
        (first.rssBytes / 1e6).toFixed(0),
      ]);
      const { epochs, rows, rssBytes, interpretedBecause } = first;
      return { query, cold, warm, epochs, rows, rssBytes, interpretedBecause };
    });
    const what =
      'events a second and core of a streaming job over a log of column blocks, from files to commits';
    report('replay', output, { what, events, runs, logBytes, results });
  });
}

function inFolderOf(copy: string, filled: string, work: () => void): void {
  cpSync(filled, copy, { recursive: true });
  work();
}

await runProgram(
  benchCommand('bench:replay', 'Measures a job that reads a log from its beginning.')
    .option('--events <number>', 'how many events', wholeNumber, 2_000_000)
    .option('--runs <number>', 'how often each query is run', wholeNumber, 3)
    .option('--queries <list>', 'which ones', listOf(Object.keys(JOB_QUERIES)), ['convert', 'tumbling', 'q1'])
    .option('--output <file>', 'where the results go (default: bench/results/replay.json)')
    .action((flags: Flags) => main(flags)),
);

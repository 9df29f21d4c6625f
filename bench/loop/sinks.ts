/**
 * What sinks cost a durable job: `npm run bench:sinks [-- --events 200000 --runs 3]`.
 *
 * Method. As `bench:job`, a process of its own for each run: without a sink; with one that is away for ever, so that every row
 * that changes is noted in its commit and nothing is delivered (the outbox); and with one that writes files, delivered once a
 * second and at the end. CPU time is that of the whole process, delivery included. Sinks take turns within a query.
 */
import { join } from 'node:path';
import { runProgram } from '../../runtime/src/cli/exit.ts';
import { benchCommand, listOf, wholeNumber } from '../command.ts';
import { eventsFile, printLine, report } from '../nexmark/files.ts';
import { BENCH_SINKS } from './bench-sinks.ts';
import type { DurableRun } from './durable.ts';
import { durableWith, inFolder, millions, ratesOf } from './measured.ts';
import { JOB_QUERIES } from './queries.ts';

interface Flags {
  readonly events: number;
  readonly runs: number;
  readonly queries: readonly string[];
  readonly output?: string;
}

/** A row for every event, a row for every 15, one row. */
const QUERIES = ['q1', 'tumbling', 'convert'];

function main({ events, runs, queries, output }: Flags): void {
  const file = eventsFile(events);
  const all = queries.flatMap((query) =>
    BENCH_SINKS.map((sink) => ({ query, sink, results: [] as DurableRun[] })),
  );
  for (let run = 1; run <= runs; run++)
    for (const { query, sink, results } of all)
      results.push(
        inFolder((folder) => durableWith({ BENCH_SINK: sink }, 'job', query, join(folder, 'data'), file)),
      );
  printLine(['', 'M/s/core', 'CPU s/M', 'of none', 'epochs', 'rows', 'RSS MB']);
  const none = new Map<string, number>();
  const results = all.map(({ query, sink, results: each }) => {
    const rates = ratesOf(each.map(({ cold }) => cold));
    const [first] = each as [DurableRun];
    const { epochs, rows, rssBytes } = first;
    const base = none.get(query) ?? rates.cpuSecondsPerMillion;
    none.set(query, base);
    const cpuOfNone = rates.cpuSecondsPerMillion / base;
    printLine([
      `${nameOf(query)} ${sink}`,
      millions(rates.eventsPerSecondPerCore),
      rates.cpuSecondsPerMillion.toFixed(3),
      cpuOfNone.toFixed(2),
      String(epochs),
      String(rows),
      (rssBytes / 1e6).toFixed(0),
    ]);
    return { query, sink, ...rates, cpuOfNone, epochs, rows, rssBytes };
  });
  const what =
    'events a second and core of a streaming pipeline without a sink, with all rows noted for one, with files';
  report('sinks', output, { what, events, runs, results });
}

/** As much as a column takes. */
function nameOf(query: string): string {
  return query.slice(0, 4);
}

const known = listOf(Object.keys(JOB_QUERIES));
await runProgram(
  benchCommand('bench:sinks', 'Measures what sinks cost a streaming pipeline.')
    .option('--events <number>', 'how many events', wholeNumber, 200_000)
    .option('--runs <number>', 'how often each query is run', wholeNumber, 3)
    .option('--queries <list>', 'which ones', known, QUERIES)
    .option('--output <file>', 'where the results go (default: bench/results/sinks.json)')
    .action((flags: Flags) => main(flags)),
);

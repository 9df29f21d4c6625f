/**
 * Shows what grows with the events: `npm run bench:scale [-- --millions 1,5,20 --queries q5,q7,q8,q11]`.
 *
 * Method. One process for each query and size over a file of events in order; CPU seconds for each million events, the
 * most memory that the process ever had, and what the view holds at the end. Then, over columns in memory, how many events
 * a core takes in a second: the second to the fifth million, behind a first one that warms the code.
 */
import process from 'node:process';
import { benchCommand, listOf } from '../command.ts';
import { runProgram } from '../../runtime/src/cli/exit.ts';
import { eventsFile, measure, printLine, report } from './files.ts';
import { QUERIES } from './queries.ts';

interface Flags {
  readonly queries: readonly string[];
  readonly millions: readonly string[];
  readonly columns: readonly string[];
  readonly output?: string;
}

const command = benchCommand('bench:scale', 'Shows what grows with the events: CPU, memory, state.')
  .option('--queries <list>', 'which', listOf(Object.keys(QUERIES)), ['q5', 'q7', 'q8', 'q11'])
  .option('--millions <list>', 'over so many million events', listOf(), ['1', '5', '20'])
  .option('--columns <list>', 'which from columns in memory', listOf(Object.keys(QUERIES)), [
    'q1',
    'q2',
    'q5',
    'q7',
    'q8',
    'q11',
    'q17',
    'q18',
  ])
  .option('--output <file>', 'where the results go (default: bench/results/scale.json)');

await runProgram(
  command.action(({ queries, millions: sizesAsked, columns, output }: Flags) => {
    printLine(['', 'M events', 'CPU s/M', 'RSS MB', 'state MB']);
    const sizes = queries.flatMap((query) =>
      sizesAsked.map((millions) => {
        const measured = measure('ours', query, eventsFile(Number(millions) * 1_000_000));
        const { cpuSeconds, rssBytes, stateBytes = 0 } = measured;
        printLine([
          query,
          millions,
          (cpuSeconds / Number(millions)).toFixed(2),
          (rssBytes / 1e6).toFixed(0),
          (stateBytes / 1e6).toFixed(1),
        ]);
        return { query, millions: Number(millions), ...measured };
      }),
    );

    process.stdout.write('\nfrom columns in memory\n');
    printLine(['', 'M ev/s']);
    const inMemory = columns.map((query) => {
      const measured = measure('columns', query, eventsFile(5_000_000));
      printLine([query, ((measured.eventsPerSecond ?? NaN) / 1e6).toFixed(1)]);
      return { query, ...measured };
    });
    const what = 'what grows with the events, and what the operators cost without reading';
    report('scale', output, { what, sizes, columns: inMemory });
  }),
);

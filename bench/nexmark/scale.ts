/**
 * Shows what grows with the events: `npm run bench:scale [-- --millions 1,5,20 --queries q5,q7,q8,q11]`.
 *
 * Method. One process for each query and size over a file of events in order; CPU seconds for each million events, the
 * most memory that the process ever had, and what the view holds at the end. Then, over columns in memory, how many events
 * a core takes in a second: the second to the fifth million, behind a first one that warms the code.
 */
import process from 'node:process';
import { parseArgs } from 'node:util';
import { eventsFile, measure, printLine, report } from './files.ts';

const { values } = parseArgs({
  options: {
    queries: { type: 'string', default: 'q5,q7,q8,q11' },
    millions: { type: 'string', default: '1,5,20' },
    columns: { type: 'string', default: 'q1,q2,q5,q7,q8,q11,q17,q18' },
    output: { type: 'string' },
  },
});

const listed = (text: string): string[] => text.split(',').filter((each) => each !== '');

printLine(['', 'M events', 'CPU s/M', 'RSS MB', 'state MB']);
const sizes = listed(values.queries).flatMap((query) =>
  listed(values.millions).map((millions) => {
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
const columns = listed(values.columns).map((query) => {
  const measured = measure('columns', query, eventsFile(5_000_000));
  printLine([query, ((measured.eventsPerSecond ?? NaN) / 1e6).toFixed(1)]);
  return { query, ...measured };
});
const what = 'what grows with the events, and what the operators cost without reading';
report('scale', values.output, { what, sizes, columns });

/**
 * Measures the Nexmark queries beside DuckDB: `npm run bench [-- --queries q0,q5 --repeats 5 --events 1000000]`.
 *
 * Method. One file of events in order, made by our generator from a fixed seed. First every answer is compared with
 * DuckDB's, row by row. Then, for each repeat and each query, one process of ours and one of DuckDB's, one after the
 * other, so that both see the same machine; the figure is the median of their CPU seconds, of all threads, from the first
 * byte read to the last row in memory. Each process is new: the time to generate and to warm up code is in ours.
 */
import process from 'node:process';
import { benchCommand, listOf, wholeNumber } from '../command.ts';
import { runProgram } from '../../runtime/src/cli/exit.ts';
import { eventsFile, measure, type Measured, median, printLine, report } from './files.ts';

/** What was aimed for: CPU seconds for a million events on such a machine, and the ratio to DuckDB in the same run. */
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

interface Flags {
  readonly queries: readonly string[];
  readonly repeats: number;
  readonly events: number;
  readonly output?: string;
}

const command = benchCommand('bench', 'Measures the Nexmark queries beside DuckDB, interleaved.')
  .option('--queries <list>', 'which', listOf(Object.keys(GOALS)), Object.keys(GOALS))
  .option('--repeats <n>', 'the figure is the median of so many', wholeNumber, 5)
  .option('--events <n>', 'over so many events', wholeNumber, 1_000_000)
  .option('--output <file>', 'where the results go (default: bench/results/nexmark.json)');

await runProgram(
  command.action(({ queries, repeats, events, output }: Flags) => {
    const file = eventsFile(events);

    const say = (text: string): boolean => process.stderr.write(`\r\u001b[K${text}`);
    for (const query of queries) {
      say(`${query}: comparing the answers`);
      const { equal, rows = 0 } = measure('equal', query, file);
      if (equal !== true) throw new Error(`${query}: the answer of ${rows} rows is not DuckDB's`);
    }
    const runs = new Map(
      queries.map((query) => [query, { ours: [] as Measured[], duckdb: [] as Measured[] }]),
    );
    for (let repeat = 1; repeat <= repeats; repeat++) {
      for (const [query, { ours, duckdb }] of runs) {
        say(`${query}: ${repeat} of ${repeats}`);
        ours.push(measure('ours', query, file));
        duckdb.push(measure('duckdb', query, file));
      }
    }
    say('');

    const results = [...runs].map(([query, { ours, duckdb }]) => {
      const cpuSeconds = median(ours.map((each) => each.cpuSeconds));
      const duckdbCpuSeconds = median(duckdb.map((each) => each.cpuSeconds));
      return {
        query,
        cpuSeconds,
        duckdbCpuSeconds,
        ratio: cpuSeconds / duckdbCpuSeconds,
        goalRatio: GOALS[query]?.ratio ?? null,
        goalCpuSeconds: GOALS[query]?.seconds ?? null,
        seconds: median(ours.map((each) => each.seconds)),
        duckdbSeconds: median(duckdb.map((each) => each.seconds)),
        rssBytes: median(ours.map(({ rssBytes }) => rssBytes)),
        stateBytes: median(ours.map(({ stateBytes = 0 }) => stateBytes)),
        runs: { ours, duckdb },
      };
    });

    printLine(['', 'CPU s', 'DuckDB', 'ratio', 'goal', 'k ev/s', 'RSS MB', 'state MB']);
    for (const { query, cpuSeconds, duckdbCpuSeconds, ratio, goalRatio, rssBytes, stateBytes } of results) {
      const holds = goalRatio === null || ratio <= goalRatio;
      printLine([
        query,
        cpuSeconds.toFixed(2),
        duckdbCpuSeconds.toFixed(2),
        ratio.toFixed(2),
        `${goalRatio?.toFixed(1) ?? '-'}${holds ? '  ' : ' !'}`,
        (events / cpuSeconds / 1000).toFixed(0),
        (rssBytes / 1e6).toFixed(0),
        (stateBytes / 1e6).toFixed(1),
      ]);
    }
    const what = 'CPU seconds of one pass over a file of Nexmark events, beside DuckDB reading the same file';
    report('nexmark', output, { what, events, repeats: repeats, results });
  }),
);

/**
 * How long `recommend` takes inside: `npm run bench:recommend [-- --runs 20]`.
 *
 * Method. A process for each set of answers, nothing warmed up, which is what a user pays: its first call is the cold one, the
 * median of those after it the warm one. Beside the time of the cold one is what it used of processors: that does not hang on
 * what else the machine does.
 */
import { execFileSync } from 'node:child_process';
import { Option } from 'commander';
import { recommend } from '../../src/advisor/recommend.ts';
import type { GivenAnswers } from '../../src/advisor/answers.ts';
import { runProgram } from '../../runtime/src/cli/exit.ts';
import { benchCommand, wholeNumber } from '../command.ts';
import { printLine, report } from '../nexmark/files.ts';

const CERTAIN: GivenAnswers = {
  freshness: '15m',
  lateness: { max: '10m' },
  reprocessing: { every: 'monthly' },
  maturity: 'novice',
};
const SETS: readonly (readonly [name: string, answers: GivenAnswers])[] = [
  ['certain', CERTAIN],
  ['a range', { ...CERTAIN, freshness: '1m..2h' }],
  [
    'four open',
    {
      freshness: '1m..2h',
      lateness: { max: 'unsure' },
      reprocessing: { every: 'unsure' },
      maturity: 'unsure',
    },
  ],
  [
    'seven open',
    {
      freshness: '1m..2h',
      lateness: { max: 'unsure' },
      reprocessing: { every: 'unsure', history: 'unsure' },
      maturity: 'unsure',
      accuracy: 'unsure',
      historyIn: 'unsure',
    },
  ],
];

interface Measured {
  readonly name: string;
  readonly coldMs: number;
  readonly coldCpuMs: number;
  readonly warmMs: number;
}

function measured([name, answers]: (typeof SETS)[number], runs: number): Measured {
  const before = process.cpuUsage();
  const coldMs = msOf(answers);
  const { user, system } = process.cpuUsage(before);
  const warm = Array.from({ length: runs }, () => msOf(answers)).sort((a, b) => a - b);
  return { name, coldMs, coldCpuMs: (user + system) / 1000, warmMs: warm[Math.floor(runs / 2)] ?? NaN };
}

function msOf(answers: GivenAnswers): number {
  const from = performance.now();
  recommend(answers);
  return performance.now() - from;
}

/** The same in a process of its own. */
function measuredApart(name: string, runs: number): Measured {
  const self = process.argv[1] ?? '';
  const text = execFileSync(process.execPath, [self, '--only', name, '--runs', String(runs)], {
    encoding: 'utf8',
  });
  return JSON.parse(text) as Measured;
}

function main({ runs, only, output }: { runs: number; only?: string; output?: string }): Promise<void> {
  const one = SETS.find(([name]) => name === only);
  if (one !== undefined) {
    process.stdout.write(JSON.stringify(measured(one, runs)));
    return Promise.resolve();
  }
  printLine(['', 'cold ms', 'cold CPU ms', 'warm ms']);
  const results = SETS.map(([name]) => {
    const result = measuredApart(name, runs);
    printLine([name, result.coldMs.toFixed(1), result.coldCpuMs.toFixed(1), result.warmMs.toFixed(1)]);
    return result;
  });
  report('recommend', output, {
    what: 'milliseconds of one recommendation, inside a process of its own',
    runs,
    results,
  });
  return Promise.resolve();
}

await runProgram(
  benchCommand('bench:recommend', 'Measures how long a recommendation takes.')
    .option('--runs <number>', 'how many after the first', wholeNumber, 20)
    .addOption(
      new Option('--only <set>', 'prints this set of answers as JSON').choices(SETS.map(([name]) => name)),
    )
    .option('--output <file>', 'where the results go (default: bench/results/recommend.json)')
    .action(main),
);

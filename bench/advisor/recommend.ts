/**
 * How long `recommend` takes inside: `npm run bench:recommend [-- --runs 20]`.
 *
 * Method. One process, nothing warmed up: the first call of each set of answers is the cold one, the median of those after it
 * the warm one. The first set also pays for compiling what all use.
 */
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
];

function main({ runs, output }: { runs: number; output?: string }): Promise<void> {
  printLine(['', 'cold ms', 'warm ms']);
  const results = SETS.map(([name, answers]) => {
    const ms = Array.from({ length: runs + 1 }, () => {
      const from = performance.now();
      recommend(answers);
      return performance.now() - from;
    });
    const [coldMs = NaN, ...warm] = ms;
    const warmMs = warm.toSorted((a, b) => a - b)[Math.floor(warm.length / 2)] ?? NaN;
    printLine([name, coldMs.toFixed(1), warmMs.toFixed(1)]);
    return { name, coldMs, warmMs };
  });
  report('recommend', output, {
    what: 'milliseconds of one recommendation, inside the process',
    runs,
    results,
  });
  return Promise.resolve();
}

await runProgram(
  benchCommand('bench:recommend', 'Measures how long a recommendation takes.')
    .option('--runs <number>', 'how many after the first', wholeNumber, 20)
    .option('--output <file>', 'where the results go (default: bench/results/recommend.json)')
    .action(main),
);

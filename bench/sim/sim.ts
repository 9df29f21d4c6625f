/**
 * How many crashes a second of CPU the simulator lives through, and whether a seed fails: `npm run bench:sim [-- --seeds 2000]`.
 *
 * Method. The seeds of `test/sim` in one process, in turn over the five architectures, each a whole job with its senders,
 * readers, operator and the check at the end. A crash is a process that died, or lost its power, after it had opened the data
 * and had taken events or committed results since; another life opened and worked after it. Deaths before that are counted
 * apart; `all` has both. CPU is that of the whole process, user and system, from the first seed on, the choices and the
 * checks included, with a collector of garbage that runs in the one thread.
 */
import process from 'node:process';
import { runProgram } from '../../runtime/src/cli/exit.ts';
import { ARCHITECTURES } from '../../runtime/src/config/project.ts';
import { architectureOf } from '../../test/sim/choices.ts';
import { newTally, runInto, type Tally } from '../../test/sim/seeds.ts';
import { benchCommand, wholeNumber } from '../command.ts';
import { printLine, report } from '../nexmark/files.ts';

interface Flags {
  readonly seeds: number;
  readonly from: number;
  readonly output?: string;
}

interface Measured extends Tally {
  cpuSeconds: number;
}

async function main({ seeds, from, output }: Flags): Promise<void> {
  const architectures = new Map(ARCHITECTURES.map((name): [string, Measured] => [name, newMeasured()]));
  const all = newMeasured();
  for (let seed = from; seed < from + seeds; seed++) {
    const one = newMeasured();
    const before = cpuSeconds();
    await runInto(one, seed);
    one.cpuSeconds = cpuSeconds() - before;
    for (const sum of [architectures.get(architectureOf(seed)), all]) if (sum !== undefined) add(sum, one);
  }
  printLine(['', 'seeds', 'crashes', 'opening', 'CPU s', '/CPU s', 'all']);
  for (const [name, sum] of [...architectures, ['all', all] as const])
    printLine([name.slice(0, 5), ...numbersOf(sum).map(String)]);
  report('sim', output, {
    what: 'crashes of whole simulated jobs; a crash struck a job at work, which opened and worked again',
    ...shown(all),
    architectures: Object.fromEntries([...architectures].map(([name, sum]) => [name, shown(sum)])),
    struck: inOrder(all.struck),
    did: inOrder(all.did),
    failed: all.failed,
  });
  for (const failed of all.failed.slice(0, 3)) process.stderr.write(`${failed}\n`);
  if (all.failed.length > 0) process.exitCode = 1;
}

function newMeasured(): Measured {
  return { ...newTally(), cpuSeconds: 0 };
}

const COUNTS = ['seeds', 'crashes', 'crashesWhileOpening', 'steps', 'lost', 'idle', 'cpuSeconds'] as const;

function add(sum: Measured, one: Measured): void {
  for (const name of COUNTS) sum[name] += one[name];
  for (const names of ['struck', 'did'] as const)
    for (const [name, count] of one[names]) sum[names].set(name, (sum[names].get(name) ?? 0) + count);
  sum.failed.push(...one.failed);
}

function numbersOf({ seeds, crashes, crashesWhileOpening, cpuSeconds: seconds }: Measured): number[] {
  const all = crashes + crashesWhileOpening;
  const rates = [crashes, all].map((count) => Math.round(count / seconds));
  return [seeds, crashes, crashesWhileOpening, Number(seconds.toFixed(1)), ...rates];
}

function shown(sum: Measured): object {
  const crashesPerCpuSecond = Math.round(sum.crashes / sum.cpuSeconds);
  const allPerCpuSecond = Math.round((sum.crashes + sum.crashesWhileOpening) / sum.cpuSeconds);
  const counts = Object.fromEntries(COUNTS.map((name) => [name, Number(sum[name].toFixed(1))]));
  return { crashesPerCpuSecond, allPerCpuSecond, ...counts };
}

function inOrder(counts: ReadonlyMap<string, number>): object {
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

await runProgram(
  benchCommand('bench:sim', 'Runs seeds of simulated jobs and counts the crashes that they live through.')
    .option('--seeds <number>', 'how many', wholeNumber, 2000)
    .option('--from <seed>', 'the first', wholeNumber, 1)
    .option('--output <file>', 'where the results go (default: bench/results/sim.json)')
    .action(main),
);

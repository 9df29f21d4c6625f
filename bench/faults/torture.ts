/**
 * Faults in numbers that no run of the tests has time for: `npm run torture [-- --kills 1000]`.
 *
 * Method. A data folder lives through `--chain` processes, each hit by one fault at one of its calls to the file system
 * (kills before and after a call, torn and short writes, failed syncs, a full disk), placed evenly over a whole life. What
 * every life sees is computed anew from the events that were acknowledged. Architectures take turns.
 */
import process from 'node:process';
import { runProgram } from '../../runtime/src/cli/exit.ts';
import { ARCHITECTURES } from '../../runtime/src/config/project.ts';
import { Shim } from '../../test/faults/shim.ts';
import { Workload } from '../../test/faults/workload.ts';
import { benchCommand, wholeNumber } from '../command.ts';
import { printLine, report } from '../nexmark/files.ts';

interface Flags {
  readonly kills: number;
  readonly chain: number;
  readonly output?: string;
}

interface Total {
  kills: number;
  lives: number;
  readonly faults: Record<string, number>;
}

async function main({ kills, chain, output }: Flags): Promise<void> {
  const shim = new Shim();
  const reason = shim.build();
  if (reason !== undefined) throw new Error(`no faults can be injected here: ${reason}`);
  const started = performance.now();
  const totals = new Map(
    ARCHITECTURES.map((name): [string, Total] => [name, { kills: 0, lives: 0, faults: {} }]),
  );
  const violations: string[] = [];
  let done = 0;
  for (let round = 0; done < kills; round++) {
    const architecture = ARCHITECTURES[round % ARCHITECTURES.length] ?? 'streaming';
    const workload = new Workload(architecture, shim);
    const sweep = await workload.sweep(chain, Math.floor(round / ARCHITECTURES.length));
    workload.remove();
    const total = totals.get(architecture);
    if (total === undefined) continue;
    total.kills += sweep.kills;
    total.lives += sweep.lives;
    for (const [kind, count] of Object.entries(sweep.faults))
      total.faults[kind] = (total.faults[kind] ?? 0) + count;
    violations.push(...sweep.violations.map((violation) => `${architecture}, round ${round}: ${violation}`));
    done += sweep.kills;
    printLine([String(round), architecture, `${done}`, `${violations.length}`]);
  }
  shim.remove();
  const what =
    'real processes hit by faults at their calls to the file system; violations are what went wrong';
  const seconds = Math.round((performance.now() - started) / 1000);
  report('torture', output, {
    what,
    kills: done,
    seconds,
    architectures: Object.fromEntries(totals),
    violations,
  });
  if (violations.length > 0) process.exitCode = 1;
}

await runProgram(
  benchCommand('torture', 'Hits pipelines with faults until so many were killed.')
    .option('--kills <number>', 'at least so many', wholeNumber, 1000)
    .option('--chain <number>', 'faults that one data folder lives through', wholeNumber, 40)
    .option('--output <file>', 'where the results go (default: bench/results/torture.json)')
    .action(main),
);

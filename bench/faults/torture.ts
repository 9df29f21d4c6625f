/**
 * Faults in numbers that no run of the tests has time for: `npm run torture [-- --kills 1000 --cuts 200]`.
 *
 * Method, kills. A data folder lives through `--chain` processes, each hit by one fault at one of its calls to the file
 * system (kills before and after a call, torn and short writes, failed syncs, a full disk), placed evenly over a whole life.
 * Method, cuts. A data folder lies on an ext4 image; copies of the image, taken at drawn moments, are machines whose power
 * went then: each is mounted and started. Needs root and loop devices.
 *
 * Each folder has a log that loses its beginning, cold files of it, and two sinks of files; of kills also a table of a
 * PostgreSQL that is started for it, where there is one. What every life sees, and what is in the sinks after it, is computed
 * anew from the events that were acknowledged. Architectures take turns. Each of the two is written to the report when it is
 * done, and `--only` leaves the other as it was. SIGTERM ends a part behind the folder at hand; the report says how far it came.
 */
import { existsSync, readFileSync } from 'node:fs';
import process from 'node:process';
import { Option } from 'commander';
import { runProgram } from '../../runtime/src/cli/exit.ts';
import { type Architecture, ARCHITECTURES } from '../../runtime/src/config/project.ts';
import { PowerCuts } from '../../test/faults/power-cuts.ts';
import { Shim } from '../../test/faults/shim.ts';
import { Workload } from '../../test/faults/workload.ts';
import { noPostgresBecause, Postgres } from '../../test/live/postgres.ts';
import { benchCommand, wholeNumber } from '../command.ts';
import { printLine, report, resultsFile } from '../nexmark/files.ts';

interface Flags {
  readonly kills: number;
  readonly cuts: number;
  readonly chain: number;
  readonly only?: 'kills' | 'cuts';
  readonly output?: string;
}

/** What one of the two parts found. */
interface Part {
  readonly date: string;
  readonly seconds: number;
  readonly architectures: Readonly<Record<string, object>>;
  readonly violations: readonly string[];
}

interface Total {
  kills: number;
  lives: number;
  /** Folders, of which so many lost the beginning of their log, or had cold files. */
  folders: number;
  trimmed: number;
  cold: number;
  readonly faults: Record<string, number>;
}

interface Killed extends Part {
  readonly kills: number;
  readonly sinks: readonly string[];
}

interface Cut extends Part {
  readonly cuts: number;
  /** Cuts after which something was missing that had been sent: of what was acknowledged nothing may be. */
  readonly lossy: number;
}

interface Results {
  readonly kills?: Killed;
  readonly powerCuts?: Cut;
}

const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());

async function kill(flags: Flags): Promise<Killed> {
  const shim = new Shim();
  const reason = shim.build();
  if (reason !== undefined) throw new Error(`no faults can be injected here: ${reason}`);
  const server = noPostgresBecause() === null ? await Postgres.start() : null;
  try {
    return await killUntil(flags, shim, server);
  } finally {
    shim.remove();
    await server?.remove();
  }
}

async function killUntil({ kills, chain }: Flags, shim: Shim, server: Postgres | null): Promise<Killed> {
  const started = performance.now();
  const none = { kills: 0, lives: 0, folders: 0, trimmed: 0, cold: 0 };
  const totals = new Map(ARCHITECTURES.map((name): [string, Total] => [name, { ...none, faults: {} }]));
  const violations: string[] = [];
  let done = 0;
  for (let round = 0; done < kills && !stop.signal.aborted; round++) {
    const architecture = architectureOf(round);
    const database = server === null ? null : { url: server.url(), table: `chunks_${round}` };
    const workload = new Workload(architecture, shim, database);
    const sweep = await workload.sweep(chain, Math.floor(round / ARCHITECTURES.length));
    workload.remove();
    const total = totals.get(architecture);
    if (total === undefined) continue;
    total.kills += sweep.kills;
    total.lives += sweep.lives;
    total.folders++;
    total.trimmed += Number(sweep.isTrimmed);
    total.cold += Number(sweep.isCold);
    for (const [kind, count] of Object.entries(sweep.faults))
      total.faults[kind] = (total.faults[kind] ?? 0) + count;
    violations.push(...told(sweep.violations, `${architecture}, round ${round}`));
    done += sweep.kills;
    printLine([String(round), architecture, String(done), String(violations.length)]);
  }
  const sinks = ['files', ...(server === null ? [] : ['postgres'])];
  return { ...endOf(started), kills: done, sinks, architectures: Object.fromEntries(totals), violations };
}

async function cutPower({ cuts }: Flags): Promise<Cut> {
  const reason = PowerCuts.unavailable();
  if (reason !== undefined) throw new Error(`the power cannot be cut here: ${reason}`);
  const started = performance.now();
  const totals = new Map(ARCHITECTURES.map((name) => [name, { cuts: 0, lossy: 0 }]));
  const violations: string[] = [];
  let [done, lossy] = [0, 0];
  for (let round = 0; done < cuts && !stop.signal.aborted; round++) {
    const architecture = architectureOf(round);
    const machine = new PowerCuts(architecture, round);
    const found = await machine.run(CUTS_PER_MACHINE);
    machine.remove();
    const total = totals.get(architecture);
    if (total === undefined) continue;
    total.cuts += found.cuts;
    total.lossy += found.lossy;
    violations.push(...told(found.violations, `${architecture}, seed ${round}`));
    done += found.cuts;
    lossy += found.lossy;
    printLine([String(round), architecture, String(done), String(violations.length)]);
  }
  return { ...endOf(started), cuts: done, lossy, architectures: Object.fromEntries(totals), violations };
}

/** Said at once: a long run ends long after. */
function told(violations: readonly string[], where: string): string[] {
  const all = violations.map((violation) => `${where}: ${violation}`);
  for (const violation of all) process.stderr.write(`${violation}\n`);
  return all;
}

const CUTS_PER_MACHINE = 10;

function architectureOf(round: number): Architecture {
  return ARCHITECTURES[round % ARCHITECTURES.length] ?? 'streaming';
}

function endOf(startedMs: number): Pick<Part, 'date' | 'seconds'> {
  return { date: new Date().toISOString(), seconds: Math.round((performance.now() - startedMs) / 1000) };
}

async function main(flags: Flags): Promise<void> {
  const file = resultsFile('torture', flags.output);
  const before = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Results) : {};
  let results: Results = flags.only === undefined ? {} : { ...before };
  const what = 'real processes and machines hit by faults; violations are what went wrong';
  if (flags.only !== 'cuts') results = { ...results, kills: await kill(flags) };
  if (flags.only !== 'kills') results = { ...results, powerCuts: await cutPower(flags) };
  report('torture', flags.output, { what, ...results });
  const violations = [...(results.kills?.violations ?? []), ...(results.powerCuts?.violations ?? [])];
  if (violations.length > 0) process.exitCode = 1;
}

await runProgram(
  benchCommand(
    'torture',
    'Hits pipelines with faults until so many were killed, and cuts the power so often.',
  )
    .option('--kills <number>', 'at least so many', wholeNumber, 1000)
    .option('--cuts <number>', 'at least so many', wholeNumber, 200)
    .option('--chain <number>', 'faults that one data folder lives through', wholeNumber, 40)
    .addOption(new Option('--only <part>', 'one of the two').choices(['kills', 'cuts']))
    .option('--output <file>', 'where the results go (default: bench/results/torture.json)')
    .action(main),
);

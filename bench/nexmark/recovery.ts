/**
 * How long until a pipeline that was killed shows new events: `npm run bench:recovery [-- --state joins --keys 1000000]`.
 *
 * Method. One process fills a data folder, see recovery-states.ts: groups, sessions or the rows of an interval join by texts of
 * some hundred characters; then it is killed with SIGKILL. Then, `--runs` times: a new process
 * opens the folder, takes events of a known key and of a new one, and shows what comes of both to a subscriber; the
 * time is from its start to that, and it is killed again. The file cache is warm. Where others use the cores (`loadAverage`
 * above the number of cores) the seconds are theirs as well: compare CPU seconds then.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { Option } from 'commander';
import { runProgram } from '../../runtime/src/cli/exit.ts';
import { defaultConfig } from '../../runtime/src/config/project.ts';
import { openDataFolder } from '../../runtime/src/engine/data-folder.ts';
import { Engine } from '../../runtime/src/engine/engine.ts';
import { systemClock } from '../../runtime/src/ports/clock.ts';
import { benchCommand, wholeNumber } from '../command.ts';
import { median, printLine, report } from './files.ts';
import { RECOVERY_STATES, type RecoveryName, type RecoveryState } from './recovery-states.ts';

const BATCH = 10_000;
const MEMORY_BYTES = 200e6;

interface Flags {
  readonly state: RecoveryName;
  readonly keys: number;
  readonly runs: number;
  readonly fill?: string;
  readonly open?: string;
  readonly output?: string;
}

const keyOf = ({ paddingChars }: RecoveryState, key: number): string =>
  `${'x'.repeat(paddingChars)}${String(key).padStart(10, '0')}`;

async function openEngine({ definition }: RecoveryState, folder: string): Promise<Engine> {
  const data = await openDataFolder(folder, systemClock);
  const config = defaultConfig('streaming', { state: { memory: MEMORY_BYTES } });
  return Engine.open({ plan: definition.plan, config, data, clock: systemClock });
}

type Sent = readonly (readonly [source: string, event: object])[];

async function send(engine: Engine, sent: Sent): Promise<void> {
  for (const source of new Set(sent.map(([name]) => name))) {
    const lines = sent.filter(([name]) => name === source).map(([, event]) => JSON.stringify(event));
    const bytes = Buffer.from(`${lines.join('\n')}\n`);
    await engine.ingest(source, [bytes] as unknown as AsyncIterable<Uint8Array>);
  }
  await engine.settle();
}

/** Says a line when it is done, then waits for its death. */
async function say(value: object): Promise<void> {
  process.stdout.write(`${JSON.stringify(value)}\n`);
  await systemClock.sleep(1e9);
}

async function fill(state: RecoveryState, folder: string, keys: number): Promise<void> {
  const engine = await openEngine(state, folder);
  for (let from = 0; from < keys; from += BATCH) {
    const numbers = Array.from({ length: Math.min(BATCH, keys - from) }, (_, i) => from + i);
    await send(
      engine,
      numbers.flatMap((key) => Object.entries(state.fill(keyOf(state, key)))),
    );
  }
  const { maxRSS } = process.resourceUsage();
  await say({ rssBytesMax: maxRSS * 1024 });
}

async function open(state: RecoveryState, folder: string, keys: number, run: number): Promise<void> {
  const engine = await openEngine(state, folder);
  const openedSeconds = process.uptime();
  // A key that no run asked for before, and one that nobody sent.
  const probes = [
    [keyOf(state, Math.floor(keys / 2) + run), true],
    [keyOf(state, keys + run), false],
  ] as const;
  const seen = new Set<unknown>();
  engine.subscribe('view', (changes) => {
    for (const { row } of changes)
      for (const [key, isKnown] of probes)
        if (row !== null && row['account'] === key && state.shows(row, isKnown)) seen.add(key);
  });
  await send(
    engine,
    probes.flatMap(([key, isKnown]) => state.probe(key, isKnown)),
  );
  const visibleSeconds = process.uptime();
  if (seen.size < probes.length) throw new Error(`${probes.length - seen.size} keys were not shown`);
  const { keys: stateKeys } = (await engine.status()).state;
  const cpu = process.cpuUsage();
  await say({
    openedSeconds,
    visibleSeconds,
    cpuSeconds: (cpu.user + cpu.system) / 1e6,
    rssBytes: process.memoryUsage().rss,
    keys: stateKeys,
    loadAverage: loadavg()[0],
  });
}

interface Opened {
  readonly openedSeconds: number;
  readonly visibleSeconds: number;
  readonly cpuSeconds: number;
  readonly rssBytes: number;
  readonly keys: number;
  /** How many processes wanted a core over the last minute. */
  readonly loadAverage: number;
}

async function untilSaid(mode: string, folder: string, flags: Flags): Promise<unknown> {
  const { state, keys, runs } = flags;
  const given = ['--state', state, '--keys', String(keys), '--runs', String(runs)];
  const args = [process.argv[1] ?? '', `--${mode}`, folder, ...given];
  const child: ChildProcess = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [said] = (await Promise.race([
    once(child.stdout as NodeJS.ReadableStream, 'data'),
    once(child, 'exit').then(() => {
      throw new Error(`--${mode} ended early`);
    }),
  ])) as [Buffer];
  child.kill('SIGKILL');
  await once(child, 'exit');
  return JSON.parse(said.toString());
}

const bytesOf = (folder: string): number =>
  readdirSync(folder).reduce((total, name) => total + statSync(join(folder, name)).size, 0);

async function main(flags: Flags): Promise<void> {
  const { state, keys, runs, output } = flags;
  const folder = mkdtempSync(join(tmpdir(), 'recovery-'));
  try {
    const { rssBytesMax } = (await untilSaid('fill', folder, flags)) as { readonly rssBytesMax: number };
    const stateBytes = bytesOf(join(folder, 'state'));
    const logBytes = bytesOf(join(folder, 'log'));
    printLine(['run', 'opened s', 'visible s', 'CPU s', 'RSS MB']);
    const opened: Opened[] = [];
    for (let run = 1; run <= runs; run++) {
      const each = (await untilSaid('open', folder, { ...flags, runs: run })) as Opened;
      opened.push(each);
      const { openedSeconds, visibleSeconds, cpuSeconds, rssBytes } = each;
      const cells = [openedSeconds, visibleSeconds, cpuSeconds].map((seconds) => seconds.toFixed(2));
      printLine([String(run), ...cells, (rssBytes / 1e6).toFixed(0)]);
    }
    const visibleSeconds = median(opened.map((each) => each.visibleSeconds));
    const what =
      'from the start of a process over the data of one that was killed to new events that are visible';
    const name = state === 'groups' ? 'recovery' : `recovery-${state}`;
    const sizes = { keys, memoryBytes: MEMORY_BYTES, fillRssBytesMax: rssBytesMax, stateBytes, logBytes };
    report(name, output, { what, state, ...sizes, visibleSeconds, runs: opened });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

await runProgram(
  benchCommand('bench:recovery', 'Measures how long a killed pipeline takes to show new events.')
    .addOption(
      new Option('--state <name>', 'what it remembers')
        .choices(Object.keys(RECOVERY_STATES))
        .default('groups'),
    )
    .option('--keys <number>', 'about a kilobyte of state each', wholeNumber, 1_000_000)
    .option('--runs <number>', 'how often it is killed and opened', wholeNumber, 5)
    .option('--fill <folder>', 'only fills a folder, then waits')
    .option('--open <folder>', 'only opens a folder, then waits')
    .option('--output <file>', 'where the results go (default: below bench/results)')
    .action((flags: Flags) => {
      const state = RECOVERY_STATES[flags.state];
      if (flags.fill !== undefined) return fill(state, flags.fill, flags.keys);
      if (flags.open !== undefined) return open(state, flags.open, flags.keys, flags.runs);
      return main(flags);
    }),
);

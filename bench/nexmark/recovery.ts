/**
 * How long until a pipeline that was killed shows new events: `npm run bench:recovery [-- --keys 1000000]`.
 *
 * Method. One process fills a data folder with a group by a text of 500 characters, a count and a sum for each key, and is
 * killed with SIGKILL. Then, `--runs` times: a new process opens the folder, takes an event of a known key and one of a new
 * key, and shows both to a subscriber; the time is from its start to that, and it is killed again. The file cache is warm.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { count, pipeline, source, sum } from 'pipeline-runtime';
import { z } from 'zod';
import { runProgram } from '../../runtime/src/cli/exit.ts';
import { defaultConfig } from '../../runtime/src/config/project.ts';
import { openDataFolder } from '../../runtime/src/engine/data-folder.ts';
import { Engine } from '../../runtime/src/engine/engine.ts';
import { systemClock } from '../../runtime/src/ports/clock.ts';
import { benchCommand, wholeNumber } from '../command.ts';
import { median, printLine, report } from './files.ts';

const BATCH = 10_000;
const PADDING = 'x'.repeat(490);

const payments = source('payments', {
  schema: z.object({ account: z.string(), at: z.iso.datetime(), amount: z.number() }),
  eventTime: 'at',
  watermark: { delay: '1m' },
  lateness: { allowed: '0s', then: 'drop' },
});
const definition = pipeline('recovery', {
  balances: payments
    .groupBy((f) => ({ account: f.account }))
    .aggregate((f) => ({ payments: count(), balance: sum(f.amount) }))
    .updates(),
});

interface Flags {
  readonly keys: number;
  readonly runs: number;
  readonly fill?: string;
  readonly open?: string;
  readonly output?: string;
}

const accountOf = (key: number): string => `${PADDING}${String(key).padStart(10, '0')}`;

async function openEngine(folder: string): Promise<Engine> {
  const data = await openDataFolder(folder, systemClock);
  const config = defaultConfig('streaming', { state: { memory: 200e6 } });
  return Engine.open({ plan: definition.plan, config, data, clock: systemClock });
}

async function pay(engine: Engine, keys: readonly number[]): Promise<void> {
  const lines = keys.map((key) =>
    JSON.stringify({ account: accountOf(key), at: '2026-01-01T00:00:00Z', amount: 1 }),
  );
  await engine.ingest('payments', [
    Buffer.from(`${lines.join('\n')}\n`),
  ] as unknown as AsyncIterable<Uint8Array>);
  await engine.settle();
}

/** Says a line when it is done, then waits for its death. */
async function say(value: object): Promise<void> {
  process.stdout.write(`${JSON.stringify(value)}\n`);
  await systemClock.sleep(1e9);
}

async function fill(folder: string, keys: number): Promise<void> {
  const engine = await openEngine(folder);
  for (let from = 0; from < keys; from += BATCH)
    await pay(
      engine,
      Array.from({ length: Math.min(BATCH, keys - from) }, (_, i) => from + i),
    );
  await say({});
}

async function open(folder: string, keys: number): Promise<void> {
  const engine = await openEngine(folder);
  const openedSeconds = process.uptime();
  const known = Math.floor(keys / 2);
  const fresh = keys + process.pid;
  const seen = new Map<unknown, number>();
  engine.subscribe('balances', (changes) => {
    for (const { row } of changes) seen.set(row?.['account'], Number(row?.['payments']));
  });
  await pay(engine, [known, fresh]);
  const visibleSeconds = process.uptime();
  for (const [key, least] of [
    [known, 2],
    [fresh, 1],
  ] as const)
    if ((seen.get(accountOf(key)) ?? 0) < least) throw new Error(`key ${key} was not shown`);
  const { state } = await engine.status();
  const cpu = process.cpuUsage();
  await say({
    openedSeconds,
    visibleSeconds,
    cpuSeconds: (cpu.user + cpu.system) / 1e6,
    rssBytes: process.memoryUsage().rss,
    keys: state.keys,
  });
}

interface Opened {
  readonly openedSeconds: number;
  readonly visibleSeconds: number;
  readonly cpuSeconds: number;
  readonly rssBytes: number;
  readonly keys: number;
}

async function untilSaid(mode: string, folder: string, keys: number): Promise<unknown> {
  const args = [process.argv[1] ?? '', `--${mode}`, folder, '--keys', String(keys)];
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

async function main({ keys, runs, output }: Flags): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'recovery-'));
  try {
    await untilSaid('fill', folder, keys);
    const stateBytes = bytesOf(join(folder, 'state'));
    const logBytes = bytesOf(join(folder, 'log'));
    printLine(['run', 'opened s', 'visible s', 'CPU s', 'RSS MB']);
    const opened: Opened[] = [];
    for (let run = 1; run <= runs; run++) {
      const each = (await untilSaid('open', folder, keys)) as Opened;
      opened.push(each);
      const { openedSeconds, visibleSeconds, cpuSeconds, rssBytes } = each;
      const cells = [openedSeconds, visibleSeconds, cpuSeconds].map((seconds) => seconds.toFixed(2));
      printLine([String(run), ...cells, (rssBytes / 1e6).toFixed(0)]);
    }
    const visibleSeconds = median(opened.map((each) => each.visibleSeconds));
    const what =
      'from the start of a process over the data of one that was killed to new events that are visible';
    report('recovery', output, { what, keys, stateBytes, logBytes, visibleSeconds, runs: opened });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

await runProgram(
  benchCommand('bench:recovery', 'Measures how long a killed pipeline takes to show new events.')
    .option('--keys <number>', 'about a kilobyte of state each', wholeNumber, 1_000_000)
    .option('--runs <number>', 'how often it is killed and opened', wholeNumber, 5)
    .option('--fill <folder>', 'only fills a folder, then waits')
    .option('--open <folder>', 'only opens a folder, then waits')
    .option('--output <file>', 'where the results go (default: bench/results/recovery.json)')
    .action((flags: Flags) => {
      if (flags.fill !== undefined) return fill(flags.fill, flags.keys);
      if (flags.open !== undefined) return open(flags.open, flags.keys);
      return main(flags);
    }),
);

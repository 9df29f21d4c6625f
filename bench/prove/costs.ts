/**
 * What work costs the runtime on this machine, for `advisor prove`: `npm run bench:costs`.
 *
 * Method. Pipelines with real files compute a count and a sum for each key and hour. Streams with larger and smaller epochs,
 * over many and few keys, are run from a filled log; their CPU seconds, all threads included, are laid over
 *
 *   CPU = events × a + entries of the store × b + commits × c        by least squares of the relative errors
 *
 * A batch that has run computes all of it again: what that takes beyond b and c is the cost of reading an event again. CPU time
 * hardly depends on what else the machine does.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { runProgram } from '../../runtime/src/cli/exit.ts';
import { defaultConfig } from '../../runtime/src/config/project.ts';
import { openDataFolder } from '../../runtime/src/engine/data-folder.ts';
import { Engine } from '../../runtime/src/engine/engine.ts';
import { systemClock } from '../../runtime/src/ports/clock.ts';
import { definitionOf, Lines, SOURCE } from '../../runtime/src/prove/definition.ts';
import { drawWorkload } from '../../runtime/src/prove/workload.ts';
import { benchCommand } from '../command.ts';
import { printLine, report } from '../nexmark/files.ts';

interface Run {
  readonly architecture: 'streaming' | 'batch';
  readonly epochRows: number;
  readonly keys: number;
  readonly events: number;
  readonly entries: number;
  readonly commits: number;
  readonly cpuUs: number;
}

const HOURS = 4;
const NEVER = new AbortController().signal;
const definition = definitionOf({
  windowMs: 3_600_000,
  watermarkDelayMs: 1000,
  allowedLatenessMs: 600_000,
  policy: 'correct',
  distinct: false,
});

async function measureRun(
  parent: string,
  given: Pick<Run, 'architecture' | 'epochRows' | 'keys' | 'events'>,
): Promise<Run> {
  const { architecture, epochRows, keys, events } = given;
  const folder = mkdtempSync(join(parent, 'bench-costs-'));
  const data = await openDataFolder(folder, systemClock);
  let [entries, commits] = [0, 0];
  const commit = data.store.commit.bind(data.store);
  data.store.commit = (batch) => {
    entries += batch.operations.length;
    commits++;
    return commit(batch);
  };
  const base = defaultConfig(architecture);
  const config = { ...base, trigger: { ...base.trigger, rows: epochRows, catchUpRows: epochRows } };
  const engine = await Engine.open({ plan: definition.plan, config, data, clock: systemClock });
  const workload = drawWorkload(
    {
      startMs: Date.UTC(2001, 0, 1, 10),
      lengthMs: HOURS * 3_600_000,
      eventsPerSecond: events / (HOURS * 3600),
      arrival: 'continuous',
      arrivalEveryMs: 0,
      typicalMs: 1000,
      latestMs: 600_000,
      keys,
      bytesPerEvent: 200,
    },
    1,
  );
  const lines = new Lines(workload);
  for (let from = 0; from < events; from += 4096)
    await engine.ingest(SOURCE, once(lines.of(from, Math.min(events, from + 4096))));
  if (architecture === 'batch') await engine.settle(NEVER);
  [entries, commits] = [0, 0];
  const before = process.cpuUsage();
  await (architecture === 'batch' ? engine.command('backfill', {}) : engine.settle(NEVER));
  const { user, system } = process.cpuUsage(before);
  await engine.close();
  rmSync(folder, { recursive: true });
  return { ...given, entries, commits, cpuUs: user + system };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}

/** Solves for a, b and c by the normal equations; each run weighs as much as any other. */
function fitted(runs: readonly Run[]): readonly [number, number, number] {
  const rows = runs.map(({ events, entries, commits, cpuUs }) =>
    [events, entries, commits].map((count) => count / cpuUs),
  );
  const at = (row: readonly number[], index: number): number => row[index] ?? 0;
  const matrix = [0, 1, 2].map((i) => [
    ...[0, 1, 2].map((j) => rows.reduce((sum, row) => sum + at(row, i) * at(row, j), 0)),
    rows.reduce((sum, row) => sum + at(row, i), 0),
  ]);
  for (let pivot = 0; pivot < 3; pivot++) {
    for (let other = 0; other < 3; other++) {
      if (other === pivot) continue;
      const factor = at(matrix[other] ?? [], pivot) / at(matrix[pivot] ?? [], pivot);
      matrix[other] = (matrix[other] ?? []).map(
        (value, index) => value - factor * at(matrix[pivot] ?? [], index),
      );
    }
  }
  const solved = matrix.map((row, index) => at(row, 3) / at(row, index));
  return [solved[0] ?? 0, solved[1] ?? 0, solved[2] ?? 0];
}

const STREAMS = [
  { epochRows: 4096, keys: 10_000, events: 150_000 },
  { epochRows: 4096, keys: 50, events: 300_000 },
  { epochRows: 500, keys: 10_000, events: 100_000 },
  { epochRows: 500, keys: 50, events: 150_000 },
  { epochRows: 20, keys: 10_000, events: 20_000 },
  { epochRows: 20, keys: 5, events: 20_000 },
] as const;
/** Few keys, so that it is the reading that is measured. */
const BATCH = { architecture: 'batch', epochRows: 4096, keys: 50, events: 400_000 } as const;

const command = benchCommand('bench:costs', 'Measures what events, entries and commits cost on this machine.')
  .option('--folder <folder>', 'where the data are written', tmpdir())
  .option('--output <file>', 'where the results go (default: bench/results/costs.json)');

await runProgram(
  command.action(async ({ folder, output }: { folder: string; output?: string }) => {
    // What is run first pays for compiling.
    await measureRun(folder, { architecture: 'streaming', epochRows: 500, keys: 1000, events: 60_000 });
    await measureRun(folder, { ...BATCH, events: 30_000 });
    printLine(['rows', 'keys', 'events', 'entries', 'commits', 'CPU ms']);
    const runs: Run[] = [];
    for (const given of [
      ...STREAMS.map((each) => ({ architecture: 'streaming', ...each }) as const),
      BATCH,
    ]) {
      const run = await measureRun(folder, given);
      runs.push(run);
      const { epochRows, keys, events, entries, commits, cpuUs } = run;
      printLine([epochRows, keys, events, entries, commits, Math.round(cpuUs / 1000)].map(String));
    }
    const streams = runs.filter(({ architecture }) => architecture === 'streaming');
    const [eventUs, entryUs, commitUs] = fitted(streams);
    const batch = runs.at(-1) as Run;
    const known = batch.entries * entryUs + batch.commits * commitUs;
    const againUs = (batch.cpuUs - known) / batch.events;
    const costs = { eventUs, againUs, entryUs, commitUs };
    process.stdout.write(`${JSON.stringify(costs)}\n`);
    report('costs', output, { what: 'CPU microseconds of events, entries and commits', costs, runs });
  }),
);

/**
 * One measurement of a durable job, in a process of its own; prints a line of JSON.
 *
 *   durable fill QUERY FOLDER FILE     takes the events into the log of a new folder, and runs nothing
 *   durable replay QUERY FOLDER        runs the streaming job over a log that is there
 *   durable batch QUERY FOLDER         computes the same in one run of the batch architecture
 *   durable job QUERY FOLDER FILE      takes the events and runs the job at once; with BENCH_SINK a sink behind it
 *
 * CPU seconds are those of the whole process, user and system, all threads: RocksDB's and the collector's too. `cold` is all
 * of them since the process began, with Node's start and the loading of modules; `warm` is from the first commit behind a
 * quarter of the events to the last.
 */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import process from 'node:process';
import { defaultConfig } from '../../runtime/src/config/project.ts';
import { openDataFolder } from '../../runtime/src/engine/data-folder.ts';
import { Engine } from '../../runtime/src/engine/engine.ts';
import { systemClock } from '../../runtime/src/ports/clock.ts';
import { RocksStore } from '../../runtime/src/state/rocksdb.ts';
import { jobQuery, sourceOf } from './queries.ts';
import { AwaySink, BENCH_SINKS, type BenchSink, benchSinks } from './bench-sinks.ts';

export interface Part {
  readonly events: number;
  readonly cpuSeconds: number;
  readonly seconds: number;
}

export interface DurableRun {
  readonly cold: Part;
  readonly warm: Part;
  readonly epochs: number;
  readonly rows: number;
  readonly rssBytes: number;
  readonly interpretedBecause: string | null;
}

const [kind = '', query = '', folder = '', file = ''] = process.argv.slice(2);

interface Sample {
  readonly position: number;
  readonly cpuSeconds: number;
  readonly seconds: number;
}

function sampleAt(position: number): Sample {
  const { user, system } = process.cpuUsage();
  return { position, cpuSeconds: (user + system) / 1e6, seconds: process.uptime() };
}

function between(from: Sample, to: Sample): Part {
  return {
    events: to.position - from.position,
    cpuSeconds: to.cpuSeconds - from.cpuSeconds,
    seconds: to.seconds - from.seconds,
  };
}

const data = await openDataFolder(folder, systemClock);
const config = defaultConfig(kind === 'batch' ? 'batch' : 'streaming', {
  state: { memory: 1e9 },
  runtime: { jit: jitOf() },
});
const engine = await Engine.open({
  plan: jobQuery(query).plan,
  config: { ...config, sinks: benchSinks(sinkOf(), `${folder}-out`) },
  data,
  clock: systemClock,
  sinkPorts: sinkOf() === 'noted' ? { makeSink: () => new AwaySink() } : {},
});
const { serving } = engine.arrangement;
const samples: Sample[] = [];
if (data.store instanceof RocksStore) {
  const before = data.store.beforeCommit;
  data.store.beforeCommit = () => {
    samples.push(sampleAt(serving.position));
    return before();
  };
}
/** The events, or the bids among them alone. */
async function* events(): AsyncIterable<Uint8Array> {
  const bytes = createReadStream(file, { highWaterMark: 1 << 20 });
  if (sourceOf(query) === 'nexmark') return yield* bytes;
  let lines = '';
  for await (const line of createInterface({ input: bytes })) {
    const at = line.indexOf('"bid":{');
    if (at < 0) continue;
    lines += `${line.slice(at + 6, -1)}\n`;
    if (lines.length < 1 << 20) continue;
    yield Buffer.from(lines);
    lines = '';
  }
  yield Buffer.from(lines);
}

if (kind === 'job') {
  const stop = new AbortController();
  const running = engine.run(stop.signal);
  await engine.ingest(sourceOf(query), events());
  const caughtUp = (): boolean => serving.position >= data.log.end;
  while (!caughtUp()) await systemClock.sleep(5, stop.signal);
  stop.abort();
  await running;
} else if (kind === 'fill') await engine.ingest(sourceOf(query), events());
else await engine.settle();
const last = sampleAt(serving.position);
const quarter = samples.find(({ position }) => position >= data.log.end / 4) ?? last;
const { views } = await engine.status();
const run: DurableRun = {
  cold: between({ position: 0, cpuSeconds: 0, seconds: 0 }, last),
  warm: between(quarter, last),
  epochs: serving.progress.epochs,
  rows: views[0]?.rows ?? 0,
  rssBytes: process.resourceUsage().maxRSS * 1024,
  interpretedBecause: views[0]?.interpretedBecause ?? null,
};
process.stdout.write(`${JSON.stringify(run)}\n`);
await engine.close();

function sinkOf(): BenchSink {
  return BENCH_SINKS.find((name) => name === process.env['BENCH_SINK']) ?? 'none';
}

function jitOf(): 'on' | 'off' {
  return process.env['BENCH_JIT'] === 'off' ? 'off' : 'on';
}

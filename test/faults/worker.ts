/**
 * One life of a pipeline, in a process that may be killed at any call: it opens the folder, catches up and says what
 * readers see, lets the beginning of the log go and a file of it go cold, takes chunks of events and says which it has
 * acknowledged, computes, delivers to sinks beside the folder, and closes.
 *
 *   worker FOLDER ARCHITECTURE CHUNK…        stdout, one line each, written at once:
 *     {"sees": …}   all rows, when everything is visible        {"acked": chunk}   it is durable
 *     {"start": position, "coldBytes": …}   where the log begins, and how much of it is cold
 *     {"glimpses": …}   rows of a reader that reads while epochs run
 *     {"counts": …}   with FAULT_POINT: which failpoints were passed, how often
 *
 * With FAULT_POINT, a point as JSON, the life also takes a snapshot beside the folder and does what an operator does. With
 * FAULT_DATABASE, a URL and a table as JSON, the table is a sink too.
 */
import { writeSync } from 'node:fs';
import process from 'node:process';
import { count, pipeline, source, sum, tumbling } from 'pipeline-runtime';
import { z } from 'zod';
import { report } from '../../runtime/src/cli/exit.ts';
import { type Architecture, defaultConfig, type ProjectConfig } from '../../runtime/src/config/project.ts';
import type { SinkConfig } from '../../runtime/src/config/sinks.ts';
import { openDataFolder } from '../../runtime/src/engine/data-folder.ts';
import { Engine } from '../../runtime/src/engine/engine.ts';
import { systemClock } from '../../runtime/src/ports/clock.ts';
import { type Disk, realDisk } from '../../runtime/src/ports/disk.ts';
import { folderPlace } from '../../runtime/src/snapshots/place.ts';
import { takeSnapshot } from '../../runtime/src/snapshots/take.ts';
import { generationsAt } from '../../runtime/src/snapshots/manifest.ts';
import { verifySnapshot } from '../../runtime/src/snapshots/verify.ts';
import { type ChunkRow, linesOf, producerOf, timeOf } from './chunks.ts';
import type { Database } from './delivered.ts';
import { type Point, Points } from './points.ts';

const numbers = source('numbers', {
  schema: z.object({ at: z.iso.datetime(), chunk: z.number(), bucket: z.string(), n: z.number() }),
  eventTime: 'at',
  watermark: { delay: '15m' },
  lateness: { allowed: '1h', then: 'correct' },
});
const definition = pipeline('faults', {
  chunks: numbers
    .groupBy((f) => ({ chunk: f.chunk, window: tumbling(f.at, '1h') }))
    .aggregate((f) => ({ events: count(), total: sum(f.n) }))
    .updates(),
  buckets: numbers
    .groupBy((f) => ({ bucket: f.bucket, window: tumbling(f.at, '1h') }))
    .aggregate((f) => ({ events: count(), total: sum(f.n) }))
    .updates(),
});

/** How often a reader looks while everything becomes visible. */
const GLIMPSES = 3;
const PARTITION_MS = 4 * 3_600_000;
/** A few lives' events. */
const LOG_BYTES = 12_000;

/** A sink that is delivered to at each commit and one that gets what is new at the end. */
function sinksOf(folder: string, database: Database | null): SinkConfig[] {
  const common = { buffer: 64_000, giveUpAfter: 300 };
  const files = (view: string, every: number, partition: 'window' | 'day'): SinkConfig => ({
    ...common,
    view,
    name: view,
    every,
    to: { kind: 'files', folder: `${folder}/../out/${view}`, format: 'jsonl', partition },
  });
  const sinks = [files('chunks', 0, 'day'), files('buckets', 3_600_000, 'window')];
  if (database === null) return sinks;
  const to = { kind: 'postgres', ...database, schema: 'public', timeoutMs: 30_000 } as const;
  return [...sinks, { ...common, view: 'chunks', name: 'table', every: 0, to }];
}

function configOf(architecture: Architecture, folder: string, isReplayed: boolean): ProjectConfig {
  const database = process.env['FAULT_DATABASE'];
  return defaultConfig(architecture, {
    // Epochs smaller than a chunk, so that some begin and end inside of one.
    trigger: { every: 1000, rows: 32, catchUpRows: 32 },
    batch: { every: 3_600_000, partition: PARTITION_MS },
    sinks: sinksOf(folder, database === undefined ? null : (JSON.parse(database) as Database)),
    log: {
      partitions: 1,
      commitEvery: 0,
      cold: { after: 0 },
      // A version of Kappa is computed from the beginning.
      ...(!isReplayed && { retention: { size: LOG_BYTES } }),
    },
  });
}

const say = (value: object): number => writeSync(1, `${JSON.stringify(value)}\n`);

const all = { where: {}, limit: 10_000, order: 'newest' } as const;

async function see(engine: Engine): Promise<void> {
  const settling = engine.settle();
  // What it throws is thrown below, where it is awaited.
  settling.catch(() => {});
  for (let glimpse = 0; glimpse < GLIMPSES; glimpse++) say({ glimpses: await engine.query('chunks', all) });
  await settling;
  const [chunks, buckets] = [await engine.query('chunks', all), await engine.query('buckets', all)];
  const { sources } = await engine.status();
  say({ sees: { chunks, buckets, eventsIn: sources[0]?.eventsIn } });
}

async function* bytesOf(chunk: number): AsyncIterable<Uint8Array> {
  yield Buffer.from(linesOf(chunk));
}

async function live(
  folder: string,
  architecture: Architecture,
  chunks: readonly number[],
  point: Point | null,
): Promise<void> {
  const points = point === null ? null : new Points(point);
  const config = configOf(architecture, folder, points !== null && architecture === 'kappa');
  const disk = points?.disk(realDisk) ?? realDisk;
  const opened = await openDataFolder(
    folder,
    systemClock,
    disk,
    points === null ? {} : { segmentBytes: 3_000, columnSumsFromBytes: 0 },
  );
  const data = points === null ? opened : { ...opened, store: points.store(opened.store) };
  const sinkPorts = { disk };
  const engine = await Engine.open({ plan: definition.plan, config, data, clock: systemClock, sinkPorts });
  try {
    await see(engine);
    await engine.retention.apply();
    await engine.retention.roll();
    const log = engine.retention.status;
    say({ start: log?.start, coldBytes: log?.coldBytes });
    for (const [index, chunk] of chunks.entries()) {
      await engine.ingest('numbers', bytesOf(chunk), producerOf(chunk));
      say({ acked: chunk });
      // The last is left to the next life.
      if (index + 2 === chunks.length) await see(engine);
    }
    if (points !== null) await operate(engine, folder, disk);
  } finally {
    await engine.close();
  }
  if (points !== null) say({ counts: points.counts });
}

/** The last partitions again: of earlier ones the events may be gone. */
async function backfill(engine: Engine): Promise<void> {
  const rows = (await engine.query('chunks', all)) as unknown as readonly ChunkRow[];
  const newestMs = Math.max(...rows.map(({ chunk }) => timeOf(chunk)));
  await engine.command('backfill', { fromMs: newestMs, toMs: newestMs + 1 });
}

/** What an operator does, with everything that may be killed half way in it. */
async function operate(engine: Engine, folder: string, disk: Disk): Promise<void> {
  const stage = await engine.data.stage?.();
  const place = folderPlace(disk, `${folder}/../place`);
  // What earlier lives left there is whole, whichever moment they died at.
  if ((await generationsAt(place)).length > 0) await verifySnapshot(place);
  if (stage !== undefined) {
    const { files, position } = stage;
    const signal = new AbortController().signal;
    await takeSnapshot({
      place,
      disk,
      files,
      position,
      pipeline: 'faults',
      keep: 1,
      nowMs: Date.now(),
      signal,
    });
    await stage.release();
  }
  const { architecture } = engine.config;
  if (architecture === 'batch' || architecture === 'lambda') await backfill(engine);
  if (architecture !== 'kappa') return;
  // A life before may have died between any two of these.
  const versions = (await engine.command('versions', {})) as readonly { name: string; role: string }[];
  for (const { name, role } of versions) if (role !== 'live') await engine.command('drop', { version: name });
  const { version } = (await engine.command('replay', { plan: definition.plan })) as { version: string };
  await engine.settle();
  for (const [command, params] of [
    ['promote', { version }],
    ['rollback', {}],
    ['drop', { version }],
  ] as const) {
    await engine.command(command, params);
    say({ glimpses: await engine.query('chunks', all) });
  }
}

const [folder = '', architecture = '', ...chunks] = process.argv.slice(2);
try {
  const point = process.env['FAULT_POINT'];
  await live(
    folder,
    architecture as Architecture,
    chunks.map(Number),
    point === undefined ? null : (JSON.parse(point) as Point),
  );
} catch (error) {
  process.exitCode = report(error);
}

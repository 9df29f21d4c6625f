/**
 * One life of a pipeline, in a process that may be killed at any call: it opens the folder, catches up and says what
 * readers see, takes chunks of events and says which it has acknowledged, computes, and closes.
 *
 *   worker FOLDER ARCHITECTURE CHUNK…        stdout, one line each, written at once:
 *     {"sees": …}   all rows, when everything is visible        {"acked": chunk}   it is durable
 *     {"glimpses": …}   rows of a reader that reads while epochs run
 *     {"counts": …}   with FAULT_POINT: which failpoints were passed, how often
 *
 * With FAULT_POINT, a point as JSON, the life also takes a snapshot beside the folder and does what an operator does.
 */
import { writeSync } from 'node:fs';
import process from 'node:process';
import { count, pipeline, source, sum, tumbling } from 'pipeline-runtime';
import { z } from 'zod';
import { report } from '../../runtime/src/cli/exit.ts';
import { type Architecture, defaultConfig } from '../../runtime/src/config/project.ts';
import { openDataFolder } from '../../runtime/src/engine/data-folder.ts';
import { Engine } from '../../runtime/src/engine/engine.ts';
import { systemClock } from '../../runtime/src/ports/clock.ts';
import { type Disk, realDisk } from '../../runtime/src/ports/disk.ts';
import { folderPlace } from '../../runtime/src/snapshots/place.ts';
import { takeSnapshot } from '../../runtime/src/snapshots/take.ts';
import { generationsAt } from '../../runtime/src/snapshots/manifest.ts';
import { verifySnapshot } from '../../runtime/src/snapshots/verify.ts';
import { linesOf, producerOf } from './chunks.ts';
import { type Point, Points } from './points.ts';

const numbers = source('numbers', {
  schema: z.object({ at: z.iso.datetime(), chunk: z.number(), bucket: z.string(), n: z.number() }),
  eventTime: 'at',
  watermark: { delay: '15m' },
  lateness: { allowed: '1h', then: 'correct' },
});
const definition = pipeline('faults', {
  chunks: numbers
    .groupBy((f) => ({ chunk: f.chunk }))
    .aggregate((f) => ({ events: count(), total: sum(f.n) }))
    .updates(),
  buckets: numbers
    .groupBy((f) => ({ bucket: f.bucket, window: tumbling(f.at, '1h') }))
    .aggregate((f) => ({ events: count(), total: sum(f.n) }))
    .updates(),
});

/** How often a reader looks while everything becomes visible. */
const GLIMPSES = 3;

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
  // Epochs smaller than a chunk, so that some begin and end inside of one.
  const config = defaultConfig(architecture, { trigger: { every: 1000, rows: 32, catchUpRows: 32 } });
  const disk = points?.disk(realDisk) ?? realDisk;
  const opened = await openDataFolder(
    folder,
    systemClock,
    disk,
    points === null ? {} : { segmentBytes: 3_000 },
  );
  const data = points === null ? opened : { ...opened, store: points.store(opened.store) };
  const engine = await Engine.open({ plan: definition.plan, config, data, clock: systemClock });
  try {
    await see(engine);
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
  if (architecture === 'batch' || architecture === 'lambda') await engine.command('backfill', {});
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

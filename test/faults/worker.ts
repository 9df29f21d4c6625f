/**
 * One life of a pipeline, in a process that may be killed at any call: it opens the folder, catches up and says what
 * readers see, takes chunks of events and says which it has acknowledged, computes, and closes.
 *
 *   worker FOLDER ARCHITECTURE CHUNK…        stdout: {"sees": …} and {"acked": chunk}, one line each, written at once
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
import { linesOf, producerOf } from './chunks.ts';

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

const say = (value: object): number => writeSync(1, `${JSON.stringify(value)}\n`);

async function see(engine: Engine): Promise<void> {
  await engine.settle();
  const all = { where: {}, limit: 10_000, order: 'newest' } as const;
  const [chunks, buckets] = [await engine.query('chunks', all), await engine.query('buckets', all)];
  const { sources } = await engine.status();
  say({ sees: { chunks, buckets, eventsIn: sources[0]?.eventsIn } });
}

async function* bytesOf(chunk: number): AsyncIterable<Uint8Array> {
  yield Buffer.from(linesOf(chunk));
}

async function live(folder: string, architecture: Architecture, chunks: readonly number[]): Promise<void> {
  // Epochs smaller than a chunk, so that some begin and end inside of one.
  const config = defaultConfig(architecture, { trigger: { every: 1000, rows: 32, catchUpRows: 32 } });
  const data = await openDataFolder(folder, systemClock);
  const engine = await Engine.open({ plan: definition.plan, config, data, clock: systemClock });
  try {
    await see(engine);
    for (const [index, chunk] of chunks.entries()) {
      await engine.ingest('numbers', bytesOf(chunk), producerOf(chunk));
      say({ acked: chunk });
      // The last is left to the next life.
      if (index + 2 === chunks.length) await see(engine);
    }
  } finally {
    await engine.close();
  }
}

const [folder = '', architecture = '', ...chunks] = process.argv.slice(2);
try {
  await live(folder, architecture as Architecture, chunks.map(Number));
} catch (error) {
  process.exitCode = report(error);
}

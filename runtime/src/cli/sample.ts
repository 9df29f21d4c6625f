/** Feeds the sample that a project's configuration names: what is in the log already is recognised, and not waited for. */
import { join } from 'node:path';
import { failure } from '../base/errors.ts';
import type { Project } from '../config/project.ts';
import type { Engine } from '../engine/engine.ts';
import { fileLines } from '../ingest/files.ts';
import { Producer } from '../ingest/producer.ts';
import type { Line } from '../ingest/lines.ts';
import { atSpeed, type Pace, UNPACED } from '../ingest/pace.ts';
import { eventTimeOf, producerOf, sourceOf, timeReader } from './commands/ingest.ts';

/** The part of the sample that is there before the pipeline starts; the rest arrives at its own pace. */
export async function feedHistory(project: Project, engine: Engine, signal: AbortSignal): Promise<void> {
  const { ingest } = project.config;
  if (ingest === undefined || ingest.history === 0) return;
  const timeOf =
    ingest.arrivalTime === undefined
      ? eventTimeOf(sourceOf(engine.plan, ingest.source))
      : timeReader(ingest.arrivalTime);
  let untilMs: number | undefined;
  await feed(project, engine, signal, UNPACED, (line) => {
    const timeMs = timeOf(line);
    if (timeMs === undefined) return true;
    untilMs ??= timeMs + ingest.history;
    return timeMs < untilMs;
  });
}

export function sampleSpeed({ config: { ingest } }: Project): Pace['dueMs'] {
  return ingest?.arrivalTime === undefined ? UNPACED : atSpeed(ingest.speed, timeReader(ingest.arrivalTime));
}

export function feedSample(
  project: Project,
  engine: Engine,
  dueMs: Pace['dueMs'],
  signal: AbortSignal,
): Promise<void> {
  return feed(project, engine, signal, dueMs, () => true);
}

/** Feeds lines of the sample while they are wanted. Throws USAGE without a sample. */
async function feed(
  project: Project,
  engine: Engine,
  signal: AbortSignal,
  dueMs: Pace['dueMs'],
  wanted: (line: Line) => boolean,
): Promise<void> {
  const { ingest } = project.config;
  if (ingest === undefined)
    throw failure('USAGE', { message: '--ingest: pipeline.config.yaml names no sample under "ingest".' });
  const source = sourceOf(engine.plan, ingest.source);
  const file = join(project.root, ingest.file);
  const producer = await producerOf(file, source.name);
  const known = new Producer(producer, source.name).lastInLog(engine.data.log, 0);
  const lines = takeWhile(fileLines(file, source.fields), wanted);
  // What is in the log from before is not waited for.
  const paced: Pace['dueMs'] = (line, index) =>
    project.config.log.partitions === 1 && line.number <= known ? null : dueMs(line, index);
  await engine.ingestLines(source.name, lines, { producer, dueMs: paced, signal });
}

async function* takeWhile(lines: AsyncIterable<Line>, wanted: (line: Line) => boolean): AsyncIterable<Line> {
  for await (const line of lines) {
    if (!wanted(line)) return;
    yield line;
  }
}

import { createHash } from 'node:crypto';
import process from 'node:process';
import type { Command } from 'commander';
import { failure } from '../../base/errors.ts';
import type { Project } from '../../config/project.ts';
import { decodeEvent } from '../../data/decode.ts';
import { parseTimestamp } from '../../data/timestamp.ts';
import { eventTimeReader } from '../../plan/event-time.ts';
import { bytesOf, type Line, linesOf } from '../../ingest/lines.ts';
import { fileLines } from '../../ingest/files.ts';
import { atRate, atSpeed, inBatches, type Pace, UNPACED } from '../../ingest/pace.ts';
import type { Plan, SourcePlan } from '../../plan/node.ts';
import { systemClock } from '../../ports/clock.ts';
import { createReadStream } from '../../ports/files.ts';
import type { IngestResult } from '../../host/host.ts';
import { findProject, loadProjectDefinition, withPipeline } from '../context.ts';
import { count, formatOf, note, printJson } from '../output.ts';
import { untilInterrupted } from '../signals.ts';

interface IngestOptions {
  readonly source?: string;
  readonly rate?: string;
  readonly speed?: string;
  readonly again?: boolean;
  readonly format: string;
}

export function addIngestCommand(program: Command): void {
  program
    .command('ingest')
    .description('appends events to the log; the same file again is recognised, also half way')
    .argument('<file>', 'JSON lines, CSV or Parquet; - reads JSON lines from standard input')
    .option('--source <name>', 'the source of the definition; needed when there are several')
    .option('--rate <events>', 'so many events a second')
    .option('--speed <factor>', 'as their times say, this many times faster')
    .option('--again', 'append a file that was ingested before once more')
    .option('--format <format>', 'text or json', 'text')
    .action(ingest);
}

async function ingest(file: string, options: IngestOptions): Promise<void> {
  const format = formatOf(options.format, ['text', 'json']);
  const project = findProject();
  const plan = await loadProjectDefinition(project);
  const source = sourceOf(plan, options.source ?? project.config.ingest?.source);
  const lines = file === '-' ? linesOf(process.stdin) : fileLines(file, source.fields);
  const producer = file === '-' || options.again === true ? undefined : await producerOf(file, source.name);
  const dueMs = paceOf(options, source, project);
  const result = await untilInterrupted((signal) =>
    withPipeline(project, (host) =>
      host.ingest(source.name, asBytes(lines, { dueMs, clock: systemClock, signal }, format), producer),
    ),
  );
  if (format === 'json') return printJson({ source: source.name, ...result });
  return report(result);
}

function report({ accepted, rejected, known = 0, problems }: IngestResult): void {
  note(
    `${count(accepted)} events accepted, ${count(rejected)} rejected${known > 0 ? `, ${count(known)} known from before (--again appends them once more)` : ''}`,
  );
  for (const { line, reason } of problems) note(`  line ${line}: ${reason}`);
  if (rejected > 0)
    note('  They are kept: `pipeline rejected` shows them all, `--replay` offers them again.');
}

/** The source to feed: the named one, or the only one. Throws USAGE, SOURCE_UNKNOWN. */
export function sourceOf(plan: Plan, name: string | undefined): SourcePlan {
  const known = plan.sources.map((source) => source.name);
  if (name === undefined && plan.sources.length > 1) {
    throw failure('USAGE', {
      message: `The definition has ${known.length} sources: say --source ${known.join(' or --source ')}.`,
    });
  }
  const source =
    name === undefined ? plan.sources[0] : plan.sources.find((candidate) => candidate.name === name);
  if (source === undefined) throw failure('SOURCE_UNKNOWN', { source: name ?? '', known });
  return source;
}

function paceOf({ rate, speed }: IngestOptions, source: SourcePlan, { config }: Project): Pace['dueMs'] {
  if (rate !== undefined && speed !== undefined)
    throw failure('USAGE', { message: '--rate and --speed exclude each other.' });
  if (rate !== undefined) return atRate(positive('--rate', rate));
  if (speed === undefined) return UNPACED;
  const { arrivalTime } = config.ingest ?? {};
  return atSpeed(
    positive('--speed', speed),
    arrivalTime === undefined ? eventTimeOf(source) : timeReader(arrivalTime),
  );
}

/** Reads a time field of an event's text; undefined when there is none. */
export function timeReader(field: string): (line: Line) => number | undefined {
  return ({ text }) => {
    const value = (objectOf(text) as Record<string, unknown> | undefined)?.[field];
    return typeof value === 'string' ? parseTimestamp(value) : undefined;
  };
}

/** Reads the event time of an event's text; undefined when it is none of the source's. */
export function eventTimeOf(source: SourcePlan): (line: Line) => number | undefined {
  const timeOf = eventTimeReader(source);
  return ({ text }) => {
    const decoded = decodeEvent(source.fields, objectOf(text));
    return 'row' in decoded ? timeOf(decoded.row) : undefined;
  };
}

function objectOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function positive(flag: string, text: string): number {
  const number = Number(text);
  if (!(number > 0) || !Number.isFinite(number))
    throw failure('USAGE', { message: `${flag} ${text}: say a number above 0.` });
  return number;
}

/** A name that the same content always has, so that an ingest that was cut off goes on where it stopped. */
export async function producerOf(file: string, source: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return `file-${source}-${hash.digest('hex').slice(0, 32)}`;
}

/** Lines as bytes, with every number kept: a line that is missing in between becomes an empty one. */
async function* asBytes(lines: AsyncIterable<Line>, pace: Pace, format: string): AsyncIterable<Uint8Array> {
  let number = 0;
  const progress = format === 'text' && process.stderr.isTTY;
  for await (const batch of inBatches(lines, pace)) {
    const parts: Buffer[] = [];
    for (const line of batch) {
      parts.push(Buffer.alloc(line.number - number - 1, '\n'), bytesOf(line), Buffer.from('\n'));
      number = line.number;
    }
    yield Buffer.concat(parts);
    if (progress) process.stderr.write(`\r${count(number)} lines sent`);
  }
  if (progress) process.stderr.write('\r\u001b[K');
}

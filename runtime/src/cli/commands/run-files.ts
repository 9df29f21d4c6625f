/** `pipeline run --once --pipeline FILE --input SOURCE=FILE`: a definition over finite files, to its end, without a project. */
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import process from 'node:process';
import { failure } from '../../base/errors.ts';
import { ARCHITECTURES, type Architecture, defaultConfig } from '../../config/project.ts';
import { openDataFolder } from '../../engine/data-folder.ts';
import { Engine } from '../../engine/engine.ts';
import type { FileRunView } from '../../engine/file-run.ts';
import { openFileRun, workersOf } from '../../engine/file-workers.ts';
import { plausibleTimes } from '../../ingest/accept.ts';
import { fileLines } from '../../ingest/files.ts';
import { isTable } from '../../plan/event-time.ts';
import type { Plan } from '../../plan/node.ts';
import { systemClock } from '../../ports/clock.ts';
import { mkdtempSync, rename, rmSync, writeFile } from '../../ports/files.ts';
import { loadDefinition } from '../load-definition.ts';
import { count, note } from '../output.ts';
import { untilInterrupted } from '../signals.ts';
import { sourceOf } from './ingest.ts';

export interface FileRunOptions {
  readonly once?: boolean;
  readonly architecture?: string;
  readonly input?: readonly string[];
  readonly output?: string;
  readonly view?: string;
  readonly jit?: string;
  readonly workers?: string;
}

export async function runFiles(options: FileRunOptions, file: string): Promise<void> {
  if (options.once !== true)
    throw failure('USAGE', {
      message: '--pipeline runs over finite files and needs --once; a project runs on without it.',
    });
  const plan = await loadDefinition(file);
  const inputs = inputsOf(plan, options.input ?? []);
  const views = viewsOf(plan, options.view);
  if (options.architecture !== undefined && options.workers !== undefined)
    throw failure('USAGE', {
      message: '--workers divides one pass over the files; it goes without --architecture.',
    });
  if (options.architecture === undefined) {
    await runInOnePass(plan, inputs, views, options);
    return;
  }
  const architecture = ARCHITECTURES.find((candidate) => candidate === options.architecture);
  if (architecture === undefined)
    throw failure('USAGE', {
      message: `--architecture ${options.architecture}: there are ${ARCHITECTURES.join(', ')}.`,
    });
  await untilInterrupted(async (signal) => {
    if (architecture === 'batch' && (await runInDuckDb(plan, inputs, views, options, signal))) return;
    await runThroughLog(plan, architecture, inputs, views, options, signal);
  });
}

/** The architecture with all its parts, in a folder that is gone afterwards. */
async function runThroughLog(
  plan: Plan,
  architecture: Architecture,
  inputs: readonly { readonly source: string; readonly path: string }[],
  views: readonly string[],
  options: FileRunOptions,
  signal: AbortSignal,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'pipeline-'));
  try {
    const data = await openDataFolder(folder, systemClock);
    try {
      const engine = await Engine.open({
        plan,
        config: defaultConfig(architecture),
        data,
        clock: systemClock,
      });
      for (const { source, path } of inputs) {
        const { rejected, problems } = await engine.ingestLines(
          source,
          fileLines(path, sourceOf(plan, source).fields),
          { signal },
        );
        if (rejected > 0)
          note(
            `${path}: ${count(rejected)} lines rejected, the first is line ${problems[0]?.line ?? 0}: ${problems[0]?.reason ?? ''}`,
          );
      }
      signal.throwIfAborted();
      await engine.end();
      await engine.settle(signal);
      await write(engine, views, options.output ?? '-', signal);
    } finally {
      await data.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Batch over Parquet alone is what DuckDB does best; false when it cannot do it exactly, and the engine has to. */
async function runInDuckDb(
  plan: Plan,
  inputs: readonly { readonly source: string; readonly path: string }[],
  views: readonly string[],
  options: FileRunOptions,
  signal: AbortSignal,
): Promise<boolean> {
  if (!inputs.every(({ path }) => extname(path).toLowerCase() === '.parquet')) return false;
  const wanted = plan.views.filter(({ name }) => views.includes(name));
  const files = Object.fromEntries(inputs.map(({ source, path }) => [source, [path]]));
  const { runOnParquet } = await import('../../engine/duckdb-run.ts');
  const lines: string[] = [];
  for (const [index, result] of (await runOnParquet(plan, wanted, files)).entries()) {
    if ('because' in result) {
      note(`view ${wanted[index]?.name ?? ''} is computed by the engine, not by DuckDB: ${result.because}`);
      return false;
    }
    const { layout, rows } = result;
    for (const row of rows) lines.push(`${JSON.stringify(layout.toJson(row))}\n`);
  }
  await writeLines(
    lines.map((line) => Buffer.from(line)),
    options.output ?? '-',
    signal,
  );
  return true;
}

/** Without an architecture nothing is kept on the way: one pass over the files, in memory. */
async function runInOnePass(
  plan: Plan,
  inputs: readonly { readonly source: string; readonly path: string }[],
  views: readonly string[],
  options: FileRunOptions,
): Promise<void> {
  const jit = options.jit ?? 'on';
  if (jit !== 'on' && jit !== 'off')
    throw failure('USAGE', {
      message: `--jit ${jit}: say on, or off to let the interpreter run everything.`,
    });
  const workers = workersOf(options.workers ?? '1');
  const problems: { line: number; problem: string }[] = [];
  await untilInterrupted(async (signal) => {
    const run = await openFileRun({
      plan,
      jit,
      workers,
      ordered: true,
      plausible: (source) => plausibleTimes(source, systemClock),
      onProblem: (_, line, problem) => void problems.push({ line, problem }),
    });
    try {
      for (const { source, path } of inputs) {
        problems.length = 0;
        await run.feedFile(sourceOf(plan, source), path, signal);
        if (problems.length > 0)
          note(
            `${path}: ${count(problems.length)} lines rejected, the first is line ${problems[0]?.line ?? 0}: ${problems[0]?.problem ?? ''}`,
          );
      }
      await run.end();
      const lines: Uint8Array[] = [];
      for (const view of run.views) {
        if (!views.includes(view.layout.view.name)) continue;
        reportView(view);
        await view.writeJson((bytes) => void lines.push(Uint8Array.from(bytes)));
      }
      await writeLines(lines, options.output ?? '-', signal);
    } finally {
      await run.close();
    }
  });
}

function reportView({ layout: { view }, late, rejected, reasons, undivided }: FileRunView): void {
  if (undivided !== null) note(`view ${view.name} runs in one worker: ${undivided}`);
  if (late > 0) note(`view ${view.name}: ${count(late)} times an event came too late for its window`);
  if (rejected > 0)
    note(`view ${view.name}: ${count(rejected)} rows rejected, the first: ${reasons[0] ?? ''}`);
}

function inputsOf(plan: Plan, given: readonly string[]): { source: string; path: string }[] {
  const inputs = given.map((text) => {
    const at = text.indexOf('=');
    if (at <= 0) throw failure('USAGE', { message: `--input ${text}: say SOURCE=FILE.` });
    return { source: sourceOf(plan, text.slice(0, at)).name, path: text.slice(at + 1) };
  });
  const missing = plan.sources
    .filter(({ name }) => !inputs.some(({ source }) => source === name))
    .map(({ name }) => `--input ${name}=FILE`);
  if (missing.length > 0)
    throw failure('USAGE', { message: `A source has no events: add ${missing.join(' and ')}.` });
  // What is looked up has to be there before those who look it up.
  const isRead = (source: string): boolean => isTable(sourceOf(plan, source));
  return inputs.toSorted((a, b) => Number(isRead(b.source)) - Number(isRead(a.source)));
}

function viewsOf(plan: Plan, view: string | undefined): string[] {
  const known = plan.views.map(({ name }) => name);
  if (view === undefined) return known;
  if (!known.includes(view)) throw failure('VIEW_UNKNOWN', { view, known });
  return [view];
}

async function write(
  engine: Engine,
  views: readonly string[],
  output: string,
  signal: AbortSignal,
): Promise<void> {
  const lines: Uint8Array[] = [];
  for (const view of views) {
    for (const row of await engine.query(view, { where: {} }))
      lines.push(Buffer.from(`${JSON.stringify(row)}\n`));
  }
  await writeLines(lines, output, signal);
}

/** Writes all rows or none: a file appears whole, and an interrupted run, which has seen half of the events, has no rows. */
async function writeLines(pieces: readonly Uint8Array[], output: string, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  if (output === '-') {
    process.stdout.write(Buffer.concat(pieces));
    return;
  }
  const partial = `${output}.partial`;
  try {
    await writeFile(partial, pieces, { signal });
    await rename(partial, output);
  } catch (error) {
    rmSync(partial, { force: true });
    throw error;
  }
  note(`${count(pieces.reduce((sum, piece) => sum + linesIn(piece), 0))} rows in ${output}`);
}

function linesIn(piece: Uint8Array): number {
  let lines = 0;
  for (let at = piece.indexOf(10); at >= 0; at = piece.indexOf(10, at + 1)) lines++;
  return lines;
}

/**
 * `pipeline run`: opens the project, serves it and runs its architecture until it is stopped, or until it has caught up.
 *
 *   lock the data ─► control socket, HTTP ─► (sample) ─► run ─► on SIGINT or SIGTERM: finish the epoch, close
 */
import process from 'node:process';
import type { Command } from 'commander';
import { failure } from '../../base/errors.ts';
import type { Project } from '../../config/project.ts';
import type { Engine } from '../../engine/engine.ts';
import { UNPACED } from '../../ingest/pace.ts';
import { controlSocketPath } from '../../serve/control-path.ts';
import type { ServeLogger } from '../../serve/logger.ts';
import type { RunningServer } from '../../serve/server.ts';
import { dataFolderOf, findProject, openEngine, refuseSecond, withArchitecture } from '../context.ts';
import { note } from '../output.ts';
import { firstResults, printResults } from '../results.ts';
import { feedHistory, feedSample, sampleSpeed } from '../sample.ts';
import { untilInterrupted } from '../signals.ts';
import { paint } from '../terminal.ts';
import { type FileRunOptions, runFiles } from './run-files.ts';

interface RunOptions extends FileRunOptions {
  readonly untilCaughtUp?: boolean;
  readonly port?: string;
  readonly serve: boolean;
  readonly ingest?: boolean;
  readonly rebuild?: boolean;
  readonly fromNowOn?: boolean;
  readonly drop?: string[];
  readonly partial?: boolean;
  readonly pipeline?: string;
}

export function addRunCommand(program: Command): void {
  program
    .command('run')
    .description("runs the project's architecture until it is stopped")
    .option('--once', 'process what is there, show the results and stop')
    .option(
      '--until-caught-up',
      'like --once, but served meanwhile, and after the sample has arrived at its own pace',
    )
    .option(
      '--architecture <name>',
      'another one than the project says; each keeps its own results over the same log',
    )
    .option('--port <port>', 'of the dashboard and the API; 0 chooses a free one')
    .option('--no-serve', 'no HTTP; commands still reach the pipeline through its socket file')
    .option(
      '--ingest',
      'also feed the sample of pipeline.config.yaml; what is in the log already is recognised',
    )
    .option('--rebuild', 'compute everything again from the log: after a change of the definition')
    .option(
      '--from-now-on',
      'after a change of the definition: keep the results so far, compute with it what comes',
    )
    .option('--drop <view...>', 'after a change of the definition: remove these views with their rows')
    .option(
      '--partial',
      'when retention removed the beginning of the log: compute what needs it from what is left',
    )
    .option('--pipeline <file>', 'run this definition over finite files instead of a project; needs --once')
    .option('--input <source=file...>', 'with --pipeline: the events of a source')
    .option(
      '--output <file>',
      'with --pipeline: where the final rows go as JSON lines; - is standard output',
      '-',
    )
    .option('--view <name>', 'with --pipeline: only this view')
    .option('--workers <count>', 'with --pipeline: how many threads share the work')
    .option('--jit <on|off>', 'with --pipeline: off lets the interpreter run everything', 'on')
    .action((options: RunOptions) =>
      options.pipeline === undefined ? runProject(options) : runFiles(options, options.pipeline),
    );
}

async function runProject(options: RunOptions): Promise<void> {
  const project = withPort(withArchitecture(findProject(), options.architecture), options.port);
  await refuseSecond(project);
  const run = async (signal: AbortSignal): Promise<void> => {
    const engine = await openEngine(project, {
      rebuild: options.rebuild ?? false,
      allowed: {
        fromNowOn: options.fromNowOn ?? false,
        drop: options.drop ?? [],
        partial: options.partial ?? false,
      },
    });
    try {
      if (signal.aborted) return;
      await (options.once === true ? runOnce : runOn)(project, engine, options, signal);
    } finally {
      await engine.close();
    }
  };
  await untilInterrupted(run, { endless: options.once !== true && options.untilCaughtUp !== true });
}

function withPort(project: Project, port: string | undefined): Project {
  if (port === undefined) return project;
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535)
    throw failure('USAGE', { message: `--port ${port}: say a number from 0 to 65535.` });
  const { config } = project;
  return { ...project, config: { ...config, serve: { ...config.serve, port: Number(port) } } };
}

async function runOnce(
  project: Project,
  engine: Engine,
  options: RunOptions,
  signal: AbortSignal,
): Promise<void> {
  if (options.ingest === true) await feedSample(project, engine, UNPACED, signal);
  await engine.settle(signal);
  if (signal.aborted) return;
  await engine.retention.apply();
  while (await engine.retention.roll());
  await printResults(engine);
}

async function runOn(
  project: Project,
  engine: Engine,
  options: RunOptions,
  signal: AbortSignal,
): Promise<void> {
  const servers = await serve(project, engine, options);
  const stop = new AbortController();
  const forward = (): void => stop.abort();
  signal.addEventListener('abort', forward, { once: true });
  try {
    const { url } = servers.at(-1) ?? { url: '' };
    const color = paint(process.stderr);
    if (options.ingest === true) await feedHistory(project, engine, stop.signal);
    const first = firstResults(engine, stop.signal);
    note(
      options.serve
        ? `${color.bold(engine.plan.name)} runs as ${project.config.architecture}; dashboard ${color.cyan(url)}; stop it with Ctrl-C`
        : `${engine.plan.name} runs as ${project.config.architecture}`,
    );
    const sample =
      options.ingest === true
        ? feedSample(project, engine, sampleSpeed(project), stop.signal)
        : Promise.resolve();
    const caughtUp =
      options.untilCaughtUp === true ? sample.then(() => engine.settle(stop.signal)).then(forward) : sample;
    first.catch(forward);
    await Promise.all([
      engine.run(stop.signal),
      caughtUp.catch((error: unknown) => (forward(), Promise.reject(error))),
    ]);
    if (options.untilCaughtUp === true && !signal.aborted) await printResults(engine);
  } finally {
    signal.removeEventListener('abort', forward);
    for (const server of servers) await server.close();
  }
}

/** A disk that fills up is told where everything else is. */
function tellRoom({ data: { room } }: Engine, logger: ServeLogger): void {
  if (room === undefined) return;
  room.onChange = (disk) => {
    if (disk.intake === 'open')
      return logger.warn({ disk }, 'there is room on the disk again: events are taken');
    const paused = disk.epochs === 'paused' ? ' and epochs pause' : '';
    return logger.warn({ disk }, `the disk is full: events are refused${paused} until there is room`);
  };
}

async function serve(project: Project, engine: Engine, options: RunOptions): Promise<RunningServer[]> {
  // Loaded here, so that commands that serve nothing start sooner.
  const [{ startServer }, { loggerOf }] = await Promise.all([
    import('../../serve/server.ts'),
    import('../logger.ts'),
  ]);
  const logger = loggerOf();
  tellRoom(engine, logger);
  const servers = [
    await startServer({
      host: engine,
      listen: { socketPath: controlSocketPath(dataFolderOf(project)) },
      logger,
    }),
  ];
  if (!options.serve) return servers;
  const { host: address, port } = project.config.serve;
  try {
    servers.push(
      await startServer({
        host: engine,
        listen: { address, port },
        token: process.env['PIPELINE_TOKEN'],
        logger,
      }),
    );
    return servers;
  } catch (error) {
    for (const server of servers) await server.close();
    throw error;
  }
}

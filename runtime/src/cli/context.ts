/** What every command of a project needs: the project, its definition, and the pipeline, running elsewhere or opened here. */
import { existsSync } from '../ports/files.ts';
import { dirname, join, relative, resolve } from 'node:path';
import process from 'node:process';
import { CodedError } from '../base/coded-error.ts';
import { failure } from '../base/errors.ts';
import {
  ARCHITECTURES,
  CONFIG_FILE,
  type Project,
  type ProjectConfig,
  readProject,
} from '../config/project.ts';
import { discardState, openDataFolder } from '../engine/data-folder.ts';
import { Engine, type EngineOptions } from '../engine/engine.ts';
import { examineFolder, lockedBy } from '../engine/owner.ts';
import { withSinkFolders } from '../engine/sinks.ts';
import type { Plan } from '../plan/node.ts';
import { systemClock } from '../ports/clock.ts';
import { realDisk } from '../ports/disk.ts';
import { type ControlClient, controlClient } from '../serve/control-client.ts';
import { controlSocketPath } from '../serve/control-path.ts';
import type { Host } from '../host/host.ts';
import { report } from './exit.ts';
import { loadDefinition } from './load-definition.ts';

/** The nearest folder, from here upwards, with a `pipeline.config.yaml`. Throws USAGE. */
export function findProject(from = process.cwd()): Project {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    if (existsSync(join(folder, CONFIG_FILE))) {
      const environment = join(folder, '.env');
      if (existsSync(environment)) process.loadEnvFile(environment);
      return readProject(folder);
    }
    if (dirname(folder) === folder) break;
  }
  throw failure('USAGE', {
    message: `There is no ${CONFIG_FILE} in ${from} or above it. Change into the folder of a project, or name a definition: pipeline run --once --pipeline FILE.ts --input SOURCE=FILE.jsonl --output -`,
  });
}

export function dataFolderOf({ root, config }: Project): string {
  return join(root, config.data);
}

export function loadProjectDefinition({ root, config }: Project): Promise<Plan> {
  return loadDefinition(relative(process.cwd(), join(root, config.definition)));
}

export function withArchitecture(project: Project, name: string | undefined): Project {
  if (name === undefined) return project;
  const architecture = ARCHITECTURES.find((candidate) => candidate === name);
  if (architecture === undefined) {
    throw failure('USAGE', { message: `--architecture ${name}: there are ${ARCHITECTURES.join(', ')}.` });
  }
  return { ...project, config: { ...project.config, architecture } };
}

/** How long a running pipeline may take to answer at all: it may be in the middle of an epoch, or stopped. */
const ANSWER_MS_MAX = 10_000;

/** The client of the process that runs the project, or null when none does. Throws DATA_LOCKED when it does not answer. */
export async function findRunning(project: Project, answerMs = ANSWER_MS_MAX): Promise<ControlClient | null> {
  const folder = dataFolderOf(project);
  const client = controlClient(controlSocketPath(folder));
  const waiting = new AbortController();
  const silence = systemClock.sleep(answerMs, waiting.signal).then(async () => {
    if (!waiting.signal.aborted) throw await lockedBy(folder, realDisk);
  });
  try {
    await Promise.race([client.status(), silence]);
    return client;
  } catch (error) {
    if (error instanceof CodedError && error.code === 'NOT_RUNNING') return null;
    throw error;
  } finally {
    waiting.abort();
  }
}

/** Looks whether another process has the data, without asking it: it may be stopped. Throws DATA_LOCKED. */
export async function refuseSecond(project: Project): Promise<void> {
  await examineFolder(dataFolderOf(project), realDisk);
}

type OpenOptions = Partial<Pick<EngineOptions, 'plan' | 'rebuild' | 'adopt' | 'allowed'>>;

/** Opens the pipeline of a project in this process. */
export async function openEngine(project: Project, options: OpenOptions = {}): Promise<Engine> {
  try {
    return await open(project, options);
  } catch (error) {
    const isUnreadable = error instanceof CodedError && error.code === 'STATE_FAILED';
    if (options.rebuild !== true || !isUnreadable) throw error;
    // Everything in it is computed again anyway, from the log.
    await discardState(dataFolderOf(project));
    return open(project, options);
  }
}

async function open(project: Project, options: OpenOptions): Promise<Engine> {
  const plan = options.plan ?? (await loadProjectDefinition(project));
  const data = await openDataFolder(dataFolderOf(project), systemClock, realDisk, {
    commitEveryMs: project.config.log.commitEvery,
    reserveBytes: project.config.disk.reserve,
  });
  // At once and without closing anything: what we would tidy up, such as the socket, is the new owner's.
  data.owner?.lost.catch((error: unknown) => process.exit(report(error)));
  try {
    return await Engine.open({
      plan,
      config: withFolders(project),
      data,
      clock: systemClock,
      rebuild: options.rebuild ?? false,
      adopt: options.adopt ?? false,
      ...(options.allowed !== undefined && { allowed: options.allowed }),
    });
  } catch (error) {
    await data.close();
    throw error;
  }
}

/** Snapshots may lie anywhere; a relative path is one from the project, as those of sinks are. */
export function withFolders({ root, config }: Project): ProjectConfig {
  const { snapshots } = config;
  return {
    ...config,
    sinks: withSinkFolders(root, config.sinks),
    ...(snapshots !== undefined && {
      snapshots: { ...snapshots, folder: resolve(root, snapshots.folder) },
    }),
  };
}

/** The commands ask through this: the same questions whether the pipeline runs elsewhere or is opened for the moment. */
export type Answering = Pick<Host, 'status' | 'query' | 'late' | 'rejected' | 'command' | 'ingest'>;

/** Does some work with the running pipeline, or with one that is opened for it and closed after. */
export async function withPipeline<T>(
  project: Project,
  work: (host: Answering, engine: Engine | null) => Promise<T>,
  options: { readonly adopt?: boolean } = {},
): Promise<T> {
  const running = await findRunning(project);
  if (running !== null) return work(running, null);
  const engine = await openEngine(project, options);
  try {
    return await work(engine, engine);
  } finally {
    await engine.close();
  }
}

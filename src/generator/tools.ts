/** Runs git and the package manager: without a shell, with their noise kept back, stopped when the user interrupts. */
import { spawn, spawnSync, type StdioOptions } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { printable } from 'pipeline-runtime/kit';
import { failure } from '../errors.ts';
import { installArguments, startArguments, type PackageManager, type Program } from './package-manager.ts';

const OUTPUT_BYTES_MAX = 64_000;
const OUTPUT_LINES_MAX = 8;
const GRACE_MS = 5_000;

/** @throws INSTALL_FAILED, the signal's reason */
export async function installDependencies(
  folder: string,
  manager: PackageManager,
  program: Program,
  signal: AbortSignal,
): Promise<void> {
  const args = installArguments(manager);
  const ended = await run(program, args, folder, ['ignore', 'pipe', 'pipe'], signal);
  signal.throwIfAborted();
  if (ended.code === 0) return;
  const outcome = ended.code === null ? (ended.cause ?? 'stopped') : `exit code ${ended.code}`;
  throw failure('INSTALL_FAILED', { command: `${manager} install`, outcome, output: ended.output });
}

/**
 * Runs the project's `start` until it ends by itself or is interrupted, and returns its exit code. The runtime is called
 * without the package manager around it, whose shell would keep signals from it. A Ctrl-C on a terminal reaches it without
 * us; every other signal is handed on.
 */
export async function startProject(
  folder: string,
  manager: PackageManager,
  program: Program,
  forwarded: readonly string[],
  stdout: 'inherit' | 'stderr',
): Promise<number> {
  const stdio: StdioOptions = ['inherit', stdout === 'stderr' ? process.stderr : 'inherit', 'inherit'];
  const command = runtimeCommand(folder);
  const args = command === undefined ? startArguments(manager, forwarded) : ['run', '--ingest', ...forwarded];
  const { file, first } = command ?? program;
  const child = spawn(file, [...first, ...args], { cwd: folder, stdio, env: childEnvironment() });
  let interrupted = false;
  const handOn = (name: NodeJS.Signals) => {
    interrupted = true;
    if (name !== 'SIGINT' || !process.stdin.isTTY) child.kill(name);
  };
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const name of names) process.on(name, handOn);
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    return interrupted ? 130 : (code ?? 1);
  } finally {
    for (const name of names) process.off(name, handOn);
  }
}

/** The command of the installed runtime; undefined where a package manager keeps packages elsewhere, as yarn may. */
function runtimeCommand(folder: string): Program | undefined {
  const root = join(folder, 'node_modules', 'pipeline-runtime');
  try {
    const { bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      bin: { pipeline: string };
    };
    return { file: process.execPath, first: [join(root, bin.pipeline)] };
  } catch {
    return undefined;
  }
}

/** Makes a repository, where there is git and the folder is not already part of one. Returns what happened. */
export function initRepository(folder: string): 'made' | 'inside another' | 'no git' {
  const env = gitEnvironment();
  const options = { cwd: folder, env, stdio: 'ignore' } as const;
  const inside = spawnSync('git', ['rev-parse', '--is-inside-work-tree'], {
    ...options,
    cwd: dirname(folder),
  });
  if (inside.error !== undefined) return 'no git';
  if (inside.status === 0) return 'inside another';
  const made = spawnSync('git', ['-c', 'init.defaultBranch=main', 'init', '--quiet'], options);
  return made.status === 0 ? 'made' : 'no git';
}

interface Ended {
  readonly code: number | null;
  /** The last lines of what it printed. */
  readonly output: string;
  readonly cause?: string;
}

function run(
  program: Program,
  args: readonly string[],
  cwd: string,
  stdio: StdioOptions,
  signal: AbortSignal,
): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(program.file, [...program.first, ...args], { cwd, stdio, env: childEnvironment() });
    let output = '';
    const keep = (chunk: Buffer) => {
      output = (output + chunk.toString('utf8')).slice(-OUTPUT_BYTES_MAX);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    let killer: NodeJS.Timeout | undefined;
    const stop = () => {
      child.kill('SIGTERM');
      killer = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
    };
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    const end = (code: number | null, cause?: string) => {
      clearTimeout(killer);
      signal.removeEventListener('abort', stop);
      resolve({ code, output: lastLines(output), ...(cause === undefined ? {} : { cause }) });
    };
    child.once('error', (error: NodeJS.ErrnoException) => end(null, error.code ?? error.message));
    child.once('close', (code, name) => end(code, name ?? undefined));
  });
}

function lastLines(output: string): string {
  const lines = printable(output)
    .split('\n')
    .map((line) => line.trimEnd());
  return lines
    .filter((line) => line !== '')
    .slice(-OUTPUT_LINES_MAX)
    .join('\n');
}

/** What an npm around us says about its own project must not reach the one that works for the new project. */
function childEnvironment(): NodeJS.ProcessEnv {
  const own = /^npm_(config_(local_prefix|workspaces?|include_workspace_root|dry_run)|package_|lifecycle_)/i;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !own.test(name)));
}

/** Inside a git hook these point at the repository of the hook. */
function gitEnvironment(): NodeJS.ProcessEnv {
  const own = ['GIT_DIR', 'GIT_WORK_TREE', 'GIT_INDEX_FILE', 'GIT_PREFIX', 'GIT_COMMON_DIR'];
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !own.includes(name)));
}

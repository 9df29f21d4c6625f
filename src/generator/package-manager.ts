/**
 * npm, pnpm, yarn, bun: which one a project uses, what its commands look like, and how it is called. Never through a
 * shell, and never one that is not there.
 */
import { existsSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import process from 'node:process';

export const PACKAGE_MANAGERS = ['npm', 'pnpm', 'yarn', 'bun'] as const;
export type PackageManager = (typeof PACKAGE_MANAGERS)[number];

/** What a reader types, in the words of the package manager. */
export interface Commands {
  readonly install: string;
  readonly start: string;
  readonly once: string;
  readonly test: string;
  readonly status: string;
  /** Followed by the arguments of `pipeline`. */
  readonly pipeline: string;
}

const COMMANDS: Readonly<Record<PackageManager, Commands>> = {
  npm: {
    install: 'npm install',
    start: 'npm start',
    once: 'npm start -- --once',
    test: 'npm test',
    status: 'npm run status',
    pipeline: 'npm run pipeline --',
  },
  pnpm: commandsWith('pnpm'),
  yarn: commandsWith('yarn'),
  // `bun test` would start bun's own test runner.
  bun: { ...commandsWith('bun run'), install: 'bun install' },
};

function commandsWith(run: string): Commands {
  return {
    install: `${run} install`,
    start: `${run} start`,
    once: `${run} start --once`,
    test: `${run} test`,
    status: `${run} status`,
    pipeline: `${run} pipeline`,
  };
}

export function commandsOf(manager: PackageManager): Commands {
  return COMMANDS[manager];
}

/** The one that started us, as it says itself; npm when nobody says. */
export function detectPackageManager(env: NodeJS.ProcessEnv = process.env): PackageManager {
  const name = /^(\w+)\//.exec(env['npm_config_user_agent'] ?? '')?.[1];
  return PACKAGE_MANAGERS.find((manager) => manager === name) ?? 'npm';
}

/** The arguments that install quietly: a user who waits wants to see errors, not advertisements. */
export function installArguments(manager: PackageManager): readonly string[] {
  const quiet: Readonly<Record<PackageManager, readonly string[]>> = {
    npm: ['install', '--no-fund', '--no-audit', '--loglevel=error'],
    // In a continuous integration job pnpm would insist on a lock file, which a new project cannot have. The second
    // keeps a workspace around DIR from taking the project in.
    pnpm: ['install', '--no-frozen-lockfile', '--ignore-workspace', '--reporter=silent'],
    yarn: ['install'],
    bun: ['install', '--silent'],
  };
  return quiet[manager];
}

/** The arguments that run the project's `start` with arguments of its own. */
export function startArguments(manager: PackageManager, forwarded: readonly string[]): readonly string[] {
  if (manager === 'npm')
    return ['--loglevel=error', 'start', ...(forwarded.length > 0 ? ['--', ...forwarded] : [])];
  return ['run', 'start', ...forwarded];
}

/** How a package manager is called: a program, and what stands before its own arguments. */
export interface Program {
  readonly file: string;
  readonly first: readonly string[];
}

/** Finds it without asking it anything; undefined when it is not there. */
export function findPackageManager(
  manager: PackageManager,
  env: NodeJS.ProcessEnv = process.env,
): Program | undefined {
  const current = env['npm_execpath'];
  if (current !== undefined && scriptOf(manager).test(current) && existsSync(current))
    return viaNode(current);
  const beside = join(dirname(process.execPath), 'node_modules', 'npm', 'bin', 'npm-cli.js');
  for (const folder of (env['PATH'] ?? env['Path'] ?? '').split(delimiter)) {
    if (folder === '') continue;
    for (const suffix of process.platform === 'win32' ? ['.exe'] : ['']) {
      const file = join(folder, manager + suffix);
      if (!existsSync(file)) continue;
      const script = realpathSync(file);
      return /\.c?js$/.test(script) ? viaNode(script) : { file, first: [] };
    }
  }
  return manager === 'npm' && existsSync(beside) ? viaNode(beside) : undefined;
}

function scriptOf(manager: PackageManager): RegExp {
  return new RegExp(`[\\\\/]${manager}(-cli)?\\.c?js$`);
}

function viaNode(script: string): Program {
  return { file: process.execPath, first: [script] };
}

/** PostgreSQL of our own: a new cluster on a free port of loopback, stopped by the number of its process. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';

const ROOT = '/usr/lib/postgresql';

/** The programs of the newest version that is installed. */
function programs(): string | undefined {
  if (!existsSync(ROOT)) return undefined;
  const versions = readdirSync(ROOT).filter((name) => existsSync(join(ROOT, name, 'bin/postgres')));
  const newest = versions.toSorted((a, b) => Number(a) - Number(b)).at(-1);
  return newest === undefined ? undefined : join(ROOT, newest, 'bin');
}

/** Why tests with a server cannot run here; null when they can. Where CI=true, that is a failure and not a reason. */
export function noPostgresBecause(): string | null {
  if (programs() !== undefined) return null;
  const reason = `there is no PostgreSQL below ${ROOT}; on Debian: apt-get install postgresql`;
  if (process.env['CI'] === 'true') throw new Error(reason);
  process.stderr.write(`sinks are not tested with a server: ${reason}\n`);
  return reason;
}

/** PostgreSQL refuses to run as root: another user then, the one that its package makes. */
function user(): { readonly uid: number; readonly gid: number } | Record<string, never> {
  if (process.getuid?.() !== 0) return {};
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const found = users.find(([name]) => name === 'postgres') ?? users.find(([name]) => name === 'nobody');
  return { uid: Number(found?.[2]), gid: Number(found?.[3]) };
}

const SETTINGS = [
  ['listen_addresses', '127.0.0.1'],
  ['unix_socket_directories', ''],
  // A test cuts no power.
  ['fsync', 'off'],
  ['full_page_writes', 'off'],
  ['shared_buffers', '16MB'],
  ['timezone', 'America/New_York'],
];

export class Postgres {
  readonly port: number;
  readonly #folder: string;
  #child: ChildProcess | null = null;

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.port = port;
  }

  static async start(): Promise<Postgres> {
    const folder = mkdtempSync(join(tmpdir(), 'postgres-'));
    const { uid, gid } = user();
    if (uid !== undefined && gid !== undefined) chownSync(folder, uid, gid);
    const args = ['-D', folder, '-U', 'tester', '-A', 'trust', '-E', 'UTF8', '--no-sync', '--locale=C'];
    const options = { ...user(), cwd: '/', encoding: 'utf8' } as const;
    const made = spawnSync(join(programs() ?? '', 'initdb'), args, options);
    if (made.status !== 0) throw new Error(`${made.error?.message ?? ''}${made.stdout}${made.stderr}`);
    const server = new Postgres(folder, await freePort());
    await server.up();
    return server;
  }

  /** Starts it again after `down`, on the same port. */
  async up(): Promise<void> {
    const settings = SETTINGS.flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const args = ['-D', this.#folder, '-p', String(this.port), ...settings];
    const child = spawn(join(programs() ?? '', 'postgres'), args, {
      ...user(),
      cwd: '/',
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#child = child;
    const said: string[] = [];
    child.stderr.setEncoding('utf8').on('data', (text: string) => said.push(text));
    const ended = once(child, 'exit').then(() => {
      throw new Error(said.join(''));
    });
    ended.catch(() => {});
    while (!said.join('').includes('ready to accept connections'))
      await Promise.race([once(child.stderr, 'data'), ended]);
  }

  /** At once, as after a crash. */
  async down(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGQUIT');
    await ended;
  }

  url(port = this.port): string {
    return `postgres://tester:not-a-secret@127.0.0.1:${port}/postgres`;
  }

  async remove(): Promise<void> {
    await this.down();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/**
 * Generated projects, end to end, as a stranger has them: written by the packed command, installed by npm from the tarball
 * inside, started, queried and tested. One project is installed; the others borrow its dependencies.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ARCHITECTURES, type Architecture } from '../../src/advisor/answers.ts';
import { findPackageManager } from '../../src/generator/package-manager.ts';

const COMMAND = new URL('../../dist/create-pipeline.js', import.meta.url).pathname;
const INSTALLED: Architecture = 'micro-batch';

interface Run {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

let cwd: string;
/** What each architecture answered. */
const seen = new Map<Architecture, readonly string[]>();

function run(program: readonly string[], folder = cwd): Run {
  const [file = '', ...args] = program;
  const env = { ...process.env, NO_COLOR: '1', npm_config_update_notifier: 'false' };
  // A test runner around us must not reach the test runner of the project.
  delete (env as NodeJS.ProcessEnv)['NODE_TEST_CONTEXT'];
  return spawnSync(file, args, { cwd: folder, encoding: 'utf8', env, timeout: 120_000 });
}

function npm(folder: string, ...args: readonly string[]): Run {
  const program = findPackageManager('npm');
  if (program === undefined) throw new Error('these tests need npm');
  return run([program.file, ...program.first, ...args], join(cwd, folder));
}

function create(folder: string, ...args: readonly string[]): Run {
  return run([process.execPath, COMMAND, folder, '--yes', '--no-git', ...args]);
}

function rowsOf(folder: string): readonly string[] {
  const { stdout, stderr, status } = npm(
    folder,
    '--silent',
    'run',
    'pipeline',
    '--',
    'query',
    'delays',
    '--format',
    'jsonl',
  );
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout.trimEnd().split('\n');
}

beforeAll(() => {
  if (!existsSync(COMMAND)) throw new Error('dist/ is absent: npm run build');
  cwd = mkdtempSync(join(realpathSync(tmpdir()), 'scaffold-'));
  const { status, stderr } = create(INSTALLED);
  if (status !== 0) throw new Error(`the project was not created: ${stderr}`);
  for (const architecture of ARCHITECTURES) {
    if (architecture === INSTALLED) continue;
    create(architecture, '--architecture', architecture, '--no-install');
    symlinkSync(join(cwd, INSTALLED, 'node_modules'), join(cwd, architecture, 'node_modules'));
  }
}, 180_000);
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

describe.each(ARCHITECTURES)('%s', (architecture) => {
  test('npm start -- --once takes in the sample, prints rows and ends', () => {
    const { status, stdout, stderr } = npm(architecture, 'start', '--', '--once');
    expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/delays/);
  });

  test('every flight of the day is in a row, and taking it in again changes nothing', () => {
    const rows = rowsOf(architecture);
    const counts = rows.map((line) => (JSON.parse(line) as { flights: number }).flights);
    expect(counts).toHaveLength(2362);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(16_805);
    expect(npm(architecture, 'start', '--', '--once').status).toBe(0);
    expect(rowsOf(architecture)).toEqual(rows);
    seen.set(architecture, rows);
  });
});

test('the rows are the same in every architecture', () => {
  expect(seen.size).toBe(ARCHITECTURES.length);
  for (const rows of seen.values()) expect(rows).toEqual(seen.get(INSTALLED));
});

describe.each(['drop', 'side-output'] as const)('late events: %s', (policy) => {
  const example = new URL('../../templates/examples/flights.yaml', import.meta.url).pathname;
  const generated = (architecture: Architecture): string => {
    const folder = `${architecture}-${policy}`;
    if (existsSync(join(cwd, folder))) return folder;
    const flags = ['--answers', example, '--lateness-policy', policy, '--architecture', architecture];
    expect(create(folder, ...flags, '--no-install')).toMatchObject({ status: 0 });
    symlinkSync(join(cwd, INSTALLED, 'node_modules'), join(cwd, folder, 'node_modules'));
    return folder;
  };
  const pipeline = (folder: string, ...args: readonly string[]): Run =>
    run([process.execPath, 'node_modules/pipeline-runtime/dist/cli/main.js', ...args], join(cwd, folder));

  test.each(ARCHITECTURES)('%s: every flight is in a row or counted as late', (architecture) => {
    const folder = generated(architecture);
    expect(pipeline(folder, 'run', '--once', '--ingest')).toMatchObject({ status: 0, stderr: '' });
    const { late } = JSON.parse(pipeline(folder, 'status', '--format', 'json').stdout) as {
      late: { total: number };
    };
    const rows = pipeline(folder, 'query', 'delays', '--format', 'jsonl').stdout.trimEnd().split('\n');
    const counted = rows.reduce((sum, line) => sum + (JSON.parse(line) as { flights: number }).flights, 0);
    expect(late.total).toBeGreaterThan(0);
    expect(counted + late.total).toBe(16_805);
  });

  test('npm test passes in the project', () => {
    const { status, stdout } = npm(generated('micro-batch'), 'test');
    expect(stdout).toMatch(/^(?:#|ℹ) pass 5$/m);
    expect(status).toBe(0);
  });
});

test('npm test passes in the project', () => {
  const { status, stdout } = npm(INSTALLED, 'test');
  expect(stdout).toMatch(/^(?:#|ℹ) pass 5$/m);
  expect(status).toBe(0);
});

test('create-pipeline --start continues a project that is there', () => {
  const { status, stderr } = create(INSTALLED, '--start', '--once');
  expect(stderr).toContain('Starting it again');
  expect(status).toBe(0);
});

test.each(['SIGINT', 'SIGTERM'] as const)(
  'create-pipeline --start ends with everything it started on %s',
  async (signal) => {
    const args = [COMMAND, INSTALLED, '--start', '--port', '0'];
    const child = spawn(process.execPath, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => {
      if (!stderr.includes('dashboard') && (stderr += chunk.toString()).includes('dashboard'))
        child.kill(signal);
    });
    child.stdout.resume();
    // The pipes close when the last process that holds them has ended.
    const code = await new Promise((resolve) => child.once('close', resolve));
    expect(stderr).toMatch(/http:\/\/127\.0\.0\.1:\d+/);
    expect(code).toBe(130);
  },
);

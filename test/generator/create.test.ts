/** `create-pipeline` as a user or an agent meets it: exit codes, streams, and what is on the disk afterwards. */
import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { shellQuoted } from '../../src/cli/commands/create-print.ts';
import { bundleCommand, type Bundled } from './bundled.ts';

const ANSWERS = [
  '--freshness',
  '15m',
  '--lateness-max',
  '2h',
  '--reprocessing-every',
  'monthly',
  '--maturity',
  'novice',
];

let bundled: Bundled;
beforeAll(async () => {
  bundled = await bundleCommand();
});
afterAll(() => bundled.remove());

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(realpathSync(tmpdir()), 'create-'));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

function createPipeline(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const clean = { ...process.env, npm_config_user_agent: '', npm_execpath: '', ...env };
  return spawnSync(process.execPath, [bundled.file, ...args], { cwd, encoding: 'utf8', env: clean });
}

const everything = () => readdirSync(cwd, { recursive: true, encoding: 'utf8' }).toSorted();

describe('a dry run', () => {
  test('lists exactly what a write writes, and writes nothing', () => {
    const dry = createPipeline(['my-app', ...ANSWERS, '--dry-run', '--format', 'json']);
    expect(dry.status).toBe(0);
    expect(everything()).toEqual([]);
    const written = createPipeline(['my-app', ...ANSWERS, '--no-install', '--no-git', '--format', 'json']);
    expect(written.status).toBe(0);
    const [before, after] = [dry, written].map((run) => JSON.parse(run.stdout) as Record<string, unknown>);
    expect(before).toMatchObject({ dryRun: true, installed: false });
    expect(after).toEqual({ ...before, dryRun: false });
    const files = after?.['files'] as readonly { readonly path: string }[] | undefined;
    const planned = (files ?? []).map((file) => file.path);
    const onDisk = readdirSync(join(cwd, 'my-app'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(cwd.length + '/my-app/'.length));
    expect(onDisk.toSorted()).toEqual(planned.toSorted());
  });

  test('as text names each file on stdout', () => {
    const { stdout, status } = createPipeline(['my-app', ...ANSWERS, '--dry-run']);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^pipeline\.ts +\d/m);
    expect(stdout).toContain('Nothing was written');
  });
});

describe('writing', () => {
  test('tells the next steps on stdout and the rest on stderr', () => {
    const { stdout, stderr, status } = createPipeline(['it is "mine"', ...ANSWERS, '--no-install']);
    expect(status).toBe(0);
    expect(stdout).toContain(`  cd 'it is "mine"'\n  npm install\n  npm start\n  npm test\n`);
    expect(stdout).toContain('micro-batch is recommended.');
    expect(stderr).toMatch(/^writing \d+ files \.\.\. [\d.]+(ms|s)\n$/);
    expect(existsSync(join(cwd, 'it is "mine"', '.git'))).toBe(true);
  });

  test('with --yes and no answers uses the example that fits the template, and prints it', () => {
    const { stdout, stderr, status } = createPipeline([
      'my-app',
      '--yes',
      '--no-install',
      '--format',
      'json',
    ]);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ architecture: 'micro-batch', answers: { freshness: '15m' } });
    expect(stderr).toContain('freshness: 15m');
  });

  test('with --architecture takes that one and records the advice', () => {
    const { stdout } = createPipeline([
      'my-app',
      ...ANSWERS,
      '--architecture',
      'kappa',
      '--no-install',
      '--format',
      'json',
    ]);
    expect(JSON.parse(stdout)).toMatchObject({
      architecture: 'kappa',
      recommendation: 'micro-batch',
      overridden: true,
    });
    expect(readFileSync(join(cwd, 'my-app/DECISION.md'), 'utf8')).toContain('against the advice');
    expect(readFileSync(join(cwd, 'my-app/pipeline.config.yaml'), 'utf8')).toMatch(/^architecture: kappa/m);
  });

  test('reads answers from a file; the file of a project gives that project again', () => {
    createPipeline(['one', ...ANSWERS, '--no-install', '--no-git']);
    createPipeline(['two', '--answers', 'one/answers.yaml', '--no-install', '--no-git']);
    for (const file of ['answers.yaml', 'DECISION.md', 'pipeline.ts', 'pipeline.config.yaml']) {
      expect(readFileSync(join(cwd, 'two', file), 'utf8')).toBe(readFileSync(join(cwd, 'one', file), 'utf8'));
    }
  });

  test('makes no repository inside another one', () => {
    spawnSync('git', ['init', '--quiet'], { cwd });
    const { stdout } = createPipeline(['my-app', ...ANSWERS, '--no-install', '--format', 'json']);
    expect(JSON.parse(stdout)).toMatchObject({ git: 'inside another' });
    expect(existsSync(join(cwd, 'my-app/.git'))).toBe(false);
  });

  test('goes on without git', () => {
    const { stdout, status } = createPipeline(['my-app', ...ANSWERS, '--no-install', '--format', 'json'], {
      PATH: cwd,
    });
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ git: 'no git' });
  });

  test('into the folder one stands in, beside its repository', () => {
    spawnSync('git', ['init', '--quiet'], { cwd });
    expect(createPipeline(['.', ...ANSWERS, '--no-install']).status).toBe(0);
    expect(everything()).toEqual(expect.arrayContaining(['.git', 'pipeline.ts', '.pipeline/generated.json']));
    expect(everything().filter((path) => path.startsWith('.create-pipeline'))).toEqual([]);
  });
});

describe('is refused with exit 2, an empty stdout and nothing written', () => {
  test.each([
    ['no DIR', [...ANSWERS], 'DIR'],
    ['no answers', ['my-app'], '--freshness, --lateness-max, --reprocessing-every, --maturity'],
    ['some answers with --yes', ['my-app', '--yes', '--freshness', '15m'], '--lateness-max'],
    [
      'a bare number',
      ['my-app', ...ANSWERS, '--freshness', '15'],
      '--freshness: "15" has no unit: say 15m or 15s',
    ],
    ['an unknown flag', ['my-app', ...ANSWERS, '--archtecture', 'kappa'], '--architecture'],
    ['an unknown architecture', ['my-app', ...ANSWERS, '--architecture', 'kapa'], 'Did you mean "kappa"?'],
    ['an unknown template', ['my-app', ...ANSWERS, '--template', 'clicks'], 'There is: flights.'],
    ['--connect', ['my-app', ...ANSWERS, '--connect', 'kafka'], 'not available in this version'],
    ['--deploy', ['my-app', ...ANSWERS, '--deploy', 'docker'], 'not available in this version'],
    [
      'an unknown package manager',
      ['my-app', ...ANSWERS, '--package-manager', 'cargo'],
      'npm, pnpm, yarn, bun',
    ],
    ['an absent package manager', ['my-app', ...ANSWERS, '--package-manager', 'yarn'], '--no-install'],
    ['--start without installing', ['my-app', ...ANSWERS, '--start', '--no-install'], 'exclude each other'],
    ['--once alone', ['my-app', ...ANSWERS, '--once'], '--start'],
    ['a port that is none', ['my-app', ...ANSWERS, '--start', '--port', '70000'], '0 to 65535'],
    ['an unknown format', ['my-app', ...ANSWERS, '--format', 'xml'], 'json'],
    ['a second DIR', ['my-app', 'other', ...ANSWERS], 'arguments'],
    ['an answers file that is absent', ['my-app', '--answers', 'absent.yaml'], 'absent.yaml'],
  ])('%s', (_, args, says) => {
    const { status, stdout, stderr } = createPipeline(args, args.includes('yarn') ? { PATH: cwd } : {});
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(says);
    expect(stderr).not.toMatch(/^ {4}at /m);
    expect(everything()).toEqual([]);
  });

  test('a folder that is not empty, a link, a file', () => {
    mkdirSync(join(cwd, 'full'));
    writeFileSync(join(cwd, 'full/mine.txt'), 'mine');
    symlinkSync('full', join(cwd, 'link'));
    const before = everything();
    for (const name of ['full', 'link', 'link/new', 'full/mine.txt']) {
      const { status, stdout } = createPipeline([name, ...ANSWERS]);
      expect({ name, status, stdout }).toEqual({ name, status: 2, stdout: '' });
    }
    expect(everything()).toEqual(before);
    expect(readFileSync(join(cwd, 'full/mine.txt'), 'utf8')).toBe('mine');
  });

  test('a project that is there already, and other answers for it', () => {
    createPipeline(['my-app', ...ANSWERS, '--no-install', '--no-git']);
    const before = everything();
    const again = createPipeline(['my-app', ...ANSWERS]);
    expect(again.status).toBe(2);
    expect(again.stderr).toContain('npm start');
    const other = createPipeline(['my-app', ...ANSWERS, '--freshness', '1d', '--start']);
    expect(other.status).toBe(2);
    expect(other.stderr).toContain('freshness');
    expect(createPipeline(['my-app', '--architecture', 'batch', '--start', '--yes']).stderr).toContain(
      'architecture',
    );
    expect(everything()).toEqual(before);
  });
});

describe('a run that fails or is interrupted leaves nothing behind', () => {
  /** A package manager of ours in front of the path: `body` is what it does. */
  function fakeNpm(body: string): NodeJS.ProcessEnv {
    mkdirSync(join(cwd, 'bin'));
    writeFileSync(join(cwd, 'bin/npm'), `#!${process.execPath}\n${body}`, { mode: 0o755 });
    return { PATH: [join(cwd, 'bin'), process.env['PATH']].join(delimiter) };
  }

  test('an install that fails: exit 1, its last words, and how to go on', () => {
    const env = fakeNpm(
      `require('fs').writeFileSync('half', ''); console.error('no network here'); process.exit(7);`,
    );
    const { status, stderr } = createPipeline(['parent/my-app', ...ANSWERS], env);
    expect(status).toBe(1);
    expect(stderr).toMatch(/npm install.*exit code 7/);
    expect(stderr).toContain('no network here');
    expect(stderr).toContain('--no-install');
    expect(everything()).toEqual(['bin', 'bin/npm']);
  });

  test.each(['SIGINT', 'SIGTERM'] as const)('%s while installing: exit 130', async (signal) => {
    const env = fakeNpm(`process.kill(process.ppid, '${signal}'); setInterval(() => {}, 1000);`);
    const child = spawn(process.execPath, [bundled.file, 'my-app', ...ANSWERS], {
      cwd,
      env: { ...process.env, npm_execpath: '', ...env },
    });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const code = await new Promise((resolve) => child.once('close', resolve));
    expect(code).toBe(130);
    expect(stderr).toContain('interrupted');
    expect(everything()).toEqual(['bin', 'bin/npm']);
  });

  test('a project that is there is started again with what `--start` forwards', () => {
    createPipeline(['my-app', ...ANSWERS, '--no-install', '--no-git']);
    const env = fakeNpm(
      `console.log('ran', JSON.stringify(process.argv.slice(2)), process.cwd()); process.exit(process.argv.includes('start') ? 5 : 0);`,
    );
    const { status, stdout, stderr } = createPipeline(
      ['my-app', ...ANSWERS, '--start', '--once', '--port', '0'],
      env,
    );
    expect(stderr).toContain('Starting it again');
    expect(stdout).toBe(
      `ran ["--loglevel=error","start","--","--once","--port","0"] ${join(cwd, 'my-app')}\n`,
    );
    expect(status).toBe(5);
  });
});

test('lists its templates', () => {
  expect(createPipeline(['--template'])).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^flights /),
  });
  const { stdout } = createPipeline(['--template', '--format', 'json']);
  expect(JSON.parse(stdout)).toMatchObject({ version: 1, templates: [{ name: 'flights' }] });
});

test('--help and --version work', () => {
  expect(createPipeline(['--version'])).toMatchObject({ status: 0, stdout: '0.1.0\n' });
  expect(createPipeline(['--help']).stdout).toContain('--lateness-max');
});

test.each([
  ['plain-name', 'plain-name'],
  ['two words', `'two words'`],
  [`it's`, String.raw`'it'\''s'`],
  ['$(touch x)', `'$(touch x)'`],
  ['-rf', './-rf'],
  ['~', `'~'`],
])('a shell reads %j as one word', (name, quoted) => {
  expect(shellQuoted(name)).toBe(quoted);
});

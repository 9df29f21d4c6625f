/** The built command line as a stranger meets it: exit codes, streams, files, no terminal. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const program = join(import.meta.dirname, '..', '..', 'dist', 'advisor.js');
const NEEDED = [
  '--freshness',
  '15m',
  '--lateness-max',
  '10m',
  '--reprocessing-every',
  'monthly',
  '--maturity',
  'novice',
];

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'advisor-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function advisor(args: readonly string[], input = '', env: Record<string, string> = {}) {
  const run = spawnSync(process.execPath, [program, ...args], {
    cwd: folder,
    input,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] ?? '', ...env },
  });
  return { args, code: run.status, out: run.stdout, err: run.stderr };
}

function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return name;
}

describe('recommend', () => {
  test('prints the verdict to stdout and nothing to stderr, without colour in a pipe', () => {
    const run = advisor(['recommend', ...NEEDED], '', { FORCE_COLOR: '0' });
    expect(run).toMatchObject({ code: 0, err: '' });
    expect(run.out.startsWith('micro-batch\n')).toBe(true);
    expect(run.out).not.toContain('\u001b[');
  });

  test.each([
    [
      'an answer',
      ['recommend', ...NEEDED, '--freshness', '\u001b[31m\u009b2J5s\r\u0007'],
      'is not a duration',
    ],
    ['a flag', ['recommend', '--fresh\u001b[31mness', '5s'], 'unknown option'],
    ['a command', ['expl\u001b[2Jain'], 'unknown command'],
  ])('a message that quotes %s does not move the cursor or colour the screen', (_, args, says) => {
    const run = advisor(args);
    expect(run).toMatchObject({ code: 2, out: '' });
    expect(run.err).toContain(says);
    expect(run.err.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
  });

  test.each([
    ['a list', '- 1\n'],
    ['a text', 'fresh\n'],
    ['a number', '15\n'],
  ])('an answers file that is %s is told what it should be', (_, text) => {
    const run = advisor(['recommend', '--answers', '-'], text);
    expect(run).toMatchObject({ code: 2, out: '' });
    expect(run.err).toBe(
      'error stdin:1:1: a key and its value are expected on each line, such as "freshness: …"\n',
    );
  });

  test('prints one JSON document', () => {
    const run = advisor(['recommend', ...NEEDED, '--format', 'json']);
    expect(run).toMatchObject({ code: 0, err: '' });
    expect(Object.keys(JSON.parse(run.out) as object).join(' ')).toBe(
      'version answers defaulted recommendation possible settings candidates because conflicts flips sources',
    );
  });

  test('reads a file and stdin, YAML and JSON; flags beat the file', () => {
    const yaml =
      'freshness: 15m\nlateness: { max: 10m }\nreprocessing: { every: monthly }\nmaturity: novice\n';
    const verdict = (run: { out: string }) =>
      (JSON.parse(run.out) as { recommendation: string }).recommendation;
    const json = ['--format', 'json'];
    expect(verdict(advisor(['recommend', '--answers', file('a.yaml', yaml), ...json]))).toBe('micro-batch');
    expect(verdict(advisor(['recommend', '--answers', '-', ...json], yaml))).toBe('micro-batch');
    expect(verdict(advisor(['recommend', '--answers', 'a.yaml', '--freshness', '1d', ...json]))).toBe(
      'batch',
    );
    const answers = JSON.stringify({
      freshness: '30s',
      lateness: { max: '1s' },
      reprocessing: { every: 'never' },
      maturity: 'expert',
    });
    expect(verdict(advisor(['recommend', '--answers', '-', ...json], answers))).toBe('streaming');
  });

  test('without a terminal a missing answer is exit 2 with its flag, and nothing is asked', () => {
    const run = advisor(['recommend', '--freshness', '15m']);
    expect(run).toMatchObject({ code: 2, out: '' });
    expect(run.err).toContain('missing answers: --lateness-max, --reprocessing-every, --maturity');
  });

  test.each([
    ['a bare number', 'freshness: 15\n', 'bad.yaml:1:1: freshness: 15 has no unit: say 15m or 15s'],
    [
      'an unknown key',
      'lateness:\n  maxx: 10m\n',
      'bad.yaml:2:3: unknown key "lateness.maxx". Did you mean "max"?',
    ],
    ['a key twice', 'freshness: 1m\nfreshness: 2m\n', 'bad.yaml:2:1'],
    ['deep nesting', '['.repeat(5000), 'bad.yaml:1:1: brackets nest deeper'],
    ['a huge file', `# ${'x'.repeat(1_100_000)}\n`, 'over 1 MB'],
    ['a list', '- freshness\n', 'bad.yaml:1:1'],
    ['not YAML', 'freshness: [1m\n', 'bad.yaml:'],
    ['nothing of use', 'freshness: null\n', 'bad.yaml:1:1: freshness: is not a duration'],
    [
      'files without a schedule',
      'freshness: 1h\narrival: files\n',
      'bad.yaml:2:1: arrival: files needs arrivalEvery',
    ],
    [
      'latest before usual',
      'lateness:\n  typical: 1h\n  max: 10m\n',
      'bad.yaml:2:3: lateness.max 10m is less than',
    ],
  ])('%s is exit 2 with its place', (_, text, message) => {
    const run = advisor(['recommend', '--answers', file('bad.yaml', text), '--output', 'never.txt']);
    expect(run).toMatchObject({ code: 2, out: '' });
    expect(run.err).toContain(message);
    expect(run.err).not.toMatch(/^\s+at /m);
    expect(existsSync(join(folder, 'never.txt'))).toBe(false);
  });

  test('all problems of the file and the flags are told at once', () => {
    const run = advisor([
      'recommend',
      '--answers',
      file('many.yaml', 'freshness: 15\nmaturity: novise\n'),
      '--lateness-max',
      '10q',
      '--volume-keys',
      'x',
    ]);
    expect(run.code).toBe(2);
    for (const part of ['many.yaml:1:1', 'many.yaml:2:1', '--lateness-max:', '--volume-keys:'])
      expect(run.err).toContain(part);
  });

  test('a huge stdin is refused', () => {
    expect(advisor(['recommend', '--answers', '-'], '#'.repeat(3_000_000))).toMatchObject({
      code: 2,
      out: '',
    });
  });

  test('a file that is not there, a folder, a format that is not one, an unknown flag: exit 2', () => {
    expect(advisor(['recommend', '--answers', 'nowhere.yaml']).err).toContain('nowhere.yaml: cannot be read');
    for (const args of [
      ['--answers', '.'],
      [...NEEDED, '--format', 'xml'],
      [...NEEDED, '--freshnes', '1m'],
      [...NEEDED, '--output', 'no/such/folder.txt'],
      [...NEEDED, '--output', '.'],
    ]) {
      expect(advisor(['recommend', ...args])).toMatchObject({
        args: ['recommend', ...args],
        code: 2,
        out: '',
      });
    }
  });

  test.each(['text', 'json', 'markdown', 'html'])(
    '--output writes %s to a file, whole, and leaves nothing beside it',
    (format) => {
      const run = advisor(['recommend', ...NEEDED, '--format', format, '--output', `out.${format}`]);
      expect(run).toMatchObject({ code: 0, out: '', err: `written to out.${format}\n` });
      const same = advisor(['recommend', ...NEEDED, '--format', format]).out;
      expect(readFileSync(join(folder, `out.${format}`), 'utf8')).toBe(same);
      expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([]);
    },
  );

  test('a reader that stops early is not an error', () => {
    const run = spawnSync(
      'sh',
      ['-c', `"${process.execPath}" "${program}" recommend ${NEEDED.join(' ')} | head -c 1`],
      { encoding: 'utf8' },
    );
    expect(run).toMatchObject({ status: 0, stderr: '', stdout: 'm' });
  });
});

describe('questions, explain, help', () => {
  test('questions are text, Markdown and a JSON Schema', () => {
    expect(advisor(['questions']).out).toContain('Why: ');
    expect(advisor(['questions', '--format', 'markdown']).out).toContain('| `freshness` |');
    expect(JSON.parse(advisor(['questions', '--format', 'json']).out)).toMatchObject({
      required: ['freshness', 'lateness', 'reprocessing', 'maturity'],
    });
  });

  test('explain tells one architecture, and refuses another word', () => {
    expect(advisor(['explain', 'kappa'])).toMatchObject({ code: 0, err: '' });
    expect(JSON.parse(advisor(['explain', 'lambda', '--format', 'json']).out)).toMatchObject({
      version: 1,
      architecture: 'lambda',
    });
    const run = advisor(['explain', 'lamda']);
    expect(run).toMatchObject({ code: 2, out: '' });
    expect(run.err).toContain('Did you mean "lambda"?');
  });

  test('--help and --version work everywhere', () => {
    for (const args of [
      ['--help'],
      ['recommend', '--help'],
      ['questions', '--help'],
      ['explain', '--help'],
      ['--version'],
    ]) {
      const run = advisor(args);
      expect(run).toMatchObject({ args, code: 0, err: '' });
      expect(run.out).not.toBe('');
    }
    expect(advisor(['recommend', '--help']).out).toContain('--volume-events-per-second');
  });

  test('no command, an unknown command and a missing argument are exit 2', () => {
    for (const args of [[], ['recomend'], ['explain']])
      expect(advisor(args)).toMatchObject({ args, code: 2, out: '' });
  });
});

/** The skill file is exact: what it shows runs, and what it names exists. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { QUESTIONS } from '../../src/advisor/questions.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const FILE = readFileSync(join(ROOT, 'skills', 'pipeline-advisor', 'SKILL.md'), 'utf8');
/** In the order of the file: the profile writes the answers that later commands read. */
const COMMANDS = [...FILE.matchAll(/```sh\n([^]*?)```/g)].flatMap(([, block = '']) =>
  block.trim().split('\n'),
);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'skill-'));
  cpSync(join(ROOT, 'templates', 'base', 'sample', 'flights.jsonl'), join(folder, 'flights.jsonl'));
  const lines = readFileSync(join(folder, 'flights.jsonl'), 'utf8')
    .split('\n', 500)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const events = lines.map(({ scheduled, arrived, origin }) => ({
    at: scheduled,
    received: arrived,
    user: origin,
  }));
  writeFileSync(join(folder, 'events.jsonl'), events.map((event) => `${JSON.stringify(event)}\n`).join(''));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(program: string, args: readonly string[]) {
  const ran = spawnSync(process.execPath, [join(ROOT, 'dist', `${program}.js`), ...args], {
    cwd: folder,
    encoding: 'utf8',
  });
  return { code: ran.status, out: ran.stdout, err: ran.stderr };
}

test('advisor skill prints it', () => {
  expect(run('advisor', ['skill'])).toEqual({ code: 0, out: FILE, err: '' });
});

test('it has the front matter that agents look for, and is short', () => {
  const head = parse(/^---\n([^]*?)\n---\n/.exec(FILE)?.[1] ?? '') as Record<string, string>;
  expect(Object.keys(head)).toEqual(['name', 'description']);
  expect(head['name']).toMatch(/^[a-z0-9-]{1,64}$/);
  expect(head['description']?.length).toBeLessThan(1024);
  expect(FILE.split('\n').length).toBeLessThan(100);
});

test('every command that it shows runs', () => {
  expect(COMMANDS.length).toBeGreaterThan(3);
  for (const command of COMMANDS) {
    const [program = '', ...args] = command.split(' ');
    const needed = command.includes('--answers') ? NEEDED : [];
    const ran = run(program, [
      ...args,
      ...(program === 'create-pipeline' ? ['--dry-run', ...needed] : needed),
    ]);
    expect([command, ran.code, ran.err]).toEqual([command, 0, expect.not.stringMatching(/error/i)]);
  }
}, 120_000);

/** What the profile cannot know. */
const NEEDED = ['--freshness', '15m', '--reprocessing-every', 'monthly', '--maturity', 'novice'];

test('every flag that it names is one, and every member of the document is in the schema', () => {
  const flags = new Set([
    ...QUESTIONS.map(({ flag }) => flag),
    '--output',
    '--write',
    '--format',
    '--answers',
    '--yes',
    '--no-install',
    '--x',
    '--y',
    '--event-time',
    '--arrival-time',
    '--key',
  ]);
  for (const [flag] of FILE.matchAll(/(?<=[\s`])--[a-z][a-z-]*/g)) expect(flags).toContain(flag);
  const schema = run('advisor', ['schema', 'recommendation']).out;
  for (const name of [
    'recommendation',
    'possible',
    'undecided',
    'candidates',
    'violations',
    'conflicts',
    'flips',
    'defaulted',
  ]) {
    expect(FILE).toContain(name);
    expect(schema).toContain(`"${name}"`);
  }
});

/** The interview as a person has it: the built command in a terminal that tmux gives it, driven by keys. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');
const hasTmux = spawnSync('tmux', ['-V']).status === 0;
if (!hasTmux) console.warn('tmux is not installed: the interview in a real terminal is not tested');

const folder = mkdtempSync(join(tmpdir(), 'advisor-tmux-'));
const socket = join(folder, 'socket');
let count = 0;
let session = '';

function tmux(...args: readonly string[]): string {
  const { stdout, stderr, status } = spawnSync('tmux', ['-S', socket, '-f', '/dev/null', ...args], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`tmux ${args.join(' ')}: ${stderr}`);
  return stdout;
}

/** Starts the command in a window of its own, in an empty folder, and prints its exit code when it ends. */
function start(environment: string, command: string): string {
  const work = mkdtempSync(join(folder, 'work-'));
  const line = `cd '${work}' && env -u CI ${environment} ${command}; echo "exit $?"; exec sh`;
  tmux('new-session', '-d', '-s', session, '-x', '90', '-y', '50', 'sh', '-c', line);
  return work;
}

const screen = (): string => tmux('capture-pane', '-p', '-S', '-200', '-t', session);

async function shows(text: string): Promise<string> {
  await expect.poll(screen, { timeout: 60_000, interval: 100 }).toContain(text);
  return screen();
}

/** Types once the question is there, for the so-many-th time. */
async function answer(question: string, keys: readonly string[], times = 1): Promise<void> {
  await expect
    .poll(() => screen().split(question).length - 1, { timeout: 60_000, interval: 100 })
    .toBeGreaterThanOrEqual(times);
  tmux('send-keys', '-t', session, ...keys);
}

const RECOMMEND = `'${process.execPath}' '${join(ROOT, 'dist', 'advisor.js')}' recommend`;

describe.skipIf(!hasTmux)('in a terminal', () => {
  beforeEach(() => {
    session = `interview-${count++}`;
  });
  afterAll(() => {
    spawnSync('tmux', ['-S', socket, 'kill-server']);
    rmSync(folder, { recursive: true, force: true });
  });

  test('four answers, one taken back, lead to a recommendation', async () => {
    start('', RECOMMEND);
    await answer('1 of 4', ['1d', 'Enter']);
    await answer('2 of 4', ['<', 'Enter']);
    await answer('1 of 4', ['5m', 'Enter'], 2);
    await answer('2 of 4', ['10m', 'Enter'], 2);
    await answer('3 of 4', ['Enter']);
    await answer('4 of 4', ['Down', 'Enter']);
    await answer('Is this right?', ['Enter']);
    expect(await shows('exit 0')).toContain('What would change it');
  });

  test('Ctrl-C leaves nothing and exits with 130', async () => {
    const work = start('', `${RECOMMEND} --output decision.txt`);
    await answer('1 of 4', ['5m', 'Enter']);
    await answer('2 of 4', ['C-c']);
    await shows('exit 130');
    expect(readdirSync(work)).toEqual([]);
  });

  test('a dumb terminal is asked line by line, and Ctrl-C is 130 there, too', async () => {
    start('TERM=dumb', RECOMMEND);
    await answer('Question 1 of 4', ['5m', 'Enter']);
    await answer('Question 2 of 4', ['10m', 'Enter']);
    await answer('Question 3 of 4', ['4', 'Enter']);
    await answer('Question 4 of 4', ['2', 'Enter']);
    await answer('Enter takes them', ['Enter']);
    expect(await shows('exit 0')).toContain('micro-batch');
    session = `interview-${count++}`;
    start('TERM=dumb', RECOMMEND);
    await answer('Question 1 of 4', ['C-c']);
    await shows('exit 130');
  });
});

/** `advisor prove` as a stranger meets it: the same bytes for the same seed, real events, bad input, Ctrl-C. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Proof } from '../../src/advisor/prove/proof.ts';

const program = join(import.meta.dirname, '..', '..', 'dist', 'advisor.js');
const NEEDED = ['--freshness', '2m', '--reprocessing-every', 'monthly', '--maturity', 'expert'];
const SMALL = [
  ...NEEDED,
  '--lateness-max',
  '5m',
  '--volume-events-per-second',
  '0.004',
  '--volume-keys',
  '5',
];

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'prove-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function prove(...args: readonly string[]): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, 'prove', ...args], {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] ?? '' },
  });
  return { code: status, out: stdout, err: stderr };
}

test('one document, byte for byte the same for the same seed', { timeout: 300_000 }, () => {
  const [one, again, other] = ['7', '7', '8'].map((seed) =>
    prove(...SMALL, '--format', 'json', '--seed', seed),
  );
  expect(one).toMatchObject({ code: 0, err: '' });
  expect(again?.out).toBe(one?.out);
  const proofs = [one, other].map((run) => JSON.parse(run?.out ?? '') as Proof);
  for (const { architectures, law, seed } of proofs) {
    expect(law.holds, `seed ${seed}`).toBe(true);
    expect(architectures.map(({ architecture }) => architecture)).toEqual([
      'batch',
      'micro-batch',
      'streaming',
      'kappa',
      'lambda',
    ]);
  }
  expect(proofs[0]?.law.digest).not.toBe(proofs[1]?.law.digest);
});

test(
  'real events say what they can of the answers, and are the same in every format',
  { timeout: 300_000 },
  () => {
    const events = Array.from({ length: 400 }, (_, index) => ({
      at: new Date(Date.UTC(2024, 0, 1) + index * 30_000 - (index % 50 === 0 ? 900_000 : 0)).toISOString(),
      got: new Date(Date.UTC(2024, 0, 1) + index * 30_000 + 2000).toISOString(),
      user: `u${index % 9}`,
    }));
    const jsonl = events.map((event) => `${JSON.stringify(event)}\n`).join('');
    const csv = `at,got,user\n${events.map(({ at, got, user }) => `${at},${got},${user}\n`).join('')}`;
    writeFileSync(join(folder, 'events.jsonl'), jsonl);
    writeFileSync(join(folder, 'events.csv'), csv);
    const fields = ['--event-time', 'at', '--arrival-time', 'got', '--key', 'user', '--format', 'json'];
    const [fromLines, fromCsv] = ['events.jsonl', 'events.csv'].map((file) => {
      const run = prove('--events', file, ...fields, ...NEEDED, '--volume-bytes-per-event', '100');
      expect(run).toMatchObject({ code: 0, err: '' });
      return JSON.parse(run.out) as Proof;
    });
    expect(fromLines?.workload).toMatchObject({
      from: 'events.jsonl',
      events: 400,
      oneIn: 1,
      simulatedEvents: 400,
    });
    expect(fromLines?.answers.volume.keys).toBe(9);
    expect(fromLines?.answers.lateness.typical).toBe('2.1s');
    expect(fromCsv?.law.rows).toBe(fromLines?.law.rows);
    expect(fromLines?.architectures.map(({ measured }) => measured.late.events)).toEqual(
      fromCsv?.architectures.map(({ measured }) => measured.late.events),
    );
  },
);

describe('bad input is exit 2, and nothing is written', () => {
  test.each([
    [['--seed', '-1', ...SMALL], 'a whole number'],
    [['--seed', '1.5', ...SMALL], 'a whole number'],
    [[...NEEDED], '--lateness-max'],
    [['--event-time', 'at', ...SMALL], '--events FILE'],
    [['--events', 'x.jsonl', ...SMALL], '--event-time FIELD'],
    [['--events', 'not-there.jsonl', '--event-time', 'at', ...SMALL], 'not-there.jsonl'],
    [['--events', 'empty.jsonl', '--event-time', 'at', ...SMALL], 'holds no event'],
    [['--events', 'some.jsonl', '--event-time', 'att', ...SMALL], 'Did you mean "at"?'],
    [['--format', 'pdf', ...SMALL], 'Allowed choices are text, json, html'],
    [['--output', 'no/such/folder.json', '--horizon', '1d', ...SMALL], 'unknown option'],
  ])('%j', (args, says) => {
    writeFileSync(join(folder, 'empty.jsonl'), '');
    writeFileSync(join(folder, 'some.jsonl'), '{"at":"2024-01-01T00:00:00Z"}\n');
    const before = readdirSync(folder);
    const run = prove('--output', 'proof.json', ...args);
    expect(run).toMatchObject({ code: 2, out: '' });
    expect(run.err).toContain(says);
    expect(run.err).not.toContain('    at ');
    expect(readdirSync(folder)).toEqual(before);
  });
});

test('Ctrl-C ends it with 130 and leaves nothing', { timeout: 60_000 }, async () => {
  const before = readdirSync(folder);
  const large = [...NEEDED, '--lateness-max', '5m', '--output', 'proof.txt'];
  const child = spawn(process.execPath, [program, 'prove', ...large], { cwd: folder });
  let err = '';
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  // It says at once what it is at.
  child.stderr.once('data', () => child.kill('SIGINT'));
  const [code] = (await once(child, 'close')) as [number];
  expect({ code, err }).toEqual({ code: 130, err: expect.stringMatching(/^simulating .*\ninterrupted\n$/) });
  expect(readdirSync(folder)).toEqual(before);
});

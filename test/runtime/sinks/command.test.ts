/** Sinks of a project, through the command: delivered, shown, checked, filled anew after a restore. */
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { LiveReceiver } from '../../live/receiver.ts';
import { TestProject } from '../crash/project.ts';
import { filesIn, newestManifest } from './read-files.ts';

let project: TestProject | undefined;
afterEach(() => project?.remove());

const CONFIG = `architecture: micro-batch
sinks:
  - { view: delays, every: 0s, to: { files: out/delays, format: csv } }
`;

function open(config = CONFIG): TestProject {
  project = new TestProject(config);
  return project;
}

const event = (n: number): string =>
  `${JSON.stringify({ origin: 'ATL', destination: `D${n}`, scheduled: '2001-01-16T08:00:00Z', delay: n })}\n`;

async function feed(p: TestProject, ...numbers: readonly number[]): Promise<void> {
  const { code, stderr } = await p.run(['ingest', '-', '--source', 'flights'], numbers.map(event).join(''));
  expect([code, stderr]).toEqual([0, expect.stringContaining('accepted')]);
}

describe('a project with a sink', () => {
  it('delivers on `run --once`, and says so', async () => {
    const p = open();
    await feed(p, 1, 2, 3);
    const before = JSON.parse((await p.run(['check', '--format', 'json'])).stdout) as { holds: boolean };
    expect(before.holds).toBe(true);
    expect(existsSync(join(p.folder, 'out'))).toBe(false);
    expect((await p.run(['run', '--once'])).code).toBe(0);
    const folder = join(p.folder, 'out/delays');
    expect(newestManifest(folder)?.files).toMatchObject([{ rows: 1 }]);
    const { stdout: text } = await p.run(['status']);
    expect(text).toMatch(
      /sink delays_files +files .*out\/delays, exactly-once: has everything, last delivery 2/,
    );
    const { sinks } = JSON.parse((await p.run(['status', '--format', 'json'])).stdout) as { sinks: unknown };
    expect(sinks).toMatchObject([{ name: 'delays_files', guarantee: 'exactly-once', lagEvents: 0 }]);
    const { stdout } = await p.run(['check']);
    expect(stdout).toMatch(/ok +sink delays_files: files .*out\/delays, exactly-once/);
  });

  it('`check` says what is wrong with it, and exits 3', async () => {
    const p = open();
    mkdirSync(join(p.folder, 'out/delays'), { recursive: true });
    writeFileSync(join(p.folder, 'out/delays/thesis.txt'), 'years of work');
    const { code, stdout } = await p.run(['check']);
    expect(code).toBe(3);
    expect(stdout).toMatch(/FIX +sink delays_files: .*it holds "thesis.txt" and no manifest/);
    await feed(p, 1);
    const run = await p.run(['run', '--once']);
    expect([run.code, run.stderr]).toEqual([2, expect.stringContaining('it holds "thesis.txt"')]);
    expect(filesIn(join(p.folder, 'out/delays'))).toEqual(['thesis.txt']);
  });

  it('over HTTP is labelled at-least-once wherever it is shown; what is refused ends the run, and comes again', async () => {
    const receiver = await LiveReceiver.start();
    const p = open(`architecture: streaming
sinks:
  - { view: delays, to: { http: '${receiver.url}', headers: { authorization: 'Bearer \${TEST_TOKEN}' } } }
`);
    p.write('.env', 'TEST_TOKEN=not-to-be-seen\n');
    await feed(p, 1, 2, 3);
    const { stdout: check } = await p.run(['check']);
    expect(check).toMatch(/ok +sink delays_http: POST http:\/\/127\.0\.0\.1:\d+\/rows, at-least-once/);
    receiver.onRequest = (heard, response) => {
      response.writeHead(400).end(`bad: ${heard.headers.authorization}`);
      return true;
    };
    const refused = await p.run(['run', '--once']);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('it answered 400: bad: …')]);
    receiver.onRequest = () => false;
    expect((await p.run(['run', '--once'])).code).toBe(0);
    expect(receiver.state.problems).toEqual([]);
    expect(receiver.state.complete?.content).toMatchObject([{ origin: 'ATL', flights: 3 }]);
    expect(receiver.heard.at(-1)?.headers.authorization).toBe('Bearer not-to-be-seen');
    const { stdout: text } = await p.run(['status']);
    expect(text).toMatch(/sink delays_http +POST http:.*, at-least-once: has everything, last delivery 2/);
    const { stdout: json } = await p.run(['status', '--format', 'json']);
    expect((JSON.parse(json) as { sinks: unknown }).sinks).toMatchObject([
      { name: 'delays_http', kind: 'http', guarantee: 'at-least-once', lagEvents: 0, waitingRows: 0 },
    ]);
    expect(`${check}${refused.stderr}${text}${json}`).not.toContain('not-to-be-seen');
    await receiver.stop();
  });

  it('a view that is not there names the nearest, and exits 2', async () => {
    const p = open(CONFIG.replace('view: delays', 'view: delay'));
    const { code, stderr } = await p.run(['run', '--once']);
    expect([code, stderr]).toEqual([2, expect.stringContaining('Did you mean "delays"?')]);
  });

  it('data that were restored take the sink over and fill it anew; those they were taken from are refused', async () => {
    const p = open();
    const folder = join(p.folder, 'out/delays');
    await feed(p, 1, 2);
    await p.run(['run', '--once']);
    expect((await p.run(['snapshot', '--to', 'copies'])).code).toBe(0);
    await feed(p, 3, 4);
    await p.run(['run', '--once']);
    const before = newestManifest(folder);
    expect(before?.position).toBe(4);
    renameSync(join(p.folder, 'data'), join(p.folder, 'older'));
    expect((await p.run(['restore', '--from', 'copies'])).code).toBe(0);
    expect((await p.run(['run', '--once'])).code).toBe(0);
    const after = newestManifest(folder);
    expect(after?.position).toBe(2);
    expect(after?.sequence).toBeGreaterThan(before?.sequence ?? Infinity);
    renameSync(join(p.folder, 'data'), join(p.folder, 'restored'));
    renameSync(join(p.folder, 'older'), join(p.folder, 'data'));
    const { code, stderr } = await p.run(['run', '--once']);
    expect([code, stderr]).toEqual([2, expect.stringContaining('it is filled from other data')]);
    expect(newestManifest(folder)).toEqual(after);
  });
});

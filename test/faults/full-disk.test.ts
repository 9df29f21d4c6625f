/**
 * A small disk that fills up under a running pipeline: with a reserve it refuses events, says so everywhere and goes on by
 * itself; without one it meets the end of the disk, and then nothing acknowledged is lost and the process ends.
 */
import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { afterEach, describe, expect, it } from 'vitest';
import { TestProject } from '../runtime/crash/project.ts';
import { Mounts } from './mounts.ts';
import { post, startRun } from './running.ts';

const reason = Mounts.unavailable();
if (reason !== undefined) process.stderr.write(`no small disk: ${reason}\n`);

let project: TestProject | undefined;
let mounts: Mounts | undefined;
afterEach(() => {
  mounts?.remove();
  project?.remove();
});

/** A project whose data is on a disk of its own. */
function open(size: string, reserve: string): TestProject {
  mounts = new Mounts();
  project = new TestProject(
    `architecture: streaming\ntrigger: { every: 20ms }\ndisk: { reserve: ${reserve} }\n`,
  );
  mounts.tmpfs(join(project.folder, 'data'), size);
  return project;
}

const EVENT = { origin: 'ATL', destination: 'SAV', scheduled: '2001-01-16T23:58:00Z', delay: 7 };

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

async function ask(url: string, path: string, event?: unknown): Promise<Answer> {
  const sent = {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(event),
  };
  const response = await fetch(`${url}${path}`, event === undefined ? {} : sent);
  const text = await response.text();
  return { status: response.status, body: text.startsWith('{') ? JSON.parse(text) : { text } };
}

/** Leaves so many bytes of the disk. */
function fill(p: TestProject, leftBytes: number): string {
  const filler = join(p.folder, 'data', '.filler');
  const { bavail, bsize } = statfsSync(join(p.folder, 'data'));
  writeFileSync(filler, Buffer.alloc(bavail * bsize - leftBytes));
  return filler;
}

/** Asks until the answer is the one that is awaited; what never comes ends the test. */
async function until(work: () => Promise<boolean>): Promise<void> {
  while (!(await work()));
}

describe.skipIf(reason !== undefined)('a full disk', () => {
  it('U7, U8: told by 507, readiness, status, metrics and log; readers go on; taken back when there is room', async () => {
    const p = open('40m', '16MB');
    const { child, url, exit } = await startRun(p);
    expect(await post(url, 'flights', EVENT)).toBe(true);
    const filler = join(p.folder, 'data', '.filler');
    writeFileSync(filler, Buffer.alloc(30_000_000));
    await until(async () => (await ask(url, '/readyz')).status === 503);
    expect(await ask(url, '/readyz')).toMatchObject({
      body: { detail: 'The disk is full.', checks: { room: false } },
    });
    expect(await ask(url, '/api/events/flights', EVENT)).toMatchObject({
      status: 507,
      body: { code: 'DISK_FULL', retry: true, detail: expect.stringContaining('16MB are kept') },
    });
    expect(await ask(url, '/api/views/delays')).toMatchObject({
      status: 200,
      body: { rows: [{ flights: 1 }] },
    });
    const disk = { intake: 'refused', refusals: 1, reserveBytes: 16_000_000 };
    expect(await ask(url, '/api/status')).toMatchObject({ body: { running: true, disk } });
    expect((await ask(url, '/metrics')).body['text']).toContain('pipeline_disk_intake_refused 1');
    const refused = await p.run(['ingest', '-'], `${JSON.stringify(EVENT)}\n`);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('the disk is full') });
    const { stdout } = await p.run(['status']);
    expect(stdout).toContain('events are refused');

    rmSync(filler);
    await until(async () => (await ask(url, '/readyz')).status === 200);
    expect(await post(url, 'flights', EVENT)).toBe(true);
    await until(async () =>
      JSON.stringify((await ask(url, '/api/views/delays')).body).includes('"flights":2'),
    );
    child.kill('SIGTERM');
    const { code, stderr } = await exit;
    expect(code).toBe(0);
    expect(stderr).toMatch(/the disk is full: events are refused.*[^]*there is room on the disk again/);
  });

  it('that is met all the same: nothing acknowledged is lost, and the pipeline goes on, or ends with 1 and starts again', async () => {
    const p = open('3m', '0B');
    const { child, url, exit } = await startRun(p);
    const filler = fill(p, 64_000);
    const isUp = (): boolean => child.exitCode === null && child.signalCode === null;
    // A process that is ending is not ready either.
    const isFull = async (): Promise<boolean> => {
      const { checks } = (await ask(url, '/readyz')).body as { checks: { room: boolean } };
      return !checks.room;
    };
    let [accepted, isRefused] = [0, false];
    // Log and state get there soon. When the log is first, events are refused; when the state is, the process ends.
    while (isUp() && !isRefused)
      if (await post(url, 'flights', EVENT)) accepted++;
      else isRefused = await isFull().catch(() => false);
    rmSync(filler);
    if (isRefused) {
      await until(async () => !isUp() || !(await isFull().catch(() => true)));
      if (await post(url, 'flights', EVENT)) accepted++;
      child.kill('SIGTERM');
    }
    const { code, stderr } = await exit;
    expect(stderr).toMatch(isRefused ? /events are refused/ : /error .*the disk is full/);
    // What was computed when the disk was full may have ended it before the signal came.
    expect(isRefused ? [0, 1] : [1]).toContain(code);
    expect(await p.run(['run', '--once'])).toMatchObject({ code: 0 });
    const [row] = (await p.rows()) as { flights: number }[];
    expect(accepted).toBeGreaterThan(0);
    // Of the last one the answer may have been lost.
    expect([accepted, accepted + 1]).toContain(row?.flights);
  });

  it('that an epoch meets ends the process with 1, and the next run computes what was acknowledged', async () => {
    const p = open('3m', '0B');
    const events = `${JSON.stringify(EVENT)}\n`.repeat(300);
    expect(await p.run(['ingest', '-'], events)).toMatchObject({ code: 0 });
    const filler = fill(p, 0);
    expect(await p.run(['run', '--once'])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/error .*(disk is full|No space left)/),
    });
    rmSync(filler);
    expect(await p.run(['run', '--once'])).toMatchObject({ code: 0 });
    expect(await p.rows()).toMatchObject([{ flights: 300 }]);
  });
});

/** One process owns a data folder: by a lock that dies with it, and by a number that tells when the folder went away. */
import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { afterEach, describe, expect, it } from 'vitest';
import { openDataFolder } from '../../runtime/src/engine/data-folder.ts';
import { systemClock } from '../../runtime/src/ports/clock.ts';
import { TestProject } from '../runtime/crash/project.ts';
import { contentOf, post, startRun } from './running.ts';

let project: TestProject | undefined;
afterEach(() => project?.remove());

function open(): TestProject {
  project = new TestProject('architecture: streaming\ntrigger: { every: 20ms }\n');
  return project;
}

const data = (p: TestProject): string => join(p.folder, 'data');
const record = (folder: string) =>
  JSON.parse(readFileSync(join(folder, 'owner.json'), 'utf8')) as { generation: number; pid: number };
const EVENT = { origin: 'ATL', destination: 'SAV', scheduled: '2001-01-16T23:58:00Z', delay: 7 };

describe('a second process', () => {
  it.for(['running', 'stopped'] as const)(
    'beside a %s owner: exit 1, says who, changes nothing',
    async (how) => {
      const p = open();
      const owner = await startRun(p);
      if (how === 'stopped') owner.child.kill('SIGSTOP');
      const before = contentOf(data(p));
      const second = await p.run(['run', '--port', '0']);
      expect(second).toMatchObject({ code: 1, stdout: '' });
      expect(second.stderr).toContain(`in use by process ${owner.child.pid} on `);
      expect(contentOf(data(p))).toEqual(before);
      owner.child.kill('SIGCONT');
      expect(await post(owner.url, 'flights', EVENT)).toBe(true);
      owner.child.kill('SIGTERM');
      expect(await owner.exit).toMatchObject({ code: 0 });
    },
  );

  it('after kill -9, and with the number of the dead owner taken by another process, gets the folder', async () => {
    const p = open();
    const owner = await startRun(p);
    expect(await post(owner.url, 'flights', EVENT)).toBe(true);
    owner.child.kill('SIGKILL');
    await owner.exit;
    const left = record(data(p));
    writeFileSync(join(data(p), 'owner.json'), JSON.stringify({ ...left, pid: process.pid }));
    const next = await startRun(p);
    expect(record(data(p))).toMatchObject({ generation: left.generation + 1, pid: next.child.pid });
    next.child.kill('SIGTERM');
    expect(await next.exit).toMatchObject({ code: 0 });
  });

  it('in one process is refused as well', async () => {
    const p = open();
    const first = await openDataFolder(data(p), systemClock);
    await expect(openDataFolder(data(p), systemClock)).rejects.toMatchObject({ code: 'DATA_LOCKED' });
    // The refusal took nothing from the owner: another process is refused still.
    expect(await p.run(['status'])).toMatchObject({ code: 1 });
    await first.close();
  });
});

describe('a folder that goes away under a process that sleeps', () => {
  it('a copy has a new owner; the old one acknowledges nothing more, stops, and leaves the copy as it is', async () => {
    const p = open();
    const old = await startRun(p);
    expect(await post(old.url, 'flights', EVENT)).toBe(true);
    old.child.kill('SIGSTOP');
    renameSync(data(p), join(p.folder, 'moved'));
    cpSync(join(p.folder, 'moved'), data(p), { recursive: true, filter: (path) => !path.endsWith('.sock') });
    const next = await startRun(p);
    expect(await post(next.url, 'flights', EVENT)).toBe(true);
    next.child.kill('SIGSTOP');
    const before = contentOf(data(p));
    old.child.kill('SIGCONT');
    expect(await post(old.url, 'flights', EVENT)).toBe(false);
    const end = await old.exit;
    expect(end.code).toBe(1);
    expect(end.stderr).toContain('is not the folder any more that this process has opened');
    expect(contentOf(data(p))).toEqual(before);
    next.child.kill('SIGCONT');
    // Its socket is there still: other commands reach it.
    const { stdout } = await p.run(['status', '--format', 'json']);
    expect(JSON.parse(stdout)).toMatchObject({ running: true });
    next.child.kill('SIGTERM');
    expect(await next.exit).toMatchObject({ code: 0 });
  });

  it('nothing is written by a log or a store whose folder was replaced', async () => {
    const p = open();
    const folder = data(p);
    const owned = await openDataFolder(folder, systemClock);
    const append = () =>
      owned.log.append({ kind: 'events', source: 'flights', partition: 0, records: ['{}'] });
    await append();
    rmSync(join(folder, 'owner.json'));
    await expect(append()).rejects.toMatchObject({ code: 'LOG_WRITE_FAILED' });
    await expect(owned.owner?.lost).rejects.toMatchObject({ code: 'DATA_TAKEN' });
    expect(owned.log.end).toBe(1);
    await owned.close();
  });
});

describe('generations', () => {
  it('grow with every opening, also when the state or the record is lost', async () => {
    const p = open();
    const next = async (): Promise<number> => {
      const owned = await openDataFolder(data(p), systemClock);
      await owned.close();
      return owned.owner?.generation ?? 0;
    };
    expect([await next(), await next()]).toEqual([1, 2]);
    rmSync(join(data(p), 'state'), { recursive: true });
    expect(await next()).toBe(3);
    rmSync(join(data(p), 'owner.json'));
    expect(await next()).toBe(4);
  });
});

describe('a folder that is not one of ours', () => {
  it.for([
    [
      'foreign',
      'DATA_FOREIGN',
      (folder: string) => writeFileSync(join(folder, 'thesis.txt'), 'years of work'),
    ],
    [
      'newer',
      'DATA_NEWER',
      (folder: string) => {
        mkdirSync(join(folder, 'log'));
        writeFileSync(join(folder, 'owner.json'), '{"format":2,"generation":7}');
      },
    ],
    [
      'without the file that names its state',
      'STATE_FAILED',
      (folder: string) => {
        mkdirSync(join(folder, 'state'));
        writeFileSync(join(folder, 'state', '000012.sst'), 'rows');
      },
    ],
  ] as const)('%s: %s, and nothing is touched', async ([, code, make]) => {
    const p = open();
    mkdirSync(data(p));
    make(data(p));
    const before = contentOf(data(p));
    await expect(openDataFolder(data(p), systemClock)).rejects.toMatchObject({ code });
    expect(contentOf(data(p))).toEqual(before);
  });
});

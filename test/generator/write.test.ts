/** Writing is all or nothing: see the invariants in write.ts. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { realDisk, type Disk } from '../../src/generator/disk.ts';
import { checkPaths, type PlannedFile } from '../../src/generator/plan.ts';
import { inspectTarget } from '../../src/generator/target.ts';
import { writeProject } from '../../src/generator/write.ts';

const FILES: readonly PlannedFile[] = [
  'README.md',
  'test/a.ts',
  'test/deep/b.ts',
  '.pipeline/generated.json',
].map((path) => ({ path, bytes: Buffer.from(`content of ${path}`), sha256: '' }));

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(realpathSync(tmpdir()), 'write-'));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

const everything = () => readdirSync(cwd, { recursive: true, encoding: 'utf8' }).sort();

interface Fault {
  readonly disk?: Disk;
  readonly signal?: AbortSignal;
  readonly prepare?: (folder: string) => Promise<void>;
}

async function write(name: string, { disk = realDisk, signal, prepare }: Fault = {}): Promise<void> {
  await writeProject(inspectTarget(name, cwd), FILES, {
    disk,
    signal: signal ?? new AbortController().signal,
    prepare: prepare ?? (async () => undefined),
  });
}

/** A disk that does `fault` instead of the call with that number, and counts calls that change something. */
function faultyDisk(at: number, fault: () => void): { disk: Disk; calls: () => number } {
  let calls = 0;
  const counted = ['makeFolder', 'makeFile', 'syncFolder', 'rename', 'names'] as const;
  const disk = { ...realDisk } as Record<string, unknown>;
  for (const name of counted) {
    const real = realDisk[name] as (...args: unknown[]) => Promise<unknown>;
    disk[name] = async (...args: unknown[]) => {
      if (++calls === at) fault();
      return real(...args);
    };
  }
  return { disk: disk as unknown as Disk, calls: () => calls };
}

const SHAPES = [
  ['new', () => undefined],
  ['parents/that/are/new', () => undefined],
  ['empty', () => mkdirSync(join(cwd, 'empty'))],
  ['repo', () => mkdirSync(join(cwd, 'repo/.git'), { recursive: true })],
] as const;

describe.each(SHAPES)('%s', (name, prepareShape) => {
  test('holds every file afterwards, and nothing else is left', async () => {
    prepareShape();
    await write(name);
    for (const file of FILES) {
      expect(readFileSync(join(cwd, name, file.path), 'utf8')).toBe(file.bytes.toString());
    }
    expect(everything().filter((path) => path.includes('.create-pipeline-'))).toEqual([]);
  });

  test.each(['ENOSPC', 'EIO', 'EROFS', 'EDQUOT'])(
    'W1: %s at any call leaves nothing behind',
    async (code) => {
      prepareShape();
      const before = everything();
      const probe = faultyDisk(Infinity, () => undefined);
      const lastSync = 1; // the parent's, after the rename: the project is complete by then
      await write(name, { disk: probe.disk });
      rmSync(join(cwd, name.split('/')[0] ?? name), { recursive: true });
      expect(probe.calls()).toBeGreaterThan(FILES.length * 2);
      for (let at = 1; at <= probe.calls() - lastSync; at++) {
        rmSync(join(cwd, name), { recursive: true, force: true });
        prepareShape();
        const { disk } = faultyDisk(at, () => {
          throw Object.assign(new Error(`${code}: no`), { code });
        });
        await expect(write(name, { disk }), `call ${at}`).rejects.toMatchObject({
          code: 'WRITE_FAILED',
          exitCode: 1,
        });
        expect(everything(), `call ${at}`).toEqual(before);
      }
    },
  );

  test('W1: an interrupt at any call leaves nothing behind', async () => {
    prepareShape();
    const before = everything();
    for (let at = 1; at <= FILES.length + 3; at++) {
      const abort = new AbortController();
      const { disk } = faultyDisk(at, () => abort.abort());
      await expect(write(name, { disk, signal: abort.signal }), `call ${at}`).rejects.toMatchObject({
        name: 'AbortError',
      });
      expect(everything(), `call ${at}`).toEqual(before);
    }
  });

  test('W1: what fails while it is prepared leaves nothing behind, not even what that made', async () => {
    prepareShape();
    const before = everything();
    const prepare = async (folder: string) => {
      mkdirSync(join(folder, 'node_modules/x'), { recursive: true });
      symlinkSync(cwd, join(folder, 'node_modules/link'));
      throw new Error('no network');
    };
    await expect(write(name, { prepare })).rejects.toThrow('no network');
    expect(everything()).toEqual(before);
  });
});

describe('W2: nothing that appears meanwhile is replaced', () => {
  test.each([
    ['a file', (path: string) => writeFileSync(path, 'theirs')],
    ['a link', (path: string) => symlinkSync('/nowhere', path)],
    [
      'a folder with a file',
      (path: string) => {
        mkdirSync(path);
        writeFileSync(join(path, 'theirs'), '');
      },
    ],
  ])('%s in place of the folder', async (_, appear) => {
    const prepare = async () => appear(join(cwd, 'new'));
    await expect(write('new', { prepare })).rejects.toMatchObject({ code: 'WRITE_FAILED' });
    expect(everything().filter((path) => path !== 'new' && path !== 'new/theirs')).toEqual([]);
    expect(existsSync(join(cwd, 'new/README.md'))).toBe(false);
  });

  test('a file in a folder that is kept', async () => {
    mkdirSync(join(cwd, 'repo/.git'), { recursive: true });
    const prepare = async () => writeFileSync(join(cwd, 'repo/README.md'), 'theirs');
    await expect(write('repo', { prepare })).rejects.toMatchObject({ code: 'WRITE_FAILED' });
    expect(everything()).toEqual(['repo', 'repo/.git', 'repo/README.md']);
    expect(readFileSync(join(cwd, 'repo/README.md'), 'utf8')).toBe('theirs');
  });
});

test('W3: a folder that is kept stays the same one, and nothing is written beside it', async () => {
  mkdirSync(join(cwd, 'repo/.git'), { recursive: true });
  const { ino } = statSync(join(cwd, 'repo'));
  let beside: string[] = [];
  await write('repo', { prepare: async () => void (beside = readdirSync(cwd)) });
  expect(beside).toEqual(['repo']);
  expect(statSync(join(cwd, 'repo')).ino).toBe(ino);
});

test('files and their folders are on the disk before the project gets its name', async () => {
  const order: string[] = [];
  const log = (what: string, path: string) =>
    order.push(`${what} ${path.replace(/.*\.create-pipeline-[0-9a-f]+/, '…').replace(cwd, '')}`);
  const disk: Disk = {
    ...realDisk,
    syncFolder: async (path) => void log('sync', path),
    rename: async (from, to) => (log('rename', to), realDisk.rename(from, to)),
  };
  await write('new', { disk });
  expect(order).toEqual([
    'sync …/.pipeline',
    'sync …/test/deep',
    'sync …/test',
    'sync …',
    'rename /new',
    'sync ',
  ]);
});

test.each([['../x'], ['/x'], ['a/../b'], ['a\\b'], [''], ['a//b'], ['CON:'], ['a\nb']])(
  'a planned path such as %j is a mistake of ours',
  (path) => expect(() => checkPaths([path])).toThrow('invariant'),
);

test('two planned paths that some disks take for one are a mistake of ours', () => {
  expect(() => checkPaths(['README.md', 'readme.md'])).toThrow('invariant');
});

/** The real disk does what the log takes for granted: the simulated one cannot show that a call reaches the kernel. */
import { mkdtempSync, promises as fs, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { realDisk } from '../../../runtime/src/ports/disk.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'disk-'));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

/** Counts the calls of one of Node's own file methods; they go through. */
async function counted(method: 'datasync' | 'sync') {
  const handle = await fs.open(folder);
  const prototype = Object.getPrototypeOf(handle) as Record<'datasync' | 'sync', () => Promise<void>>;
  await handle.close();
  return vi.spyOn(prototype, method);
}

it('a sync of a file is an fdatasync, every time', async () => {
  const calls = await counted('datasync');
  const file = await realDisk.open(join(folder, 'a'), { create: true });
  await file.write(Buffer.from('x'), 0);
  expect(calls).toHaveBeenCalledTimes(0);
  await file.sync();
  await file.sync();
  await file.close();
  expect(calls).toHaveBeenCalledTimes(2);
});

it('a sync of a folder is an fsync', async () => {
  const calls = await counted('sync');
  await realDisk.syncFolder(folder);
  expect(calls).toHaveBeenCalledTimes(1);
});

it('files are for their owner only, are created once, and are never opened through a link', async () => {
  const path = join(folder, 'a');
  await (await realDisk.open(path, { create: true })).close();
  expect(statSync(path).mode & 0o777).toBe(0o600);
  await expect(realDisk.open(path, { create: true })).rejects.toMatchObject({ code: 'EEXIST' });
  symlinkSync(path, join(folder, 'link'));
  await expect(realDisk.open(join(folder, 'link'), { create: false })).rejects.toMatchObject({
    code: 'ELOOP',
  });
  await expect(realDisk.list(folder)).rejects.toMatchObject({ code: 'ELOOP' });
});

it('names are changed, doubled and removed; what is not there is nothing', async () => {
  const path = (name: string): string => join(folder, name);
  const file = await realDisk.open(path('a'), { create: true });
  await file.write(Buffer.from('abc'), 0);
  await file.close();
  await realDisk.link(path('a'), path('b'));
  await realDisk.makeFolder(path('inner/most'));
  await realDisk.rename(path('a'), path('inner/a'));
  symlinkSync(path('b'), path('link'));
  const found = await realDisk.listAll(folder);
  expect(found.toSorted((a, b) => (a.name < b.name ? -1 : 1))).toEqual([
    { name: 'b', kind: 'file', sizeBytes: 3 },
    { name: 'inner', kind: 'folder', sizeBytes: 0 },
    { name: 'link', kind: 'link', sizeBytes: 0 },
  ]);
  expect(await realDisk.kindOf(path('link'))).toBe('link');
  expect(await realDisk.kindOf(path('a'))).toBeUndefined();
  await realDisk.remove(path('b'));
  await realDisk.remove(path('b'));
  await realDisk.remove(path('link'));
  await realDisk.removeFolder(path('inner'));
  await realDisk.removeFolder(path('inner'));
  expect(await realDisk.listAll(folder)).toEqual([]);
  expect(await realDisk.listAll(path('none'))).toEqual([]);
  expect(await realDisk.freeBytes(path('none/at/all'))).toBeGreaterThan(0);
});

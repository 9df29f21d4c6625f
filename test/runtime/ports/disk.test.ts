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

/** What an opening has to read again is bounded: RocksDB is told to write files earlier than it would. */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { RocksStore } from '../../../runtime/src/state/rocksdb.ts';
import { Batch } from '../../../runtime/src/state/store.ts';

const folder = mkdtempSync(join(tmpdir(), 'flush-'));
afterAll(() => rmSync(folder, { recursive: true }));

const bytesOf = (ending: string): number =>
  readdirSync(folder)
    .filter((name) => name.endsWith(ending))
    .reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);

test('commits go to files once there are 32 MB of them', async () => {
  const store = await RocksStore.open(folder);
  const value = Buffer.alloc(1_000_000, 7);
  for (let commit = 0; commit < 40; commit++) {
    const batch = new Batch();
    batch.put(Buffer.from(`key ${commit}`), value);
    await store.commit(batch);
  }
  await store.close();
  expect(bytesOf('.sst')).toBeGreaterThan(30_000_000);
  expect(bytesOf('.log')).toBeLessThan(10_000_000);
  const again = await RocksStore.open(folder);
  for (let commit = 0; commit < 40; commit++)
    expect((await again.get(Buffer.from(`key ${commit}`)))?.length).toBe(value.length);
  await again.close();
});

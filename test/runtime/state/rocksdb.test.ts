import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { buildSync } from 'esbuild';
import { afterAll, describe, expect, test } from 'vitest';
import { RocksStore } from '../../../runtime/src/state/rocksdb.ts';
import { Batch } from '../../../runtime/src/state/store.ts';
import { batch, bytes, entriesOf, storeSuite } from '../../suites/store.suite.ts';

const root = mkdtempSync(join(tmpdir(), 'rocks-store-'));
afterAll(() => rmSync(root, { recursive: true }));

let folders = 0;
const newFolder = (): string => join(root, String(++folders), 'state');

// One store for the property's many runs would be cheaper; a new folder each costs 10 ms and shares nothing.
storeSuite('RocksStore', () => RocksStore.open(newFolder()));

const STATE = resolve(import.meta.dirname, '../../../runtime/src/state');

/** Runs code with `RocksStore`, `Batch` and `folder` in another process; returns what it printed. */
function inAnotherProcess(folder: string, code: string): string {
  const contents = `import { RocksStore } from './rocksdb.ts';
    import { Batch } from './store.ts';
    const folder = ${JSON.stringify(folder)};
    ${code}`;
  const bundle = buildSync({
    stdin: { contents, resolveDir: STATE, loader: 'ts' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    external: ['rocksdb-native'],
    write: false,
  });
  const input = bundle.outputFiles[0]?.text ?? '';
  const result = spawnSync(process.execPath, ['--input-type=module', '-'], {
    input,
    encoding: 'utf8',
    cwd: STATE,
  });
  return result.stdout + result.stderr;
}

describe('the state on disk', () => {
  test('S2: reopening finds every commit', async () => {
    const folder = newFolder();
    const store = await RocksStore.open(folder);
    await store.commit(batch('a=1', 'b=1', 'c=1'));
    await store.commit(batch('-a..b', 'c=2'));
    await store.close();
    const again = await RocksStore.open(folder);
    expect(await entriesOf(again)).toEqual([
      ['b', '1'],
      ['c', '2'],
    ]);
    await again.close();
  });

  test('S1, S2: a process that is killed loses no commit and leaves no half of one', async () => {
    const folder = newFolder();
    const output = inAnotherProcess(
      folder,
      `const store = await RocksStore.open(folder);
       for (let i = 1; i <= 200; i++) {
         const batch = new Batch();
         for (let k = 0; k < 20; k++) batch.put(Buffer.from('k' + k), String(i));
         const done = store.commit(batch);
         if (i === 200) process.kill(process.pid, 'SIGKILL');
         await done;
       }`,
    );
    expect(output).toBe('');
    const store = await RocksStore.open(folder);
    const values = new Set((await entriesOf(store)).map(([, value]) => value));
    expect([...values]).toHaveLength(1);
    expect(Number([...values][0])).toBeGreaterThanOrEqual(199);
    await store.close();
  });

  test('a second open is DATA_LOCKED, in this process and in another, until the first closes', async () => {
    const folder = newFolder();
    const store = await RocksStore.open(folder);
    const open = `await RocksStore.open(folder).then(() => console.log('opened'), (e) => console.log(e.code, e.retry));`;
    await expect(RocksStore.open(folder)).rejects.toMatchObject({ code: 'DATA_LOCKED', exitCode: 1 });
    expect(inAnotherProcess(folder, open)).toBe('DATA_LOCKED true\n');
    await store.commit(batch('a=1'));
    await store.close();
    expect(inAnotherProcess(folder, open)).toBe('opened\n');
  });

  test('leveldown#157: closed under a hundred reads, scans and writes, the process ends as any other', () => {
    const output = inAnotherProcess(
      newFolder(),
      `const store = await RocksStore.open(folder);
       const batchOf = (i) => { const batch = new Batch(); batch.put(Buffer.from('k' + i), 'v'); return batch; };
       for (let i = 0; i < 100; i++) await store.commit(batchOf(i));
       const scan = async () => { for await (const _ of store.scan({ gte: Buffer.from('k'), lt: Buffer.from('l') })); };
       const work = Array.from({ length: 100 }, (_, i) =>
         [store.get(Buffer.from('k' + i)), scan(), store.commit(batchOf(i))].map((each) => each.catch(() => {})));
       await store.close();
       await Promise.race([Promise.all(work.flat()), new Promise((resolve) => setTimeout(resolve, 1000))]);
       console.log('ended');
       process.on('exit', (code) => console.log(code));`,
    );
    expect(output).toBe('ended\n0\n');
  });

  test('a folder that is no store of ours is STATE_FAILED with the folder and the remedy', async () => {
    const folder = newFolder();
    const store = await RocksStore.open(folder);
    await store.close();
    writeFileSync(join(folder, 'CURRENT'), 'not a manifest\n');
    await expect(RocksStore.open(folder)).rejects.toMatchObject({
      code: 'STATE_FAILED',
      message: expect.stringContaining('--rebuild'),
    });
  });

  test('a flipped bit in a stored value is an error, never another value', async () => {
    const folder = newFolder();
    const store = await RocksStore.open(folder);
    const large = new Batch();
    for (let i = 0; i < 100; i++) large.put(bytes(`key ${i}`), `value ${i} `.repeat(20));
    await store.commit(large);
    await store.sync();
    await store.close();
    const table = readdirSync(folder).find((name) => name.endsWith('.sst'));
    expect(table).toBeDefined();
    const file = join(folder, table!);
    const content = readFileSync(file);
    content[200]! ^= 1;
    chmodSync(file, 0o600);
    writeFileSync(file, content);
    const damaged = await RocksStore.open(folder);
    await expect(entriesOf(damaged)).rejects.toMatchObject({ code: 'STATE_FAILED' });
    await damaged.close();
  });
});

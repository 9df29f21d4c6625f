/** A snapshot of RocksDB and a real log, taken while events and queries go on, is one moment of them. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { count, pipeline, source, sum } from 'pipeline-runtime';
import { TestDriver } from 'pipeline-runtime/testing';
import { afterAll, expect, test } from 'vitest';
import { z } from 'zod';
import { openDataFolder } from '../../../runtime/src/engine/data-folder.ts';
import type { SnapshotStatus } from '../../../runtime/src/host/host.ts';
import { systemClock } from '../../../runtime/src/ports/clock.ts';
import { realDisk } from '../../../runtime/src/ports/disk.ts';
import { folderPlace } from '../../../runtime/src/snapshots/place.ts';
import { restoreSnapshot } from '../../../runtime/src/snapshots/restore.ts';
import { verifySnapshot } from '../../../runtime/src/snapshots/verify.ts';

const folder = mkdtempSync(join(tmpdir(), 'snapshots-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const visits = source('visits', {
  schema: z.object({ user: z.string(), at: z.iso.datetime(), n: z.number() }),
  eventTime: 'at',
  watermark: { delay: '1m' },
  lateness: { allowed: '0s', then: 'drop' },
});
const definition = pipeline('visits', {
  users: visits
    .groupBy((f) => ({ user: f.user }))
    .aggregate((f) => ({ visits: count(), total: sum(f.n) }))
    .updates(),
});
const events = Array.from({ length: 6000 }, (_, i) => ({
  user: `user ${i % 700}`,
  at: new Date(1e12 + i).toISOString(),
  n: i,
}));

test('restored elsewhere it goes on to what the uninterrupted pipeline shows; the policy keeps so many', async () => {
  const data = await openDataFolder(join(folder, 'data'), systemClock);
  const place = folderPlace(realDisk, join(folder, 'place'));
  const policy = { folder: place.name, everyEpochs: 20, keep: 2 };
  const options = { epochRows: 50, config: { snapshots: policy } };
  const driver = await TestDriver.open(definition, { ...options, data });
  const { engine } = driver;
  const status = (): Promise<SnapshotStatus> =>
    engine.command('snapshot-status', {}) as Promise<SnapshotStatus>;
  let queries = 0;
  for (let from = 0; from < events.length; from += 500) {
    await driver.send('visits', events.slice(from, from + 500));
    await driver.settle();
    await driver.rows('users');
    queries++;
  }
  const idle = async (): Promise<void> => {
    while ((await status()).running !== null) await systemClock.turn();
  };
  await idle();
  expect((await status()).last, 'one by policy').not.toBeNull();
  await engine.command('snapshot', { folder: place.name, keep: 2 });
  await idle();
  const asked = (await engine.command('snapshot', { folder: place.name, keep: 2 })) as SnapshotStatus;
  expect(asked.running).not.toBeNull();
  await expect(engine.command('snapshot', { folder: place.name, keep: 2 })).rejects.toMatchObject({
    code: 'SNAPSHOT_RUNNING',
  });
  // Events and queries go on while it is taken.
  await driver.send('visits', events);
  await driver.settle();
  const uninterrupted = await driver.rows('users');
  await idle();
  const { last, failures, lastFailure } = await status();
  expect([failures, lastFailure, queries]).toEqual([0, null, 12]);
  expect(last?.generation).toBeGreaterThan(2);
  expect(readdirSync(join(place.name, 'manifests')).length).toBe(2);
  expect(readdirSync(join(folder, 'data')).includes('stage')).toBe(false);
  await engine.close();

  const { position } = await verifySnapshot(place);
  expect(position).toBeGreaterThanOrEqual(events.length);
  mkdirSync(join(folder, 'elsewhere'));
  const restored = await restoreSnapshot({
    place,
    disk: realDisk,
    folder: join(folder, 'elsewhere'),
    pipeline: 'visits',
    signal: new AbortController().signal,
  });
  const other = await openDataFolder(join(folder, 'elsewhere'), systemClock);
  expect(other.log.end).toBe(restored.position);
  const again = await TestDriver.open(definition, { epochRows: 50, data: other });
  await again.send('visits', [...events, ...events].slice(restored.position));
  await again.settle();
  expect(await again.rows('users')).toEqual(uninterrupted);
  await again.engine.close();
});

test('a snapshot that is stopped leaves the place as it was', async () => {
  const data = await openDataFolder(join(folder, 'other data'), systemClock);
  const driver = await TestDriver.open(definition, { data });
  const place = folderPlace(realDisk, join(folder, 'stopped'));
  const command = (name: string): Promise<SnapshotStatus> =>
    driver.engine.command(name, { folder: place.name, keep: 1 }) as Promise<SnapshotStatus>;
  await command('snapshot');
  await command('snapshot-stop');
  let status = await command('snapshot-status');
  while (status.running !== null) {
    await systemClock.turn();
    status = await command('snapshot-status');
  }
  expect(status).toMatchObject({ last: null, failures: 1, lastFailure: 'stopped' });
  expect((await place.list('manifests')).size).toBe(0);
  await driver.engine.close();
});

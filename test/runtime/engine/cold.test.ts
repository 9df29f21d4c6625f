/**
 * What went cold is computed like what did not: every architecture shows the same rows over cold files, DuckDB reads them as a
 * table, a snapshot takes them along.
 */
import { DuckDBInstance } from '@duckdb/node-api';
import { count, decimalField, max, pipeline, source, sum, tumbling } from 'pipeline-runtime';
import { ManualClock, TestDriver } from 'pipeline-runtime/testing';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ARCHITECTURES, type Architecture } from '../../../runtime/src/config/project.ts';
import { type DataFolder, openDataFolder } from '../../../runtime/src/engine/data-folder.ts';
import type { Status } from '../../../runtime/src/host/host.ts';
import { MemoryLog } from '../../../runtime/src/log/memory-log.ts';
import { realDisk } from '../../../runtime/src/ports/disk.ts';
import { folderPlace } from '../../../runtime/src/snapshots/place.ts';
import { restoreSnapshot } from '../../../runtime/src/snapshots/restore.ts';
import { MemoryStore } from '../../../runtime/src/state/memory.ts';

const root = mkdtempSync(join(tmpdir(), 'cold-engine-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const sales = source('sales', {
  schema: z.object({
    shop: z.string(),
    at: z.iso.datetime(),
    amount: z.int(),
    price: decimalField(2),
    weight: z.number().optional(),
    open: z.boolean(),
    item: z.object({ code: z.string() }),
    tags: z.array(z.string()),
  }),
  eventTime: 'at',
  watermark: { delay: '10m', idleAfter: '1m' },
  lateness: { allowed: '0s', then: 'correct' },
});
const perHour = sales
  .groupBy((s) => ({ shop: s.shop, hour: tumbling(s.at, '1h') }))
  .aggregate((s) => ({ sales: count(), total: sum(s.amount), last: max(s.price) }));
const definition = pipeline('sales', {
  perHour: perHour.updates(),
  closed: perHour.final(),
  perShop: sales
    .groupBy((s) => ({ shop: s.shop }))
    .aggregate((s) => ({ sales: count(), total: sum(s.amount) }))
    .updates(),
  large: sales.filter((s) => s.amount.gte(90)).updates(),
});

const EVENTS = 600;
const saleOf = (n: number): object => ({
  shop: `s${n % 3}`,
  at: new Date(Date.UTC(2001, 0, 1) + n * 60_000 - (n % 7 === 0 ? 7_200_000 : 0)).toISOString(),
  amount: n % 100,
  price: `${n}.5`,
  ...(n % 2 === 0 && { weight: n / 8 }),
  open: n % 5 === 0,
  item: { code: `c${n}` },
  tags: ['a', `t${n}`],
});

const clock = new ManualClock();
const config = { log: { partitions: 3, commitEvery: 0, cold: { after: 1000 } } };

function openHere(name: string): Promise<DataFolder> {
  return openDataFolder(join(root, name), clock, realDisk, {
    openStore: () => Promise.resolve(new MemoryStore()),
    segmentBytes: 4000,
  });
}

/** Sales of three partitions, of which two fall asleep on the way; some blocks are columns and some are text. */
async function fill(driver: TestDriver): Promise<void> {
  for (let from = 0; from < EVENTS; from += 60) {
    const some = Array.from({ length: 60 }, (_, i) => saleOf(from + i));
    await driver.send('sales', some.slice(0, 4));
    await driver.send('sales', some.slice(4));
    if (from % 180 !== 0) continue;
    const { log } = driver.engine.data;
    for (const partition of [1, 2])
      await log.append({ kind: 'idle', source: 'sales', partition, records: ['{}'] });
    await clock.advance(1000);
  }
}

async function rowsBy(architecture: Architecture, log: DataFolder['log']): Promise<unknown> {
  const data = {
    log,
    rejected: new MemoryLog(clock),
    store: new MemoryStore(),
    close: () => Promise.resolve(),
  };
  const driver = await TestDriver.open(definition, {
    architecture,
    data,
    clock,
    partitions: 3,
    epochRows: 50,
  });
  await driver.settle();
  const rows = [];
  for (const { name } of definition.plan.views) rows.push(await driver.rows(name));
  const { late, sources } = await driver.engine.status();
  return { rows, late, sources };
}

let data: DataFolder;
const hot = new Map<Architecture, unknown>();
let kinds: unknown[] = [];
let cold: Status['log'];

const kindsOf = async (log: DataFolder['log']): Promise<unknown[]> => {
  const found: unknown[] = [];
  for await (const { kind, position, partition, columns } of log.read(0))
    found.push([kind, position, partition, columns !== undefined]);
  return found;
};

beforeAll(async () => {
  data = await openHere('data');
  const driver = await TestDriver.open(definition, { data, clock, partitions: 3, config });
  await fill(driver);
  kinds = await kindsOf(data.log);
  for (const architecture of ARCHITECTURES) hot.set(architecture, await rowsBy(architecture, data.log));
  await clock.advance(2000);
  while (await driver.engine.retention.roll());
  cold = (await driver.engine.status()).log;
});

describe('over cold files', () => {
  test('the log is the same, idle partitions among it', async () => {
    expect(cold?.coldBytes).toBeGreaterThan(1000);
    expect(cold?.sizeBytes).toBeGreaterThan(cold?.coldBytes ?? 0);
    expect(await kindsOf(data.log)).toEqual(kinds);
    expect(
      new Set(kinds.map((each) => JSON.stringify((each as unknown[]).filter((_, i) => i % 3 === 0)))),
    ).toEqual(new Set(['["events",true]', '["events",false]', '["idle",false]']));
  });

  test.each(ARCHITECTURES)('%s shows the same rows, late events and watermarks', async (architecture) => {
    const again = await rowsBy(architecture, data.log);
    expect(again).toEqual(hot.get(architecture));
    expect((again as { late: { total: number } }).late.total).toBeGreaterThan(0);
  });

  test('DuckDB counts and adds up the same, over columns of the types of the definition', async () => {
    const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
    const connection = await instance.connect();
    const events = `read_parquet('${join(root, 'data', 'cold', 'events', 'sales', '*.parquet')}')`;
    const ask = async (sql: string): Promise<unknown[][]> =>
      (await connection.runAndReadAll(sql)).getRowsJson();
    expect(await ask(`SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM ${events})`)).toEqual([
      ['_position', 'BIGINT'],
      ['_offset', 'BIGINT'],
      ['_partition', 'BIGINT'],
      ['_appended_at', 'TIMESTAMP WITH TIME ZONE'],
      ['shop', 'VARCHAR'],
      ['at', 'TIMESTAMP WITH TIME ZONE'],
      ['amount', 'BIGINT'],
      ['price', 'DECIMAL(18,2)'],
      ['weight', 'DOUBLE'],
      ['open', 'BOOLEAN'],
      ['item.code', 'VARCHAR'],
      ['tags', 'VARCHAR'],
      ['_event', 'VARCHAR'],
    ]);
    // The last file of the log is hot.
    const end = Number((await ask(`SELECT max(_position) + 1 FROM ${events}`))[0]?.[0]);
    const inTable: Record<string, unknown>[] = [];
    const places: unknown[] = [];
    for await (const block of data.log.read(0)) {
      if (block.kind !== 'events' || block.position >= end) continue;
      for (const [index, text] of block.records.entries()) {
        inTable.push(JSON.parse(text) as Record<string, unknown>);
        places.push([String(block.position + index), String(block.offset + index), String(block.partition)]);
      }
    }
    expect(inTable.length).toBeGreaterThan(EVENTS / 2);
    const total = (name: string): number =>
      inTable.reduce((sumSoFar, each) => sumSoFar + Number(each[name] ?? 0), 0);
    const sums = `count(*), sum(amount), sum(price), sum(weight), count(*) FILTER (open), count(DISTINCT "item.code"), count(_event)`;
    expect((await ask(`SELECT ${sums} FROM ${events}`))[0]?.map(Number)).toEqual([
      inTable.length,
      total('amount'),
      total('price'),
      total('weight'),
      inTable.filter(({ open }) => open === true).length,
      inTable.length,
      0,
    ]);
    expect(await ask(`SELECT _position, _offset, _partition FROM ${events} ORDER BY 1`)).toEqual(places);
    const times = await ask(`SELECT epoch_ms("at"), json(tags) FROM ${events} ORDER BY _position`);
    expect(times.map(([ms, tags]) => [Number(ms), JSON.parse(String(tags)) as unknown])).toEqual(
      inTable.map((each) => [Date.parse(each['at'] as string), each['tags']]),
    );
    connection.closeSync();
  });

  test('an open pipeline goes on with them after a restart, and every byte is checked', async () => {
    const before = await kindsOf(data.log);
    await data.close();
    data = await openHere('data');
    expect(await kindsOf(data.log)).toEqual(before);
    let files = 0;
    for await (const { damage } of data.verifyLogs?.() ?? []) {
      expect(damage).toBeNull();
      files++;
    }
    expect(files).toBeGreaterThan(5);
  });
});

test('a snapshot takes cold files along, and what is restored reads them', async () => {
  const open = (name: string): Promise<DataFolder> =>
    openDataFolder(join(root, name), clock, realDisk, { segmentBytes: 4000 });
  const from = await open('with state');
  const driver = await TestDriver.open(definition, { data: from, clock, partitions: 3, config });
  await fill(driver);
  await driver.settle();
  await clock.advance(2000);
  while (await driver.engine.retention.roll());
  const place = folderPlace(realDisk, join(root, 'place'));
  await driver.engine.command('snapshot', { folder: place.name, keep: 1 });
  const status = async () => (await driver.engine.status()).snapshots;
  let snapshots = await status();
  for (; snapshots?.running !== null; snapshots = await status());
  expect(snapshots?.lastFailure).toBeNull();
  const [rows, blocks] = [await driver.rows('perHour'), await kindsOf(from.log)];
  await driver.engine.close();
  const signal = new AbortController().signal;
  await restoreSnapshot({ place, disk: realDisk, folder: join(root, 'restored'), pipeline: 'sales', signal });
  const restored = await open('restored');
  expect(await kindsOf(restored.log)).toEqual(blocks);
  const again = await TestDriver.open(definition, { data: restored, clock, partitions: 3 });
  expect(await again.rows('perHour')).toEqual(rows);
  await again.engine.close();
});

/**
 * Every bit of every file of a small data folder, flipped, one at a time. What reads the file then says so with a code, its
 * name and its byte, or hands on exactly what it did before; never anything else.
 *
 *   log, rejected   opened, read whole, checked whole          state   opened for reading and read whole, by RocksDB alone
 *   owner.json      the folder is taken                        notes   read
 *
 * Where something else is handed on that is not damaged by itself (the record of the owner; an earlier commit of the state, when
 * its write-ahead log is), a whole start follows, for each such content once: a code, or the right rows.
 */
import { createHash } from 'node:crypto';
import {
  closeSync,
  mkdirSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { CodedError } from 'pipeline-runtime/kit';
import { ManualClock } from 'pipeline-runtime/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultConfig } from '../../runtime/src/config/project.ts';
import { openDataFolder } from '../../runtime/src/engine/data-folder.ts';
import { Engine } from '../../runtime/src/engine/engine.ts';
import { takeFolder } from '../../runtime/src/engine/owner.ts';
import { coldFolder } from '../../runtime/src/log/cold/place.ts';
import { DiskLog } from '../../runtime/src/log/disk-log.ts';
import { readDays } from '../../runtime/src/observe/days.ts';
import { noGuard } from '../../runtime/src/ports/lock.ts';
import { SeededRandom } from '../../runtime/src/sim/seeded-random.ts';
import { MemoryStore } from '../../runtime/src/state/memory.ts';
import { damagedRecordIn } from '../../runtime/src/state/rocksdb-manifest.ts';
import { loadNative, RocksStore } from '../../runtime/src/state/rocksdb.ts';
import { Batch, type Entry, type Store } from '../../runtime/src/state/store.ts';
import { sale, sales, short } from '../runtime/architectures/sample.ts';
import { SimDisk } from '../suites/sim-disk.ts';

const root = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'bits-'));
const state = join(root, 'state');
afterAll(() => rmSync(root, { recursive: true, force: true }));

const ALL = { gte: Buffer.from([0]), lt: Buffer.from([0xff]) };
const { plan } = sales();
const config = {
  ...defaultConfig('streaming'),
  runtime: { jit: 'off' as const },
  log: { partitions: 1, commitEvery: 0, retention: { size: 600 }, cold: { after: 0 } },
};
const clock = new ManualClock(Date.UTC(2001, 0, 2));

async function open(disk: SimDisk, store: Store): Promise<Engine> {
  const data = await openDataFolder('/data', clock, disk, {
    openStore: () => Promise.resolve(store),
    segmentBytes: 200,
    random: new SeededRandom(1),
  });
  try {
    return await Engine.open({ plan, config, data, clock });
  } catch (error) {
    await data.close();
    throw error;
  }
}

async function* linesOf(events: readonly (object | string)[]): AsyncIterable<Uint8Array> {
  yield Buffer.from(events.map((event) => `${JSON.stringify(event)}\n`).join(''));
}

/** Everything but the state, which is below `state`; the same without a cold file; what the state holds; the right rows. */
const healthy = new SimDisk();
const hot = new SimDisk();
let entries: readonly Entry[] = [];
let rows: string[] = [];

const HOURS = [10, 11, 12, 13];
const EVENTS = HOURS.length;

/** A log without its beginning, with a cold file, a sealed one and one that is written to, all of them seen by an epoch. */
async function fill(disk: SimDisk, store: Store, isCold: boolean): Promise<void> {
  const engine = await open(disk, store);
  for (const hour of HOURS) {
    const isBad = hour === 10 || hour === 13;
    await engine.ingest('sales', linesOf([sale('a', `${hour}:00`, hour), ...(isBad ? ['no event'] : [])]));
    await engine.settle();
    await clock.advance(1000);
    if (hour !== 12) continue;
    await engine.retention.apply();
    if (isCold) await engine.retention.roll();
  }
  entries = await contentOf(store.scan(ALL));
  await engine.close();
}

beforeAll(async () => {
  await fill(hot, new MemoryStore(), false);
  await fill(healthy, await RocksStore.open(state), true);
  const engine = await open(healthy.clone(), storeOf(entries));
  await engine.settle();
  rows = short(await engine.query('perHour', { where: {} }));
  await engine.close();
});

async function contentOf<T>(found: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const each of found) all.push(each);
  return all;
}

function storeOf(content: readonly Entry[]): MemoryStore {
  const store = new MemoryStore();
  const batch = new Batch();
  for (const { key, value } of content) batch.put(key, value);
  void store.commit(batch);
  return store;
}

/** What comes of a whole start: `right`, the code of its error, or in words what is wrong. */
async function start(disk: SimDisk, content: readonly Entry[]): Promise<string> {
  let engine: Engine | undefined;
  try {
    engine = await open(disk, storeOf(content));
    await engine.settle();
    const found = short(await engine.query('perHour', { where: {} }));
    await engine.status();
    return found.join() === rows.join() ? 'right' : `shows ${found.join()}`;
  } catch (error) {
    return error instanceof CodedError ? error.code : String(error);
  } finally {
    await engine?.close();
  }
}

/** What a reader was handed, and what was said of damages. */
interface Reading {
  readonly content: string;
  readonly says: readonly string[];
}

async function readLog(disk: SimDisk, name: 'log' | 'rejected'): Promise<Reading> {
  const says: string[] = [];
  let log: DiskLog | undefined;
  try {
    const seenTo = name === 'log' ? EVENTS : 0;
    log = await DiskLog.open(`/data/${name}`, { disk, clock, cold: coldFolder(disk, '/data/cold'), seenTo });
    for await (const { damage } of log.verify()) if (damage !== null) says.push(damage.message);
    const blocks = await contentOf(log.read(log.start));
    const all = blocks.map(({ position, kind, source, records }) => [position, kind, source, records]);
    return { content: JSON.stringify([log.start, log.end, all]), says };
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return { content: '', says: [...says, error.message] };
  } finally {
    await log?.close();
  }
}

async function readOwner(disk: SimDisk): Promise<Reading> {
  const ports = { disk, clock, random: new SeededRandom(2), store: storeOf(entries), guard: noGuard };
  const owner = await takeFolder('/data', ports);
  await owner.close();
  const { data, parents, generation } = owner;
  return { content: JSON.stringify([data, parents, generation]), says: [] };
}

async function readNotes(disk: SimDisk): Promise<Reading> {
  const { unreadable } = await readDays({ disk, folder: '/data/observed' });
  return { content: '', says: unreadable };
}

/** Who reads a file, in a folder with what else it needs; why another content or silence is harmless. */
interface Kind {
  readonly files: RegExp;
  readonly disk: SimDisk;
  readonly read: (disk: SimDisk) => Promise<Reading>;
  /** Silence. */
  readonly harmless?: string;
  /** Another content, which a whole start must stand. */
  readonly other?: string;
}

const KINDS: Readonly<Record<string, Kind>> = {
  'log, hot': { files: /^\/data\/log\/(?:\d+\.log|start)$/, disk: hot, read: (disk) => readLog(disk, 'log') },
  'log, index': {
    files: /^\/data\/log\/\d+\.index$/,
    disk: hot,
    read: (disk) => readLog(disk, 'log'),
    harmless: 'an index that is damaged is made again',
  },
  'log, cold': {
    files: /^\/data\/(?:cold\/.*\.parquet|log\/\d+\.cold)$/,
    disk: healthy,
    read: (disk) => readLog(disk, 'log'),
  },
  rejected: {
    files: /^\/data\/rejected\/\d+\.log$/,
    disk: hot,
    read: (disk) => readLog(disk, 'rejected'),
    other: 'the last write of a log that nobody has seen cannot be told from one that was torn',
  },
  'rejected, index': {
    files: /^\/data\/rejected\/\d+\.index$/,
    disk: hot,
    read: (disk) => readLog(disk, 'rejected'),
    harmless: 'an index that is damaged is made again',
  },
  owner: {
    files: /^\/data\/owner\.json$/,
    disk: hot,
    read: readOwner,
    harmless: 'who it was and since when is for people; the lock decides',
    other: 'the state has the record too',
  },
  notes: {
    files: /^\/data\/observed\/.*\.json$/,
    disk: hot,
    read: readNotes,
    harmless: 'notes may be lost; no answer depends on them',
  },
};

function flipped(disk: SimDisk, name: string, bit: number): SimDisk {
  const copy = disk.clone();
  const file = copy.files.get(name);
  if (file === undefined) throw new Error(`${name} is not there`);
  const pages = Buffer.from(file.pages);
  pages.writeUInt8(pages.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
  copy.files.set(name, { pages });
  return copy;
}

/** Of the state, for people or for RocksDB's tools; the lock is empty. */
const NOT_READ = /^(?:LOG.*|LOCK|OPTIONS-\d+|SESSION_ID)$/;
const READ = ['CURRENT', 'IDENTITY', 'MANIFEST-N', 'N.log', 'N.sst'];

/** Opened for reading, RocksDB changes no file, and does with each what an opening does. */
async function readState(): Promise<{
  readonly content: string;
  readonly says: string;
  readonly entries: readonly Entry[];
}> {
  const manifest = readdirSync(state).find((name) => name.startsWith('MANIFEST')) ?? '';
  const at = damagedRecordIn(readFileSync(join(state, manifest)));
  // An opening refuses this first: RocksDB would not come back, or show less.
  if (at !== undefined) return { content: '', says: `Corruption: ${manifest} at ${at}`, entries: [] };
  const native = new (await loadNative())(state, READING);
  try {
    await native.ready();
    const found = await contentOf(native.iterator(ALL, { reverse: false, limit: Infinity, capacity: 64 }));
    const hash = createHash('sha1');
    for (const { key, value } of found)
      hash.update(`${key.length} ${value.length} `).update(key).update(value);
    return { content: hash.digest('hex'), says: '', entries: found };
  } catch (error) {
    return { content: '', says: (error as Error).message, entries: [] };
  } finally {
    await native.close().catch(() => {});
  }
}
const READING = { readOnly: true, maxOpenFiles: 10, skipStatsUpdateOnOpen: true };

type Outcomes = Record<'named' | 'harmless' | 'other', number>;

describe('every bit', () => {
  it('of a file of a kind that is not known here is a file without a test', () => {
    const all = new Set([...healthy.files.keys(), ...hot.files.keys()]);
    const unknown = [...all].filter((name) => !Object.values(KINDS).some(({ files }) => files.test(name)));
    expect(unknown).toEqual([]);
  });

  it.for(Object.keys(KINDS))('of %s: named, or what was there', { timeout: 600_000 }, async (name) => {
    const { files, disk, read, harmless, other } = KINDS[name] as Kind;
    const right = await read(disk.clone());
    expect(right.says).toEqual([]);
    const names = [...disk.files.keys()].filter((each) => files.test(each));
    expect(names.length).toBeGreaterThan(0);
    const outcomes: Outcomes = { named: 0, harmless: 0, other: 0 };
    const [unsound, others]: [string[], Map<string, number>] = [[], new Map()];
    for (const file of names) {
      for (let bit = 0; bit < (disk.files.get(file)?.pages.length ?? 0) * 8; bit++) {
        const { content, says } = await read(flipped(disk, file, bit));
        const isNamed = says.length > 0 && says.every((text) => text.includes(file));
        const outcome = says.length > 0 ? 'named' : content === right.content ? 'harmless' : 'other';
        outcomes[outcome]++;
        const isSound = { named: isNamed, harmless: harmless !== undefined, other: other !== undefined };
        if (!isSound[outcome]) unsound.push(`${file}, bit ${bit}: ${outcome} ${says.join()} ${content}`);
        if (outcome === 'other' && !others.has(content)) others.set(content, bit);
      }
      for (const bit of others.values()) {
        const comes = await start(flipped(disk, file, bit), entries);
        if (!/^(?:right|[A-Z_]+)$/.test(comes)) unsound.push(`${file}, bit ${bit}: ${comes}`);
      }
    }
    process.stdout.write(`${name}: ${JSON.stringify(outcomes)}, ${others.size} contents\n`);
    expect(unsound.slice(0, 5)).toEqual([]);
    if (harmless === undefined) expect(outcomes.harmless).toBe(0);
  });

  it('of the state: named, or what was there, or an earlier commit', { timeout: 600_000 }, async () => {
    const right = await readState();
    expect(right.entries).toEqual(entries);
    const outcomes: Outcomes = { named: 0, harmless: 0, other: 0 };
    const [unsound, others]: [string[], Map<string, readonly Entry[]>] = [[], new Map()];
    const names = readdirSync(state).filter((name) => !NOT_READ.test(name));
    let byName = 0;
    expect([...new Set(names.map((name) => name.replace(/\d+/, 'N')))].sort()).toEqual(READ);
    for (const name of names) {
      const file = join(state, name);
      const bytes = readFileSync(file);
      const handle = openSync(file, 'r+');
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const at = bit >> 3;
        writeSync(handle, Buffer.of(bytes.readUInt8(at) ^ (1 << (bit & 7))), 0, 1, at);
        const { content, says, entries: found } = await readState();
        const outcome = says !== '' ? 'named' : content === right.content ? 'harmless' : 'other';
        outcomes[outcome]++;
        if (outcome === 'named' && says.includes(name)) byName++;
        if (outcome === 'other' && !others.has(content)) {
          others.set(content, found);
          const comes = await start(healthy.clone(), found);
          if (!/^(?:right|[A-Z_]+)$/.test(comes)) unsound.push(`${name}, bit ${bit}: ${comes}`);
        }
        writeSync(handle, bytes, at, 1, at);
      }
      closeSync(handle);
    }
    process.stdout.write(`state: ${JSON.stringify({ ...outcomes, byName })}, ${others.size} contents\n`);
    expect(unsound.slice(0, 5)).toEqual([]);
    expect(outcomes.named).toBeGreaterThan(outcomes.harmless);
  });

  it('of what RocksDB only writes: nobody opens it', async () => {
    const names = readdirSync(state).filter((name) => NOT_READ.test(name) && name !== 'LOCK');
    for (const name of names) {
      rmSync(join(state, name));
      mkdirSync(join(state, name));
    }
    expect((await readState()).entries).toEqual(entries);
  });
});

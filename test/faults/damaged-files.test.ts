/**
 * Every file of a small data folder, damaged: cut, emptied, overwritten with zeros, gone, swapped. A start then says so with a
 * code, or shows exactly what is right; it never shows anything else. Single bits: `every-bit.test.ts`.
 */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { CodedError } from 'pipeline-runtime/kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultConfig } from '../../runtime/src/config/project.ts';
import { openDataFolder } from '../../runtime/src/engine/data-folder.ts';
import { Engine } from '../../runtime/src/engine/engine.ts';
import { systemClock } from '../../runtime/src/ports/clock.ts';
import { sale, sales, short } from '../runtime/architectures/sample.ts';

// In memory where there is such a place: thousands of small folders are made and opened.
const root = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'damaged-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Path below the folder → its bytes. */
type Files = ReadonlyMap<string, Buffer>;

/** Messages for people, and what tells processes apart. */
const LEFT_OUT = /(?:^|\/)(?:LOG(?:\.old.*)?|LOCK|control\.sock)$/;

let healthy: Files = new Map();
let rows: string[] = [];

async function open(folder: string): Promise<Engine> {
  const data = await openDataFolder(folder, systemClock, undefined, {
    segmentBytes: 600,
    columnSumsFromBytes: 0,
  });
  try {
    const config = defaultConfig('streaming');
    return await Engine.open({ plan: sales().plan, config, data, clock: systemClock });
  } catch (error) {
    await data.close();
    throw error;
  }
}

async function* linesOf(events: readonly (object | string)[]): AsyncIterable<Uint8Array> {
  yield Buffer.from(events.map((event) => `${JSON.stringify(event)}\n`).join(''));
}

beforeAll(async () => {
  const folder = join(root, 'healthy');
  const engine = await open(folder);
  for (const hour of [10, 11, 12, 13]) {
    const events = Array.from({ length: 3 }, (_, n) => sale('abc'[n] ?? 'a', `${hour}:0${n}`, hour + n));
    await engine.ingest('sales', linesOf([...events, 'no event']), `p${hour}`);
    await engine.settle();
    // Tables and a write-ahead log, as a folder has that was in use for a while.
    if (hour === 11) await engine.data.store.sync();
  }
  rows = short(await engine.query('perHour', { where: {} }));
  await engine.close();
  healthy = filesOf(folder);
});

function filesOf(folder: string): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = path.slice(folder.length + 1);
    if (entry.isFile() && !LEFT_OUT.test(name)) files.set(name, readFileSync(path));
  }
  return files;
}

let folders = 0;

/** What comes of a start: the code of its error, or `right`. Anything else is said in words. */
async function startWith(files: Files): Promise<string> {
  const folder = join(root, String(++folders));
  for (const [name, bytes] of files) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), bytes);
  }
  try {
    const outcome = await rowsIn(folder);
    if (outcome === 'right') return outcome;
    // Who refuses leaves the events as they are.
    const after = filesOf(folder);
    for (const [name, bytes] of files)
      if (/^(?:log|rejected)\/.*log$/.test(name) && after.get(name)?.equals(bytes) !== true)
        return `${outcome}, and ${name} was changed`;
    return outcome;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function rowsIn(folder: string): Promise<string> {
  let engine: Engine | undefined;
  try {
    engine = await open(folder);
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

/** Nobody else has the folder: a damage that is taken for a lock sends people the wrong way. */
const isSound = (outcome: string): boolean =>
  outcome === 'right' || (/^[A-Z_]+$/.test(outcome) && outcome !== 'DATA_LOCKED');
const withFile = (name: string, bytes: Buffer | null): Files => {
  const files = new Map(healthy);
  if (bytes === null) files.delete(name);
  else files.set(name, bytes);
  return files;
};
const namesOf = (pattern: RegExp): string[] => [...healthy.keys()].filter((name) => pattern.test(name));

describe('the folder that is damaged below', () => {
  it('has logs of several files, tables and a write-ahead log, and opens', async () => {
    expect(namesOf(/^log\/\d+\.log$/).length).toBeGreaterThan(1);
    expect(namesOf(/^state\/\d+\.sst$/).length).toBeGreaterThan(0);
    expect(namesOf(/^state\/\d+\.log$/).length).toBeGreaterThan(0);
    expect(rows).toHaveLength(12);
    expect(await startWith(healthy)).toBe('right');
  });
});

describe('a record of the list of files of the state', () => {
  const withRecord = (change: (record: Buffer) => void): Promise<string> => {
    const [name = ''] = namesOf(/^state\/MANIFEST/);
    const bytes = Buffer.from(healthy.get(name) ?? '');
    change(bytes);
    return startWith(withFile(name, bytes));
  };

  it('that says it is of a file that is used again is refused by name: RocksDB would not come back', async () => {
    expect(await withRecord((record) => record.writeUInt8(5, 6))).toBe('STATE_FAILED');
  });

  it('that says it is longer than the file is refused by name: RocksDB would take it for torn', async () => {
    const longer = (record: Buffer): unknown => record.writeUInt8(record.readUInt8(5) ^ 0x20, 5);
    expect(await withRecord(longer)).toBe('STATE_FAILED');
  });
});

describe('whole files', () => {
  const DAMAGES: Readonly<Record<string, (bytes: Buffer) => Buffer | null>> = {
    gone: () => null,
    empty: () => Buffer.alloc(0),
    'cut in half': (bytes) => bytes.subarray(0, bytes.length >> 1),
    'a byte short': (bytes) => bytes.subarray(0, bytes.length - 1),
    zeros: (bytes) => Buffer.alloc(bytes.length),
    'twice as long': (bytes) => Buffer.concat([bytes, bytes]),
  };

  it.for(Object.keys(DAMAGES))('%s: a code, or what is right', async (damage) => {
    const unsound: string[] = [];
    for (const [name, bytes] of healthy) {
      const outcome = await startWith(withFile(name, DAMAGES[damage]?.(bytes) ?? null));
      if (!isSound(outcome)) unsound.push(`${name}: ${outcome}`);
    }
    expect(unsound).toEqual([]);
  });

  it('swapped with one of the same kind: a code, or what is right', async () => {
    const unsound: string[] = [];
    for (const ending of [/^log\/.*log$/, /^log\/.*index$/, /^state\/.*sst$/, /(?:^state|^log).*\.log$/]) {
      const [first, second] = namesOf(ending);
      if (first === undefined || second === undefined) continue;
      const files = new Map(healthy);
      files.set(first, healthy.get(second) ?? Buffer.alloc(0));
      files.set(second, healthy.get(first) ?? Buffer.alloc(0));
      const outcome = await startWith(files);
      if (!isSound(outcome)) unsound.push(`${first} and ${second}: ${outcome}`);
    }
    expect(unsound).toEqual([]);
  });

  it('a log whose newest files are gone, while the results have seen them, is refused', async () => {
    const files = new Map(healthy);
    for (const name of namesOf(/^log\//).slice(2)) files.delete(name);
    expect(await startWith(files)).toBe('LOG_CORRUPT');
  });

  it('all of the state gone: the log has everything', async () => {
    const files = new Map([...healthy].filter(([name]) => !name.startsWith('state/')));
    expect(await startWith(files)).toBe('right');
  });
});

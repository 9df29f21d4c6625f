/**
 * Every file of a small data folder, damaged: a bit flipped, cut, emptied, overwritten with zeros, gone, swapped. A start
 * then says so with a code, or shows exactly what is right; it never shows anything else.
 *
 * Of the state one bit of every 41 bytes is flipped; `FAULT_BITS=all` flips all of them. Logs have tests of their own for
 * every bit (`test/runtime/log/damage.test.ts`, `index.test.ts`), snapshots too (`test/runtime/snapshots/crashes.test.ts`).
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
import process from 'node:process';
import { CodedError } from 'pipeline-runtime/kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultConfig } from '../../runtime/src/config/project.ts';
import { openDataFolder } from '../../runtime/src/engine/data-folder.ts';
import { Engine } from '../../runtime/src/engine/engine.ts';
import { systemClock } from '../../runtime/src/ports/clock.ts';
import { sale, sales, short } from '../runtime/architectures/sample.ts';

const ALL = process.env['FAULT_BITS'] === 'all';
/** One bit in so many bytes; which one moves with the place. */
const STEP_BYTES = ALL ? 1 : 41;

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

describe('bits', () => {
  it(
    'of the state and of the record of the owner: a code, or what is right',
    { timeout: 3_600_000 },
    async () => {
      const unsound: string[] = [];
      const outcomes: Record<string, number> = {};
      for (const name of namesOf(/^(?:state\/(?:\d+\.(?:log|sst)|MANIFEST.*|CURRENT)|owner\.json)$/)) {
        const bytes = healthy.get(name) ?? Buffer.alloc(0);
        for (let at = 0; at < bytes.length; at += STEP_BYTES) {
          for (const bit of ALL ? [0, 1, 2, 3, 4, 5, 6, 7] : [(at / STEP_BYTES) % 8]) {
            const flipped = Buffer.from(bytes);
            flipped[at] = (flipped[at] ?? 0) ^ (1 << bit);
            const outcome = await startWith(withFile(name, flipped));
            outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
            if (!isSound(outcome)) unsound.push(`${name}, byte ${at}, bit ${bit}: ${outcome}`);
          }
        }
      }
      process.stdout.write(`bits: ${JSON.stringify(outcomes)}\n`);
      expect(unsound).toEqual([]);
      // Damage that is never noticed would be no damage.
      expect(outcomes['STATE_FAILED'] ?? 0).toBeGreaterThan(0);
    },
  );
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

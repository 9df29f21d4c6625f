/**
 * The Nexmark queries over events that arrive out of order and late: generated code, the interpreter and DuckDB agree on
 * every row.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TestDriver } from 'pipeline-runtime/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nexmarkLines } from '../../bench/nexmark/generator.ts';
import { nexmarkQuery, QUERIES } from '../../bench/nexmark/queries.ts';
import { openReference, type Reference } from '../../bench/nexmark/reference.ts';
import { ARCHITECTURES } from '../../runtime/src/config/project.ts';
import { FileRun, tablesFirst } from '../../runtime/src/engine/file-run.ts';

const folder = mkdtempSync(join(tmpdir(), 'nexmark-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const EVENTS = join(folder, 'events.jsonl');
const SIDE = join(folder, 'side.csv');
const SIDE_ROWS = Array.from({ length: 1500 }, (_, key) => ({ key, value: `side-${key}` }));
const DELAY_MS = 4000;

const LINES = [
  ...nexmarkLines({
    events: 2500,
    eventsPerSecond: 50,
    startMs: Date.parse('2015-07-15T23:59:30Z'),
    seed: 7,
    disorder: { fraction: 0.08, maxMs: 12_000 },
  }),
];

let reference: Reference;
beforeAll(async () => {
  writeFileSync(EVENTS, `${LINES.join('\n')}\n`);
  writeFileSync(SIDE, SIDE_ROWS.map(({ key, value }) => `${key},${value}\n`).join(''));
  reference = await openReference(EVENTS, DELAY_MS, SIDE);
});

async function answer(query: string, jit: 'on' | 'off'): Promise<{ rows: string[]; run: FileRun }> {
  const definition = nexmarkQuery(query, `${DELAY_MS / 1000}s`);
  if (definition === undefined) throw new Error(`there is no query ${query}`);
  const run = new FileRun({ plan: definition.plan, jit, times: 'sql' });
  for (const source of tablesFirst(definition.plan)) {
    if (source.name === 'side') await run.feedPieces(source, sideLines());
    else await run.feedJsonLines(source, EVENTS);
  }
  run.end();
  const pieces: Uint8Array[] = [];
  for (const view of run.views) view.writeJson((bytes) => pieces.push(Uint8Array.from(bytes)));
  const rows = Buffer.concat(pieces).toString().split('\n').slice(0, -1).sort();
  return { rows, run };
}

async function* sideLines(): AsyncIterable<Buffer> {
  yield await Promise.resolve(Buffer.from(SIDE_ROWS.map((row) => `${JSON.stringify(row)}\n`).join('')));
}

describe.for(Object.keys(QUERIES))('%s', (query) => {
  it('the interpreter answers as DuckDB does', async () => {
    const { rows, run } = await answer(query, 'off');
    const expected = await reference.rows(query);
    expect(expected.length).toBeGreaterThan(0);
    expect(rows).toEqual(expected);
    expect(run.views[0]?.rejected).toBe(0);
  });

  it('generated code answers as the interpreter does', async () => {
    const [compiled, interpreted] = [await answer(query, 'on'), await answer(query, 'off')];
    expect(compiled.rows).toEqual(interpreted.rows);
    expect(compiled.run.views[0]?.late).toBe(interpreted.run.views[0]?.late);
  });
});

describe.for(ARCHITECTURES)('%s', (architecture) => {
  it.for(Object.keys(QUERIES))('answers %s as DuckDB does, in epochs of 400 events', async (query) => {
    const definition = nexmarkQuery(query, `${DELAY_MS / 1000}s`);
    if (definition === undefined) throw new Error(`there is no query ${query}`);
    const driver = await TestDriver.open(definition, { architecture, epochRows: 400 });
    if (definition.plan.sources.some(({ name }) => name === 'side')) await driver.send('side', SIDE_ROWS);
    await driver.send('nexmark', LINES);
    await driver.end();
    await driver.settle();
    const rows = (await driver.rows(query)).map((row) => JSON.stringify(withSqlTimes(row))).sort();
    expect(rows).toEqual(await reference.rows(query));
  });
});

const ISO_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;

function withSqlTimes(row: object): object {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      typeof value === 'string' && ISO_TIME.test(value)
        ? value.replace('T', ' ').slice(0, -1)
        : (value as unknown),
    ]),
  );
}

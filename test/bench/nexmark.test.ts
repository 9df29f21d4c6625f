/**
 * The Nexmark queries over events that arrive out of order and late: generated code, the interpreter and DuckDB agree on
 * every row.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nexmarkLines } from '../../bench/nexmark/generator.ts';
import { nexmarkQuery, QUERIES } from '../../bench/nexmark/queries.ts';
import { openReference, type Reference } from '../../bench/nexmark/reference.ts';
import { FileRun, tablesFirst } from '../../runtime/src/engine/file-run.ts';

const folder = mkdtempSync(join(tmpdir(), 'nexmark-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const EVENTS = join(folder, 'events.jsonl');
const SIDE = join(folder, 'side.csv');
const SIDE_ROWS = Array.from({ length: 1500 }, (_, key) => ({ key, value: `side-${key}` }));
const DELAY_MS = 4000;

let reference: Reference;
beforeAll(async () => {
  const lines = nexmarkLines({
    events: 6000,
    eventsPerSecond: 100,
    startMs: Date.parse('2015-07-15T23:59:30Z'),
    seed: 7,
    disorder: { fraction: 0.08, maxMs: 12_000 },
  });
  writeFileSync(EVENTS, `${[...lines].join('\n')}\n`);
  writeFileSync(SIDE, SIDE_ROWS.map(({ key, value }) => `${key},${value}\n`).join(''));
  reference = await openReference(EVENTS, DELAY_MS, SIDE);
});

async function answer(query: string, jit: 'on' | 'off'): Promise<{ rows: string[]; run: FileRun }> {
  const definition = nexmarkQuery(query, `${DELAY_MS / 1000}s`);
  if (definition === undefined) throw new Error(`there is no query ${query}`);
  const run = new FileRun({ plan: definition.plan, jit, times: 'sql' });
  for (const source of tablesFirst(definition.plan)) {
    if (source.name === 'side') await run.feedPieces(source, sideLines());
    else run.feedFile(source, EVENTS);
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

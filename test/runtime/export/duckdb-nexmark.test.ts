/** The Nexmark queries from their definitions: run to the end by the engine, and by DuckDB from the exported SQL. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { runToEnd } from 'pipeline-runtime/testing';
import { nexmarkLines } from '../../../bench/nexmark/generator.ts';
import { nexmarkQuery, QUERIES } from '../../../bench/nexmark/queries.ts';
import { exportDuckDb } from '../../../runtime/src/export/sql/duckdb.ts';
import { inferColumns } from '../../../runtime/src/plan/infer.ts';
import type { ViewPlan } from '../../../runtime/src/plan/node.ts';
import { queried, sqlOf } from './duckdb.ts';

/** Out of order, with some events far behind the watermark. */
const lines = [
  ...nexmarkLines({
    events: 2500,
    eventsPerSecond: 40,
    startMs: Date.parse('2015-07-15T07:59:50Z'),
    seed: 7,
    disorder: { fraction: 0.05, maxMs: 30_000 },
  }),
];
const folder = mkdtempSync(join(tmpdir(), 'nexmark-'));
const file = join(folder, 'events.jsonl');
writeFileSync(file, lines.join('\n'));
afterAll(() => rmSync(folder, { recursive: true }));

const side = Array.from({ length: 100 }, (_, index) => ({ key: 1000 + index, value: `v${index}` }));
const sideFile = join(folder, 'side.jsonl');
writeFileSync(sideFile, side.map((row) => JSON.stringify(row)).join('\n'));

const SESSIONS = ['q11'];

test.each(Object.keys(QUERIES))('%s', async (name) => {
  const definition = nexmarkQuery(name, '4s');
  if (definition === undefined) throw new Error('a query has a definition');
  const { plan } = definition;
  const view = plan.views[0] as ViewPlan;
  const inputs = Object.fromEntries(
    plan.sources.map((source) => [
      source.name,
      { kind: 'json', files: [source.name === 'nexmark' ? file : sideFile] } as const,
    ]),
  );
  const query = exportDuckDb(plan, view, inputs);
  if (SESSIONS.includes(name)) {
    expect(query).toMatchObject({ unsupported: [{ node: 'group', what: 'late rows of sessions' }] });
    return;
  }
  const columns = inferColumns(plan, view.node);
  const input = Object.fromEntries(
    plan.sources.map((source) => [source.name, source.name === 'nexmark' ? lines : side]).toReversed(),
  );
  const { views } = await runToEnd(definition, input);
  const rows = (views[name] ?? [])
    .map((row) => JSON.stringify(columns.map((column) => row[column.name])))
    .sort();
  expect(rows.length).toBeGreaterThan(0);
  expect(await queried(sqlOf(query), columns)).toEqual(rows);
});

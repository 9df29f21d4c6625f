/**
 * The law, by example: each folder of test/cases is one definition, its events and what every architecture must end with,
 * however the events are cut into epochs, after a crash before every cut, in memory and in RocksDB; in one pass over files,
 * interpreted and with generated code; and as SQL in DuckDB.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TestDriver } from 'pipeline-runtime/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { ARCHITECTURES, type Architecture } from '../../../runtime/src/config/project.ts';
import { decodeEvent } from '../../../runtime/src/data/decode.ts';
import { openDataFolder } from '../../../runtime/src/engine/data-folder.ts';
import { FileRun, tablesFirst } from '../../../runtime/src/engine/file-run.ts';
import { exportDuckDb } from '../../../runtime/src/export/sql/duckdb.ts';
import { eventTimeReader, isTable } from '../../../runtime/src/plan/event-time.ts';
import { inferColumns } from '../../../runtime/src/plan/infer.ts';
import type { SourcePlan } from '../../../runtime/src/plan/node.ts';
import { systemClock } from '../../../runtime/src/ports/clock.ts';
import { loadTables, type LoggedEvent, queried } from '../export/duckdb.ts';
import { type Case, caseNames, caseOf, type Expected, finalRows, sorted } from './cases.ts';

const folders: string[] = [];
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

interface Variant {
  readonly architecture: Architecture;
  readonly epochRows: number;
  /** After so many events the pipeline catches up and crashes. */
  readonly cut: number;
  readonly store: 'memory' | 'rocksdb';
  /** Which execution runs it; in turns: from restart to restart the other one goes on. `on` unless said. */
  readonly jit?: 'off' | 'in turns';
}

async function run({ definition, sent, ends }: Case, options: Variant): Promise<Expected[]> {
  const folder = options.store === 'rocksdb' ? mkdtempSync(join(tmpdir(), 'case-')) : undefined;
  if (folder !== undefined) folders.push(folder);
  const data = folder === undefined ? undefined : await openDataFolder(folder, systemClock);
  const executions = options.jit === 'in turns' ? (['on', 'off'] as const) : ([options.jit ?? 'on'] as const);
  const configOf = (turn: number) => ({ runtime: { jit: executions[turn % executions.length] ?? 'on' } });
  const config = configOf(0);
  const driver = await TestDriver.open(definition, {
    ...options,
    config,
    ...(data !== undefined && { data }),
  });
  let turn = 0;
  for (let from = 0; from < sent.length; from += options.cut) {
    for (const { source, text } of sent.slice(from, from + options.cut)) await driver.send(source, [text]);
    await driver.settle();
    await driver.restart(definition, { config: configOf(++turn) });
  }
  if (ends) await driver.end();
  await driver.settle();
  const found: Expected[] = [];
  for (const { name: view } of definition.plan.views) {
    for (const row of await driver.rows(view)) found.push({ view, row });
  }
  for (const { view, offset, lateByMs } of await driver.late())
    found.push({ late: { view, offset, lateByMs } });
  for (const { reason } of await driver.rejected()) found.push({ rejected: reason });
  found.push({ lateTotal: (await driver.engine.status()).late.total });
  await data?.close();
  return found;
}

const WHOLE = { epochRows: 1000, cut: 1000 };
const SINGLE = { epochRows: 1, cut: 1 };
const variants: readonly Variant[] = [
  ...ARCHITECTURES.flatMap((architecture) => [
    { architecture, ...WHOLE, store: 'memory' as const },
    { architecture, ...SINGLE, store: 'memory' as const },
  ]),
  { architecture: 'streaming', epochRows: 3, cut: 4, store: 'memory' },
  { architecture: 'lambda', epochRows: 3, cut: 4, store: 'memory' },
  { architecture: 'streaming', epochRows: 2, cut: 5, store: 'rocksdb' },
  { architecture: 'streaming', ...SINGLE, store: 'memory', jit: 'off' },
  { architecture: 'streaming', ...SINGLE, store: 'memory', jit: 'in turns' },
  { architecture: 'kappa', epochRows: 2, cut: 3, store: 'memory', jit: 'in turns' },
];
/** Those whose subject is the architecture itself: what becomes of late events. */
const everyStore = ARCHITECTURES.filter((architecture) => architecture !== 'streaming').map(
  (architecture): Variant => ({ architecture, epochRows: 2, cut: 5, store: 'rocksdb' }),
);

describe.for(caseNames)('%s', async (name) => {
  const given = await caseOf(name);
  const { definition, expected, engines } = given;
  const rows = finalRows(given);
  const all = name.startsWith('late-') ? [...variants, ...everyStore] : variants;

  it.for(all)('$architecture, epochs of $epochRows, cut every $cut, $store, jit $jit', async (variant) => {
    expect(sorted(await run(given, variant))).toEqual(sorted(expected));
  });

  it.for(['on', 'off'] as const)('one pass over files, jit %s', async (jit) => {
    const { plan } = definition;
    const files = new FileRun({ plan, jit });
    for (const source of tablesFirst(plan)) await files.feedPieces(source, linesOf(given, source));
    files.end();
    const views = files.views.map((view) => ({
      view: view.layout.view.name,
      found: sorted([...view.rows()].map((row) => view.toJson(row))),
    }));
    const found = views.filter(({ view }) => rows.has(view));
    const wanted = [...rows].map(([view, each]) => ({ view, found: sorted(each) }));
    if (engines.files !== undefined) {
      expect(found).not.toEqual(wanted);
      return;
    }
    expect(found).toEqual(wanted);
    const rejected = files.rejected + files.views.reduce((sum, view) => sum + view.rejected, 0);
    expect(rejected).toBe(expected.filter((each) => each.rejected !== undefined).length);
    // Under `correct` every event counts.
    const takesLate = plan.sources.some(({ lateness }) => lateness.then === 'correct');
    const late = files.views.reduce((sum, view) => sum + view.late, 0);
    expect(late).toBe(takesLate ? 0 : expected.find(({ lateTotal }) => lateTotal !== undefined)?.lateTotal);
  });

  it('DuckDB, or what it cannot say', async () => {
    const { plan } = definition;
    const inputs = await loadTables(plan, eventsOf(given));
    const refused = new Set<string>();
    for (const view of plan.views) {
      const query = exportDuckDb(plan, view, inputs);
      if ('unsupported' in query) {
        for (const { node, what } of query.unsupported) refused.add(`${node}: ${what}`);
        continue;
      }
      if (!rows.has(view.name)) continue;
      const found = await queried(query.sql, inferColumns(plan, view.node));
      const wanted = sorted((rows.get(view.name) ?? []).map((row) => Object.values(row)));
      if (engines.inexact === undefined) expect(found).toEqual(wanted);
      else expect(found).not.toEqual(wanted);
    }
    expect([...refused].sort()).toEqual((engines.duckdb ?? []).toSorted());
  });
});

async function* linesOf({ sent }: Case, { name }: SourcePlan): AsyncIterable<Buffer> {
  const own = sent.filter(({ source }) => source === name).map(({ text }) => `${text}\n`);
  yield await Promise.resolve(Buffer.from(own.join('')));
}

/** The events that are accepted, in the order of the log. */
function eventsOf({ definition, sent }: Case): readonly LoggedEvent[] {
  return sent.flatMap(({ source: name, text }) => {
    const source = definition.plan.sources.find((candidate) => candidate.name === name) as SourcePlan;
    const decoded = decodeEvent(source.fields, JSON.parse(text));
    if (!('row' in decoded)) return [];
    const isTimed = isTable(source) || eventTimeReader(source)(decoded.row) !== null;
    return isTimed ? [{ source: name, row: decoded.row }] : [];
  });
}

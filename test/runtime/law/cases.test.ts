/**
 * The law, by example: each folder of test/cases is one definition, its events and what every architecture must end with,
 * however the events are cut into epochs, after a crash before every cut, in memory and in RocksDB.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Pipeline } from 'pipeline-runtime';
import { TestDriver } from 'pipeline-runtime/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { ARCHITECTURES, type Architecture } from '../../../runtime/src/config/project.ts';
import { openDataFolder } from '../../../runtime/src/engine/data-folder.ts';
import { systemClock } from '../../../runtime/src/ports/clock.ts';

const CASES = new URL('../../cases/', import.meta.url).pathname;
const folders: string[] = [];
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

interface Expected {
  readonly view?: string;
  readonly row?: unknown;
  readonly late?: unknown;
  readonly rejected?: string;
  readonly lateTotal?: number;
}

function lines(file: string): string[] {
  return readFileSync(file, 'utf8').trim().split('\n');
}

async function run(
  name: string,
  options: { architecture: Architecture; epochRows: number; cut: number; store: 'memory' | 'rocksdb' },
): Promise<Expected[]> {
  const { default: definition } = (await import(join(CASES, name, 'pipeline.ts'))) as { default: Pipeline };
  const source = definition.plan.sources[0]?.name ?? '';
  const input = lines(join(CASES, name, 'input.jsonl'));
  const folder = options.store === 'rocksdb' ? mkdtempSync(join(tmpdir(), 'case-')) : undefined;
  if (folder !== undefined) folders.push(folder);
  const data = folder === undefined ? undefined : await openDataFolder(folder, systemClock);
  const driver = await TestDriver.open(definition, { ...options, ...(data !== undefined && { data }) });
  for (let from = 0; from < input.length; from += options.cut) {
    await driver.send(source, input.slice(from, from + options.cut));
    await driver.settle();
    await driver.restart();
  }
  const found: Expected[] = [];
  for (const { name: view } of definition.plan.views) {
    for (const row of await driver.rows(view)) found.push({ view, row });
  }
  for (const { view, offset, lateByMs } of (await driver.late()).toReversed())
    found.push({ late: { view, offset, lateByMs } });
  for (const { reason } of await driver.rejected()) found.push({ rejected: reason });
  found.push({ lateTotal: (await driver.engine.status()).late.total });
  await data?.close();
  return found;
}

const cuts = [
  { epochRows: 1000, cut: 1000 },
  { epochRows: 3, cut: 4 },
  { epochRows: 1, cut: 1 },
];

describe.for(readdirSync(CASES))('%s', (name) => {
  const sorted = (found: Expected[]): string[] => found.map((each) => JSON.stringify(each)).sort();
  const expected = sorted(
    lines(join(CASES, name, 'expected.jsonl')).map((line) => JSON.parse(line) as Expected),
  );
  const variants = ARCHITECTURES.flatMap((architecture) => [
    ...cuts.map((cut) => ({ architecture, ...cut, store: 'memory' as const })),
    { architecture, epochRows: 2, cut: 5, store: 'rocksdb' as const },
  ]);

  it.for(variants)('$architecture, epochs of $epochRows, cut every $cut, $store', async (variant) => {
    expect(sorted(await run(name, variant))).toEqual(expected);
  });
});

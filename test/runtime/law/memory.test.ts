/**
 * The law with hardly any memory: between epochs the operators forget all they can, and every case and random definitions
 * end as with plenty of it (Z1), after restarts, in memory and in RocksDB.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { count, type Pipeline, pipeline, source } from 'pipeline-runtime';
import { TestDriver, type TestOptions } from 'pipeline-runtime/testing';
import { afterAll, describe, expect, it, test } from 'vitest';
import { z } from 'zod';
import { CodedError } from '../../../runtime/src/base/coded-error.ts';
import { openDataFolder } from '../../../runtime/src/engine/data-folder.ts';
import { systemClock } from '../../../runtime/src/ports/clock.ts';
import { anyRecipe, definitionOf, NAMES } from './random-plan.ts';

const CASES = new URL('../../cases/', import.meta.url).pathname;
const folders: string[] = [];
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

interface Variant extends TestOptions {
  readonly store: 'memory' | 'rocksdb';
  /** Whether every batch of events ends with a restart. */
  readonly restarts: boolean;
  readonly ends: boolean;
}

type Sent = readonly { readonly to: string; readonly events: readonly (object | string)[] }[];

async function run(
  definition: Pipeline,
  sent: Sent,
  memory: number | undefined,
  { store, restarts, ends, ...options }: Variant,
) {
  const folder = store === 'rocksdb' ? mkdtempSync(join(tmpdir(), 'memory-')) : undefined;
  if (folder !== undefined) folders.push(folder);
  const data = folder === undefined ? undefined : await openDataFolder(folder, systemClock);
  const config = { state: memory === undefined ? {} : { memory } };
  const driver = await TestDriver.open(definition, {
    ...options,
    config,
    ...(data !== undefined && { data }),
  });
  const known = new Set(definition.plan.sources.map(({ name }) => name));
  for (const { to, events } of sent) {
    if (known.has(to)) await driver.send(to, events);
    await driver.settle();
    if (restarts) await driver.restart();
  }
  if (ends) await driver.end();
  await driver.settle();
  const views: string[] = [];
  for (const { name } of definition.plan.views)
    for (const row of await driver.rows(name)) views.push(JSON.stringify([name, row]));
  const { late, rejected, state } = await driver.engine.status();
  await data?.close();
  return { rows: views.sort(), late, rejected, keys: state.keys };
}

describe.for(readdirSync(CASES))('%s', (name) => {
  const lines = readFileSync(join(CASES, name, 'input.jsonl'), 'utf8')
    .trim()
    .split('\n');
  const variants = (['streaming', 'kappa'] as const).flatMap((architecture) => [
    { architecture, epochRows: 1, store: 'memory' as const, restarts: false, ends: false },
    { architecture, epochRows: 3, store: 'memory' as const, restarts: true, ends: true },
    { architecture, epochRows: 2, store: 'rocksdb' as const, restarts: true, ends: false },
  ]);

  it.for(variants)('$architecture, epochs of $epochRows, $store', async (variant) => {
    const { default: definition } = (await import(join(CASES, name, 'pipeline.ts'))) as { default: Pipeline };
    const to = definition.plan.sources[0]?.name ?? '';
    const sent = [];
    for (let from = 0; from < lines.length; from += 5) sent.push({ to, events: lines.slice(from, from + 5) });
    const plenty = await run(definition, sent, undefined, { ...variant, store: 'memory' });
    expect(await run(definition, sent, 1, variant)).toEqual(plenty);
  });
});

const START_MS = Date.UTC(2001, 2, 24, 22);
const anyKey = fc.constantFrom('a', 'b', 'c');
const anySent: fc.Arbitrary<Sent> = fc
  .array(
    fc.record({
      to: fc.constantFrom(...NAMES, 'a'),
      events: fc.array(
        fc.record({
          key: anyKey,
          step: fc.constantFrom(0, 1, 1, 2, 3, 9, -1, -3, -8),
          n: fc.option(fc.integer({ min: -1, max: 6 })),
          x: fc.integer({ min: -8, max: 24 }).map((eighths) => eighths / 8),
          tags: fc.array(anyKey, { maxLength: 2 }),
          price: fc.constantFrom('0.10', '12.34'),
        }),
        { minLength: 1, maxLength: 8 },
      ),
    }),
    { minLength: 2, maxLength: 10, size: 'max' },
  )
  .map((all) => {
    let minute = 0;
    return all.map(({ to, events }) => ({
      to,
      events: events.map(({ step, ...event }) => {
        minute = Math.max(0, minute + step);
        if (to === 'names') return { key: event.key, label: event.tags[0] ?? null, weight: 1 };
        return { ...event, at: new Date(START_MS + minute * 60_000).toISOString() };
      }),
    }));
  });
const anyVariant: fc.Arbitrary<Variant> = fc.record({
  architecture: fc.constantFrom('streaming', 'kappa', 'micro-batch', 'lambda'),
  epochRows: fc.integer({ min: 1, max: 8 }),
  partitions: fc.constantFrom(1, 3),
  store: fc.constant('memory' as const),
  restarts: fc.boolean(),
  ends: fc.boolean(),
});

test('beyond state.memory keys leave memory, and behind a restart none is there that nobody asked for', async () => {
  const visits = source('visits', {
    schema: z.object({ user: z.string(), at: z.iso.datetime() }),
    eventTime: 'at',
    watermark: { delay: '1m' },
    lateness: { allowed: '0s', then: 'drop' },
  });
  const definition = pipeline('visits', {
    counts: visits
      .groupBy((f) => ({ user: f.user }))
      .aggregate(() => ({ visits: count() }))
      .updates(),
  });
  const events = Array.from({ length: 6000 }, (_, i) => ({
    user: `user ${i}`,
    at: new Date(START_MS).toISOString(),
  }));
  const memory = 1e6;
  // Generated code forgets nothing: the interpreter runs what outgrows the memory.
  const runtime = { jit: 'off' } as const;
  const driver = await TestDriver.open(definition, {
    epochRows: 500,
    config: { state: { memory }, runtime },
  });
  const state = async () => (await driver.engine.status()).state;
  for (const visit of [1, 2]) {
    await driver.send('visits', events);
    await driver.settle();
    expect(new Set((await driver.rows('counts')).map(({ visits: each }) => each))).toEqual(new Set([visit]));
    const { keys, memoryBytes } = await state();
    expect(keys).toBe(events.length);
    expect(memoryBytes).toBeGreaterThan(memory / 2);
    expect(memoryBytes).toBeLessThanOrEqual(memory);
    await driver.restart();
    expect((await state()).keys).toBe(events.length);
    expect((await state()).memoryBytes).toBeLessThan(memory / 100);
  }
  await driver.restart(definition, { config: { state: { memory: 1e9 }, runtime } });
  await driver.send('visits', events);
  await driver.settle();
  expect((await state()).memoryBytes).toBeGreaterThan(3 * memory);
});

test('random definitions', async () => {
  const plans = Number(process.env['RANDOM_PLANS'] ?? 80);
  await fc.assert(
    fc.asyncProperty(anyRecipe, anySent, anyVariant, async (recipe, sent, variant) => {
      let definition: Pipeline;
      try {
        definition = definitionOf(recipe);
      } catch (error) {
        fc.pre(!(error instanceof CodedError));
        throw error;
      }
      expect(await run(definition, sent, 1, variant)).toEqual(
        await run(definition, sent, undefined, variant),
      );
    }),
    { numRuns: plans },
  );
}, 300_000);

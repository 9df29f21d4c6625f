/**
 * The law, at random: whatever the definition, its views end with the same rows, late events and rejections however the
 * events are cut into epochs, in every architecture, after restarts, in memory and in RocksDB, as in one epoch of a batch.
 *
 * RANDOM_PLANS=2000 runs so many plans instead of the few of every day.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import type { Pipeline } from 'pipeline-runtime';
import { TestDriver, type TestOptions } from 'pipeline-runtime/testing';
import { afterAll, expect, test } from 'vitest';
import { CodedError } from '../../../runtime/src/base/coded-error.ts';
import { type Architecture, ARCHITECTURES } from '../../../runtime/src/config/project.ts';
import { openDataFolder } from '../../../runtime/src/engine/data-folder.ts';
import { FileRun } from '../../../runtime/src/engine/file-run.ts';
import type { SourcePlan } from '../../../runtime/src/plan/node.ts';
import { systemClock } from '../../../runtime/src/ports/clock.ts';
import { anyRecipe, definitionOf, isSession, type Recipe, type SourceName } from './random-plan.ts';

const PLANS = Number(process.env['RANDOM_PLANS'] ?? 80);
const NEEDS_OTHERS = ['union', 'interval', 'temporal', 'regular', 'lookup'];
const WHOLE = { architecture: 'batch', epochRows: 100_000, isCut: false, jits: ['off'] } as const;
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const START_MS = Date.UTC(2001, 2, 24, 22);

const folders: string[] = [];
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

/** Events of one source, and what happens behind them. */
interface Sent {
  readonly to: SourceName;
  readonly events: readonly object[];
  readonly then: 'nothing' | 'settle' | 'restart';
}

const anyKey = fc.constantFrom('a', 'b', 'c');
const anyEvent = fc.record({
  key: anyKey,
  /** Behind the event before, in minutes; whole ones, so that times meet. */
  step: fc.constantFrom(0, 1, 1, 2, 3, 9, -1, -3, -8),
  n: fc.option(fc.integer({ min: -1, max: 6 })),
  x: fc.integer({ min: -8, max: 24 }).map((eighths) => eighths / 8),
  tags: fc.array(anyKey, { maxLength: 2 }),
  price: fc.constantFrom('0.10', '0.20', '-1.00', '12.34'),
});
const anyName = fc.record({ key: anyKey, label: fc.option(anyKey), weight: fc.nat(5) });

const anySent: fc.Arbitrary<readonly Sent[]> = fc
  .array(
    fc.record({
      to: fc.constantFrom('a' as const, 'a' as const, 'b' as const, 'names' as const),
      events: fc.array(anyEvent, { minLength: 1, maxLength: 8 }),
      named: anyName,
      then: fc.constantFrom<Sent['then'][]>('nothing', 'nothing', 'settle', 'restart'),
    }),
    { minLength: 2, maxLength: 14, size: 'max' },
  )
  .map((all) => {
    let minute = 0;
    return all.map(({ to, events, named, then }) => ({
      to,
      then,
      events:
        to === 'names'
          ? [named]
          : events.map(({ step, ...event }) => {
              minute = Math.max(0, minute + step);
              return { ...event, at: new Date(START_MS + minute * MINUTE_MS).toISOString() };
            }),
    }));
  });

/** The definition, without what the definition language refuses of it; every refusal has a code. */
function accepted(recipe: Recipe): { definition: Pipeline; recipe: Recipe } {
  const weaker: readonly Partial<Recipe>[] = [
    {},
    { mode: 'updates' },
    { behind: [] },
    { mode: 'updates', behind: [] },
    { mode: 'updates', behind: [], ending: null },
    { mode: 'updates', behind: [], steps: recipe.steps.slice(0, 1) },
  ];
  for (const less of weaker) {
    try {
      return { definition: definitionOf({ ...recipe, ...less }), recipe: { ...recipe, ...less } };
    } catch (error) {
      if (!(error instanceof CodedError) || !['DEFINITION_INVALID', 'PLAN_INVALID'].includes(error.code))
        throw error;
    }
  }
  return {
    definition: definitionOf({ ...recipe, mode: 'updates', behind: [], ending: null, steps: [] }),
    recipe,
  };
}

interface Variant extends TestOptions {
  readonly isCut: boolean;
  /** Which execution runs the views; from restart to restart in turns. Generated code unless said. */
  readonly jits?: readonly ('on' | 'off')[];
  readonly ends: boolean;
}

async function run(
  definition: Pipeline,
  sent: readonly Sent[],
  { isCut, ends, jits = ['on'], ...options }: Variant,
) {
  const configOf = (turn: number) => ({ runtime: { jit: jits[turn % jits.length] ?? 'on' } });
  let turn = 0;
  const driver = await TestDriver.open(definition, { ...options, config: configOf(turn) });
  const known = new Set(definition.plan.sources.map(({ name }) => name));
  for (const { to, events, then } of sent) {
    if (known.has(to)) await driver.send(to, events);
    if (isCut && then !== 'nothing') await driver.settle();
    if (isCut && then === 'restart') await driver.restart(definition, { config: configOf(++turn) });
  }
  if (ends) await driver.end();
  await driver.settle();
  const late = (await driver.late()).map(
    ({ view, source, partition, offset }) => `${view} ${source} ${partition} ${offset}`,
  );
  return {
    rows: (await driver.rows('view')).map((row) => JSON.stringify(row)).sort(),
    late: late.sort(),
    lateTotal: (await driver.engine.status()).late.total,
    rejected: (await driver.rejected()).map(({ reason }) => reason).sort(),
  };
}

/**
 * What a correction lets in, it also shows to the steps behind: an event that is late for two of them was dropped by the
 * first before, a late row makes a session longer, so that the next is in time, and a row that could not be computed may
 * have become another. Late events and rejections are what happened, so there the cut decides; what is shown is not.
 */
function compared(
  { late, lateTotal, rejected, rows }: Awaited<ReturnType<typeof run>>,
  recipe: Recipe,
): object {
  const judging = [...recipe.steps, ...recipe.other, recipe.ending].filter(
    (step) => step !== null && !['filter', 'map', 'unnest', 'union', 'lookup'].includes(step.kind),
  );
  if (recipe.policy !== 'correct' || lateTotal === 0) return { rows, late, lateTotal, rejected };
  return judging.length > 1 || isSession(recipe) ? { rows } : { rows, late, lateTotal };
}

/** The rows of a view after a run over a file with the events of `a`. */
async function runFile({ plan }: Pipeline, sent: readonly Sent[], jit: 'on' | 'off') {
  const lines = sent.flatMap(({ events }) => events.map((event) => `${JSON.stringify(event)}\n`)).join('');
  const files = new FileRun({ plan, jit });
  await files.feedPieces(plan.sources[0] as SourcePlan, pieces(lines));
  files.end();
  const [view] = files.views;
  const rows = [...(view?.rows() ?? [])].map((row) => JSON.stringify(view?.toJson(row)));
  return { rows: rows.sort(), isCompiled: view?.isCompiled === true };
}

async function* pieces(text: string): AsyncIterable<Buffer> {
  yield await Promise.resolve(Buffer.from(text));
}

interface Chosen {
  readonly architecture: Architecture;
  readonly epochRows: number;
  readonly partitions: number;
  readonly ends: boolean;
  readonly store: 'memory' | 'rocksdb';
  readonly jits?: readonly ('on' | 'off')[];
}

const anyVariant: fc.Arbitrary<Chosen> = fc.record({
  architecture: fc.constantFrom(...ARCHITECTURES),
  epochRows: fc.integer({ min: 1, max: 12 }),
  partitions: fc.constantFrom(1, 1, 3),
  ends: fc.constantFrom(true, true, false),
  store: fc.constantFrom(...Array<'memory'>(14).fill('memory'), 'rocksdb' as const),
  jits: fc.constantFrom(['on'] as const, ['on', 'off'] as const, ['off', 'on'] as const),
});

/** `a@5 c@18=3`: events with their keys, minutes and n, sent to `a` unless told. */
const sending = (text: string, to: Sent['to'] = 'a', then: Sent['then'] = 'nothing'): Sent => ({
  to,
  then,
  events: text.split(' ').map((each) => {
    const [, key = '', minute = '', n] = /^(\w)@(\d+)(?:=(\d))?$/.exec(each) ?? [];
    const at = new Date(START_MS + Number(minute) * MINUTE_MS).toISOString();
    return { key, at, n: n === undefined ? null : Number(n), x: 0, tags: [], price: '0.10' };
  }),
});

const recipeOf = (more: Partial<Recipe>): Recipe => ({
  isSlim: false,
  steps: [],
  other: [],
  ending: null,
  behind: [],
  mode: 'updates',
  policy: 'drop',
  delay: '0s',
  allowed: '0s',
  ...more,
});
const epochs = (architecture: Architecture, partitions = 1): Chosen => ({
  architecture,
  epochRows: 1,
  partitions,
  ends: true,
  store: 'memory',
});

/** What random plans have found: each is tried again every time. */
const FOUND: [Recipe, readonly Sent[], Chosen][] = [
  // A key that a dedupe forgot comes again.
  [
    recipeOf({ ending: { kind: 'latest', p: 0 } }),
    [sending('a@0'), sending('c@9 c@18 b@21 a@21')],
    epochs('batch'),
  ],
  // A process function fails for a row that waited for its time, in a later epoch than the one that read it.
  [
    recipeOf({ ending: { kind: 'process', p: 0 }, delay: '10m' }),
    [sending('a@0=3'), sending('a@0'), sending('a@0', 'a', 'restart')],
    epochs('batch'),
  ],
  // An event is late for two windows that begin together.
  [
    recipeOf({ ending: { kind: 'group', p: 17 }, policy: 'correct' }),
    [sending('a@1'), sending('a@10 a@2')],
    epochs('kappa'),
  ],
  // Pairs of which one side is of events and the other waits for time: which came first is a matter of the cut.
  [
    recipeOf({
      steps: [
        { kind: 'interval', p: 20 },
        { kind: 'dedupe', p: 2 },
      ],
      other: [{ kind: 'over', p: 0 }],
    }),
    [sending('a@0', 'b'), sending('a@0 a@2')],
    epochs('streaming'),
  ],
  // A row in time that a closed session keeps out.
  [
    recipeOf({ ending: { kind: 'group', p: 53 }, policy: 'correct', delay: '4m', allowed: '2m' }),
    [sending('a@0 a@9 a@10'), sending('a@2 a@2'), sending('a@2')],
    epochs('streaming'),
  ],
  // A correction lets in what is late for the next step too, where it is not over for everybody yet.
  [
    recipeOf({
      steps: [{ kind: 'interval', p: 0 }],
      ending: { kind: 'group', p: 13 },
      policy: 'correct',
    }),
    [sending('a@0 a@1'), sending('a@4 a@7 a@0 a@0', 'b', 'settle')],
    epochs('micro-batch'),
  ],
  // Time begins to move when the input ends: before, one of the partitions was silent.
  [
    recipeOf({ ending: { kind: 'group', p: 15 }, mode: 'final' }),
    [sending('a@0'), sending('a@0', 'a', 'settle')],
    epochs('batch', 3),
  ],
];

/** The same for runs over files: a key that was silent too long, where nothing is ever late. */
const FOUND_IN_FILES: [Recipe, readonly Sent[]][] = [
  [
    recipeOf({ isSlim: true, steps: [{ kind: 'dedupe', p: 0 }], policy: 'correct' }),
    [sending('a@0 c@9'), sending('c@18 a@18'), sending('a@18'), sending('a@18')],
  ],
];

test('whatever the definition, every cut ends like one epoch of a batch', { timeout: HOUR_MS }, async () => {
  const tally = { rows: 0, late: 0, rejected: 0 };
  const property = fc.asyncProperty(anyRecipe, anySent, anyVariant, async (given, sent, variant) => {
    const { definition, recipe } = accepted(given);
    const { store, ends, partitions, ...cut } = variant;
    const whole = await run(definition, sent, { ...WHOLE, partitions, ends });
    const folder = store === 'rocksdb' ? mkdtempSync(join(tmpdir(), 'plan-')) : undefined;
    if (folder !== undefined) folders.push(folder);
    const data = folder === undefined ? undefined : await openDataFolder(folder, systemClock);
    try {
      const options = { ...cut, partitions, ends, ...(data !== undefined && { data }) };
      const inEpochs = await run(definition, sent, { ...options, isCut: true });
      expect(compared(inEpochs, recipe)).toEqual(compared(whole, recipe));
    } finally {
      await data?.close();
    }
    tally.rows += whole.rows.length;
    tally.late += whole.lateTotal;
    tally.rejected += whole.rejected.length;
  });
  await fc.assert(property, { numRuns: PLANS, examples: FOUND });
  // So that the property is not about plans that show nothing.
  expect(tally.rows).toBeGreaterThan(PLANS);
  expect(tally.late).toBeGreaterThan(PLANS / 2);
  expect(tally.rejected).toBeGreaterThan(0);
});

test('a run over files, generated or not, ends like one epoch of a batch', { timeout: HOUR_MS }, async () => {
  let compiled = 0;
  const ofOne = anyRecipe.map((recipe): Recipe => {
    const alone = recipe.steps.filter(({ kind }) => !NEEDS_OTHERS.includes(kind));
    return {
      ...recipe,
      isSlim: true,
      steps: alone,
      ending: recipe.ending?.kind === 'meet' ? null : recipe.ending,
    };
  });
  const property = fc.asyncProperty(ofOne, anySent, async (given, all) => {
    const { definition } = accepted(given);
    const sent = all.filter(({ to }) => to === 'a');
    const whole = await run(definition, sent, { ...WHOLE, partitions: 1, ends: true });
    for (const jit of ['on', 'off'] as const) {
      const { rows, isCompiled } = await runFile(definition, sent, jit);
      expect(rows).toEqual(whole.rows);
      compiled += Number(isCompiled);
    }
  });
  await fc.assert(property, { numRuns: PLANS, examples: FOUND_IN_FILES });
  expect(compiled).toBeGreaterThan(PLANS / 10);
});

/**
 * Several workers answer as one does: the same rows in the same order, the same counts of late and rejected ones (Q2); and
 * none of them outlives the run (Q3).
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import type { Worker } from 'node:worker_threads';
import * as fc from 'fast-check';
import {
  count,
  last,
  type Pipeline,
  pipeline,
  session,
  source,
  sum,
  table,
  tumbling,
} from 'pipeline-runtime';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { nexmarkLines } from '../../../bench/nexmark/generator.ts';
import { nexmarkQuery } from '../../../bench/nexmark/queries.ts';
import { tablesFirst } from '../../../runtime/src/engine/file-run.ts';
import {
  FileWorkers,
  type FileWorkersOptions,
  openFileRun,
  workersOf,
} from '../../../runtime/src/engine/file-workers.ts';
import type { Plan, SourcePlan } from '../../../runtime/src/plan/node.ts';

const folder = mkdtempSync(join(tmpdir(), 'workers-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** All threads that were started, with whether they still run. */
const threads: Worker[] = [];
process.on('worker', (worker) => void threads.push(worker));
beforeEach(() => void threads.splice(0));
const running = (): number => threads.filter(({ threadId }) => threadId !== -1).length;

let files = 0;
function fileOf(text: string): string {
  const path = join(folder, `events-${files++}.jsonl`);
  writeFileSync(path, text);
  return path;
}

interface Answered {
  readonly views: Readonly<
    Record<string, { rows: string; late: number; rejected: number; reasons: readonly string[] }>
  >;
  readonly problems: readonly string[];
  readonly undivided: readonly (string | null)[];
}

type Input = string | readonly string[];

/** Text of a file, or pieces. */
async function answerOf(
  plan: Plan,
  inputs: Readonly<Record<string, Input>>,
  options: Partial<FileWorkersOptions> & Pick<FileWorkersOptions, 'workers'>,
): Promise<Answered> {
  const problems: string[] = [];
  const run = await openFileRun({
    plan,
    jit: 'on',
    ordered: true,
    onProblem: (name, line, problem) => void problems.push(`${name}:${line} ${problem}`),
    ...options,
  });
  try {
    for (const each of tablesFirst(plan)) {
      const input = inputs[each.name] ?? [];
      if (typeof input === 'string') await run.feedJsonLines(each, input);
      else await run.feedPieces(each, piecesOf(input));
    }
    await run.end();
    const views: Record<string, Answered['views'][string]> = {};
    for (const view of run.views) {
      const pieces: Uint8Array[] = [];
      await view.writeJson((bytes) => void pieces.push(Uint8Array.from(bytes)));
      const { late, rejected, reasons, layout } = view;
      // Which ten of many are shown depends on who met them.
      const shown = rejected > 10 ? [] : [...reasons].sort();
      views[layout.view.name] = { rows: Buffer.concat(pieces).toString(), late, rejected, reasons: shown };
    }
    expect(run.rejected).toBe(problems.length);
    return { views, problems, undivided: run.views.map(({ undivided }) => undivided) };
  } finally {
    await run.close();
  }
}

async function* piecesOf(pieces: readonly string[]): AsyncIterable<Buffer> {
  for (const piece of pieces) yield await Promise.resolve(Buffer.from(piece));
}

/** REQUIRES that the order of rows does not matter. */
function sorted({ views }: Answered): unknown {
  return Object.values(views).map(({ rows, late }) => [rows.split('\n').toSorted(), late]);
}

describe('Nexmark', () => {
  const lines = nexmarkLines({
    events: 2500,
    eventsPerSecond: 50,
    startMs: Date.parse('2015-07-15T23:59:30Z'),
    seed: 7,
    disorder: { fraction: 0.08, maxMs: 25_000 },
  });
  const file = fileOf(`${[...lines].join('\n')}\n`);

  it.for(['q3', 'q11', 'q17', 'q18', 'q19'])('%s: two workers and three answer as one', async (query) => {
    const { plan } = nexmarkQuery(query, '0s') as Pipeline;
    const answers = [1, 2, 3].map(
      async (workers) =>
        await answerOf(
          plan,
          { nexmark: file },
          { workers, ordered: false, times: 'sql', chunkBytes: 20_000 },
        ),
    );
    const [one, two, three] = await Promise.all(answers);
    expect(one?.views[query]?.rows.length).toBeGreaterThan(100);
    if (query === 'q11') expect(one?.views[query]?.late).toBeGreaterThan(0);
    expect(two?.undivided).toEqual([null]);
    expect(sorted(two as Answered)).toEqual(sorted(one as Answered));
    expect(sorted(three as Answered)).toEqual(sorted(one as Answered));
  });
});

const items = source('items', {
  schema: z.object({
    key: z.string().nullable(),
    number: z.int().nullable(),
    flag: z.boolean(),
    tags: z.array(z.string()),
    at: z.iso.datetime(),
  }),
  eventTime: 'at',
  watermark: { delay: '5s' },
  lateness: { allowed: '0s', then: 'drop' },
});
const labels = table('labels', { schema: z.object({ id: z.int(), label: z.string() }) });

/** Views that are divided by different columns, one that is not, one of single events in order, one that looks up. */
const { plan: PLAN } = pipeline('items', {
  totals: items
    .groupBy((i) => ({ key: i.key }))
    .aggregate((i) => ({ n: count(), total: sum(i.number), newest: last(i.key) }))
    .updates(),
  visits: items
    .groupBy((i) => ({ number: i.number, window: session(i.at, '3s') }))
    .aggregate(() => ({ n: count() }))
    .final(),
  all: items
    .groupBy((i) => ({ window: tumbling(i.at, '10s') }))
    .aggregate(() => ({ n: count() }))
    .final(),
  newest: items.dedupe({ keys: ['flag', 'key'], keep: 'last', by: 'time' }).updates(),
  best: items.top({ by: ['key'], order: (i) => [i.number.descending()], limit: 2, rank: 'place' }).updates(),
  plain: items
    .map((i) => ({ key: i.key, tags: i.tags, inverse: i.number.integerDividedBy(i.number) }))
    .updates(),
  labelled: items
    .join(labels, {
      type: 'left',
      how: 'lookup',
      on: (i, l) => [[i.number, l.id]],
      select: (i, l) => ({ key: i.key, label: l.label, at: i.at }),
    })
    .updates(),
});
const LABELS = [0, 1, 2].map((id) => `${JSON.stringify({ id, label: `label ${id}` })}\n`);

const item = fc.record({
  key: fc.oneof(
    fc.constantFrom(null, 'a', 'b', 'é"\\\n', '🦊', '\u0000', '\ud83e\udd8a\u2028'),
    fc.string({ unit: 'grapheme', maxLength: 4 }),
  ),
  number: fc.constantFrom(null, -1, 0, 1, 2, 4_294_967_296),
  flag: fc.boolean(),
  tags: fc.array(fc.constantFrom('x', 'ü', 'long enough'), { maxLength: 2 }),
  at: fc.integer({ min: 0, max: 60 }).map((second) => new Date(second * 1000).toISOString()),
});
const line = fc.oneof(
  { weight: 12, arbitrary: item.map((value) => JSON.stringify(value)) },
  // With escapes where none are needed.
  {
    weight: 2,
    arbitrary: item.map((value) => JSON.stringify(value).replace('"key":"a"', String.raw`"key":"\u0061"`)),
  },
  { weight: 1, arbitrary: fc.constantFrom('', '  ', '{', '{"key":1}', '{"at":"1950-01-01T00:00:00Z"}') },
);

const PLAUSIBLE = () => ({
  fromMs: 0,
  toMs: 58_000,
  problem: (timeMs: number) => `${timeMs} is not for us`,
});

describe('any events', () => {
  it('give what one worker gives (Q1, Q2)', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { maxLength: 120, size: 'max' }),
        fc.boolean(),
        fc.constantFrom(30, 333, 1 << 20),
        fc.constantFrom('on', 'off'),
        fc.integer({ min: 2, max: 3 }),
        async (lines, endsWithFeed, chunkBytes, jit, workers) => {
          const path = fileOf(lines.join('\n') + (endsWithFeed ? '\n' : ''));
          const inputs = { items: path, labels: LABELS };
          const options = { jit, plausible: PLAUSIBLE } as const;
          const one = await answerOf(PLAN, inputs, { ...options, workers: 1 });
          const some = await answerOf(PLAN, inputs, { ...options, workers, chunkBytes });
          expect(some.views).toEqual(one.views);
          expect(some.problems).toEqual(one.problems);
          expect(some.undivided.map((reason) => reason === null)).toEqual(
            PLAN.views.map(({ name }) => name !== 'all'),
          );
        },
      ),
      // Smaller ones would take as many threads each; the seed is enough.
      { numRuns: 6, endOnFailure: true },
    );
    expect(running()).toBe(0);
  });
});

/** So many events, of keys that go to both of two workers. */
const linesOf = (events: number, from = 0): string[] =>
  Array.from({ length: events }, (_, index) => {
    const n = from + index;
    const at = new Date(n * 100).toISOString();
    return JSON.stringify({ key: `key ${n % 17}`, number: n % 5, flag: n % 2 === 0, tags: [], at });
  });

async function expectSame(
  plan: Plan,
  inputs: Readonly<Record<string, Input>>,
  chunkBytes: number,
): Promise<Answered> {
  const one = await answerOf(plan, inputs, { workers: 1 });
  expect(await answerOf(plan, inputs, { workers: 2, chunkBytes })).toMatchObject({
    views: one.views,
    problems: one.problems,
  });
  return one;
}

describe('an input', () => {
  const { plan } = pipeline('items', {
    totals: items
      .groupBy((i) => ({ key: i.key }))
      .aggregate((i) => ({ n: count(), total: sum(i.number) }))
      .updates(),
  });

  it('may be cut inside of lines, also of one over many chunks and of one that is too long', async () => {
    const long = JSON.stringify({ ...(JSON.parse(linesOf(1)[0] ?? '') as object), key: 'x'.repeat(5000) });
    const tooLong = 'y'.repeat(1_000_001);
    const lines = [...linesOf(40), long, ...linesOf(40, 40), tooLong, ...linesOf(40, 80)];
    const { problems, views } = await expectSame(plan, { items: fileOf(lines.join('\n')) }, 777);
    expect(problems).toEqual([expect.stringMatching(/^items:82 the event has .* bytes/)]);
    expect(views['totals']?.rows).toContain('xxx');
  });

  it('may be cut right behind a line feed', async () => {
    const text = `${linesOf(9).join('\n')}\n`;
    const { views } = await expectSame(plan, { items: fileOf(text) }, text.indexOf('\n') + 1);
    expect(views['totals']?.rows.split('\n')).toHaveLength(10);
  });

  it('may be smaller than a chunk', async () => {
    const { views } = await expectSame(plan, { items: fileOf(linesOf(3).join('\n')) }, 1 << 20);
    expect(views['totals']?.rows.split('\n')).toHaveLength(4);
  });

  it('may be empty', async () => {
    const { views } = await expectSame(plan, { items: fileOf('') }, 1 << 20);
    expect(views['totals']?.rows).toBe('');
  });

  it('may have nulls and texts of all kinds as keys; null is one key', async () => {
    const keys = [null, 'a', null, 'é"\\', '🦊', '', String.raw`\u0061`];
    const lines = linesOf(70).map((text, n) =>
      JSON.stringify({ ...(JSON.parse(text) as object), key: keys[n % 7] }).replace(
        /"a"/,
        String.raw`"\u0061"`,
      ),
    );
    const { views } = await expectSame(plan, { items: fileOf(lines.join('\n')) }, 1 << 20);
    expect(views['totals']?.rows.split('\n')).toHaveLength(7);
  });

  it('may come in pieces, which end anywhere', async () => {
    const text = linesOf(300).join('\n');
    const pieces = Array.from({ length: Math.ceil(text.length / 100) }, (_, n) =>
      text.slice(100 * n, 100 * n + 100),
    );
    const { views } = await expectSame(plan, { items: pieces }, 1 << 20);
    expect(views['totals']?.rows.split('\n')).toHaveLength(18);
  });
});

describe('a run ends', () => {
  const [ITEMS] = PLAN.sources as readonly [SourcePlan];
  const open = async (plan: Plan, options: Partial<FileWorkersOptions> = {}): Promise<FileWorkers> =>
    await FileWorkers.open({ plan, jit: 'off', workers: 2, chunkBytes: 500, ...options });

  it('with the error of a worker that throws (Q3)', async () => {
    const input = { kind: 'source', source: 'items' } as const;
    const node = { kind: 'process', function: 'absent', keys: ['key'], columns: [], input } as const;
    const run = await open({ ...PLAN, views: [{ name: 'broken', mode: 'updates', node }] });
    await expect(run.feedJsonLines(ITEMS, fileOf(linesOf(9).join('\n')))).rejects.toThrow(
      /reading 'initial'/,
    );
    expect([threads.length, running()]).toEqual([2, 0]);
    await expect(run.end()).rejects.toThrow(/reading 'initial'/);
  });

  it('when a worker dies while the others wait for it (Q3)', async () => {
    const run = await open(PLAN, { onProblem: () => void threads[1]?.terminate() });
    const text = ['not an event', ...linesOf(20_000)].join('\n');
    await expect(run.feedJsonLines(ITEMS, fileOf(text))).rejects.toThrow('ended before its work was done');
    expect([threads.length, running()]).toEqual([2, 0]);
  });

  it('when it is interrupted, with the reason of the signal (Q3)', async () => {
    const interrupt = new AbortController();
    const run = await open(PLAN, { onProblem: () => interrupt.abort(new Error('enough')) });
    const text = ['not an event', ...linesOf(5000)].join('\n');
    await expect(run.feedJsonLines(ITEMS, fileOf(text), interrupt.signal)).rejects.toThrow('enough');
    expect([threads.length, running()]).toEqual([2, 0]);
  });

  it('when its pieces cannot be read on (Q3)', async () => {
    const run = await open(PLAN);
    const pieces = (async function* (): AsyncIterable<Buffer> {
      yield await Promise.resolve(Buffer.from(`${linesOf(100).join('\n')}\n`));
      throw new Error('torn');
    })();
    await expect(run.feedPieces(ITEMS, pieces)).rejects.toThrow('torn');
    expect([threads.length, running()]).toEqual([2, 0]);
  });

  it('with FILE_UNREADABLE for a file that is not there', async () => {
    const run = await open(PLAN);
    await expect(run.feedJsonLines(ITEMS, join(folder, 'absent'))).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
    });
    await run.close();
    expect(running()).toBe(0);
  });
});

it('runs functions of the definition where they are, and says so', async () => {
  const plan: Plan = { ...PLAN, functions: [] };
  const run = await openFileRun({
    plan: { ...plan, functions: [{ name: 'f', kind: 'scalar', digest: 'none' }], views: [] },
    jit: 'on',
    workers: 2,
  });
  expect(run).not.toBeInstanceOf(FileWorkers);
  expect(threads).toEqual([]);
});

it.for(['0', '-1', 'two', '1.5', '65', ''])('%j is no number of workers', (text) => {
  expect(() => workersOf(text)).toThrow(expect.objectContaining({ code: 'USAGE' }) as Error);
});

/** J1: what generated code shows is what the interpreter shows, however the input is cut. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { compileView, type CompiledView } from '../../../runtime/src/compile/jit/compile-view.ts';
import { lower } from '../../../runtime/src/compile/lower.ts';
import { rowToJson } from '../../../runtime/src/data/json.ts';
import { nameOfKey } from '../../../runtime/src/data/key.ts';
import type { Row } from '../../../runtime/src/data/value.ts';
import { isOver, type Position } from '../../../runtime/src/operators/operator.ts';
import { inferColumns } from '../../../runtime/src/plan/infer.ts';
import type { Plan, ViewPlan } from '../../../runtime/src/plan/node.ts';
import { batchOf } from './batches.ts';
import { events, FIELDS, SOURCE, TIME_INDEX } from './nexmark-events.ts';
import { NAMES, planOf } from './nexmark-plans.ts';

interface Answer {
  readonly rows: readonly string[];
  readonly late: readonly string[];
  readonly errors: number;
}

interface Event {
  readonly row: Row;
  readonly timeMs: number;
  /** The watermark before it. */
  readonly watermarkMs: number;
}

function eventsOf(count: number, seed: number, delayMs: number): Event[] {
  let max = -Infinity;
  return [
    ...events(count, { seed, perSecond: 40, baseMs: 1_436_918_395_000, jitterMs: 12_000, grainMs: 250 }),
  ].map((row) => {
    const index = TIME_INDEX.find((place) => row[place] !== null) as number;
    const timeMs = row[index] as number;
    const event = { row, timeMs, watermarkMs: max - delayMs };
    max = Math.max(max, timeMs);
    return event;
  });
}

const sorted = (counts: ReadonlyMap<string, number>): string[] =>
  [...counts].flatMap(([name, count]) => Array.from({ length: count }, () => name)).sort();

function interpreted(plan: Plan, view: ViewPlan, input: readonly Event[], cuts: readonly number[]): Answer {
  const counts = new Map<string, number>();
  const late: string[] = [];
  let errors = 0;
  const chain = lower({
    plan,
    view,
    code: new Map() as never,
    late: {
      allowedMs: 0,
      isOverFor: (at, endMs) => at !== null && isOver(endMs, 0, at.watermarkMs),
      isClosedFor: (at, endMs) => at !== null && isOver(endMs, 0, at.watermarkMs),
      late: (at, startMs, endMs) => void late.push(`${at.position} ${startMs} ${endMs}`),
    },
    onError: () => void errors++,
    statePrefix: Buffer.from('v|'),
    next: {
      push: (row, weight) => {
        const name = nameOfKey(row);
        const count = (counts.get(name) ?? 0) + weight;
        if (count === 0) counts.delete(name);
        else counts.set(name, count);
      },
    },
  });
  for (const [index, { row, timeMs, watermarkMs }] of input.entries()) {
    const at: Position = {
      source: SOURCE.name,
      partition: 0,
      offset: index,
      position: index,
      eventTimeMs: timeMs,
      watermarkMs,
      event: row,
      firstReading: true,
    };
    chain.push(row, at);
    if (cuts.includes(index)) chain.settle(watermarkMs);
  }
  chain.settle(Infinity);
  return { rows: sorted(counts), late: late.sort(), errors };
}

function compiled(
  plan: Plan,
  view: ViewPlan,
  input: readonly Event[],
  cuts: readonly number[],
  content: boolean,
): Answer {
  const late: string[] = [];
  let errors = 0;
  let base = 0;
  const made = compileView(plan, view, {
    functions: new Map() as never,
    allowedMs: 0,
    content,
    // So few that they are renewed at nearly every flush.
    textsMax: 4,
    hooks: {
      late: (index, startMs, endMs) => late.push(`${base + index} ${startMs} ${endMs}`) === 0,
      error: () => void errors++,
    },
  }) as CompiledView;
  if ('unsupported' in made) throw new Error(`${view.name}: ${String(made.unsupported)}`);
  const fields = made.neededFields.get(SOURCE.name) ?? [];
  const indices = fields.map((name) => FIELDS.findIndex((field) => field.name === name));
  const columns = indices.map((index) => inferColumns(plan, { kind: 'source', source: SOURCE.name })[index]!);
  const run = (until: number): void => {
    const slice = input.slice(base, until);
    const batch = batchOf(
      columns,
      slice.map(({ row }) => indices.map((index) => row[index] ?? null)),
    );
    for (const [index, { timeMs }] of slice.entries()) batch.times[index] = timeMs;
    made.process(
      SOURCE.name,
      batch,
      Float64Array.from(slice, ({ watermarkMs }) => watermarkMs),
    );
    base = until;
  };
  for (const cut of cuts) {
    run(cut + 1);
    made.advance(input[cut]?.watermarkMs ?? 0);
    made.flush();
  }
  run(input.length);
  made.advance(Infinity);
  made.flush();
  const counts = new Map<string, number>();
  const pieces: Uint8Array[] = [];
  made.writeJson((piece) => void pieces.push(piece));
  const json = Buffer.concat(pieces).toString().split('\n').slice(0, -1);
  const shown = inferColumns(plan, view.node);
  const rows = [...made.rows()];
  expect(json.map((line): unknown => JSON.parse(line))).toEqual(rows.map((row) => rowToJson(shown, row)));
  for (const row of rows) counts.set(nameOfKey(row), (counts.get(nameOfKey(row)) ?? 0) + 1);
  return { rows: sorted(counts), late: late.sort(), errors };
}

test.each(NAMES)('%s: compiled is interpreted, in any cut', (name) => {
  const plan = planOf(name);
  const [view] = plan.views as readonly [ViewPlan];
  const cut = fc.uniqueArray(fc.integer({ min: 0, max: 1499 }), { maxLength: 12 });
  const cuts = cut.map((list) => list.toSorted((a, b) => a - b));
  let rows = 0;
  fc.assert(
    fc.property(
      fc.integer(),
      cuts,
      cuts,
      fc.constantFrom(0, 4000, 20_000),
      fc.boolean(),
      (seed, a, b, delayMs, content) => {
        const input = eventsOf(1500, seed, delayMs);
        const wanted = interpreted(plan, view, input, a);
        rows += wanted.rows.length;
        expect(compiled(plan, view, input, b, content)).toEqual(wanted);
      },
    ),
    { numRuns: 12 },
  );
  // The events of so short a time have no auction that q2 asks for.
  if (name !== 'q2') expect(rows).toBeGreaterThan(0);
});

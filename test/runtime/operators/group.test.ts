/** The group operator against a naive recomputation, however its input is cut into epochs (O1, O2, G1–G3). */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Row, Value, WindowValue } from '../../../runtime/src/data/value.ts';
import { GroupOperator, type GroupSpec } from '../../../runtime/src/operators/group.ts';
import type { Position, Weight } from '../../../runtime/src/operators/operator.ts';
import type { ViewMode } from '../../../runtime/src/plan/node.ts';
import { MemoryStore } from '../../../runtime/src/state/memory.ts';
import { Batch, prefixRange } from '../../../runtime/src/state/store.ts';

const PREFIX = Buffer.from('s|live|view|');
const SIZE = 10;
const ALLOWED = 5;

/** An event: key, time, value. */
type Event = readonly [key: string | null, time: number, value: number | null];

const windowOf = (time: number): WindowValue => {
  const start = Math.floor(time / SIZE) * SIZE;
  return [start, start + SIZE];
};

const specOf = (mode: ViewMode, late: (at: Position) => boolean): GroupSpec => ({
  keys: [(row) => row[0] ?? null, (row) => windowOf(row[1] as number)],
  windowIndex: 1,
  aggregates: [
    { fn: 'count', arg: null },
    { fn: 'count', arg: (row) => row[2] ?? null },
    { fn: 'sum', arg: (row) => row[2] ?? null },
    { fn: 'avg', arg: (row) => row[2] ?? null },
    { fn: 'min', arg: (row) => row[2] ?? null },
    { fn: 'max', arg: (row) => row[2] ?? null },
    { fn: 'countDistinct', arg: (row) => row[2] ?? null },
  ],
  mode,
  late: { allowedMs: ALLOWED, takes: late },
  prefix: PREFIX,
});

/** Collects rows by weight: a row that goes must have come, and none comes twice. */
class Table {
  readonly rows = new Map<string, number>();

  push(row: Row, weight: Weight): void {
    const name = JSON.stringify(row);
    const now = (this.rows.get(name) ?? 0) + weight;
    if (now < 0 || now > 1) throw new Error(`${name} is there ${now} times`);
    if (now === 0) this.rows.delete(name);
    else this.rows.set(name, now);
  }

  sorted(): string[] {
    return [...this.rows.keys()].sort();
  }
}

interface Run {
  readonly shown: string[];
  readonly late: number[];
  readonly stateKeys: number;
}

/** Runs events through the operator. `cuts` says after which events an epoch ends, `restarts` after which a crash. */
async function run(
  mode: ViewMode,
  events: readonly Event[],
  cut: (index: number) => 'no' | 'epoch' | 'restart',
): Promise<Run> {
  const table = new Table();
  const store = new MemoryStore();
  const late: number[] = [];
  const isLate = (at: Position): boolean => {
    late.push(at.offset);
    return false;
  };
  const restored = async (): Promise<GroupOperator> => {
    const operator = new GroupOperator(specOf(mode, isLate), table);
    const entries = [];
    for await (const entry of store.scan(prefixRange(PREFIX))) entries.push(entry);
    operator.restore(entries);
    return operator;
  };
  let operator = await restored();
  let watermarkMs = -Infinity;
  const endEpoch = async (): Promise<void> => {
    operator.advance(watermarkMs);
    operator.flush();
    const batch = new Batch();
    operator.persist(batch);
    await store.commit(batch);
  };
  for (const [offset, event] of events.entries()) {
    operator.push(event, 1, positionOf(event, offset, watermarkMs));
    watermarkMs = Math.max(watermarkMs, event[1]);
    const what = cut(offset);
    if (what !== 'no') await endEpoch();
    if (what === 'restart') operator = await restored();
  }
  watermarkMs = Infinity;
  await endEpoch();
  let stateKeys = 0;
  for await (const entry of store.scan(prefixRange(PREFIX))) stateKeys += entry.key.length > 0 ? 1 : 0;
  return { shown: table.sorted(), late, stateKeys };
}

function positionOf(event: Event, offset: number, watermarkMs: number): Position {
  const [, eventTimeMs] = event;
  const where = { source: 'clicks', partition: 0, offset, position: offset };
  return { ...where, eventTimeMs, watermarkMs, event, firstReading: true };
}

/** The same from scratch: groups all events that are not late, in plain JavaScript. */
function naive(events: readonly Event[]): Omit<Run, 'stateKeys'> {
  const groups = new Map<string, { key: Row; values: (number | null)[] }>();
  const late: number[] = [];
  let largest = -Infinity;
  for (const [offset, [key, time, value]] of events.entries()) {
    const window = windowOf(time);
    const isLate = window[1] - 1 + ALLOWED <= largest;
    largest = Math.max(largest, time);
    if (isLate) {
      late.push(offset);
      continue;
    }
    const name = JSON.stringify([key, window]);
    const group = groups.get(name) ?? { key: [key, window], values: [] };
    groups.set(name, group);
    group.values.push(value);
  }
  const shown = [...groups.values()].map(({ key, values }) =>
    JSON.stringify([...key, ...aggregatesOf(values)]),
  );
  return { shown: shown.sort(), late };
}

/** Values are multiples of 1/8, so plain addition is exact here. */
function aggregatesOf(all: readonly (number | null)[]): Value[] {
  const values = all.filter((value) => value !== null);
  const sum = values.reduce((total, value) => total + value, 0);
  const some = values.length > 0;
  return [
    all.length,
    values.length,
    some ? sum : null,
    some ? sum / values.length : null,
    some ? Math.min(...values) : null,
    some ? Math.max(...values) : null,
    new Set(values).size,
  ];
}

const event: fc.Arbitrary<Event> = fc.tuple(
  fc.constantFrom('a', 'b', 'a\0', '', null),
  fc.nat(60),
  fc.option(
    fc.integer({ min: -20, max: 20 }).map((n): number => n / 8 + 0),
    { nil: null },
  ),
);
const events = fc.array(event, { maxLength: 30 });
const cuts = fc.infiniteStream(
  fc.constantFrom('no', 'no', 'epoch', 'restart') as fc.Arbitrary<'no' | 'epoch'>,
);

for (const mode of ['updates', 'final'] as const) {
  test(`O1, O2, G1: ${mode} in any epochs, restored at any of them, are what a recomputation gives`, async () => {
    await fc.assert(
      fc.asyncProperty(events, cuts, async (all, coins) => {
        const { shown, late } = await run(mode, all, () => coins.next().value);
        expect({ shown, late }).toEqual(naive(all));
      }),
      { numRuns: 400 },
    );
  });
}

test('G2: when all windows are over nothing is held, in memory or in the store', async () => {
  await fc.assert(
    fc.asyncProperty(events, cuts, async (all, coins) => {
      expect((await run('updates', all, () => coins.next().value)).stateKeys).toBe(0);
    }),
  );
});

describe('one window', () => {
  const rows = (
    mode: ViewMode,
    takesLate = false,
  ): { operator: GroupOperator; log: string[]; at: (watermarkMs: number) => Position } => {
    const log: string[] = [];
    const spec = { ...specOf(mode, () => takesLate), aggregates: [{ fn: 'count', arg: null }] } as GroupSpec;
    const operator = new GroupOperator(spec, {
      push: (row, weight) => void log.push(`${weight > 0 ? '+' : '-'}${String(row[2])}`),
    });
    return { operator, log, at: (watermarkMs) => positionOf(['a', 1, 1], 0, watermarkMs) };
  };

  test('G1: takes an event one millisecond before it is over, and none from then on', () => {
    const { operator, log, at } = rows('updates');
    operator.push(['a', 9, 1], 1, at(13));
    operator.push(['a', 9, 1], 1, at(14));
    operator.flush();
    expect(log).toEqual(['+1']);
  });

  test('G2: is held until the watermark passes its last millisecond and the allowed lateness', () => {
    const { operator, at } = rows('updates');
    operator.push(['a', 9, 1], 1, at(0));
    operator.advance(13);
    expect(operator.size).toBe(1);
    operator.advance(14);
    expect(operator.size).toBe(0);
  });

  test('G3: in final mode is handed on once, when it is over, and never before', () => {
    const { operator, log, at } = rows('final');
    operator.push(['a', 9, 1], 1, at(0));
    operator.flush();
    operator.push(['a', 8, 1], 1, at(0));
    operator.advance(13);
    operator.flush();
    expect(log).toEqual([]);
    operator.advance(14);
    operator.advance(100);
    operator.flush();
    expect(log).toEqual(['+2']);
  });

  test('updates of one epoch are coalesced; the next epoch takes the old row back', () => {
    const { operator, log, at } = rows('updates');
    operator.push(['a', 1, 1], 1, at(0));
    operator.push(['a', 2, 1], 1, at(0));
    operator.flush();
    operator.flush();
    operator.push(['a', 3, 1], 1, at(0));
    operator.advance(50);
    operator.flush();
    expect(log).toEqual(['+2', '-2', '+3']);
  });

  test('an argument that cannot be computed leaves the row out of every aggregate', () => {
    const log: Row[] = [];
    const spec = specOf('updates', () => false);
    const failing = {
      fn: 'max' as const,
      arg: (row: Row) => {
        if (row[2] === 7) throw new Error('no');
        return 1;
      },
    };
    const operator = new GroupOperator(
      { ...spec, aggregates: [{ fn: 'count', arg: null }, failing] },
      { push: (row) => void log.push(row) },
    );
    operator.push(['a', 1, 1], 1, positionOf(['a', 1, 1], 0, 0));
    expect(() => operator.push(['a', 1, 7], 1, positionOf(['a', 1, 7], 1, 0))).toThrow('no');
    operator.flush();
    expect(log).toEqual([['a', [0, 10], 1, 1]]);
  });

  test('groups without a key are one group, also after a restart', async () => {
    const spec = { ...specOf('updates', () => false), keys: [], windowIndex: -1 };
    const store = new MemoryStore();
    let last: Row = [];
    for (const value of [1, 2, 2]) {
      const operator = new GroupOperator(spec, {
        push: (row, weight) => void (last = weight > 0 ? row : last),
      });
      const entries = [];
      for await (const entry of store.scan(prefixRange(PREFIX))) entries.push(entry);
      operator.restore(entries);
      operator.push(['a', 1, value], 1, positionOf(['a', 1, value], 0, 0));
      operator.flush();
      const batch = new Batch();
      operator.persist(batch);
      await store.commit(batch);
    }
    expect(last).toEqual([3, 3, 5, 5 / 3, 1, 2, 2]);
  });
});

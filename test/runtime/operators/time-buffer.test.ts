/** The order in which rows come that time has passed (B1, B2), also of rows that have no position in the log. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Row } from '../../../runtime/src/data/value.ts';
import { isOver, type LateRule, type Position } from '../../../runtime/src/operators/operator.ts';
import { SavedItems } from '../../../runtime/src/operators/saved-items.ts';
import { type Saveable, TimeBuffer } from '../../../runtime/src/operators/time-buffer.ts';
import { MemoryStore } from '../../../runtime/src/state/memory.ts';
import { Batch, type Entry, prefixRange } from '../../../runtime/src/state/store.ts';
import { PREFIX, positionOf } from '../../suites/operator.suite.ts';

const late: LateRule = {
  allowedMs: 0,
  isOverFor: (at, endMs) => at !== null && isOver(endMs, 0, at.watermarkMs),
  isClosedFor: () => false,
  late() {},
};

function open() {
  const saved = new SavedItems<Saveable>(PREFIX, (item) => item.save());
  const buffer = new TimeBuffer({
    spec: { late, prefix: PREFIX },
    saved,
    valueOf: (row) => row.length,
    keepsPosition: true,
  });
  return { saved, buffer };
}

interface Given {
  readonly timeMs: number;
  readonly row: Row;
  /** Null: time caused the row. */
  readonly position: number | null;
}

const at = ({ position, timeMs, row }: Given): Position | null =>
  position === null ? null : positionOf(position, timeMs, -Infinity, { event: row });

/** What is released of these rows, written and read again after `restartAfter` of them. */
async function released(given: readonly Given[], restartAfter: number, watermarkMs: number) {
  let { saved, buffer } = open();
  for (const [index, each] of given.entries()) {
    if (index === restartAfter) {
      const entries = await stored(saved);
      ({ saved, buffer } = open());
      saved.restore(entries, (json, place) => buffer.restore(json, place));
    }
    buffer.add(each.timeMs, each.row, at(each), each.row.length);
  }
  const due = buffer.release(watermarkMs);
  return { rows: due.map(({ row }) => row), values: due.map(({ value }) => value), due, left: saved.size };
}

async function stored(saved: SavedItems<Saveable>): Promise<Entry[]> {
  const store = new MemoryStore();
  const batch = new Batch();
  saved.persist(batch);
  await store.commit(batch);
  const entries: Entry[] = [];
  for await (const entry of store.scan(prefixRange(PREFIX))) entries.push(entry);
  return entries;
}

test('rows come in the order of time, then of position, then by content', async () => {
  const given: Given[] = [
    { timeMs: 2, row: ['without position, b'], position: null },
    { timeMs: 1, row: ['second'], position: 7 },
    { timeMs: 2, row: ['without position, a', null], position: null },
    { timeMs: 2, row: ['the event'], position: 9 },
    { timeMs: 2, row: ['the event, its second row'], position: 9 },
    { timeMs: 1, row: ['first'], position: 3 },
    { timeMs: 3, row: ['not yet'], position: 1 },
  ];
  const { rows, left } = await released(given, -1, 2);
  expect(rows.map(([name]) => name)).toEqual([
    'first',
    'second',
    'the event',
    'the event, its second row',
    'without position, a',
    'without position, b',
  ]);
  expect(left).toBe(1);
});

test('neither the order in which rows came nor a restart between them is seen', async () => {
  const anyGiven = fc.uniqueArray(
    fc.record({
      timeMs: fc.integer({ min: -2, max: 4 }),
      row: fc.tuple(fc.constantFrom('a', 'b', 'Ω', null), fc.option(fc.nat(2))),
      position: fc.option(fc.nat(9)),
    }),
    { selector: ({ position, row }) => position ?? JSON.stringify(row), maxLength: 12 },
  );
  const property = fc.asyncProperty(
    anyGiven.chain((given) =>
      fc.tuple(fc.constant(given), fc.shuffledSubarray(given, { minLength: given.length })),
    ),
    fc.nat(12),
    async ([given, shuffled], restartAfter) => {
      const plain = await released(given, -1, 2);
      const other = await released(shuffled, restartAfter, 2);
      expect(other.rows).toEqual(plain.rows);
      expect(other.values).toEqual(other.rows.map((row) => row.length));
      expect(plain.rows).toHaveLength(given.filter(({ timeMs }) => timeMs <= 2).length);
      expect(other.left).toBe(given.length - plain.rows.length);
    },
  );
  await fc.assert(property, { numRuns: 300 });
});

test('where a row stands in the log is kept through a restart, a watermark of -Infinity too', async () => {
  const given: Given[] = [
    { timeMs: 1, row: ['a'], position: 4 },
    { timeMs: 1, row: ['b'], position: null },
  ];
  const { due } = await released([...given, { timeMs: 9, row: ['c'], position: 5 }], 2, 2);
  expect(due.map((waiting) => waiting.at)).toEqual(given.map(at));
});

test('B2: a row whose time was handed out is our own mistake', () => {
  const { buffer } = open();
  buffer.add(5, ['a'], null, 1);
  buffer.release(5);
  expect(() => buffer.add(5, ['b'], null, 1)).toThrow('before its time is handed out');
});

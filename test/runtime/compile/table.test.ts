import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Arena } from '../../../runtime/src/compile/jit/arena.ts';
import { Records } from '../../../runtime/src/compile/jit/records.ts';
import { tableClass } from '../../../runtime/src/compile/jit/table.ts';

const key = fc.oneof(
  fc.integer({ min: -3, max: 40 }),
  fc.constantFrom(0.5, 0.25, 2 ** 40, -(2 ** 52), -1.7e308),
);

test('a table holds what a map would hold, through removals that move entries', () => {
  fc.assert(
    fc.property(
      fc.constantFrom<'whole' | 'double'>('whole', 'double'),
      fc.array(fc.tuple(fc.boolean(), key, key), { maxLength: 600 }),
      (kind, steps) => {
        const table = new (tableClass({ keys: [kind, 'double'], template: [0] }))();
        const map = new Map<string, number>();
        for (const [remove, a, b] of steps) {
          const name = `${a},${b}`;
          if (remove) {
            const at = table.find(a, b);
            expect(at !== 0).toBe(map.delete(name));
            if (at !== 0) table.remove(at);
            continue;
          }
          const at = table.upsert(a, b);
          expect(table.fresh).toBe(!map.has(name));
          map.set(name, (map.get(name) ?? 0) + 1);
          table.cells[at + 2] = (table.cells[at + 2] as number) + 1;
        }
        expect(table.count).toBe(map.size);
        for (const [name, count] of map) {
          const [a, b] = name.split(',').map(Number) as [number, number];
          expect(table.cells[table.find(a, b) + 2]).toBe(count);
        }
      },
    ),
  );
});

test('strings of an arena survive chunks and the compaction of their records', () => {
  const records = new Records(2, [1]);
  const texts = new Map<number, string>();
  const live: number[] = [];
  for (let i = 0; i < 120_000; i++) {
    const text = `${i}-${'x'.repeat(i % 400)}${i % 7 === 0 ? 'é' : ''}`;
    const at = records.alloc();
    records.cells[at] = i;
    records.cells[at + 1] = i % 11 === 0 ? NaN : records.arena.putText(text);
    texts.set(at, text);
    live.push(at);
    if (i % 4 !== 0) records.release(live.splice(live.length >> 1, 1)[0] as number);
  }
  const before = records.sizeBytes;
  records.maintain();
  expect(records.sizeBytes).toBeLessThan(before);
  for (const at of live) {
    const reference = records.cells[at + 1] as number;
    if ((records.cells[at] as number) % 11 === 0) expect(reference).toBeNaN();
    else expect(records.arena.text(reference)).toBe(texts.get(at));
  }
});

test('a string longer than a chunk', () => {
  const arena = new Arena();
  const long = 'ab'.repeat(3_000_000);
  const references = ['first', long, 'last'].map((text) => arena.putText(text));
  expect(references.map((reference) => arena.text(reference))).toEqual(['first', long, 'last']);
});

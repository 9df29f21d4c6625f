/** The structures below the operators: a list in order, times that come due. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { SortedList } from '../../../runtime/src/operators/sorted-list.ts';
import { TimeQueue } from '../../../runtime/src/operators/time-queue.ts';

interface Item {
  readonly key: number;
  readonly name: number;
}

test('a sorted list is an array that is sorted after each change', () => {
  const anyStep = fc.tuple(fc.nat(50), fc.boolean());
  fc.assert(
    // Repeated so often that chunks are split, and emptied again.
    fc.property(fc.array(anyStep, { maxLength: 60 }), fc.constantFrom(1, 40), (steps, times) => {
      const list = new SortedList<Item>((a, b) => a.key - b.key);
      let model: Item[] = [];
      for (const [name, [key, comes]] of Array.from({ length: times }, () => steps)
        .flat()
        .entries()) {
        if (comes || name % 3 === 0) {
          list.add({ key, name });
          model.push({ key, name });
          model = model.toSorted((a, b) => a.key - b.key);
        } else {
          const expected = model.find((item) => item.key === key);
          expect(list.remove({ key, name })).toEqual(expected);
          model = model.filter((item) => item !== expected);
        }
        expect([list.size, list.last, list.first(3)]).toEqual([
          model.length,
          model.at(-1),
          model.slice(0, 3),
        ]);
      }
      expect([...list]).toEqual(model);
    }),
    { numRuns: 60 },
  );
});

test('a time queue gives what is due in the order of time, then of adding, and keeps the rest', () => {
  const anyStep = fc.oneof(
    fc.record({ add: fc.integer({ min: -20, max: 20 }) }),
    fc.record({ take: fc.integer({ min: -25, max: 25 }) }),
  );
  fc.assert(
    fc.property(fc.array(anyStep), (steps) => {
      const queue = new TimeQueue<number>();
      let model: { timeMs: number; name: number }[] = [];
      for (const [name, step] of steps.entries()) {
        if ('add' in step) {
          queue.add(step.add, name);
          model.push({ timeMs: step.add, name });
          continue;
        }
        const due = model.filter(({ timeMs }) => timeMs <= step.take).toSorted((a, b) => a.timeMs - b.timeMs);
        expect(queue.take(step.take)).toEqual(due.map((each) => each.name));
        model = model.filter(({ timeMs }) => timeMs > step.take);
      }
    }),
  );
});

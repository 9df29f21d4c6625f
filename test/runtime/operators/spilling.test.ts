/** What operators need to forget and to get back (Z1); that nothing of it shows, every property of theirs checks as well. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Row } from '../../../runtime/src/data/value.ts';
import type { AggregateSpec } from '../../../runtime/src/operators/accumulators.ts';
import { GroupOperator } from '../../../runtime/src/operators/group.ts';
import { HashBag } from '../../../runtime/src/operators/hash-bag.ts';
import { coldest } from '../../../runtime/src/operators/spilling.ts';
import { Batch } from '../../../runtime/src/state/store.ts';
import { PREFIX, positionOf } from '../../suites/operator.suite.ts';

describe('H1: a bag of hashes', () => {
  test('has every name that was added and not removed, and hardly any other', () => {
    const step = fc.record({ name: fc.nat(60), adds: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300, size: 'max' }), (steps) => {
        const bag = new HashBag();
        const there = new Map<string, number>();
        for (const { name: number, adds } of steps) {
          const name = `name ${number}`;
          const count = there.get(name) ?? 0;
          if (adds) bag.add(name);
          else if (count > 0) bag.remove(name);
          there.set(name, Math.max(0, count + (adds ? 1 : -1)));
        }
        const wanted = [...there].filter(([, count]) => count > 0);
        expect(wanted.every(([name]) => bag.has(name))).toBe(true);
        expect(bag.size).toBe(wanted.reduce((sum, [, count]) => sum + count, 0));
        expect([...there].filter(([name, count]) => count === 0 && bag.has(name))).toEqual([]);
      }),
    );
  });

  test('takes at most twelve bytes for a name, and little when they are gone', () => {
    const bag = new HashBag();
    const names = Array.from({ length: 100_000 }, (_, i) => `customer-${i}`);
    for (const name of names) bag.add(name);
    expect(bag.memoryBytes).toBeLessThanOrEqual(12 * names.length);
    const strangers = names.filter((_, i) => bag.has(`stranger-${i}`));
    expect(strangers.length).toBeLessThan(20);
    for (const name of names) bag.remove(name);
    expect([bag.size, bag.memoryBytes]).toEqual([0, 64]);
  });
});

test('the least recently touched go first, and no more than are needed', () => {
  const all = [3, 1, 2, 1, 3].map((epoch, name) => ({ name, epoch }));
  const names = (bytes: number): number[] => [...coldest(all, bytes, () => 10)].map(({ name }) => name);
  expect(names(5)).toEqual([1]);
  expect(names(20)).toEqual([1, 3]);
  expect(names(25)).toEqual([1, 2, 3]);
  expect(names(45)).toEqual([0, 1, 2, 3, 4]);
  expect(names(Infinity)).toEqual([0, 1, 2, 3, 4]);
});

describe('the estimate of memory', () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const heapBytes = (): number => {
    collectGarbage();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const GROUPS = 20_000;
  const value = (row: Row) => row[1] ?? null;
  const number = { arg: value, type: 'double' } as const;
  const by = { ...number, by: value };
  const shapes: Readonly<Record<string, { aggregates: readonly AggregateSpec[]; rowsOfGroup?: number }>> = {
    'a count': { aggregates: [{ fn: 'count', arg: null, type: null }] },
    'six aggregates': {
      aggregates: [
        { fn: 'sum', ...number },
        { fn: 'avg', ...number },
        { fn: 'min', ...number },
        { fn: 'max', ...number },
        { fn: 'first', ...by },
        { fn: 'last', ...by },
      ],
    },
    'different values': { aggregates: [{ fn: 'countDistinct', ...number }], rowsOfGroup: 20 },
    'all values, in order': { aggregates: [{ fn: 'percentile', ...number }], rowsOfGroup: 20 },
  };

  test.for(Object.entries(shapes))('%s: within a factor of three of what the heap grows', ([, shape]) => {
    const { aggregates, rowsOfGroup = 1 } = shape;
    const never = (): boolean => false;
    const group = new GroupOperator(
      {
        keys: [(row) => row[0] ?? null],
        windowIndex: -1,
        window: null,
        aggregates,
        mode: 'updates',
        retracts: false,
        ttlMs: null,
        time: null,
        late: { allowedMs: 0, isOverFor: never, isClosedFor: never, late() {} },
        onError() {},
        prefix: PREFIX,
      },
      { push() {} },
    );
    const groups = GROUPS / rowsOfGroup;
    const epoch = (from: number, to: number): void => {
      for (let i = from; i < to; i++)
        group.push([`customer ${i % groups}`, i + 0.5], 1, positionOf(i, i, -Infinity));
      group.flush();
      group.persist(new Batch());
    };
    epoch(0, 100);
    const before = { heap: heapBytes(), estimate: group.memoryBytes };
    for (let from = 100; from < GROUPS; from += 2000) epoch(from, Math.min(GROUPS, from + 2000));
    const grown = heapBytes() - before.heap;
    const estimate = group.memoryBytes - before.estimate;
    expect(estimate).toBeGreaterThan(grown / 3);
    expect(estimate).toBeLessThan(grown * 3);

    group.spill(Infinity);
    expect(group.size).toBe(groups);
    expect(group.memoryBytes).toBeLessThan(estimate / 20);
    expect(heapBytes() - before.heap).toBeLessThan(grown / 3);
  });
});

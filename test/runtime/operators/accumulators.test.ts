/** Accumulators alone: what merging and saving keep, and the results that a definition decides to the last bit. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Row, Value } from '../../../runtime/src/data/value.ts';
import {
  type Accumulator,
  Aggregates,
  type AggregateSpec,
  resultsOf,
} from '../../../runtime/src/operators/accumulators.ts';
import type { Weight } from '../../../runtime/src/operators/operator.ts';
import { positionOf } from '../../suites/operator.suite.ts';
import { anyRow, everyAggregate, naiveAggregates, type Placed } from './naive-group.ts';

const add = (
  aggregates: Aggregates,
  accumulators: readonly Accumulator[],
  { row, position }: Placed,
  weight: Weight = 1,
): void => {
  aggregates.evaluate(row);
  aggregates.add(accumulators, weight, position === null ? null : positionOf(position, 0, 0));
};

/** What a store would give back. */
function saved(
  aggregates: Aggregates,
  accumulators: readonly Accumulator[],
  members: Map<string, string>[],
): Accumulator[] {
  const restored = aggregates.create(
    JSON.parse(JSON.stringify(accumulators.map((accumulator) => accumulator.save()))) as unknown[],
  );
  for (const [index, accumulator] of accumulators.entries()) {
    const kept = members[index] as Map<string, string>;
    for (const [name, value] of accumulator.members?.takeChanges() ?? []) {
      if (value === null) kept.delete(name.toString('latin1'));
      else kept.set(name.toString('latin1'), value);
    }
    for (const [name, value] of [...kept].sort(([a], [b]) => (a < b ? -1 : 1)))
      restored[index]?.members?.restore(Buffer.from(name, 'latin1'), Buffer.from(value));
  }
  return restored;
}

const rows = fc
  .array(anyRow, { maxLength: 25 })
  .map((all) => all.map((row, position): Placed => ({ row, position })));

test('what two hold, merged either way, is what one would hold', () => {
  fc.assert(
    fc.property(rows, fc.array(fc.boolean()), fc.boolean(), (all, sides, leftFirst) => {
      const aggregates = new Aggregates(everyAggregate(false), false);
      const [left, right] = [aggregates.create(), aggregates.create()];
      for (const [index, row] of all.entries()) add(aggregates, sides[index] === true ? left : right, row);
      const [into, from] = leftFirst ? [left, right] : [right, left];
      for (const [index, accumulator] of into.entries()) accumulator.merge(from[index] as never);
      expect(resultsOf(into)).toEqual(naiveAggregates(all, false));
    }),
    { numRuns: 300 },
  );
});

for (const retracts of [false, true]) {
  test(`saved after any row and restored, rows ${retracts ? 'taken back' : 'only coming'}`, () => {
    fc.assert(
      fc.property(rows, fc.array(fc.boolean()), fc.array(fc.nat()), (all, cuts, takes) => {
        const aggregates = new Aggregates(everyAggregate(retracts), retracts);
        const members = everyAggregate(retracts).map(() => new Map<string, string>());
        let accumulators: Accumulator[] = aggregates.create();
        const there: Placed[] = [];
        for (const [index, row] of all.entries()) {
          add(aggregates, accumulators, row);
          there.push(row);
          if (retracts && (takes[index] ?? 0) % 2 === 1) {
            const [taken] = there.splice((takes[index] ?? 0) % there.length, 1);
            add(aggregates, accumulators, taken as Placed, -1);
          }
          if (cuts[index] === true) accumulators = saved(aggregates, accumulators, members);
        }
        expect(resultsOf(accumulators)).toEqual(naiveAggregates(there, retracts));
        const last = saved(aggregates, accumulators, members);
        expect(resultsOf(last)).toEqual(naiveAggregates(there, retracts));
        expect(last.flatMap(({ members: kept }) => [...(kept?.takeChanges() ?? [])])).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
}

test('however rows come and go, what is stored is bounded by what is there', () => {
  const aggregates = new Aggregates(everyAggregate(true), true);
  const members = everyAggregate(true).map(() => new Map<string, string>());
  const accumulators = aggregates.create();
  const row: Row = ['a', 0, 1, 1, 'x', true, null];
  for (let i = 0; i < 10; i++) {
    add(aggregates, accumulators, { row, position: null });
    saved(aggregates, accumulators, members);
    add(aggregates, accumulators, { row, position: null }, -1);
    saved(aggregates, accumulators, members);
  }
  expect(members.map((kept) => kept.size)).toEqual(members.map(() => 0));
});

describe('one aggregate', () => {
  const result = (spec: Omit<AggregateSpec, 'arg'>, values: readonly Value[], retracts = false): Value => {
    const aggregates = new Aggregates([{ arg: ([value = null]) => value, ...spec }], retracts);
    const accumulators = aggregates.create();
    for (const [position, value] of values.entries())
      add(aggregates, accumulators, { row: [value], position });
    return resultsOf(accumulators)[0] ?? null;
  };

  test('no value: counts of values are 0, a list is empty, everything else is null', () => {
    for (const retracts of [false, true]) {
      const specs = everyAggregate(retracts);
      const of = specs.map((spec) =>
        result({ ...spec, by: undefined, where: undefined }, [null, null], retracts),
      );
      expect(of).toEqual(
        specs.map(({ fn, arg }) => {
          if (fn === 'collect') return { items: [] };
          if (fn === 'count') return arg === null ? 2 : 0;
          return fn.endsWith('Distinct') ? 0 : null;
        }),
      );
    }
  });

  test('percentile: between two values linearly, at the ends the ends', () => {
    const of = (fraction: number, ...values: number[]): Value =>
      result({ fn: 'percentile', type: 'double', fraction }, values);
    expect([of(0, 3, 1, 2), of(1, 3, 1, 2), of(0.5, 3, 1, 2)]).toEqual([1, 3, 2]);
    expect([of(0.5, 1, 2), of(0.25, 10, 20), of(0.9, 7)]).toEqual([1.5, 12.5, 7]);
    expect(of(0.5, 2, 2, 2, 9)).toBe(2);
    expect(of(0.1, 100 / 7, 300 / 7)).toBe((100 / 7) * 0.9 + (300 / 7) * 0.1);
  });

  test('decimals: a sum is a decimal, an average and a percentile are doubles', () => {
    const decimals = [1250, 1251];
    expect(result({ fn: 'sum', type: 'decimal', scale: 3 }, decimals)).toBe(2501);
    expect(result({ fn: 'avg', type: 'decimal', scale: 3 }, decimals)).toBe(1.2505);
    expect(result({ fn: 'percentile', type: 'decimal', scale: 3, fraction: 0.5 }, decimals)).toBe(1.2505);
  });

  test('an average of integers is a double, also where their sum is beyond any integer', () => {
    expect(result({ fn: 'avg', type: 'integer' }, [1, 2])).toBe(1.5);
    const largest = Number.MAX_SAFE_INTEGER;
    expect(result({ fn: 'avg', type: 'integer' }, [largest, largest])).toBe(largest);
  });

  test('of rows of one event with one time, first keeps the one pushed earlier and last the one pushed later', () => {
    const by = (): Value => 7;
    const of = (fn: 'first' | 'last' | 'argMin' | 'argMax'): Value => {
      const aggregates = new Aggregates([{ fn, arg: ([value = null]) => value, type: 'string', by }], false);
      const accumulators = aggregates.create();
      for (const value of ['b', 'c', 'a']) add(aggregates, accumulators, { row: [value], position: 4 });
      return resultsOf(accumulators)[0] ?? null;
    };
    expect([of('first'), of('last'), of('argMin'), of('argMax')]).toEqual(['b', 'a', 'b', 'b']);
  });

  test('lists: the first, and equals among those that may be taken back', () => {
    const lists = [{ items: [2] }, { items: [1, 5] }];
    const by = (): Value => 7;
    expect(result({ fn: 'first', type: 'list', by }, lists)).toEqual(lists[0]);
    expect(result({ fn: 'argMax', type: 'list', by }, lists, true)).toEqual(lists[1]);
  });
});

/** The operators without memory: filter, map, unnest and union. */
import { expect, test } from 'vitest';
import type { Row, Value } from '../../../runtime/src/data/value.ts';
import { RowError } from '../../../runtime/src/expr/functions.ts';
import { filter } from '../../../runtime/src/operators/filter.ts';
import { map } from '../../../runtime/src/operators/map.ts';
import type { Collector, Position } from '../../../runtime/src/operators/operator.ts';
import { union } from '../../../runtime/src/operators/union.ts';
import { unnest } from '../../../runtime/src/operators/unnest.ts';
import { positionOf } from '../../suites/operator.suite.ts';

type Handed = readonly [Row, number, Position | null];

function collector(): { next: Collector; handed: Handed[] } {
  const handed: Handed[] = [];
  return { next: { push: (row, weight, at) => void handed.push([row, weight, at]) }, handed };
}

const at = positionOf(3, 10, 5);

test('unnest gives a row for each item, with the place and the weight of the row', () => {
  const { next, handed } = collector();
  const operator = unnest({ list: (row) => row[1] ?? null, onError: () => {} }, next);
  operator.push(['a', { items: ['x', 'y', null] }], -1, at);
  expect(handed).toEqual(['x', 'y', null].map((item) => [['a', { items: ['x', 'y', null] }, item], -1, at]));
});

test.each([[null], [{ items: [] }]] as readonly [Value][])('unnest of %j gives no row', (list) => {
  const { next, handed } = collector();
  unnest({ list: () => list, onError: () => {} }, next).push(['a'], 1, at);
  expect(handed).toEqual([]);
});

test('unnest reports a list that cannot be computed when its row comes, not when it goes', () => {
  const { next, handed } = collector();
  const errors: unknown[] = [];
  const list = (): Value => {
    throw new RowError('no list');
  };
  const operator = unnest({ list, onError: (...error) => void errors.push(error) }, next);
  operator.push(['a'], 1, at);
  operator.push(['a'], -1, null);
  expect(errors).toEqual([[new RowError('no list'), at, ['a']]]);
  expect(handed).toEqual([]);
});

test('unnest leaves a mistake of ours alone', () => {
  const list = (): Value => {
    throw new TypeError('a bug');
  };
  const operator = unnest({ list, onError: () => {} }, collector().next);
  expect(() => operator.push(['a'], 1, at)).toThrow('a bug');
});

test('union is the rows of all inputs, none removed', () => {
  const { next, handed } = collector();
  const inputs = [union(next), union(next)];
  for (const input of inputs) input.push(['a'], 1, at);
  expect(handed).toEqual([
    [['a'], 1, at],
    [['a'], 1, at],
  ]);
});

test('filter lets through what is true, with its place and its weight; null and false are not', () => {
  const { next, handed } = collector();
  const operator = filter({ predicate: ([value = null]) => value, onError: () => {} }, next);
  for (const value of [true, false, null]) operator.push([value], -1, at);
  expect(handed).toEqual([[[true], -1, at]]);
});

test('map gives the row of its columns, with its place and its weight', () => {
  const { next, handed } = collector();
  const columns = [([, b = null]: Row) => b, () => 7];
  map({ columns, onError: () => {} }, next).push(['a', 'b'], -1, at);
  expect(handed).toEqual([[['b', 7], -1, at]]);
});

test('a row that filter or map cannot compute is left out and reported when it comes, not when it goes', () => {
  const { next, handed } = collector();
  const errors: unknown[] = [];
  const failing = (): Value => {
    throw new RowError('no value');
  };
  const onError = (...error: unknown[]): void => void errors.push(error);
  for (const operator of [
    filter({ predicate: failing, onError }, next),
    map({ columns: [() => 1, failing], onError }, next),
  ]) {
    operator.push(['a'], 1, at);
    operator.push(['a'], -1, null);
  }
  const reported = [new RowError('no value'), at, ['a']];
  expect([errors, handed]).toEqual([[reported, reported], []]);
});

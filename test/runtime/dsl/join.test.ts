/** Joins: the plan that each makes, and what is said about one that cannot be. */
import { describe, expect, test } from 'vitest';
import { pipeline, source } from 'pipeline-runtime';
import { flights, gates, options, refusal, schema, treeOf } from './streams.ts';

describe('joins', () => {
  test.each([
    [
      { kind: 'regular', ttl: '1d' } as const,
      'inner join of all rows on origin = airport',
      '; remembers both sides for 1d',
    ],
    [
      { kind: 'regular', ttl: 'forever' } as const,
      'inner join of all rows on',
      '; remembers both sides for ever',
    ],
    [{ kind: 'interval', from: '-5s', to: '10m' } as const, 'inner join by interval -5s to 10m on', ''],
    [
      'temporal' as const,
      'inner join as of its time on',
      '; remembers the newest row of each key on the right for ever',
    ],
  ])('%j', (how, text, memory) => {
    const pairs = flights.join(gates, {
      how,
      on: (l, r) => [[l.origin, r.airport]],
      select: (l, r) => ({ origin: l.origin, gate: r.gate }),
    });
    const [line] = treeOf(pairs);
    expect(line).toContain(text);
    expect(line).toMatch(new RegExp(`gate = right\\.gate${memory}$`));
  });

  test('a condition is one over what leaves', () => {
    const pairs = flights.join(gates, {
      type: 'left',
      how: { kind: 'interval', from: '0s', to: '1h' },
      on: (l, r) => [[l.origin, r.airport]],
      select: (l, r) => ({ origin: l.origin, gate: r.gate }),
      where: (row) => row.gate.ne('A1'),
    });
    expect(treeOf(pairs)[0]).toBe(
      "left join by interval 0ms to 1h on origin = airport where gate <> 'A1': origin = left.origin, gate = right.gate",
    );
  });

  test('what is computed of both sides is a map behind the join; the condition stays in it', () => {
    const pairs = flights.join(flights, {
      how: { kind: 'regular', ttl: 'forever' },
      on: (l, r) => [[l.origin, r.origin]],
      select: (l, r) => ({ origin: l.origin, both: l.price.plus(r.price) }),
      where: (row) => row.both.gt(100),
    });
    expect(treeOf(pairs)).toEqual([
      'map origin = c1, both = c2 + c3',
      '  inner join of all rows on origin = origin where (c2 + c3) > 100: c1 = left.origin, c2 = left.price, c3 = right.price; remembers both sides for ever',
      '    source flights',
      '    source flights',
    ]);
  });

  type Any = Record<string, unknown>;
  const temporal: object = {
    how: 'temporal',
    on: (l: Any, r: Any) => [[l['origin'], r['airport']]],
    select: (l: Any) => ({ origin: l['origin'] }),
  };
  const join = (change: object) => () => flights.join(gates, { ...temporal, ...change } as never);

  test.each<[string, () => unknown, string]>([
    [
      'no how',
      join({ how: undefined }),
      "join: say how: 'window', 'temporal', 'lookup', { kind: 'interval', from, to }",
    ],
    ['no time-to-live', join({ how: { kind: 'regular' } }), 'an unbounded regular join without time-to-live'],
    ['a bare number', join({ how: { kind: 'regular', ttl: 5 } }), 'join, ttl: "5" is not a duration'],
    [
      'an interval of nothing',
      join({ how: { kind: 'interval', from: '1s' } }),
      'join by interval, to: "undefined" is not a duration',
    ],
    ['an outer join', join({ type: 'full' }), 'join: type is "full"; say inner or left'],
    [
      'a pair the wrong way round',
      join({ on: (l: never, r: never) => [[r['airport'], l['origin']]] }),
      'join: a pair of on is a column of the left and one of the right',
    ],
    [
      'a computed key',
      join({ on: (l: { origin: { upper(): never } }, r: never) => [[l.origin.upper(), r['airport']]] }),
      'join: on takes columns; compute the key with .extend(…) before',
    ],
    [
      'an unknown column',
      join({ select: (_: never, r: never) => ({ x: r['gat'] }) }),
      'there is no column "right.gat"; did you mean "right.gate"?',
    ],
    ['nothing that leaves', join({ select: () => ({}) }), 'join selects no column'],
    ['a text that leaves', join({ select: () => ({ x: 'gate' }) }), 'join, column "x" is not an expression'],
    [
      'types that do not fit',
      () =>
        pipeline('p', {
          v: flights
            .join(gates, {
              how: 'temporal',
              on: (l, r) => [[l.delay, r.gate]],
              select: (l) => ({ o: l.origin }),
            })
            .updates(),
        }),
      'view "v": join, delay = gate: integer and string are never equal',
    ],
    [
      'a source that is declared twice',
      () =>
        flights.join(source('flights', { schema, eventTime: 'scheduled', ...options }), {
          how: 'temporal',
          on: (l, r) => [[l.origin, r.origin]],
          select: (l) => ({ o: l.origin }),
        }),
      'source "flights" is declared twice; declare it once',
    ],
  ])('%s is refused', (_, define, message) => {
    expect(refusal(define)).toContain(message);
  });

  test('a view reads all sources of its streams', () => {
    const pairs = flights.join(gates, {
      how: 'temporal',
      on: (l, r) => [[l.origin, r.airport]],
      select: (l) => ({ origin: l.origin }),
    });
    const { plan } = pipeline('p', { a: pairs.updates(), b: gates.updates() });
    expect(plan.sources.map(({ name }) => name)).toEqual(['flights', 'gates']);
  });
});

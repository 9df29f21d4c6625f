/** The definition language: the plan it makes, and what it says about a definition that is wrong. */
import { describe, expect, test } from 'vitest';
import { avg, count, countDistinct, max, min, pipeline, source, sum, tumbling } from 'pipeline-runtime';
import { z } from 'zod';
import { explainPlan } from '../../../runtime/src/plan/explain.ts';

const schema = z.object({
  origin: z.string(),
  carrier: z.enum(['AA', 'DL']).optional(),
  scheduled: z.iso.datetime(),
  delay: z.int().nullable(),
  distance: z.number(),
  cancelled: z.boolean(),
});
const options = {
  schema,
  eventTime: 'scheduled',
  watermark: { delay: '15m', idleAfter: '1m' },
  lateness: { allowed: '6h', then: 'correct' },
} as const;
const flights = source('flights', options);

/** The message of a definition that is refused. `never` stands for what the compiler would have refused. */
function refusal(define: () => unknown): string {
  try {
    define();
  } catch (error) {
    expect((error as { code: string }).code).toMatch(/^(DEFINITION|PLAN|DURATION)_INVALID$/);
    expect(error).toMatchObject({ exitCode: 2 });
    return (error as Error).message;
  }
  return '';
}

describe('a definition', () => {
  const departures = pipeline('departures', {
    delays: flights
      .filter((f) => f.delay.gt(0).and(f.cancelled.not()))
      .map((f) => ({ origin: f.origin.upper(), hours: f.delay.dividedBy(60), scheduled: f.scheduled }))
      .groupBy((f) => ({ origin: f.origin, window: tumbling(f.scheduled, '1h') }))
      .aggregate((f) => ({ n: count(), known: count(f.hours), worst: max(f.hours) }))
      .filter((g) => g.n.gte(2))
      .final(),
    totals: flights
      .filter((f) => f.scheduled.gte('2001-01-10T00:00:00Z').and(f.carrier.oneOf('AA', 'DL')))
      .groupBy((f) => ({ carrier: f.carrier.orElse('?') }))
      .aggregate((f) => ({
        sum: sum(f.distance),
        mean: avg(f.delay),
        first: min(f.scheduled),
        from: countDistinct(f.origin),
      }))
      .updates(),
  });

  test('is the plan that it reads as', () => {
    expect(explainPlan(departures.plan)).toBe(
      [
        'pipeline departures',
        '',
        'view delays (final results)',
        '  filter n >= 2',
        '    group by origin, window = tumbling(scheduled, 1h): n = count(), known = count(hours), worst = max(hours)',
        '      map origin = upper(origin), hours = delay / 60, scheduled',
        '        filter (delay > 0) and (not(cancelled))',
        '          source flights',
        '  flights: watermark 15m behind the newest scheduled, late after 6h more: correct',
        '',
        'view totals (updates)',
        "  group by carrier = coalesce(carrier, '?'): sum = sum(distance), mean = avg(delay), first = min(scheduled), from = countDistinct(origin); remembers each key for ever",
        "    filter (scheduled >= 2001-01-10T00:00:00.000Z) and ((carrier = 'AA') or (carrier = 'DL'))",
        '      source flights',
        '  flights: watermark 15m behind the newest scheduled, late after 6h more: correct',
      ].join('\n'),
    );
  });

  test('knows each field by its zod type', () => {
    expect(departures.plan.sources[0]?.fields).toEqual([
      { name: 'origin', type: 'string', nullable: false },
      { name: 'carrier', type: 'string', nullable: true, oneOf: ['AA', 'DL'] },
      { name: 'scheduled', type: 'timestamp', nullable: false },
      { name: 'delay', type: 'integer', nullable: true },
      { name: 'distance', type: 'double', nullable: false },
      { name: 'cancelled', type: 'boolean', nullable: false },
    ]);
  });

  test('computes nothing: a step leaves the stream before it as it was', () => {
    const before = JSON.stringify(flights.node);
    flights.filter((f) => f.cancelled);
    expect(JSON.stringify(flights.node)).toBe(before);
  });

  test('may name a thousand values', () => {
    const names = Array.from({ length: 1000 }, (_, i) => `airport ${i}`);
    const view = flights.filter((f) => f.origin.oneOf(...names)).updates();
    expect(pipeline('p', { view }).plan.views).toHaveLength(1);
  });
});

describe('what is wrong with a source is said by name', () => {
  const bad =
    (change: object): (() => unknown) =>
    () =>
      source('flights', { ...options, ...change });

  test.each<[string, () => unknown, string]>([
    [
      'no options',
      () => source('flights', undefined as never),
      'source "flights": say source("flights", { schema,',
    ],
    ['no schema', bad({ schema: undefined }), 'source "flights": schema must be a z.object({ … })'],
    ['a schema that is no object', bad({ schema: z.string() }), 'schema must be a z.object({ … })'],
    [
      'a rule over the event',
      bad({ schema: schema.refine(() => true) }),
      'a rule over the whole event (refine) does not travel',
    ],
    [
      'an unknown option',
      bad({ waterMark: {} }),
      'source "flights": unknown option "waterMark". Did you mean "watermark"?',
    ],
    [
      'no watermark',
      bad({ watermark: undefined }),
      "say how far events may be out of order: watermark: { delay: '15m' }",
    ],
    [
      'no lateness',
      bad({ lateness: undefined }),
      "say what becomes of late events: lateness: { allowed: '6h', then: 'correct' }",
    ],
    [
      'an unknown policy',
      bad({ lateness: { allowed: '6h', then: 'ignore' } }),
      'lateness.then is "ignore"; say correct, drop or side-output',
    ],
    [
      'a bare number as a duration',
      bad({ watermark: { delay: 15 } }),
      'source "flights", watermark.delay: "15" is not a duration. A bare number has no unit: say 15m or 15s.',
    ],
    [
      'an event time that is no field',
      () => pipeline('p', { v: source('flights', { ...options, eventTime: 'nope' as never }).updates() }),
      'source "flights": the event time "nope" is not a field; choose one of scheduled',
    ],
    [
      'an event time that is a string',
      () => pipeline('p', { v: source('flights', { ...options, eventTime: 'origin' as never }).updates() }),
      'the event time "origin" is no time',
    ],
    [
      'a name with a dash',
      () => pipeline('p', { v: source('my-flights', options).updates() }),
      'source "my-flights": a name starts with a letter',
    ],
  ])('%s', (_, define, message) => {
    expect(refusal(define)).toContain(message);
  });

  test.each<[string, z.ZodType, string]>([
    ['a list of objects', z.array(z.object({})), 'object is not supported. Use z.string()'],
    ['a list of lists', z.array(z.array(z.string())), 'a list holds z.string(), z.number(),'],
    ['a date', z.date(), 'date is not supported'],
    ['an e-mail', z.email(), '(email) is not supported'],
    [
      'a minimum',
      z.number().min(0),
      'do not travel to other engines; state the type here and put the rule into .filter(…)',
    ],
    ['a trim', z.string().trim(), 'do not travel'],
    ['a refinement', z.string().refine(() => true), 'do not travel'],
    ['a transformation', z.string().transform(Number), 'is not supported'],
    ['a default', z.string().default('x'), 'default is not supported'],
    ['a coercion', z.coerce.number(), 'checks such as coerce do not travel'],
    ['numbers to choose from', z.enum({ a: 1 }), 'enum is not supported'],
  ])('%s as a field', (_, type, message) => {
    const extended = schema.extend({ odd: type });
    expect(refusal(() => source('flights', { ...options, schema: extended }))).toMatch(
      'source "flights", field "odd": ',
    );
    expect(refusal(() => source('flights', { ...options, schema: extended }))).toContain(message);
  });

  test('the same name for two sources', () => {
    const other = source('flights', options);
    expect(refusal(() => pipeline('p', { a: flights.updates(), b: other.updates() }))).toContain(
      'source "flights" is declared twice',
    );
  });
});

describe('what is wrong with a view is said by name, also where no compiler looks', () => {
  type Any = { [key: string]: Any } & ((...args: unknown[]) => never);
  const filtered =
    (predicate: (f: Any) => unknown): (() => unknown) =>
    () =>
      flights.filter(predicate as never);
  const grouped =
    (keys: (f: Any) => unknown): (() => unknown) =>
    () =>
      pipeline('p', {
        v: flights
          .groupBy(keys as never)
          .aggregate(() => ({ n: count() }))
          .updates(),
      });

  test.each<[string, () => unknown, string]>([
    [
      'an unknown field',
      filtered((f) => f['dellay']!['gt']!(0)),
      'there is no column "dellay"; did you mean "delay"?',
    ],
    [
      'a field of nothing like it',
      filtered((f) => f['xyz']!['gt']!(0)),
      'there is no column "xyz"; there are origin, carrier,',
    ],
    [
      'a string compared with a number',
      filtered((f) => f['origin']!['gt']!(0)),
      'origin > 0: gt cannot compare string with integer',
    ],
    [
      'arithmetic with a string',
      filtered((f) => f['origin']!['plus']!(1)),
      'origin + 1: plus needs two numbers',
    ],
    [
      "JavaScript's own operators",
      filtered((f) => (f['delay'] as unknown as number) > 0),
      "not with JavaScript's operators",
    ],
    [
      'no condition',
      () => pipeline('p', { v: flights.filter((f) => f.delay as never).updates() }),
      'view "v": filter: needs a boolean, not integer',
    ],
    [
      'a time that is none',
      filtered((f) => f['scheduled']!['gt']!('yesterday')),
      '"yesterday" is not an ISO 8601 time with Z or an offset',
    ],
    [
      'a number that is none',
      filtered((f) => f['distance']!['gt']!(NaN)),
      'NaN cannot stand in an expression',
    ],
    [
      'a number beyond sums',
      filtered((f) => f['distance']!['gt']!(1e300)),
      '1e+300 is not a value of type double',
    ],
    ['one of nothing', filtered((f) => f['origin']!['oneOf']!()), 'oneOf needs at least one value'],
    [
      'a window over a string',
      grouped((f) => ({ w: tumbling(f['origin'] as never, '1h') })),
      'window "w" is not over the event time of its source: say tumbling(f.scheduled, …)',
    ],
    [
      'a window over nothing',
      grouped(() => ({ w: tumbling('scheduled' as never, '1h') })),
      'the time of the tumbling window is not an expression',
    ],
    [
      'a window of no length',
      grouped((f) => ({ w: tumbling(f['scheduled'] as never, '0s') })),
      'a tumbling window with a size of 0 holds nothing',
    ],
    [
      'a window of a bare number',
      grouped((f) => ({ w: tumbling(f['scheduled'] as never, 3600 as never) })),
      'tumbling window, size: "3600" is not a duration',
    ],
    [
      'a key that is a text',
      grouped(() => ({ origin: 'origin' })),
      'group key "origin" is not an expression',
    ],
    [
      'an aggregate that is none',
      () => flights.groupBy((f) => ({ o: f.origin })).aggregate((f) => ({ n: f.delay as never })),
      'aggregate "n" is not count(), sum(…)',
    ],
    [
      'a sum of strings',
      () =>
        pipeline('p', {
          v: flights
            .groupBy((f) => ({ o: f.origin }))
            .aggregate((f) => ({ n: sum(f.origin as never) }))
            .updates(),
        }),
      'view "v": aggregate "n", sum: needs a number, not string',
    ],
    [
      'final without a window',
      () =>
        pipeline('p', {
          v: flights
            .groupBy((f) => ({ o: f.origin }))
            .aggregate(() => ({ n: count() }))
            .final(),
        }),
      'final results need a window that can close',
    ],
    [
      'a view without an end',
      () => pipeline('p', { v: flights as never }),
      'view "v" is not finished: end it with .updates() or .final()',
    ],
    ['a view of nothing', () => pipeline('p', { v: undefined as never }), 'view "v" is not finished'],
    ['no view', () => pipeline('p', {}), 'views: '],
    [
      'a column named twice over',
      grouped((f) => ({ n: f['origin'] })),
      'view "v": group, column "n" is defined twice',
    ],
  ])('%s', (_, define, message) => {
    expect(refusal(define)).toContain(message);
  });
});

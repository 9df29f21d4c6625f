/** The methods of expressions: the plan that each makes, and what is refused while it is written. */
import { describe, expect, test } from 'vitest';
import {
  decimal,
  decimalField,
  type Expression,
  type Fields,
  literal,
  pipeline,
  source,
  tumbling,
  count,
  udf,
  when,
} from 'pipeline-runtime';
import { z } from 'zod';
import { explainExpr } from '../../../runtime/src/expr/evaluate.ts';
import type { Expr } from '../../../runtime/src/expr/node.ts';
import { codeOf } from '../../../runtime/src/plan/code.ts';
import type { Plan } from '../../../runtime/src/plan/node.ts';

const events = source('events', {
  schema: z.object({
    i: z.int(),
    n: z.int().nullable(),
    x: z.number(),
    d: decimalField(2),
    s: z.string(),
    b: z.boolean(),
    t: z.iso.datetime(),
    u: z.iso.datetime().optional(),
    tags: z.array(z.string()),
  }),
  eventTime: 't',
  watermark: { delay: '1s' },
  lateness: { allowed: '0s', then: 'drop' },
});
type Row = typeof events extends { readonly of?: infer R } ? NonNullable<R> : never;
type Any = { readonly node: Expr };

function exprOf(make: (f: Fields<Row>) => Any): Expr {
  const { node } = events.map((f) => ({ made: make(f) }));
  return node.kind === 'map' ? (node.columns[0]?.expr as Expr) : { kind: 'field', name: '' };
}
const explained = (make: (f: Fields<Row>) => Any): string => explainExpr(exprOf(make));

function refusal(define: () => unknown): string {
  try {
    define();
  } catch (error) {
    expect((error as { code: string }).code).toBe('DEFINITION_INVALID');
    return (error as Error).message;
  }
  return '';
}

test.each<[string, (f: Fields<Row>) => Any]>([
  ['i % 2', (f) => f.i.mod(2)],
  ['i div 2', (f) => f.i.integerDividedBy(2)],
  ['abs(i)', (f) => f.i.abs()],
  ['round(x)', (f) => f.x.round()],
  ['round(x, 2)', (f) => f.x.round(2)],
  ['floor(x)', (f) => f.x.floor()],
  ['ceil(x)', (f) => f.x.ceil()],
  ['to_integer(x)', (f) => f.x.toInteger()],
  ['to_double(s)', (f) => f.s.toDouble()],
  ['to_decimal(i, 3)', (f) => f.i.toDecimal(3)],
  ['to_text(b)', (f) => f.b.toText()],
  ['i * 0.908', (f) => f.i.times(decimal('0.908'))],
  // Beside a decimal a plain number is the decimal that is written.
  ['d + 0.5', (f) => f.d.plus(0.5)],
  ['d + 0.10', (f) => f.d.plus('0.10')],
  ['d > 1', (f) => f.d.gt(1)],
  ['coalesce(n, 0)', (f) => f.n.orElse(0)],
  ['nullif(i, 0)', (f) => f.i.nullIf(0)],
  ['least(i, 1, n)', (f) => f.i.least(1, f.n)],
  ['greatest(x, 1.5)', (f) => f.x.greatest(1.5)],
  ['required(n)', (f) => f.n.required()],
  ['length(s)', (f) => f.s.length()],
  ["concat(s, '-', s)", (f) => f.s.concat('-', f.s)],
  ['substring(s, 2)', (f) => f.s.substring(2)],
  ['substring(s, 2, i)', (f) => f.s.substring(2, f.i)],
  ["contains(s, 'a')", (f) => f.s.contains('a')],
  ["starts_with(s, 'a')", (f) => f.s.startsWith('a')],
  ["ends_with(s, 'a')", (f) => f.s.endsWith('a')],
  ['trim(s)', (f) => f.s.trim()],
  ["replace(s, 'a', 'b')", (f) => f.s.replace('a', 'b')],
  ["s like 'a%'", (f) => f.s.like('a%')],
  ["matches(s, '^a\\d')", (f) => f.s.matches(/^a\d/u)],
  ["regexp_extract(s, '(a)', 1)", (f) => f.s.regexpExtract('(a)', 1)],
  ["split_part(s, '/', 4)", (f) => f.s.splitPart('/', 4)],
  ['hour(t)', (f) => f.t.hour()],
  ["isodow(t, 'Europe/Berlin')", (f) => f.t.dayOfWeek({ zone: 'Europe/Berlin' })],
  ["format_time(t, 'yyyy-MM-dd')", (f) => f.t.format('yyyy-MM-dd')],
  ["format_time(t, 'HH', 'Asia/Kolkata')", (f) => f.t.format('HH', { zone: 'Asia/Kolkata' })],
  ['t + 10000', (f) => f.t.plus('10s')],
  ['t - 10000', (f) => f.t.minus('10s')],
  ['t + i', (f) => f.t.plus(f.i)],
  ['t - u', (f) => f.t.minus(f.u)],
  ['t - 1970-01-01T00:00:00.000Z', (f) => f.t.minus(new Date(0))],
  ['t > 2024-01-01T00:00:00.000Z', (f) => f.t.gt('2024-01-01T00:00:00Z')],
  ['to_millis(t)', (f) => f.t.toMillis()],
  ['from_millis(i)', (f) => f.i.fromMillis()],
  ['list_length(tags)', (f) => f.tags.length()],
  ["list_contains(tags, 'a')", (f) => f.tags.contains('a')],
  ['1 + i', (f) => literal(1).plus(f.i)],
  ['1970-01-01T00:00:00.000Z < t', (f) => literal(new Date(0)).lt(f.t)],
  ["case when b then 'x' else 'y' end", (f) => when(f.b, 'x').otherwise('y')],
  [
    'case when b then 1 when not(b) then n else 2.5 end',
    (f) => when(f.b, 1).when(f.b.not(), f.n).otherwise(2.5),
  ],
  ['case when b then d else 0.5 end', (f) => when(f.b, f.d).otherwise(0.5)],
  [
    'case when b then t else 1970-01-01T00:00:00.000Z end',
    (f) => when(f.b, f.t).otherwise('1970-01-01T00:00:00Z'),
  ],
  ['case when b then null else s end', (f) => when(f.b, null).otherwise(f.s)],
])('%s', (text, make) => {
  expect(explained(make)).toBe(text);
});

test('the bounds of a window are times', () => {
  const windows = events
    .groupBy((f) => ({ w: tumbling(f.t, '1h') }))
    .aggregate(() => ({ n: count() }))
    .map((f) => ({ from: f.w.start, to: f.w.end.minus('1ms') }));
  expect(windows.node).toMatchObject({
    columns: [{ expr: { fn: 'windowStart' } }, { expr: { fn: 'minusMs', args: [{ fn: 'windowEnd' }, {}] } }],
  });
});

test('a required event time is still the event time', () => {
  const view = events
    .map((f) => ({ at: f.t.required() }))
    .groupBy((f) => ({ w: tumbling(f.at, '1h') }))
    .aggregate(() => ({ n: count() }))
    .updates();
  expect(pipeline('p', { view }).plan.views).toHaveLength(1);
});

describe('what is refused while it is written', () => {
  type Loose = Record<string, (...args: unknown[]) => never>;
  const loose =
    (name: string, method: string, ...args: unknown[]) =>
    (): unknown =>
      exprOf((f) => (f[name as 'i'] as unknown as Loose)[method]?.(...args) as never);

  test.each<[string, () => unknown, string]>([
    [
      'a decimal beside a double',
      loose('d', 'plus', literal(0.5)),
      'd + 0.5: a decimal beside a double would no longer be exact; say .toDouble()',
    ],
    ['a decimal that is none', () => decimal('1e3'), '"1e3" is not a decimal'],
    ['a decimal with too many digits', () => decimal('0.1234567890123456'), 'is not a decimal'],
    ['a number too fine for a decimal', loose('d', 'plus', 1e-20), '"1e-20" is not a decimal'],
    ['flags of a regex', loose('s', 'matches', /a/i), '/a/i: flags do not travel to other engines'],
    [
      'a regex that is an expression',
      () => exprOf((f) => f.s.matches(f.s as never)),
      'a pattern that is written as a literal',
    ],
    ['a text as a duration', loose('t', 'plus', 'soon'), ''],
    ['a zone that is none', () => exprOf((f) => f.t.hour({ zone: 'Berlin' })), '"Berlin" is not a time zone'],
    [
      'a window that is none',
      () => exprOf((f) => (f.i as unknown as { start: Any }).start),
      'windowStart needs a window',
    ],
    ['a literal that is none', () => literal(null as never), 'null cannot stand in an expression'],
    ['a literal object', () => literal({} as never), 'an object cannot stand in an expression'],
    ['a function as a value', loose('i', 'eq', () => 1), 'a function cannot stand in an expression'],
    [
      'a choice of nulls',
      () => exprOf((f) => when(f.b, null).otherwise(null)),
      'a choice between nulls has no type',
    ],
    [
      'a choice without a condition',
      () => exprOf(() => when(true as never, 1).otherwise(2)),
      'the condition of when is not an expression',
    ],
  ])('%s', (_, define, message) => {
    if (message !== '') expect(refusal(define)).toContain(message);
    else expect(define).toThrow('"soon" is not a duration');
  });
});

describe('a function of the definition', () => {
  const score = udf('score', { args: ['string', 'double'], result: 'double' }, (text, x) => text.length * x);
  const label = udf(
    'label',
    {
      args: [{ type: 'decimal', scale: 2 }, 'timestamp', { type: 'list', item: 'string' }],
      result: { type: 'string', nullable: true },
    },
    (amount, atMs, tags) => (atMs > 0 ? amount + tags.join('') : null),
  );

  test('is called like one, also inside of others and with plain values', () => {
    expect(explained((f) => score(f.s, 2).plus(1))).toBe('score(s, 2) + 1');
    expect(explained((f) => score(f.s.lower(), f.i))).toBe('score(lower(s), i)');
    expect(explained((f) => label(f.d, '1970-01-01T00:00:00Z', f.tags))).toBe(
      'label(d, 1970-01-01T00:00:00.000Z, tags)',
    );
  });

  test('comes with the plan, by name and digest; its code is at hand', () => {
    const view = events
      .filter((f) => score(f.s, f.x).gt(1))
      .groupBy((f) => ({ label: label(f.d, f.t, f.tags) }))
      .aggregate((f) => ({ n: count(score(f.s, 1)) }))
      .updates();
    const { plan } = pipeline('p', { view, other: events.map((f) => ({ y: score(f.s, 3) })).updates() });
    expect(plan.functions).toEqual([
      { name: 'score', kind: 'scalar', digest: expect.stringMatching(/^[0-9a-f]{32}$/) as string },
      { name: 'label', kind: 'scalar', digest: expect.stringMatching(/^[0-9a-f]{32}$/) as string },
    ]);
    expect((codeOf(plan).get('score') as (s: string, x: number) => number)('ab', 2)).toBe(4);
    // A plan from a file finds the code again by its digest.
    expect(codeOf(JSON.parse(JSON.stringify(plan)) as Plan).get('label')).toBe(codeOf(plan).get('label'));
  });

  test('has another digest when its code or its types are others', () => {
    const digest = (call: (f: Fields<Row>) => Expression<number>): string =>
      pipeline('p', { v: events.map((f) => ({ y: call(f) })).updates() }).plan.functions[0]?.digest ?? '';
    const one = udf('one', { args: ['integer'], result: 'double' }, (i) => i);
    const other = udf('one', { args: ['integer'], result: 'double' }, (i) => i + 1);
    const typed = udf('one', { args: ['integer'], result: 'integer' }, (i) => i);
    const same = udf('one', { args: ['integer'], result: 'double' }, (i) => i);
    const digests = [one, other, typed, same].map((each) => digest((f) => each(f.i)));
    expect(new Set(digests).size).toBe(3);
    expect(digests[0]).toBe(digests[3]);
  });

  test('of a plan that nobody here defined is missing', () => {
    const { plan } = pipeline('p', { v: events.map((f) => ({ y: score(f.s, 3) })).updates() });
    const stored = { ...plan, functions: [{ name: 'score', kind: 'scalar' as const, digest: 'other' }] };
    expect(() => codeOf(stored)).toThrow(expect.objectContaining({ code: 'FUNCTION_MISSING' }));
  });

  test.each<[string, () => unknown, string]>([
    [
      'another type',
      () => exprOf((f) => score(f.i as never, 1)),
      'function "score", argument 1: needs string, not integer',
    ],
    [
      'another scale',
      () => exprOf((f) => label(decimal('0.5'), f.t, f.tags)),
      'argument 1: needs decimal(2), not decimal(1)',
    ],
    [
      'too few arguments',
      () => exprOf((f) => (score as (s: unknown) => Any)(f.s)),
      'needs 2 arguments, not 1',
    ],
    [
      'a name that is none',
      () => udf('my score', { args: [], result: 'double' }, () => 1),
      'a name starts with a letter',
    ],
    [
      'a type that is none',
      () => udf('f', { args: ['text' as never], result: 'double' }, () => 1),
      'function "f", argument 1: its type is one of',
    ],
    [
      'no code',
      () => udf('f', { args: [], result: 'double' }, undefined as never),
      'function "f": say udf("f"',
    ],
    ['no types', () => udf('f', undefined as never, () => 1), 'function "f": say udf("f"'],
    [
      'one name for two functions',
      () => {
        const other = udf('score', { args: ['string'], result: 'integer' }, (text) => text.length);
        return pipeline('p', { v: events.map((f) => ({ a: score(f.s, 1), b: other(f.s) })).updates() });
      },
      'function "score" is defined twice',
    ],
  ])('%s is refused', (_, define, message) => {
    expect(refusal(define)).toContain(message);
  });
});

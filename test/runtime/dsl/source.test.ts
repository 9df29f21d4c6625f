/** Sources and tables: what a schema becomes, and how nested fields are reached. */
import { describe, expect, test } from 'vitest';
import { decimalField, pipeline, source, sqlTimestamp, table } from 'pipeline-runtime';
import { z } from 'zod';

const rest = { watermark: { delay: '4s' }, lateness: { allowed: '0s', then: 'drop' } } as const;
const person = z.object({ name: z.string(), dateTime: sqlTimestamp() });
const events = source('events', {
  schema: z.object({
    kind: z.int(),
    person: person.optional(),
    bid: z.object({
      price: z.int(),
      rate: decimalField(3).nullable(),
      at: z.object({ dateTime: sqlTimestamp() }),
      tags: z.array(z.string()),
    }),
  }),
  eventTime: ['person.dateTime', 'bid.at.dateTime'],
  ...rest,
});

function refusal(define: () => unknown): string {
  try {
    define();
  } catch (error) {
    expect((error as { code: string }).code).toMatch(/^(DEFINITION|PLAN)_INVALID$/);
    return (error as Error).message;
  }
  return '';
}

describe('a nested schema', () => {
  test('becomes columns with paths; below an optional object all may be null', () => {
    expect(events.sources[0]).toMatchObject({
      name: 'events',
      eventTime: ['person_dateTime', 'bid_at_dateTime'],
      fields: [
        { name: 'kind', type: 'integer', nullable: false },
        { name: 'person_name', path: ['person', 'name'], type: 'string', nullable: true },
        {
          name: 'person_dateTime',
          path: ['person', 'dateTime'],
          type: 'timestamp',
          format: 'sql',
          nullable: true,
        },
        { name: 'bid_price', path: ['bid', 'price'], type: 'integer', nullable: false },
        { name: 'bid_rate', path: ['bid', 'rate'], type: 'decimal', scale: 3, nullable: true },
        { name: 'bid_at_dateTime', path: ['bid', 'at', 'dateTime'], type: 'timestamp', nullable: false },
        { name: 'bid_tags', path: ['bid', 'tags'], type: 'list', item: 'string', nullable: false },
      ],
    });
    expect(events.sources[0]?.fields[0]).not.toHaveProperty('path');
  });

  test('is reached as it is nested', () => {
    const mapped = events.map((f) => ({
      price: f.bid.price,
      at: f.bid.at.dateTime,
      name: f.person.name,
      tags: f.bid.tags.length(),
    }));
    expect(mapped.node).toMatchObject({
      columns: [
        { name: 'price', expr: { kind: 'field', name: 'bid_price' } },
        { name: 'at', expr: { kind: 'field', name: 'bid_at_dateTime' } },
        { name: 'name', expr: { kind: 'field', name: 'person_name' } },
        { name: 'tags', expr: { kind: 'call', fn: 'listLength' } },
      ],
    });
    expect(pipeline('p', { v: mapped.updates() }).plan.views).toHaveLength(1);
  });

  test('a name that is not there is said with its path', () => {
    expect(refusal(() => events.map((f) => ({ x: (f.bid as never as { pice: typeof f.kind }).pice })))).toBe(
      'there is no column "bid_pice"; did you mean "bid_price"?',
    );
    expect(refusal(() => events.map((f) => ({ bid: f.bid as never })))).toContain(
      'column "bid" is not an expression over the fields of the row',
    );
  });

  test('two fields for one column are refused', () => {
    const schema = z.object({ a_b: z.string(), a: z.object({ b: z.string() }), at: z.iso.datetime() });
    expect(refusal(() => source('s', { schema, eventTime: 'at', ...rest }))).toBe(
      'source "s": "a_b" and "a.b" both become the column "a_b"; name one otherwise',
    );
  });

  test('a rule over an object in it is refused', () => {
    const schema = z.object({ a: z.object({ b: z.string() }).refine(() => true), at: z.iso.datetime() });
    expect(refusal(() => source('s', { schema, eventTime: 'at', ...rest }))).toContain('(refine)');
  });
});

describe('schemas of our own', () => {
  test('keep what they are when they are described, and check as zod does', () => {
    const time = sqlTimestamp().describe('when');
    const rate = decimalField(2).meta({ title: 'rate' }).optional();
    const schema = z.object({ time, rate });
    const { sources } = source('s', { schema, eventTime: 'time', ...rest });
    expect(sources[0]?.fields).toEqual([
      { name: 'time', type: 'timestamp', format: 'sql', nullable: false },
      { name: 'rate', type: 'decimal', scale: 2, nullable: true },
    ]);
    expect(schema.safeParse({ time: '2015-07-15 00:00:00.1', rate: '1.50' }).success).toBe(true);
    expect(schema.safeParse({ time: '2015-07-15T00:00:00Z' }).success).toBe(false);
    expect(schema.safeParse({ time: '2015-07-15 00:00:00', rate: '1.505' }).success).toBe(false);
  });

  test.each([-1, 16, 1.5, NaN])('a scale of %d is refused', (scale) => {
    expect(refusal(() => decimalField(scale))).toContain('the scale is a whole number from 0 to 15');
  });

  test.each([
    ['of what may be null', z.array(z.string().nullable()), 'nothing in a list may be null'],
    ['of lists', z.array(z.array(z.string())), 'a list holds'],
    ['of choices', z.array(z.enum(['a'])), 'a list holds'],
    ['of times of databases', z.array(sqlTimestamp()), 'a list holds'],
    ['with a rule', z.array(z.string()).min(1), 'do not travel'],
  ])('a list %s is refused', (_, list, message) => {
    const schema = z.object({ list, at: z.iso.datetime() });
    expect(refusal(() => source('s', { schema, eventTime: 'at', ...rest }))).toContain(message);
  });
});

test('a source without an event time is refused', () => {
  const schema = z.object({ at: z.iso.datetime() });
  for (const eventTime of [undefined, [], {}])
    expect(refusal(() => source('s', { schema, eventTime: eventTime as never, ...rest }))).toBe(
      'source "s": say which field says when an event happened: eventTime: \'created\'',
    );
});

describe('a table', () => {
  test('is a source without a time', () => {
    const sides = table('sides', { schema: z.object({ key: z.int(), value: z.string() }) });
    expect(sides.sources).toEqual([
      {
        name: 'sides',
        fields: [
          { name: 'key', type: 'integer', nullable: false },
          { name: 'value', type: 'string', nullable: false },
        ],
        eventTime: [],
        watermark: { delayMs: 0, idleAfterMs: null, futureMs: 0 },
        lateness: { allowedMs: 0, then: 'drop' },
      },
    ]);
  });

  test('takes nothing but a schema', () => {
    const schema = z.object({ key: z.int() });
    expect(refusal(() => table('t', undefined as never))).toContain('say table("t", { schema })');
    expect(refusal(() => table('t', { schema, eventTime: 'key' } as never))).toContain(
      'unknown option "eventTime"',
    );
    expect(refusal(() => table('t', { schema: z.string() as never }))).toContain('schema must be a z.object');
  });
});

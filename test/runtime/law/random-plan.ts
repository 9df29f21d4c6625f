/**
 * Random definitions, made from plain numbers so that a failure shrinks to a short list of steps.
 *
 *   a, b: streams  ─► 0–3 steps that keep the row's shape and its event time ─► at most one ending ─► 0–2 steps behind it
 *   names: a table
 *
 * A recipe may describe what the definition language refuses; that is an error with a code, and such recipes are counted.
 */
import * as fc from 'fast-check';
import {
  argMax,
  argMin,
  avg,
  collect,
  count,
  countDistinct,
  cumulating,
  type Decimal,
  decimalField,
  defineProcess,
  first,
  hopping,
  last,
  max,
  min,
  percentile,
  type Pipeline,
  pipeline,
  session,
  source,
  type Stream,
  sum,
  table,
  type Timestamp,
  tumbling,
  when,
} from 'pipeline-runtime';
import { z } from 'zod';

/** The shape that all steps keep. */
interface Shape {
  readonly key: string;
  readonly at: Timestamp;
  readonly n: number | null;
  readonly x: number;
  readonly tags: readonly string[];
  readonly price: Decimal;
}
type Rows = Stream<Shape>;

/** The list of a row, if it still has one. */
const tagsOf = <T extends object>(f: T): Pick<T, keyof T & 'tags'> =>
  ('tags' in f ? { tags: f.tags } : {}) as Pick<T, keyof T & 'tags'>;

/** A step: its kind and a number that decides about everything else. */
export interface Step {
  readonly kind: string;
  readonly p: number;
}

export interface Recipe {
  /** Without the list, which generated code does not keep. */
  readonly isSlim: boolean;
  readonly steps: readonly Step[];
  readonly other: readonly Step[];
  readonly ending: Step | null;
  readonly behind: readonly Step[];
  readonly mode: 'updates' | 'final';
  readonly policy: 'drop' | 'side-output' | 'correct';
  readonly delay: string;
  readonly allowed: string;
}

export const NAMES = ['a', 'b', 'names'] as const;
export type SourceName = (typeof NAMES)[number];

const choice = <T>(p: number, ...choices: readonly T[]): T => choices[p % choices.length] as T;

interface Inputs {
  readonly other: Rows;
  readonly names: Stream<{ readonly key: string; readonly label: string | null; readonly weight: number }>;
}

/** Keeps the shape and the event time; `p` decides how. */
const STEPS: Readonly<Record<string, (rows: Rows, p: number, inputs: Inputs) => Rows>> = {
  filter: (rows, p) =>
    rows.filter((f) => choice(p, f.n.gt(p % 5), f.key.ne('b'), f.x.lt(1.5), f.n.isNull().or(f.n.ne(2)))),
  map: (rows, p) =>
    rows.map((f) => ({
      key: choice(p, f.key, f.key.upper(), when(f.n.gt(3), 'many').otherwise(f.key)),
      at: f.at,
      n: choice(p, f.n.plus(1), f.n.times(-1), f.n.integerDividedBy(2)),
      // A row of n = 2 is rejected.
      x: p % 7 === 0 ? f.x.dividedBy(f.n.minus(2).orElse(1)) : f.x.plus(0.5),
      ...tagsOf(f),
      price: f.price,
    })),
  unnest: (rows, p) =>
    rows
      .unnest((f) => f.tags, 'tag')
      .map((f) => ({
        key: p % 2 === 0 ? f.tag : f.key,
        at: f.at,
        n: f.n,
        x: f.x,
        ...tagsOf(f),
        price: f.price,
      })),
  union: (rows, _, { other }) => rows.union(other),
  dedupe: (rows, p) =>
    rows.dedupe({
      keys: p % 2 === 0 ? ['key'] : ['key', 'n'],
      keep: 'first',
      by: 'arrival',
      ...(p % 3 === 0 && { ttl: '15m' }),
    }),
  over: (rows, p) =>
    rows
      .over(
        {
          frame: choice<{ rows: number } | { range: string } | 'unbounded'>(
            p,
            { rows: p % 4 },
            { range: `${p % 20}m` },
            'unbounded',
          ),
          ...(p % 5 > 0 && { partition: ['key'] as const }),
        },
        (f) => ({ value: choice(p, count(), sum(f.n), max(f.n), countDistinct(f.n), last(f.n)) }),
      )
      .map((f) => ({ key: f.key, at: f.at, n: f.value, x: f.x, ...tagsOf(f), price: f.price })),
  interval: (rows, p, { other }) =>
    rows.join(other, {
      type: choice(p, 'inner', 'left'),
      how: { kind: 'interval', from: choice(p, '-3m', '0s', '-10m'), to: choice(p >> 2, '0s', '5m', '2m') },
      on: (l, r) => [[l.key, r.key]],
      select: (l, r) => ({ key: l.key, at: l.at, n: r.n, x: l.x, ...tagsOf(l), price: l.price }),
    }),
  temporal: (rows, p, { other }) =>
    rows.join(other, {
      type: choice(p, 'inner', 'left'),
      how: 'temporal',
      on: (l, r) => [[l.key, r.key]],
      select: (l, r) => ({ key: l.key, at: l.at, n: r.n, x: l.x, ...tagsOf(l), price: l.price }),
    }),
  lookup: (rows, p, { names }) =>
    rows
      .join(names, {
        type: choice(p, 'inner', 'left'),
        how: 'lookup',
        on: (l, r) => [[l.key, r.key]],
        select: (l, r) => ({
          key: l.key,
          at: l.at,
          label: r.label,
          n: r.weight,
          x: l.x,
          ...tagsOf(l),
          price: l.price,
        }),
      })
      .map((f) => ({
        key: f.label.orElse(f.key),
        at: f.at,
        n: f.n,
        x: f.x,
        ...tagsOf(f),
        price: f.price,
      })),
  regular: (rows, p, { other }) =>
    rows.join(other, {
      how: { kind: 'regular', ttl: choice(p, '10m', '1h') },
      on: (l, r) => [
        [l.key, r.key],
        [l.n, r.n],
      ],
      select: (l, r) => ({ key: l.key, at: l.at, n: l.n, x: r.x, ...tagsOf(l), price: l.price }),
    }),
};

const running = defineProcess('running', {
  output: z.object({ key: z.string(), what: z.string(), total: z.int(), when: z.iso.datetime() }),
  state: { total: 0, rows: 0 },
  onEvent(row: { key: string; n: number | null }, context) {
    const { state, timeMs } = context;
    state.rows++;
    state.total += row.n ?? 0;
    context.emit({ key: row.key, what: `row ${state.rows}`, total: state.total, when: timeMs });
    context.setTimer(timeMs + 7 * 60_000);
    if (row.n === 3) throw new Error('3 is not liked');
  },
  onTimer(context) {
    const { state, timeMs } = context;
    const key = context.key['key'] as string;
    context.emit({ key, what: 'silence', total: state.total, when: timeMs });
    if (state.rows > 3) context.state = { total: 0, rows: 0 };
  },
});

/** What a view ends with; any row may leave. */
type Ended = Stream<Readonly<Record<string, never>>>;
const ended = (stream: unknown): Ended => stream as Ended;

/** Whether the recipe ends with sessions, as `grouped` chooses. */
export function isSession({ ending }: Recipe): boolean {
  return ending?.kind === 'group' && ending.p % 5 === 3;
}

function grouped(rows: Rows, p: number): Ended {
  const windowed = rows.groupBy((f) => ({
    ...(p % 3 > 0 && { key: f.key }),
    window: choice(
      p,
      tumbling(f.at, '10m'),
      hopping(f.at, { size: '10m', slide: '5m' }),
      cumulating(f.at, { size: '15m', step: '5m' }),
      session(f.at, '4m'),
      tumbling(f.at, '1h', { offset: '15m', zone: 'Europe/Berlin' }),
    ),
  }));
  const plain = rows.groupBy((f) => ({ key: f.key }), p % 11 === 0 ? { ttl: '20m' } : {});
  return ended((p % 4 === 0 ? plain : windowed).aggregate((f) => aggregates(f as never, p)));
}

type Fields = Parameters<Parameters<Rows['filter']>[0]>[0];

function aggregates(f: Fields, p: number) {
  const all = [
    sum(f.n),
    avg(f.x),
    min(f.n),
    max(f.key),
    first(f.n),
    last(f.n),
    argMin(f.x, f.n),
    argMax(f.n, f.x),
    countDistinct(f.n),
    percentile(f.x, 0.5),
    collect(f.key),
    sum(f.price),
    count().where(f.n.gt(1)),
    avg(f.price).where(f.key.ne('a')),
  ];
  return { events: count(), one: choice(p, ...all), two: choice(p * 5 + 3, ...all) };
}

const ENDINGS: Readonly<Record<string, (rows: Rows, p: number, inputs: Inputs) => Ended>> = {
  group: grouped,
  top: (rows, p) =>
    ended(
      rows.top({
        ...(p % 2 === 0 && { by: ['key'] as const }),
        order: (f) => choice(p, [f.n.descending()], [f.n, f.x.descending()], [f.at]),
        limit: 1 + (p % 3),
        ...(p % 3 === 0 && { rank: 'place' }),
      }),
    ),
  latest: (rows, p) =>
    ended(
      rows.dedupe({
        keys: p % 2 === 0 ? ['key'] : ['key', 'n'],
        keep: choice(p >> 1, 'last', 'first'),
        by: choice(p >> 2, 'time', 'arrival'),
        ...(p % 11 === 0 && { ttl: '20m' }),
      }),
    ),
  pattern: (rows, p) =>
    ended(
      rows.pattern({
        partition: ['key'],
        steps: {
          low: (f) => f.n.lte(p % 3),
          high: (f) => f.n.gt(p % 4),
          ...(p % 2 === 0 && { again: (f: Fields) => f.x.gt(0) }),
        },
        within: `${1 + (p % 15)}m`,
        select: (s) => ({ from: s.low.at, low: s.low.n, high: s.high.n, to: s.high.at }),
      }),
    ),
  process: (rows) => ended(rows.process(['key'], running)),
  meet: (rows, p, { other }) => {
    const counts = (of: Rows) =>
      of
        .groupBy((f) => ({ key: f.key, window: tumbling(f.at, '10m') }))
        .aggregate((f) => ({ events: count(), total: sum(f.n) }));
    return ended(
      counts(rows).join(counts(other), {
        type: choice(p, 'inner', 'left'),
        how: p % 3 === 0 ? { kind: 'regular', ttl: 'forever' } : 'window',
        on: (l, r) => [
          [l.key, r.key],
          [l.window, r.window],
        ],
        select: (l, r) => ({ key: l.key, window: l.window, events: l.events, total: r.total }),
      }),
    );
  },
};

interface Grouped {
  readonly key: string;
  readonly window: never;
  readonly events: number;
}
type Groups = Stream<Grouped>;

/** Behind a group, if its rows have these columns. */
const BEHIND: Readonly<Record<string, (rows: Groups, p: number) => Ended>> = {
  having: (rows, p) => ended(rows.filter((f) => f.events.gt(p % 3))),
  best: (rows, p) =>
    ended(
      rows.top({
        ...(p % 3 > 0 && { by: [p % 3 === 1 ? ('window' as never) : 'key'] as const }),
        order: (f) => [f.events.descending()],
        limit: 1 + (p % 2),
        ...(p % 2 === 0 && { rank: 'place' }),
      }),
    ),
  again: (rows, p) =>
    ended(
      rows
        .groupBy((f) => (p % 2 === 0 ? { key: f.key } : { window: f.window }))
        .aggregate((f) => ({
          events: sum(f.events),
          groups: count(),
          most: max(f.events),
          middle: percentile(f.events, 0.5),
        })),
    ),
  changed: (rows, p) => ended(rows.extend((f) => ({ twice: f.events.times(2), isBig: f.events.gt(p % 4) }))),
  lastOf: (rows) => ended(rows.dedupe({ keys: ['key'], keep: 'last', by: 'arrival' })),
};

function streamNamed(name: string, { delay, allowed, policy }: Recipe): Rows {
  return source(name, {
    schema: z.object({
      key: z.string(),
      at: z.iso.datetime(),
      n: z.int().nullable(),
      x: z.number(),
      tags: z.array(z.string()),
      price: decimalField(2),
    }),
    eventTime: 'at',
    watermark: { delay },
    lateness: { allowed, then: policy },
  });
}

/** @throws DEFINITION_INVALID, PLAN_INVALID for a recipe that says what cannot be run. */
export function definitionOf(recipe: Recipe): Pipeline {
  const names = table('names', {
    schema: z.object({ key: z.string(), label: z.string().nullable(), weight: z.int() }),
  });
  const inputs = { names, other: streamNamed('b', recipe) };
  const other = recipe.other.reduce(
    (rows, { kind, p }) => STEPS[kind]?.(rows, p, inputs) ?? rows,
    inputs.other,
  );
  const steps = recipe.isSlim ? recipe.steps.filter(({ kind }) => kind !== 'unnest') : recipe.steps;
  const whole = streamNamed('a', recipe);
  const slim = whole.map((f) => ({ key: f.key, at: f.at, n: f.n, x: f.x, price: f.price }));
  const rows = steps.reduce(
    (each, { kind, p }) => STEPS[kind]?.(each, p, { names, other }) ?? each,
    recipe.isSlim ? (slim as unknown as Rows) : whole,
  );
  const { ending } = recipe;
  let view =
    ending === null ? ended(rows) : (ENDINGS[ending.kind]?.(rows, ending.p, { names, other }) ?? ended(rows));
  for (const { kind, p } of recipe.behind) view = BEHIND[kind]?.(view as never, p) ?? view;
  return pipeline('random', { view: view[recipe.mode]() });
}

const stepOf = (kinds: readonly string[]): fc.Arbitrary<Step> =>
  fc.record({ kind: fc.constantFrom(...kinds), p: fc.nat(60) });

export const anyRecipe: fc.Arbitrary<Recipe> = fc.record({
  isSlim: fc.constant(false),
  steps: fc.array(stepOf(Object.keys(STEPS)), { maxLength: 3 }),
  other: fc.array(stepOf(['filter', 'map', 'unnest', 'over']), { maxLength: 1 }),
  ending: fc.option(stepOf(['group', 'group', ...Object.keys(ENDINGS)]), { freq: 8 }),
  behind: fc.array(stepOf(Object.keys(BEHIND)), { maxLength: 2 }),
  mode: fc.constantFrom('updates', 'final'),
  policy: fc.constantFrom('drop', 'side-output', 'correct'),
  delay: fc.constantFrom('0s', '4m', '10m'),
  allowed: fc.constantFrom('0s', '2m', '10m'),
});

/** A plan that anyone may have written or edited is executable, or refused with every problem by name. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CodedError } from '../../../runtime/src/base/coded-error.ts';
import { explainPlan, mermaidPlan } from '../../../runtime/src/plan/explain.ts';
import { parsePlan } from '../../../runtime/src/plan/parse.ts';
import { planOf } from './plans.ts';

function problemsOf(data: unknown): string {
  try {
    parsePlan(data);
    return '';
  } catch (error) {
    expect(error).toMatchObject({ code: 'PLAN_INVALID', exitCode: 2 });
    return (error as Error).message;
  }
}

const field = (name: string): object => ({ kind: 'field', name });

describe('every rule has its message', () => {
  const set = (object: object, value: object): void => void Object.assign(object, value);
  const cases: [string, Parameters<typeof planOf>[0], string][] = [
    ['a version that is not ours', (p) => set(p, { version: 2 }), 'version: '],
    ['an unknown key', (p) => set(p, { nope: 1 }), 'Unrecognized key: "nope"'],
    ['no views', (p) => set(p, { views: [] }), 'views: '],
    ['a name with a space', (p) => set(p, { name: 'a b' }), 'pipeline "a b": a name starts with a letter'],
    [
      'a name of JavaScript',
      (p) => set(p['views']![0]!, { name: 'constructor' }),
      'view "constructor": this name has a meaning',
    ],
    ['two views of one name', (p) => p['views']!.push(p['views']![0]!), 'view "delays" is defined twice'],
    [
      'two sources of one name',
      (p) => p['sources']!.push(p['sources']![0]!),
      'source "flights" is defined twice',
    ],
    [
      'two fields of one name',
      (p) => p['sources']![0]!['fields']!.push(p['sources']![0]!['fields']![0]!),
      'source "flights", field "origin" is defined twice',
    ],
    [
      'two columns of one name',
      (p) => set(p['views']![0]!['node']!['aggregates']![0]!, { name: 'origin' }),
      'view "delays": group, column "origin" is defined twice',
    ],
    [
      'an event time that is no field',
      (p) => set(p['sources']![0]!, { eventTime: ['nope'] }),
      'source "flights": the event time "nope" is not a field; choose one of scheduled',
    ],
    [
      'an event time that is no time',
      (p) => set(p['sources']![0]!, { eventTime: ['delay'] }),
      'the event time "delay" is no time; choose one of scheduled',
    ],
    [
      'an event time that may be null',
      (p) => set(p['sources']![0]!['fields']![1]!, { nullable: true }),
      'the event time "scheduled" may be null',
    ],
    [
      'values for a number',
      (p) => set(p['sources']![0]!['fields']![2]!, { oneOf: ['1'] }),
      'field "delay": only a string can be one of some values',
    ],
    [
      'a decimal without a scale',
      (p) => set(p['sources']![0]!['fields']![2]!, { type: 'decimal' }),
      'source "flights", field "delay": a decimal has a scale, and nothing else',
    ],
    [
      'a number with a scale',
      (p) => set(p['sources']![0]!['fields']![2]!, { scale: 2 }),
      'field "delay": a decimal has a scale, and nothing else',
    ],
    [
      'a list of nothing',
      (p) => set(p['sources']![0]!['fields']![0]!, { type: 'list' }),
      'field "origin": a list has a type of items, and nothing else',
    ],
    [
      'a string with a format',
      (p) => set(p['sources']![0]!['fields']![0]!, { format: 'sql' }),
      'field "origin": only a time has a format',
    ],
    [
      'an event time that is named twice',
      (p) => set(p['sources']![0]!, { eventTime: ['scheduled', 'scheduled'] }),
      'the event time "scheduled" is named twice',
    ],
    [
      'a negative duration',
      (p) => set(p['sources']![0]!['watermark']!, { delayMs: -1 }),
      'sources.0.watermark.delayMs: ',
    ],
    [
      'a duration of more than a century',
      (p) => set(p['sources']![0]!['lateness']!, { allowedMs: 1e13 }),
      'sources.0.lateness.allowedMs: ',
    ],
    [
      'an unknown policy',
      (p) => set(p['sources']![0]!['lateness']!, { then: 'ignore' }),
      'sources.0.lateness.then: ',
    ],
    [
      'an unknown source',
      (p) => set(p['views']![0]!['node']!['input']!['input']!, { source: 'nope' }),
      'view "delays": there is no source "nope"',
    ],
    [
      'an unknown column',
      (p) => set(p['views']![0]!['node']!['input']!['predicate']!['args']![0]!, { name: 'nope' }),
      'view "delays": filter: there is no column "nope"; there are origin, scheduled, delay',
    ],
    [
      'a filter that is no condition',
      (p) => set(p['views']![0]!['node']!['input']!, { predicate: field('delay') }),
      'view "delays": filter: needs a boolean, not integer',
    ],
    [
      'a literal of another type',
      (p) => set(p['views']![0]!['node']!['input']!['predicate']!['args']![1]!, { value: 'x' }),
      '"x" is not a value of type integer',
    ],
    [
      'an unknown function',
      (p) => set(p['views']![0]!['node']!['input']!['predicate']!, { fn: 'sleep' }),
      'views.0.node.input.predicate.fn: ',
    ],
    ['an unknown node', (p) => set(p['views']![0]!['node']!, { kind: 'sort' }), 'views.0.node.kind: '],
    [
      'an unknown aggregate',
      (p) => set(p['views']![0]!['node']!['aggregates']![0]!, { fn: 'median' }),
      'views.0.node.aggregates.0.fn: ',
    ],
    [
      'a sum of strings',
      (p) => set(p['views']![0]!['node']!['aggregates']![1]!, { fn: 'sum', arg: field('origin') }),
      'aggregate "meanDelay", sum: needs a number, not string',
    ],
    [
      'a distinct count of nothing',
      (p) => set(p['views']![0]!['node']!['aggregates']![0]!, { fn: 'countDistinct' }),
      'aggregate "flights", countDistinct: needs an argument',
    ],
    [
      'a smallest of nothing',
      (p) => set(p['views']![0]!['node']!['aggregates']![0]!, { fn: 'min' }),
      'aggregate "flights", min: needs a value, not nothing',
    ],
    [
      'a window over something else',
      (p) => set(p['views']![0]!['node']!['keys']![1]!['window']!, { time: field('origin') }),
      'window "window" is not over the event time of its source: say tumbling(f.scheduled, …)',
    ],
    [
      'a window of nothing',
      (p) => set(p['views']![0]!['node']!['keys']![1]!['window']!, { sizeMs: 0 }),
      'views.0.node.keys.1',
    ],
    [
      'two windows',
      (p) =>
        p['views']![0]!['node']!['keys']!.push({
          ...p['views']![0]!['node']!['keys']![1]!,
          name: 'other',
        }),
      'more than one window in a group: window, other',
    ],
    [
      'a final result that never comes',
      (p) => {
        set(p['views']![0]!, { mode: 'final' });
        p['views']![0]!['node']!['keys']!.pop();
      },
      'final results need a window that can close',
    ],
    [
      'a map that loses the event time',
      (p) =>
        set(p['views']![0]!['node']!, {
          input: {
            kind: 'map',
            input: { kind: 'source', source: 'flights' },
            columns: ['origin', 'delay'].map((name) => ({ name, expr: field(name) })),
          },
        }),
      'keep it in the steps before; a group,',
    ],
  ];

  test.each(cases)('%s', (_, change, message) => {
    expect(problemsOf(planOf(change))).toContain(message);
  });

  test('all problems are said at once', () => {
    const broken = planOf((p) => {
      Object.assign(p['sources']![0]!, { eventTime: ['nope'] });
      Object.assign(p['views']![0]!, { name: 'a b' });
    });
    expect(problemsOf(broken).split('\n').length).toBeGreaterThanOrEqual(2);
  });
});

describe('hostile plans', () => {
  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['a text', 'plan'],
    ['a list', []],
    ['an object with a prototype of its own', JSON.parse('{"__proto__":{"version":1},"version":1}')],
    [
      '__proto__ in a node',
      planOf(
        (p) =>
          void Object.defineProperty(p['views']![0]!['node']!, '__proto__', { value: {}, enumerable: true }),
      ),
    ],
    ['a name that is an object', planOf((p) => void Object.assign(p, { name: { toString: 1 } }))],
  ])('%s is refused', (_, data) => {
    expect(problemsOf(data)).not.toBe('');
  });

  test('nesting of any depth is refused before anything recurses', () => {
    let node: object = { kind: 'source', source: 'flights' };
    for (let depth = 0; depth < 100_000; depth++)
      node = { kind: 'filter', input: node, predicate: field('x') };
    expect(problemsOf(planOf((p) => void Object.assign(p['views']![0]!, { node })))).toBe(
      'nested deeper than 64 nodes',
    );
    const circular: Record<string, unknown> = {};
    circular['self'] = circular;
    expect(problemsOf(circular)).toBe('nested deeper than 64 nodes');
  });

  test('a million values are refused before they are looked at', () => {
    expect(problemsOf(Array.from({ length: 1_000_001 }, () => 1))).toBe('more than a million values');
  });

  test('any JSON in any place is refused with a code, or runs', () => {
    const paths = pathsOf(planOf());
    fc.assert(
      fc.property(fc.constantFrom(...paths), fc.jsonValue({ maxDepth: 3 }), (path, value) => {
        const plan = planOf();
        place(plan, path, value);
        try {
          explainPlan(parsePlan(plan));
        } catch (error) {
          expect(error).toBeInstanceOf(CodedError);
        }
      }),
      { numRuns: 1500 },
    );
  });
});

/** The paths of all values in data. */
function pathsOf(data: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (typeof data !== 'object' || data === null) return [path];
  return [
    ...(path.length > 0 ? [path] : []),
    ...Object.entries(data).flatMap(([key, value]) => pathsOf(value, [...path, key])),
  ];
}

function place(data: unknown, path: readonly string[], value: unknown): void {
  const [key = '', ...rest] = path;
  const object = data as Record<string, unknown>;
  if (rest.length === 0) object[key] = value;
  else place(object[key], rest, value);
}

describe('a plan that passes', () => {
  test('is frozen through and through', () => {
    const plan = parsePlan(planOf());
    expect(
      Object.isFrozen(plan) &&
        Object.isFrozen(plan.sources[0]?.fields) &&
        Object.isFrozen(plan.views[0]?.node),
    ).toBe(true);
  });

  test('is the same after a round trip through JSON', () => {
    const plan = parsePlan(planOf());
    expect(parsePlan(JSON.parse(JSON.stringify(plan)))).toEqual(plan);
    expect(JSON.stringify(parsePlan(JSON.parse(JSON.stringify(plan))))).toBe(JSON.stringify(plan));
  });

  test('is explained', () => {
    expect(explainPlan(parsePlan(planOf()))).toBe(
      [
        'pipeline departures',
        '',
        'view delays (updates)',
        '  group by origin, window = tumbling(scheduled, 1h): flights = count(), meanDelay = avg(delay)',
        '    filter delay > 0',
        '      source flights',
        '  flights: watermark 15m behind the newest scheduled, late after 6h more: correct',
      ].join('\n'),
    );
  });

  test('is drawn', () => {
    expect(mermaidPlan(parsePlan(planOf()))).toBe(
      [
        'flowchart LR',
        '  s_flights["source flights"]',
        '  n1["filter delay > 0"]',
        '  s_flights --> n1',
        '  n2["group by origin, window = tumbling(scheduled, 1h): flights = count(), meanDelay = avg(delay)"]',
        '  n1 --> n2',
        '  n2 --> view_delays[("delays")]',
      ].join('\n'),
    );
  });

  test('without a window says that its state grows', () => {
    const plan = planOf((p) => void p['views']![0]!['node']!['keys']!.pop());
    expect(explainPlan(parsePlan(plan))).toContain('remembers each key for ever');
  });

  test('cannot break out of its drawing', () => {
    const plan = planOf(
      (p) =>
        void Object.assign(p['views']![0]!['node']!['input']!['predicate']!, {
          fn: 'eq',
          args: [
            field('origin'),
            { kind: 'literal', type: 'string', value: '"]; click x "javascript:1"\n<script>' },
          ],
        }),
    );
    const drawn = mermaidPlan(parsePlan(plan));
    expect(drawn.split('\n').find((line) => line.startsWith('  n1['))).toBe(
      `  n1["filter origin = '#quot;]; click x #quot;javascript:1#quot; #lt;script>'"]`,
    );
  });
});

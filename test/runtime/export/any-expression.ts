/**
 * Random expressions over the fields of `EVENTS`, of every function: `CALLS` is a total table, so a new function fails to
 * compile until it is here. What the types do not allow is filtered out by the inference itself.
 */
import * as fc from 'fast-check';
import type { Value } from '../../../runtime/src/data/value.ts';
import { inferExpr } from '../../../runtime/src/expr/evaluate.ts';
import type { Expr, FunctionName } from '../../../runtime/src/expr/node.ts';
import type { LoggedEvent } from './duckdb.ts';
import { call, dbl, dec, event, EVENTS, f, int, text } from './plans.ts';

type Kind = 'integer' | 'double' | 'decimal' | 'number' | 'string' | 'boolean' | 'timestamp' | 'list';
type Any = fc.Arbitrary<Expr>;
/** Makes expressions of a kind, one level less deep. */
type Of = (kind: Kind) => Any;

const INTEGERS = [0, 1, -1, 2, 3, -7, 10, 1250, 2 ** 31, Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER];
const DOUBLES = [0, 0.5, -0.5, 2.5, -2.25, 3.7, 1.005, 1e-5, 123_456.789, 1e16, 1e300, -1e-300, 2 ** 970];
const DECIMALS = [0, 1, -50, 150, 1234, -99_999, Number.MAX_SAFE_INTEGER];
const STRINGS = [
  '',
  'a',
  'B',
  'ab,c',
  'a,b,,',
  'ß',
  'İx',
  '🤦b',
  '12',
  '-1.50',
  '+.5e3',
  '1e3',
  '0x1',
  ' x ',
  "it's",
  'a%',
  'a\\b',
  'x\ny',
  'Zz9',
];
const TIMES = [
  0,
  1,
  -1,
  86_399_999,
  951_782_400_000,
  1_711_846_800_000,
  1_711_850_400_123,
  1_729_990_800_000,
  -62_135_596_800_001,
  8.64e15 - 86_400_000,
];
const PATTERNS = ['%', 'a%', '%b', '_%', '%,%', 'a_', 'ab,c', '%a%', 'a\\%'];
const REGEXES = [
  'a',
  '^a',
  'b$',
  '[a-z]+',
  '(a)|(b)',
  '(a+)(,)?',
  'x.y',
  '\\d+',
  '\\w{2,3}?',
  '\\bB\\b',
  '([^,]*),([^,]*)',
  '(a|b)c?',
];
const TIME_PATTERNS = ['yyyy-MM-dd', "HH:mm:ss.SSS 'at' dd", "yyyy''%MM"];
const ZONES = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kathmandu', 'Australia/Lord_Howe'];

const literal = (kind: Kind): Any => {
  switch (kind) {
    case 'integer':
      return fc.oneof(fc.constantFrom(...INTEGERS), fc.integer({ min: -20, max: 20 })).map(int);
    case 'double':
      return fc
        .oneof(fc.constantFrom(...DOUBLES), fc.double({ min: -1e6, max: 1e6, noNaN: true }))
        .map((x) => dbl(x + 0));
    case 'decimal':
      return fc
        .tuple(
          fc.oneof(fc.constantFrom(...DECIMALS), fc.integer({ min: -9999, max: 9999 })),
          fc.integer({ min: 0, max: 4 }),
        )
        .map(([n, scale]) => dec(n, scale));
    case 'number':
      return fc.oneof(literal('integer'), literal('double'), literal('decimal'));
    case 'string':
      return fc.constantFrom(...STRINGS).map(text);
    case 'boolean':
      return fc
        .constantFrom<boolean | null>(true, false, null)
        .map((value) => ({ kind: 'literal', type: 'boolean', value }));
    case 'timestamp':
      return fc.constantFrom(...TIMES).map((value) => ({ kind: 'literal', type: 'timestamp', value }));
    case 'list':
      return fc.constant(f('l'));
  }
};

const FIELDS: { readonly [K in Kind]: readonly string[] } = {
  integer: ['n'],
  double: ['x'],
  decimal: ['m'],
  number: ['n', 'x', 'm'],
  string: ['k', 's'],
  boolean: ['b'],
  timestamp: ['t', 'u'],
  list: ['l'],
};

const two = (fn: FunctionName, a: Any, b: Any): Any => fc.tuple(a, b).map((args) => call(fn, ...args));
const one = (fn: FunctionName, a: Any): Any => a.map((arg) => call(fn, arg));
const zoned = (fn: FunctionName, of: Of): Any =>
  fc
    .tuple(of('timestamp'), fc.option(fc.constantFrom(...ZONES), { nil: undefined }))
    .map(([time, zone]) => call(fn, time, ...(zone === undefined ? [] : [text(zone)])));
const comparison = (fn: FunctionName, of: Of): readonly [Kind, Any][] => [
  [
    'boolean',
    fc.oneof(
      two(fn, of('number'), of('number')),
      two(fn, of('string'), of('string')),
      two(fn, of('timestamp'), of('timestamp')),
      two(fn, of('boolean'), of('boolean')),
    ),
  ],
];
/** The same function for every kind of value. */
const same = (make: (kind: Kind) => Any): readonly [Kind, Any][] =>
  (['integer', 'double', 'decimal', 'string', 'boolean', 'timestamp'] as const).map((kind) => [
    kind,
    make(kind),
  ]);
const arithmetic = (fn: FunctionName, of: Of): readonly [Kind, Any][] => [
  ['integer', two(fn, of('integer'), of('integer'))],
  ['double', two(fn, of('number'), of('double'))],
  [
    'decimal',
    fc.oneof(
      two(fn, of('decimal'), of('decimal')),
      two(fn, of('decimal'), of('integer')),
      two(fn, of('integer'), of('decimal')),
    ),
  ],
];
const perNumber = (fn: FunctionName, of: Of): readonly [Kind, Any][] =>
  (['integer', 'double', 'decimal'] as const).map((kind) => [kind, one(fn, of(kind))]);

const CALLS: { readonly [F in FunctionName]: (of: Of) => readonly (readonly [Kind, Any])[] } = {
  eq: (of) => comparison('eq', of),
  ne: (of) => comparison('ne', of),
  gt: (of) => comparison('gt', of),
  gte: (of) => comparison('gte', of),
  lt: (of) => comparison('lt', of),
  lte: (of) => comparison('lte', of),
  and: (of) => [['boolean', two('and', of('boolean'), of('boolean'))]],
  or: (of) => [['boolean', two('or', of('boolean'), of('boolean'))]],
  not: (of) => [['boolean', one('not', of('boolean'))]],
  isNull: (of) => [
    ['boolean', one('isNull', fc.oneof(of('number'), of('string'), of('boolean'), of('list')))],
  ],
  coalesce: (of) => [
    ...same((kind) => two('coalesce', of(kind), of(kind))),
    ['double', two('coalesce', of('number'), of('double'))],
    ['decimal', two('coalesce', of('integer'), of('decimal'))],
  ],
  nullIf: (of) => same((kind) => two('nullIf', of(kind), of(kind))),
  least: (of) => [
    ...same((kind) => two('least', of(kind), of(kind))),
    ['decimal', two('least', of('decimal'), of('integer'))],
  ],
  greatest: (of) => [
    ...same((kind) => two('greatest', of(kind), of(kind))),
    ['double', two('greatest', of('double'), of('number'))],
  ],
  caseWhen: (of) => [
    ...same((kind) => fc.tuple(of('boolean'), of(kind), of(kind)).map((args) => call('caseWhen', ...args))),
    ...same((kind) =>
      fc
        .tuple(of('boolean'), of(kind), of('boolean'), of(kind), of(kind))
        .map((args) => call('caseWhen', ...args)),
    ),
    ['double', fc.tuple(of('boolean'), of('number'), of('double')).map((args) => call('caseWhen', ...args))],
    [
      'decimal',
      fc.tuple(of('boolean'), of('integer'), of('decimal')).map((args) => call('caseWhen', ...args)),
    ],
  ],
  required: (of) => same((kind) => one('required', of(kind))),
  plus: (of) => arithmetic('plus', of),
  minus: (of) => arithmetic('minus', of),
  times: (of) => arithmetic('times', of),
  dividedBy: (of) => [['double', two('dividedBy', of('number'), of('number'))]],
  integerDividedBy: (of) => [['integer', two('integerDividedBy', of('integer'), of('integer'))]],
  mod: (of) => arithmetic('mod', of),
  abs: (of) => perNumber('abs', of),
  round: (of) => [
    ...perNumber('round', of),
    ...(['integer', 'double', 'decimal'] as const).map((kind): [Kind, Any] => [
      kind,
      two('round', of(kind), fc.integer({ min: kind === 'decimal' ? 0 : -4, max: 6 }).map(int)),
    ]),
  ],
  floor: (of) => perNumber('floor', of),
  ceil: (of) => perNumber('ceil', of),
  toInteger: (of) => [['integer', fc.oneof(one('toInteger', of('number')), one('toInteger', of('string')))]],
  toDouble: (of) => [['double', fc.oneof(one('toDouble', of('number')), one('toDouble', of('string')))]],
  toDecimal: (of) => [
    [
      'decimal',
      two('toDecimal', fc.oneof(of('number'), of('string')), fc.integer({ min: 0, max: 6 }).map(int)),
    ],
  ],
  toText: (of) => [
    [
      'string',
      fc.oneof(one('toText', of('number')), one('toText', of('boolean')), one('toText', of('string'))),
    ],
  ],
  lower: (of) => [['string', one('lower', of('string'))]],
  upper: (of) => [['string', one('upper', of('string'))]],
  length: (of) => [['integer', one('length', of('string'))]],
  concat: (of) => [
    [
      'string',
      fc.oneof(
        two('concat', of('string'), of('string')),
        fc.tuple(of('string'), of('string'), of('string')).map((args) => call('concat', ...args)),
      ),
    ],
  ],
  substring: (of) => [
    [
      'string',
      fc.oneof(
        two('substring', of('string'), of('integer')),
        fc.tuple(of('string'), of('integer'), of('integer')).map((args) => call('substring', ...args)),
      ),
    ],
  ],
  contains: (of) => [['boolean', two('contains', of('string'), of('string'))]],
  startsWith: (of) => [['boolean', two('startsWith', of('string'), of('string'))]],
  endsWith: (of) => [['boolean', two('endsWith', of('string'), of('string'))]],
  trim: (of) => [['string', one('trim', of('string'))]],
  replace: (of) => [
    ['string', fc.tuple(of('string'), of('string'), of('string')).map((args) => call('replace', ...args))],
  ],
  like: (of) => [['boolean', two('like', of('string'), fc.constantFrom(...PATTERNS).map(text))]],
  matches: (of) => [['boolean', two('matches', of('string'), fc.constantFrom(...REGEXES).map(text))]],
  regexpExtract: (of) => [
    [
      'string',
      fc.oneof(
        two('regexpExtract', of('string'), fc.constantFrom(...REGEXES).map(text)),
        fc
          .tuple(of('string'), fc.constantFrom(...REGEXES).map(text), fc.integer({ min: 0, max: 2 }).map(int))
          .map((args) => call('regexpExtract', ...args)),
      ),
    ],
  ],
  splitPart: (of) => [
    ['string', fc.tuple(of('string'), of('string'), of('integer')).map((args) => call('splitPart', ...args))],
  ],
  year: (of) => [['integer', zoned('year', of)]],
  month: (of) => [['integer', zoned('month', of)]],
  day: (of) => [['integer', zoned('day', of)]],
  hour: (of) => [['integer', zoned('hour', of)]],
  minute: (of) => [['integer', zoned('minute', of)]],
  second: (of) => [['integer', zoned('second', of)]],
  dayOfWeek: (of) => [['integer', zoned('dayOfWeek', of)]],
  formatTime: (of) => [
    [
      'string',
      fc
        .tuple(
          of('timestamp'),
          fc.constantFrom(...TIME_PATTERNS),
          fc.option(fc.constantFrom(...ZONES), { nil: undefined }),
        )
        .map(([time, pattern, zone]) =>
          call('formatTime', time, text(pattern), ...(zone === undefined ? [] : [text(zone)])),
        ),
    ],
  ],
  plusMs: (of) => [['timestamp', two('plusMs', of('timestamp'), of('integer'))]],
  minusMs: (of) => [['timestamp', two('minusMs', of('timestamp'), of('integer'))]],
  timestampDiffMs: (of) => [['integer', two('timestampDiffMs', of('timestamp'), of('timestamp'))]],
  toMillis: (of) => [['integer', one('toMillis', of('timestamp'))]],
  fromMillis: (of) => [['timestamp', one('fromMillis', of('integer'))]],
  // Windows come from groups alone: see the tests of nodes.
  windowStart: () => [],
  windowEnd: () => [],
  listLength: (of) => [['integer', one('listLength', of('list'))]],
  listContains: (of) => [['boolean', two('listContains', of('list'), fc.oneof(of('integer'), of('double')))]],
};

const LEAVES = new Map(
  (Object.keys(FIELDS) as Kind[]).map((kind): [Kind, Any] => {
    const field = fc.constantFrom(...FIELDS[kind]).map(f);
    return [
      kind,
      kind === 'list'
        ? field
        : fc.oneof({ weight: 3, arbitrary: field }, { weight: 1, arbitrary: literal(kind) }),
    ];
  }),
);

/** Expressions of each kind, each level made of those of the level below. */
function levels(depth: number): ReadonlyMap<Kind, Any> {
  if (depth === 0) return LEAVES;
  const below = levels(depth - 1);
  const of: Of = (kind) => below.get(kind) as Any;
  const calls = Object.values(CALLS).flatMap((make) => make(of));
  return new Map(
    [...LEAVES].map(([kind, leaf]): [Kind, Any] => {
      const isOf = ([result]: readonly [Kind, Any]): boolean =>
        result === kind || (kind === 'number' && ['integer', 'double', 'decimal'].includes(result));
      const fitting = calls.filter(isOf).map(([, any]) => any);
      return [
        kind,
        fitting.length === 0
          ? leaf
          : fc.oneof({ weight: 2, arbitrary: leaf }, { weight: 5, arbitrary: fc.oneof(...fitting) }),
      ];
    }),
  );
}

const isTyped = (expr: Expr): boolean => typeof inferExpr(expr, EVENTS.fields) !== 'string';

/** One call of a function, over fields and literals. REQUIRES one that is not of windows. */
export function anyCallOf(fn: FunctionName): Any {
  const calls = CALLS[fn]((kind) => LEAVES.get(kind) as Any).map(([, any]) => any);
  return fc.oneof(...calls).filter(isTyped);
}

const TOP = levels(3);
export const anyExpression: Any = fc
  .oneof(
    ...(['integer', 'double', 'decimal', 'string', 'boolean', 'timestamp'] as const).map(
      (kind) => TOP.get(kind) as Any,
    ),
  )
  .filter(isTyped);

const orNull = <T>(values: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(values, { freq: 6 });
const anyEvent: fc.Arbitrary<LoggedEvent> = fc
  .record<Record<string, Value>>({
    t: fc.constantFrom(...TIMES),
    k: orNull(fc.constantFrom(...STRINGS)),
    n: orNull(fc.constantFrom(...INTEGERS)),
    x: orNull(
      fc.oneof(
        fc.constantFrom(...DOUBLES),
        fc.double({ min: -1e6, max: 1e6, noNaN: true }).map((x) => x + 0),
      ),
    ),
    m: orNull(fc.constantFrom(...DECIMALS)),
    s: orNull(fc.constantFrom(...STRINGS)),
    b: orNull(fc.boolean()),
    l: orNull(fc.array(fc.constantFrom(0, 1, 2, 3), { maxLength: 3 }).map((items) => ({ items }))),
    u: orNull(fc.constantFrom(...TIMES)),
  })
  .map((values) => event(values));
export const anyEvents = fc.array(anyEvent, { minLength: 5, maxLength: 20 });

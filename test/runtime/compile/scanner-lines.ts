/** Random lines of JSON in every spelling, right and wrong, and what is to be read from them. */
import * as fc from 'fast-check';
import { decodeEvent, type Field } from '../../../runtime/src/data/decode.ts';
import type { Row } from '../../../runtime/src/data/value.ts';
import { linesOf } from '../../../runtime/src/ingest/lines.ts';

const at = (path: string, type: Field['type'], more: Partial<Field> = {}): Field => ({
  name: path.replaceAll('.', '_'),
  path: path.split('.'),
  type,
  nullable: path.includes('.'),
  ...more,
});

export const FIELDS: readonly Field[] = [
  at('kind', 'integer'),
  at('note', 'string', { nullable: true }),
  at('flag', 'boolean', { nullable: true }),
  at('bid.price', 'double'),
  at('bid.when', 'timestamp', { format: 'sql' }),
  at('bid.channel', 'string', { oneOf: ['web', 'phone', 'a "quoted" one'] }),
  at('bid.amount', 'decimal', { scale: 2 }),
  at('bid.inner.id', 'integer'),
  at('tags', 'list', { item: 'string', nullable: true }),
  at('seen', 'timestamp', { nullable: true }),
];
export const EVENT_TIME = ['bid_when', 'seen'];

/** A JSON text as a tree whose spelling is already decided. */
type Spelled = fc.Arbitrary<string>;

const space = fc.oneof(
  { arbitrary: fc.constant(''), weight: 12 },
  { arbitrary: fc.constantFrom(' ', '  ', '\t', '\r', ' \t'), weight: 1 },
);

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '/': '\\/',
  '\n': '\\n',
  '\t': '\\t',
};

const unicode = (char: string): string =>
  [...Array(char.length).keys()]
    .map((index) => `\\u${char.charCodeAt(index).toString(16).padStart(4, '0')}`)
    .join('');

/** A string, each of its characters written in one of the ways there are. */
export const spelledString = (text: string): Spelled =>
  fc.array(fc.nat(15), { minLength: text.length, maxLength: text.length }).map((choices) => {
    const chars = Array.from({ length: text.length }, (_, index) => text.charAt(index)).map((char, index) => {
      if (choices[index] === 0) return unicode(char);
      if (choices[index] === 1 || char < ' ' || char === '"' || char === '\\')
        return ESCAPES[char] ?? (char < ' ' ? unicode(char) : char);
      return char;
    });
    return `"${chars.join('')}"`;
  });

const word = fc.oneof(
  fc.constantFrom(
    'web',
    'phone',
    'a "quoted" one',
    '',
    'x',
    'null',
    'Zürich',
    '東京都',
    '🦊 fox',
    'a\\b',
    'ends\\',
  ),
  fc.string({ maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 24 }),
  fc.constantFrom('\ud800', 'half \udc00 pair', '\u0000', '\u001f', '\u007f', '\u2028', '\ufeff'),
);
const text = word.chain(spelledString);

/** Whole numbers around what a double can tell apart, with some that are none. */
const digits = fc
  .tuple(
    fc.constantFrom('', '', '-'),
    fc.bigInt({ min: 0n, max: 10n ** 20n }),
    fc.constantFrom(1n, 10n ** 4n, 10n ** 11n),
  )
  .map(([sign, value, by]) => `${sign}${value / by}`);
const edges = fc
  .tuple(
    fc.constantFrom('', '-'),
    fc.constantFrom(2n ** 53n, 10n ** 15n, 10n ** 16n, 10n ** 9n),
    fc.bigInt(-2n, 2n),
  )
  .map(([sign, value, more]) => `${sign}${value + more}`);
const fractions = fc
  .tuple(digits, fc.bigInt({ min: 0n, max: 10n ** 17n }), fc.nat(17))
  .map(([whole, part, length]) => `${whole}.${part.toString().padStart(length, '0')}`);
const exponents = fc
  .tuple(fc.oneof(digits, fractions), fc.constantFrom('e', 'E', 'e+', 'E-'), fc.nat(320))
  .map((parts) => parts.join(''));
const zeros = digits.map((value) => value.replace(/^(-?)/, '$10'));

const number = fc.oneof(
  digits,
  edges,
  fractions,
  exponents,
  zeros,
  fc.integer().map(String),
  fc.maxSafeInteger().map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.double({ min: -1e6, max: 1e6, noNaN: true }).map((value) => value.toFixed(3)),
  fc.constantFrom('0', '-0', '-0.0', '0.1', '1e3', '1E+2', '1.5e-7', '9007199254740991', '9007199254740992'),
  fc.constantFrom('9300000000000000000', '18446744073709551617'),
  fc.constantFrom('9007199254740993', '-9007199254740992', '123456789012345678', '0.30000000000000004'),
  fc.constantFrom(
    '1.0',
    '12345678901234567890123',
    '1e400',
    '-1e400',
    '5e-324',
    '123456789012.345',
    '2e292',
    '1e292',
  ),
  fc.constantFrom('01', '-', '.5', '1.', '+1', '1e', '0x10', 'NaN', '--1', '00', '-01'),
);

const day = fc.constantFrom(
  '2015-07-15',
  '2015-07-14',
  '2016-02-29',
  '2015-02-29',
  '2015-13-01',
  '1969-12-31',
  '1970-01-01',
  '0000-01-01',
  '9999-12-31',
);
const clock = fc.oneof(
  fc
    .tuple(fc.nat(24), fc.nat(60), fc.nat(60))
    .map((parts) => parts.map((part) => String(part).padStart(2, '0')).join(':')),
  fc.constantFrom('00:00:00', '00:00', '7:00:00', '23:59:5x', '23:59:59'),
);
const fraction = fc.constantFrom(
  '',
  '',
  '.000',
  '.123',
  '.1',
  '.12',
  '.123456789',
  '.1234567890',
  '.',
  '.12x',
);
const time = fc
  .tuple(day, fc.constantFrom(' ', 'T', '  '), clock, fraction, fc.constantFrom('', 'Z', '+02:00', 'z'))
  .map((parts) => parts.join(''));
const goodSql = fc
  .integer({ min: 1_436_918_000_000, max: 1_436_918_400_000 })
  .map((ms) => new Date(ms).toISOString().replace('T', ' ').slice(0, 23));
const goodIso = fc
  .integer({ min: 1_436_918_000_000, max: 1_436_918_400_000 })
  .map((ms) => new Date(ms).toISOString());
const timeText = fc.oneof(
  { arbitrary: goodSql.map((value) => `"${value}"`), weight: 6 },
  { arbitrary: goodIso.map((value) => `"${value}"`), weight: 3 },
  { arbitrary: time.map((value) => `"${value}"`), weight: 2 },
  { arbitrary: time.chain(spelledString), weight: 1 },
  {
    arbitrary: fc.constantFrom(
      '"2015-07-15 00:00:60.000"',
      '"2015-07-15T00:00:60Z"',
      '"2015-02-29 00:00:00"',
      '"2015-04-31T00:00:00Z"',
    ),
    weight: 1,
  },
);

interface Member {
  readonly key: string;
  readonly value: string;
}

const joined = (members: Spelled, open: string, close: string): Spelled =>
  fc.tuple(fc.array(fc.tuple(members, space, space), { maxLength: 4 }), space).map(([items, inner]) => {
    const list = items.map(([item, before, behind]) => before + item + behind).join(',');
    return open + (items.length === 0 ? inner : list) + close;
  });

const { value: anyValue } = fc.letrec<{ value: string; member: string; array: string; object: string }>(
  (tie) => ({
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom('null', 'true', 'false', 'nul', 'True'),
      number,
      text,
      timeText,
      tie('array'),
      tie('object'),
    ),
    array: joined(tie('value'), '[', ']'),
    object: joined(tie('member'), '{', '}'),
    member: fc.tuple(text, space, space, tie('value')).map(([key, a, b, value]) => `${key}${a}:${b}${value}`),
  }),
);

const good: Readonly<Record<string, Spelled>> = {
  kind: fc.constantFrom('0', '1', '2', '7'),
  note: text,
  flag: fc.constantFrom('true', 'false'),
  price: number,
  when: goodSql.map((value) => `"${value}"`),
  channel: fc.constantFrom('web', 'phone', 'a "quoted" one').chain(spelledString),
  amount: fc.constantFrom('"12.34"', '"0.5"', '"-7"', '"1.234"', '"1,0"'),
  id: fc.oneof(fc.integer().map(String), number),
  tags: fc.constantFrom('[]', '["a","b\\u00e9"]', '[ "x" ]', '["a",1]', '{}'),
  seen: timeText,
};

/** Mostly what belongs there, sometimes null or anything else. */
const valueFor = (key: string): Spelled =>
  fc.oneof(
    { arbitrary: good[key] ?? anyValue, weight: 24 },
    { arbitrary: fc.constant('null'), weight: 2 },
    { arbitrary: anyValue, weight: 1 },
  );

/** Members in one order mostly, with others in between, sometimes left out, sometimes twice. */
function objectOf(known: readonly string[], value: (key: string) => Spelled): Spelled {
  const member = (key: string): fc.Arbitrary<Member> =>
    fc
      .tuple(
        fc.oneof(
          { arbitrary: fc.constant(`"${key}"`), weight: 30 },
          { arbitrary: spelledString(key), weight: 1 },
        ),
        value(key),
      )
      .map(([spelled, content]) => ({ key: spelled, value: content }));
  const other = fc
    .tuple(fc.constantFrom('"url"', '"url"', '"é"', '""', '"__proto__"', '"a\\"b"', '"price"'), anyValue)
    .map(([key, content]): Member => ({ key, value: content }));
  const list = fc.tuple(...known.map(member)).chain((members) =>
    fc.oneof(
      { arbitrary: fc.constant(members), weight: 6 },
      { arbitrary: fc.subarray(members), weight: 4 },
      { arbitrary: fc.shuffledSubarray(members), weight: 2 },
      { arbitrary: fc.constantFrom(...members).map((twice) => [...members, twice]), weight: 1 },
      {
        arbitrary: fc
          .tuple(fc.nat(known.length), other)
          .map(([place, more]) => members.toSpliced(place, 0, more)),
        weight: 4,
      },
    ),
  );
  return fc.tuple(list, fc.array(space, { minLength: 4, maxLength: 4 })).map(([members, spaces]) => {
    const [a = '', b = '', c = '', d = ''] = spaces;
    return `{${a}${members.map((each) => `${each.key}${b}:${c}${each.value}${d}`).join(`,${a}`)}}`;
  });
}

const inner = objectOf(['id'], valueFor);
const bid = objectOf(['price', 'when', 'channel', 'amount', 'inner'], (key) =>
  key === 'inner'
    ? fc.oneof({ arbitrary: inner, weight: 9 }, { arbitrary: anyValue, weight: 1 })
    : valueFor(key),
);
const event = objectOf(['kind', 'note', 'flag', 'bid', 'tags', 'seen'], (key) =>
  key === 'bid'
    ? fc.oneof(
        { arbitrary: bid, weight: 18 },
        { arbitrary: fc.constant('null'), weight: 2 },
        { arbitrary: anyValue, weight: 1 },
      )
    : valueFor(key),
);

/** Bytes of a line, of which something may be broken. */
const line = fc
  .tuple(
    fc.oneof(
      { arbitrary: event, weight: 20 },
      { arbitrary: anyValue, weight: 1 },
      { arbitrary: fc.constantFrom('', ' ', '\u00a0', '\ufeff'), weight: 1 },
    ),
    fc.tuple(
      fc.constantFrom('', '', '', '', '\ufeff', ' ', '\u00a0'),
      fc.constantFrom('', '', '', '', ' ', '\r', ' \r', 'x', '}'),
    ),
    fc.option(fc.tuple(fc.nat(), fc.nat(255), fc.constantFrom('insert', 'replace', 'remove', 'cut')), {
      freq: 8,
    }),
  )
  .map(([json, [before, behind], damage]) => {
    const bytes = [...Buffer.from(before + json + behind)];
    if (damage !== null && bytes.length > 0) {
      const [where, byte, what] = damage;
      const place = where % bytes.length;
      if (what === 'cut') bytes.length = place;
      else bytes.splice(place, what === 'insert' ? 0 : 1, ...(what === 'remove' ? [] : [byte]));
    }
    return Buffer.from(bytes.filter((byte) => byte !== 10));
  });

export const lines = fc.array(line, { minLength: 1, maxLength: 30 });

/** Lines that are right but for the values of one field, which are spelled in every way. */
export const linesOfOneField = fc
  .constantFrom(
    {
      name: 'integer',
      values: number,
      line: (value: string) => `{"kind":${value},"seen":"2015-07-15T00:00:00Z"}`,
    },
    {
      name: 'double',
      values: number,
      line: (value: string) => `{"kind":1,"bid":{"price":${value}},"seen":"2015-07-15T00:00:00Z"}`,
    },
    {
      name: 'text',
      values: text,
      line: (value: string) => `{"kind":1,"note":${value},"seen":"2015-07-15T00:00:00Z"}`,
    },
    {
      name: 'unread',
      values: anyValue,
      line: (value: string) => `{"kind":1,"x":${value},"seen":"2015-07-15T00:00:00Z"}`,
    },
    { name: 'iso', values: timeText, line: (value: string) => `{"kind":1,"seen":${value}}` },
    { name: 'sql', values: timeText, line: (value: string) => `{"kind":1,"bid":{"when":${value}}}` },
  )
  .chain(({ values, line: lineOf }) =>
    fc.array(values, { minLength: 20, maxLength: 60 }).map((all) => all.map(lineOf)),
  );

export interface Read {
  readonly rows: {
    readonly row: Row;
    readonly ordinal: number;
    readonly timeMs: number;
    readonly maxBefore: number;
  }[];
  readonly problems: { readonly ordinal: number; readonly problem: string }[];
  readonly events: number;
  readonly maxTimeMs: number;
}

/** What is to be read: with nothing but `JSON.parse` and `decodeEvent`, row by row. */
export async function readSlowly(
  input: Buffer,
  needed: readonly string[],
  only?: { readonly field: string; readonly values: readonly unknown[] },
): Promise<Read> {
  const named = (names: readonly string[]): Field[] =>
    names.map((name) => FIELDS.find((field) => field.name === name) as Field);
  const times = named(EVENT_TIME);
  const gate = only === undefined ? [] : named([only.field]);
  const checked = FIELDS.filter((field) => [...named(needed), ...times, ...gate].includes(field));
  const read = {
    rows: [] as Read['rows'],
    problems: [] as Read['problems'],
    events: 0,
    maxTimeMs: -Infinity,
  };
  for await (const { text: content, problem } of linesOf(chunks(input))) {
    const ordinal = read.events++;
    const judged = problem ?? judge(content);
    if (typeof judged === 'string') {
      read.problems.push({ ordinal, problem: judged });
      continue;
    }
    if (judged.row !== null)
      read.rows.push({ row: judged.row, ordinal, timeMs: judged.timeMs, maxBefore: read.maxTimeMs });
    read.maxTimeMs = Math.max(read.maxTimeMs, judged.timeMs);
  }
  return read;

  function judge(content: string): string | { row: Row | null; timeMs: number } {
    let parsed: unknown;
    try {
      parsed = JSON.parse(content);
    } catch (error) {
      return `not JSON: ${(error as Error).message.slice(0, 120)}`;
    }
    const wanted = decodeEvent(gate, parsed);
    if ('problem' in wanted) return wanted.problem;
    const isWanted = only === undefined || only.values.includes(wanted.row[0]);
    const decoded = decodeEvent(isWanted ? checked : times, parsed);
    if ('problem' in decoded) return decoded.problem;
    const valueOf = (field: Field) => decoded.row[(isWanted ? checked : times).indexOf(field)] ?? null;
    const timeMs = times.map(valueOf).find((value) => value !== null);
    if (timeMs === undefined) return 'none of bid_when, seen says when the event happened';
    return { row: isWanted ? named(needed).map(valueOf) : null, timeMs: timeMs as number };
  }
}

async function* chunks(input: Buffer): AsyncIterable<Uint8Array> {
  yield input;
}

/**
 * Strings, by code points and not by UTF-16 units, so that other engines agree. Patterns are literals: they are checked
 * and prepared once.
 */
import type { Value } from '../data/value.ts';
import {
  anyNull,
  type Apply,
  type Arg,
  ARGS_MAX,
  type FunctionRow,
  strict1,
  strict2,
  strict3,
} from './function-row.ts';
import { likeMatcher } from './like.ts';
import type { ExprType } from './node.ts';
import { compileRegex, regexProblem } from './regex.ts';
import { RowError } from './row-error.ts';

/** Longer texts are errors of the row: a few replacements in a row could otherwise fill the memory. */
export const TEXT_UNITS_MAX = 2 ** 24;

export const TEXTS = {
  lower: ofText('lower', 'string', lower),
  upper: ofText('upper', 'string', upper),
  length: ofText('length', 'integer', codePoints),
  trim: ofText('trim', 'string', (text) => text.replace(/^ +/, '').replace(/(?<! ) +$/, '')),
  concat: {
    sign: 'concat',
    arity: { min: 2, max: ARGS_MAX },
    infer: (args) => strings(args, args.length, 'string'),
    make:
      () =>
      (...values) => {
        if (values.includes(null)) return null;
        const texts = values as string[];
        const units = texts.reduce((sum, text) => sum + text.length, 0);
        return bounded('concat', units, () => texts.join(''));
      },
  },
  substring: {
    sign: 'substring',
    arity: { min: 2, max: 3 },
    infer: ([text, ...bounds]) => {
      if (text?.type !== 'string' || bounds.some(({ type }) => type !== 'integer'))
        return 'needs a string, where it begins and, if you like, a length';
      return { type: 'string', nullable: text.nullable || anyNull(bounds) };
    },
    make: ({ args }) =>
      args.length === 2
        ? strict2((text: string, from: number) => substring(text, from, Infinity))
        : strict3(substring),
  },
  contains: ofTwo('contains', (text, part) => text.includes(part)),
  startsWith: ofTwo('starts_with', (text, part) => text.startsWith(part)),
  endsWith: ofTwo('ends_with', (text, part) => text.endsWith(part)),
  replace: {
    sign: 'replace',
    arity: 3,
    infer: (args) => strings(args, 3, 'string'),
    make: () => strict3(replace),
  },
  like: {
    sign: 'like',
    arity: 2,
    infer: (args) => withPattern(args, 'boolean', () => undefined),
    make: ({ args: [, pattern] }) => strict1(likeMatcher(literalText(pattern))),
  },
  matches: {
    sign: 'matches',
    arity: 2,
    infer: (args) => withPattern(args, 'boolean', regexProblem),
    make: ({ args: [, pattern] }) => {
      const regex = compileRegex(literalText(pattern));
      return strict1(regex.test);
    },
  },
  regexpExtract: {
    sign: 'regexp_extract',
    arity: { min: 2, max: 3 },
    infer: (args) => {
      const type = withPattern(args.slice(0, 2), 'string', regexProblem);
      if (typeof type === 'string') return type;
      const { groups } = compileRegex(literalText(args[1]));
      const group = groupOf(args[2]);
      if (group === undefined || group < 0 || group > groups)
        return `needs as group a whole number from 0 to ${groups}, the groups of its regex`;
      return { ...type, nullable: true };
    },
    make: ({ args: [, pattern, group] }) => {
      const regex = compileRegex(literalText(pattern));
      const index = groupOf(group) ?? 0;
      return strict1((text: string) => regex.match(text)?.[index] ?? null);
    },
  },
  splitPart: {
    sign: 'split_part',
    arity: 3,
    infer: ([text, separator, part]) => {
      if (text?.type !== 'string' || separator?.type !== 'string' || part?.type !== 'integer')
        return 'needs a string, a separator and the number of a part, from 1';
      return { type: 'string', nullable: true };
    },
    make: () => strict3(splitPart),
  },
} satisfies Readonly<Record<string, FunctionRow>>;

function ofText(sign: string, result: 'string' | 'integer', compute: (text: string) => Value): FunctionRow {
  return {
    sign,
    arity: 1,
    infer: ([a]) => (a?.type === 'string' ? { type: result, nullable: a.nullable } : 'needs a string'),
    make: () => strict1(compute),
  };
}

function ofTwo(sign: string, compute: (text: string, part: string) => boolean): FunctionRow {
  return {
    sign,
    arity: 2,
    infer: (args) => strings(args, 2, 'boolean'),
    make: (): Apply => strict2(compute),
  };
}

function strings(args: readonly Arg[], count: number, type: 'string' | 'boolean'): ExprType | string {
  if (args.length === count && args.every((arg) => arg.type === 'string'))
    return { type, nullable: anyNull(args) };
  return count === 2 ? 'needs two strings' : 'needs strings';
}

function withPattern(
  [text, pattern]: readonly Arg[],
  type: 'string' | 'boolean',
  problemOf: (pattern: string) => string | undefined,
): ExprType | string {
  if (text?.type !== 'string') return 'needs a string';
  if (typeof pattern?.literal !== 'string') return 'needs a pattern that is written as a literal';
  return problemOf(pattern.literal) ?? { type, nullable: text.nullable };
}

function literalText(arg: Arg | undefined): string {
  return arg?.literal as string;
}

function groupOf(arg: Arg | undefined): number | undefined {
  if (arg === undefined) return 0;
  return Number.isInteger(arg.literal) ? (arg.literal as number) : undefined;
}

function bounded(sign: string, units: number, make: () => string): string {
  if (units > TEXT_UNITS_MAX)
    throw new RowError(`${sign} makes a text of more than ${TEXT_UNITS_MAX} characters`);
  return make();
}

// oxlint-disable-next-line no-control-regex -- the range is what is meant
const ASCII = /^[\0-\x7f]*$/;

/** Letters that Unicode's simple mapping has in one code point, and JavaScript's full one in several. */
const UPPER_SIMPLE = new Map<string, string>([
  ['ß', 'ẞ'],
  ...[0x1f80, 0x1f90, 0x1fa0].flatMap((first) =>
    Array.from({ length: 8 }, (_, index) => pair(first + index, first + index + 8)),
  ),
  pair(0x1fb3, 0x1fbc),
  pair(0x1fc3, 0x1fcc),
  pair(0x1ff3, 0x1ffc),
]);

function pair(from: number, to: number): [string, string] {
  return [String.fromCodePoint(from), String.fromCodePoint(to)];
}

/** Letter by letter, as DuckDB does: one code point stays one, wherever it stands. */
function upper(text: string): string {
  if (ASCII.test(text)) return text.toUpperCase();
  let result = '';
  for (const letter of text) {
    const mapped = letter.toUpperCase();
    result += mapped.length > letter.length ? (UPPER_SIMPLE.get(letter) ?? letter) : mapped;
  }
  return result;
}

function lower(text: string): string {
  if (ASCII.test(text)) return text.toLowerCase();
  let result = '';
  for (const letter of text) result += letter === 'İ' ? 'i' : letter.toLowerCase();
  return result;
}

function codePoints(text: string): number {
  let count = text.length;
  for (let index = 0; index < text.length; index++) {
    if ((text.charCodeAt(index) & 0xfc00) === 0xdc00) count--;
  }
  return count;
}

/** What lies before the first position is there but empty, as the SQL standard has it. */
function substring(text: string, from: number, length: number): string {
  if (length < 0) throw new RowError(`substring of length ${length}`);
  const start = Math.max(from, 1) - 1;
  const end = Math.max(from + length - 1, 0);
  if (end <= start) return '';
  if (codePoints(text) === text.length) return text.slice(start, end);
  return Array.from(text).slice(start, end).join('');
}

function replace(text: string, what: string, by: string): string {
  if (what === '') return text;
  const parts = text.split(what);
  const units = text.length + (parts.length - 1) * (by.length - what.length);
  return bounded('replace', units, () => parts.join(by));
}

/** Null beyond the last part; an empty separator parts all code points. */
function splitPart(text: string, separator: string, part: number): string | null {
  if (part < 1) return null;
  if (separator === '') return Array.from(text)[part - 1] ?? null;
  let start = 0;
  for (let index = 1; ; index++) {
    const end = text.indexOf(separator, start);
    if (index === part) return end < 0 ? text.slice(start) : text.slice(start, end);
    if (end < 0) return null;
    start = end + separator.length;
  }
}
